//! Control routes that show and change people in both systems.

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{bad_request, parse_body};
use crate::sandbox::people::person::{FIRST_MARKETO_ID, PersonKind, SandboxPerson};
use crate::sandbox::salesforce::ids::KeyPrefix;
use crate::sandbox::state::SandboxState;

/// Most people of one page.
const MAX_PAGE_SIZE: u64 = 10_000;

/// Field values by name: texts, numbers and booleans as text, null to empty a field.
fn parse_fields(body: &[u8]) -> Result<Vec<(String, Option<String>)>, HttpResponse> {
    let fields: Map<String, Value> = if body.is_empty() { Map::new() } else { parse_body(body)? };
    Ok(fields
        .into_iter()
        .map(|(name, value)| {
            let text = match value {
                Value::Null => None,
                Value::String(text) => Some(text),
                other => Some(other.to_string()),
            };
            (name, text)
        })
        .collect())
}

fn render_person(sandbox: &SandboxState, person: &SandboxPerson) -> Value {
    let fields = [
        "id",
        "email",
        "firstName",
        "lastName",
        "company",
        "title",
        "phone",
        "leadSource",
        "linkedInURL",
        "unsubscribed",
        "createdAt",
        "updatedAt",
    ];
    let sync = ["sfdcType", "sfdcId", "sfdcLeadId", "sfdcContactId", "sfdcAccountId", "sfdcOpptyId", "sfdcLeadOwnerId"];
    let mut all: Map<String, Value> =
        fields.into_iter().chain(sync).map(|name| (name.to_owned(), json!(person.marketo_value(name)))).collect();
    all.insert("ownerId".into(), json!(person.owner_id));
    all.insert("inMarketo".into(), json!(sandbox.people.find_in_marketo(person.index).is_some()));
    let salesforce = match person.kind {
        PersonKind::MarketoOnly => "none",
        PersonKind::Lead => "lead",
        PersonKind::Contact => "contact",
        PersonKind::Converted => "converted",
    };
    all.insert("salesforce".into(), json!(salesforce));
    all.insert("deletedInSalesforce".into(), json!(person.is_deleted_in_salesforce));
    Value::Object(all)
}

fn person_not_found() -> HttpResponse {
    HttpResponse::NotFound().json(json!({"error": "there is no such person"}))
}

pub(super) async fn add_person(body: web::Bytes, sandbox: web::Data<SandboxState>) -> HttpResponse {
    let fields = match parse_fields(&body) {
        Ok(fields) => fields,
        Err(response) => return response,
    };
    match sandbox.people.add(&fields, sandbox.now()) {
        Ok(person) => HttpResponse::Created().json(render_person(&sandbox, &person)),
        Err(error) => bad_request(error.to_string()),
    }
}

pub(super) async fn show_person(path: web::Path<u64>, sandbox: web::Data<SandboxState>) -> HttpResponse {
    let person = sandbox
        .people
        .index_of_marketo_id(*path)
        .and_then(|index| sandbox.people.find_in_salesforce(index).or_else(|| sandbox.people.find_in_marketo(index)));
    person.map_or_else(person_not_found, |person| HttpResponse::Ok().json(render_person(&sandbox, &person)))
}

pub(super) async fn change_person(path: web::Path<u64>, body: web::Bytes, sandbox: web::Data<SandboxState>) -> HttpResponse {
    let fields = match parse_fields(&body) {
        Ok(fields) => fields,
        Err(response) => return response,
    };
    match sandbox.people.index_of_marketo_id(*path).map(|index| sandbox.people.change(index, &fields, sandbox.now())) {
        Some(Ok(Some(person))) => HttpResponse::Ok().json(render_person(&sandbox, &person)),
        Some(Err(error)) => bad_request(error.to_string()),
        _ => person_not_found(),
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct DeletionQuery {
    #[serde(default)]
    from: DeletionScope,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum DeletionScope {
    Marketo,
    Salesforce,
    #[default]
    Both,
}

pub(super) async fn delete_person(
    path: web::Path<u64>,
    query: web::Query<DeletionQuery>,
    sandbox: web::Data<SandboxState>,
) -> HttpResponse {
    let from = query.from;
    let is_deleted = sandbox.people.index_of_marketo_id(*path).is_some_and(|index| {
        sandbox.people.delete(index, from != DeletionScope::Salesforce, from != DeletionScope::Marketo, sandbox.now())
    });
    if is_deleted { HttpResponse::NoContent().finish() } else { person_not_found() }
}

#[derive(Debug, Deserialize)]
pub(super) struct PeoplePageQuery {
    #[serde(default)]
    after: u64,
    #[serde(default = "default_page_size")]
    limit: u64,
}

fn default_page_size() -> u64 {
    1000
}

pub(super) async fn list_people(page: web::Query<PeoplePageQuery>, sandbox: web::Data<SandboxState>) -> HttpResponse {
    let listed = web::block(move || {
        let begin = sandbox.people.index_of_marketo_id(page.after).map_or(0, |index| index + 1);
        let end = sandbox.people.count().min(begin + page.limit.min(MAX_PAGE_SIZE));
        // Salesforce's view also has the people deleted from Marketo.
        let find = |index| sandbox.people.find_in_salesforce(index).or_else(|| sandbox.people.find_in_marketo(index));
        let people: Vec<Value> = (begin..end).filter_map(find).map(|person| render_person(&sandbox, &person)).collect();
        let next = (end < sandbox.people.count()).then_some(end + FIRST_MARKETO_ID - 1);
        json!({"people": people, "next": next})
    })
    .await;
    listed.map_or_else(|_| HttpResponse::InternalServerError().finish(), |body| HttpResponse::Ok().json(body))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MergeRequest {
    losers: Vec<u64>,
    /// Whether the Salesforce records are merged as well.
    #[serde(default)]
    in_salesforce: bool,
}

pub(super) async fn merge_people(path: web::Path<u64>, body: web::Bytes, sandbox: web::Data<SandboxState>) -> HttpResponse {
    let merge: MergeRequest = match parse_body(&body) {
        Ok(merge) => merge,
        Err(response) => return response,
    };
    let index = |id: u64| sandbox.people.index_of_marketo_id(id);
    let losers: Option<Vec<u64>> = merge.losers.iter().map(|&id| index(id)).collect();
    let is_merged =
        index(*path).zip(losers).is_some_and(|(winner, losers)| sandbox.people.merge(winner, &losers, merge.in_salesforce, sandbox.now()));
    if is_merged { HttpResponse::NoContent().finish() } else { person_not_found() }
}

/// Counts people as a reader of both systems finds them.
pub(super) async fn summarize_people(sandbox: web::Data<SandboxState>) -> HttpResponse {
    let counted = web::block(move || {
        let (mut marketo, mut leads, mut contacts, mut converted, mut user_owned, mut queue_owned) =
            (0_u64, 0_u64, 0_u64, 0_u64, 0_u64, 0_u64);
        for person in (0..sandbox.people.count()).filter_map(|index| sandbox.people.find_in_marketo(index)) {
            marketo += 1;
            if person.kind == PersonKind::MarketoOnly || person.is_deleted_in_salesforce {
                continue;
            }
            match person.kind {
                PersonKind::Lead => leads += 1,
                PersonKind::Contact => contacts += 1,
                _ => converted += 1,
            }
            let has_user_owner = person.owner_id.as_deref().is_some_and(|owner| owner.starts_with(KeyPrefix::User.as_str()));
            if has_user_owner { user_owned += 1 } else { queue_owned += 1 }
        }
        json!({
            "people_in_marketo": marketo,
            "leads": leads,
            "contacts": contacts,
            "converted_leads": converted,
            "owned_by_a_user": user_owned,
            "owned_by_a_queue": queue_owned,
        })
    })
    .await;
    counted.map_or_else(|_| HttpResponse::InternalServerError().finish(), |body| HttpResponse::Ok().json(body))
}
