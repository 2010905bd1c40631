//! `/rest/v1/lists…`: static lists, made by a control call, and their members.

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

use super::call::Call;
use super::envelope::answer;
use super::error::Refusal;
use super::leads;
use super::params::Params;
use super::static_lists::StaticList;
use crate::sandbox::state::SandboxState;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/rest/v1/lists.json", web::get().to(all))
        .route("/rest/v1/lists/{list_id}.json", web::get().to(by_id))
        .route("/rest/v1/list/{list_id}/leads.json", web::get().to(members))
        .route("/rest/v1/lists/{list_id}/leads.json", web::get().to(members));
}

async fn all(call: Call, request: HttpRequest) -> HttpResponse {
    answer(&call.sandbox, chosen(&call.sandbox, &Params::of_query(&request)))
}

fn chosen(sandbox: &SandboxState, params: &Params) -> Result<Value, Refusal> {
    let batch = params.batch_size()?;
    let offset = params.page_offset()?;
    let (ids, names) = (params.list("id"), params.list("name"));
    let state = sandbox.marketo();
    let fitting: Vec<&StaticList> = state
        .lists
        .all()
        .iter()
        .filter(|list| ids.is_empty() || ids.contains(&list.id.to_string().as_str()))
        .filter(|list| names.is_empty() || names.contains(&list.name.as_str()))
        .collect();
    let page: Vec<Value> = fitting.iter().skip(offset).take(batch).map(|list| list.shown()).collect();
    Ok(Params::page(page, offset + batch, fitting.len()))
}

async fn by_id(call: Call, path: web::Path<String>) -> HttpResponse {
    let outcome = call.sandbox.marketo().lists.find(&path).map(|list| json!({"result": [list.shown()]}));
    answer(&call.sandbox, outcome)
}

async fn members(call: Call, path: web::Path<String>, request: HttpRequest) -> HttpResponse {
    answer(&call.sandbox, listed(&call.sandbox, &path, &Params::of_query(&request)))
}

fn listed(sandbox: &SandboxState, id: &str, params: &Params) -> Result<Value, Refusal> {
    let fields = leads::wanted_fields(params)?;
    let batch = params.batch_size()?;
    let offset = params.page_offset()?;
    let members: Vec<u64> = sandbox.marketo().lists.find(id)?.members.iter().copied().collect();
    let people: Vec<Value> = members
        .iter()
        .skip(offset)
        .take(batch)
        .filter_map(|&id| sandbox.people.in_marketo(sandbox.people.index_of_marketo_id(id)?))
        .map(|person| leads::shown(&person, &fields))
        .collect();
    Ok(Params::page(people, offset + batch, members.len()))
}
