//! `/rest/v1/lists…`: static lists, made by a control call, and their members.

use std::collections::BTreeSet;

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

use super::call::Call;
use super::envelope::{Refusal, answer};
use super::leads;
use super::params::Params;
use crate::sandbox::moment::iso;
use crate::sandbox::world::World;

/// Id of the first list.
const FIRST_LIST: u64 = 1001;
/// With so many members a list is too large for Get Lead Activities and Get Lead Changes, by the notice in the vendor's description of
/// both.
const TOO_MANY_MEMBERS: usize = 10_000;

/// One static list.
#[derive(Debug)]
pub struct StaticList {
    id: u64,
    name: String,
    /// Marketo's ids of the people in it.
    members: BTreeSet<u64>,
    /// Unix seconds.
    created_at: i64,
}

impl StaticList {
    fn shown(&self) -> Value {
        let at = iso(self.created_at);
        json!({"id": self.id, "name": self.name, "createdAt": at, "updatedAt": at, "workspaceName": "Default"})
    }
}

/// Every static list.
#[derive(Debug, Default)]
pub struct StaticLists(Vec<StaticList>);

impl StaticLists {
    /// Makes a list of people by their Marketo ids; gives its id.
    pub fn add(&mut self, name: String, members: BTreeSet<u64>, now: i64) -> u64 {
        let id = FIRST_LIST + self.0.len() as u64;
        self.0.push(StaticList { id, name, members, created_at: now });
        id
    }

    fn find(&self, id: &str) -> Result<&StaticList, Refusal> {
        let number: u64 = id.parse().map_err(|_| Refusal::wrong_type(id, "Integer"))?;
        self.0.iter().find(|list| list.id == number).ok_or_else(|| Refusal::new("1013", "Object not found"))
    }

    /// The members of a list, for the filter `listId` of activities.
    ///
    /// # Errors
    /// 1001 for a text that is no id, 1013 for an unknown list, 1003 for one that is too large.
    pub fn members_for_activities(&self, id: &str) -> Result<BTreeSet<u64>, Refusal> {
        let list = self.find(id)?;
        if list.members.len() >= TOO_MANY_MEMBERS {
            return Err(Refusal::new("1003", format!("The list holds {TOO_MANY_MEMBERS} members or more")));
        }
        Ok(list.members.clone())
    }
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/rest/v1/lists.json", web::get().to(all))
        .route("/rest/v1/lists/{list_id}.json", web::get().to(by_id))
        .route("/rest/v1/list/{list_id}/leads.json", web::get().to(members))
        .route("/rest/v1/lists/{list_id}/leads.json", web::get().to(members));
}

async fn all(call: Call, request: HttpRequest) -> HttpResponse {
    answer(&call.world, chosen(&call.world, &Params::of_query(&request)))
}

fn chosen(world: &World, params: &Params) -> Result<Value, Refusal> {
    let batch = params.batch_size()?;
    let offset = params.page_offset()?;
    let (ids, names) = (params.list("id"), params.list("name"));
    let state = world.marketo();
    let fitting: Vec<&StaticList> = state
        .lists
        .0
        .iter()
        .filter(|list| ids.is_empty() || ids.contains(&list.id.to_string().as_str()))
        .filter(|list| names.is_empty() || names.contains(&list.name.as_str()))
        .collect();
    let page: Vec<Value> = fitting.iter().skip(offset).take(batch).map(|list| list.shown()).collect();
    Ok(Params::page(page, offset + batch, fitting.len()))
}

async fn by_id(call: Call, path: web::Path<String>) -> HttpResponse {
    let outcome = call.world.marketo().lists.find(&path).map(|list| json!({"result": [list.shown()]}));
    answer(&call.world, outcome)
}

async fn members(call: Call, path: web::Path<String>, request: HttpRequest) -> HttpResponse {
    answer(&call.world, listed(&call.world, &path, &Params::of_query(&request)))
}

fn listed(world: &World, id: &str, params: &Params) -> Result<Value, Refusal> {
    let fields = leads::wanted_fields(params)?;
    let batch = params.batch_size()?;
    let offset = params.page_offset()?;
    let members: Vec<u64> = world.marketo().lists.find(id)?.members.iter().copied().collect();
    let people: Vec<Value> = members
        .iter()
        .skip(offset)
        .take(batch)
        .filter_map(|&id| world.people.in_marketo(world.people.index_of(id)?))
        .map(|person| leads::shown(&person, &fields))
        .collect();
    Ok(Params::page(people, offset + batch, members.len()))
}
