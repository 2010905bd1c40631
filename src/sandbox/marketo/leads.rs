//! `/rest/v1/leads…`: describe, and people by a filter.

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Map, Value, json};

use super::call::Call;
use super::envelope::{answer, success};
use super::error::Refusal;
use super::fields::{self, FIELDS, Field};
use super::params::Params;
use crate::sandbox::people::People;
use crate::sandbox::people::person::{PersonKind, SandboxPerson, company_number};
use crate::sandbox::salesforce::ids::{self, Prefix};
use crate::sandbox::state::SandboxState;

/// Most values of a filter.
const MOST_VALUES: usize = 300;
/// Above this many matches the call fails with 1003.
const MOST_MATCHES: usize = 1000;
/// Fields returned when none are asked for.
const DEFAULT_FIELDS: [&str; 6] = ["id", "email", "updatedAt", "createdAt", "lastName", "firstName"];

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/rest/v1/leads/describe.json", web::get().to(describe))
        .route("/rest/v1/leads/describe2.json", web::get().to(describe2))
        .service(
            web::resource("/rest/v1/leads.json")
                .route(web::get().to(by_filter))
                .route(web::post().to(by_filter_in_body))
                .default_service(web::to(super::unknown)),
        )
        .route("/rest/v1/lead/{lead_id}.json", web::get().to(by_id));
}

async fn describe(call: Call) -> HttpResponse {
    let fields: Vec<Value> = FIELDS.iter().map(fields::describe).collect();
    success(&call.sandbox, json!({"result": fields}))
}

async fn describe2(call: Call) -> HttpResponse {
    let searchable: Vec<[&str; 1]> = FIELDS.iter().filter(|field| field.searchable).map(|field| [field.name]).collect();
    let fields: Vec<Value> = FIELDS.iter().map(fields::describe2).collect();
    success(&call.sandbox, json!({"result": [{"name": "API Lead", "searchableFields": searchable, "fields": fields}]}))
}

async fn by_filter(call: Call, request: HttpRequest) -> HttpResponse {
    found(call, Params::of_query(&request)).await
}

async fn by_filter_in_body(call: Call, request: HttpRequest, body: web::Bytes) -> HttpResponse {
    let params = Params::of_query_and_body(&request, &body);
    if params.one("_method").is_some_and(|method| method.eq_ignore_ascii_case("GET")) {
        found(call, params).await
    } else {
        // Writing people is no part of this stand-in.
        Refusal::new("603", "Access denied").envelope(&call.sandbox)
    }
}

async fn found(call: Call, params: Params) -> HttpResponse {
    let sandbox = call.sandbox.clone();
    // Some filters look at everyone.
    let outcome = web::block(move || search(&sandbox, &params)).await;
    answer(&call.sandbox, outcome.unwrap_or_else(|_| Err(Refusal::new("611", "System error"))))
}

async fn by_id(call: Call, path: web::Path<String>, request: HttpRequest) -> HttpResponse {
    let id = path.into_inner();
    let outcome = wanted_fields(&Params::of_query(&request)).and_then(|fields| {
        let number = id.parse().map_err(|_| Refusal::wrong_type(&id, "Long"))?;
        let person = call.sandbox.people.index_of_marketo_id(number).and_then(|index| call.sandbox.people.in_marketo(index));
        person
            .map(|person| json!({"result": [shown(&person, &fields)]}))
            .ok_or_else(|| Refusal::new("1004", format!("Lead '{id}' not found")))
    });
    answer(&call.sandbox, outcome)
}

pub(super) fn wanted_fields(params: &Params) -> Result<Vec<&'static Field>, Refusal> {
    let mut names = params.list("fields");
    if names.is_empty() {
        names = DEFAULT_FIELDS.to_vec();
    } else if !names.contains(&"id") {
        // A record always holds its id.
        names.insert(0, "id");
    }
    names.into_iter().map(|name| fields::find(name).ok_or_else(|| Refusal::no_field(name))).collect()
}

pub(super) fn shown(person: &SandboxPerson, fields: &[&Field]) -> Value {
    Value::Object(fields.iter().map(|field| (field.name.to_owned(), fields::json_value(person, field))).collect::<Map<_, _>>())
}

fn search(sandbox: &SandboxState, params: &Params) -> Result<Value, Refusal> {
    let filter = params.one("filterType").ok_or_else(|| Refusal::missing("filterType"))?;
    let values = params.list("filterValues");
    if values.is_empty() {
        return Err(Refusal::missing("filterValues"));
    }
    if values.len() > MOST_VALUES {
        return Err(Refusal::invalid("filterValues"));
    }
    let field = fields::find(filter).ok_or_else(|| Refusal::no_field(filter))?;
    if !field.searchable || (field.name.starts_with("sfdc") && !sandbox.marketo().salesforce_ids_searchable) {
        return Err(Refusal::new("1011", format!("Lookup field '{filter}' not supported")));
    }
    let wanted = wanted_fields(params)?;
    let batch = params.batch_size()?;
    let offset = params.page_offset()?;

    let matches = matching(&sandbox.people, field, &values)?;
    if matches.len() > MOST_MATCHES {
        return Err(Refusal::new("1003", "Too many results match the filter"));
    }
    let page: Vec<Value> =
        matches.iter().skip(offset).take(batch).filter_map(|&index| Some(shown(&sandbox.people.in_marketo(index)?, &wanted))).collect();
    Ok(Params::page(page, offset + batch, matches.len()))
}

/// Indices of those in Marketo for whom `field` equals one of `values`; stops soon after too many.
fn matching(people: &People, field: &Field, values: &[&str]) -> Result<Vec<u64>, Refusal> {
    let mut found: Vec<u64> = Vec::new();
    match field.name {
        "id" => {
            for value in values {
                let id = value.parse().map_err(|_| Refusal::wrong_type(value, "Integer"))?;
                found.extend(people.index_of_marketo_id(id));
            }
        }
        "email" => values.iter().for_each(|value| found.extend(people.find_by_email(value))),
        "sfdcLeadId" => found.extend(values.iter().filter_map(|value| ids::number(Prefix::Lead, value))),
        "sfdcContactId" => found.extend(values.iter().filter_map(|value| ids::number(Prefix::Contact, value))),
        "sfdcOpptyId" => found.extend(values.iter().filter_map(|value| ids::number(Prefix::Opportunity, value))),
        "sfdcAccountId" => {
            for account in values.iter().filter_map(|value| ids::number(Prefix::Account, value)) {
                found.extend((account * 3..account * 3 + 3).filter(|&index| company_number(index) == account));
            }
        }
        _ => {
            found = everyone_with(people, field, values);
            return Ok(found);
        }
    }
    found.sort_unstable();
    found.dedup();
    // An id was read as a number already; the others must still be the person's own.
    found.retain(|&index| people.in_marketo(index).is_some_and(|person| field.name == "id" || holds(&person, field, values)));
    Ok(found)
}

fn everyone_with(people: &People, field: &Field, values: &[&str]) -> Vec<u64> {
    // Nobody here has these at all.
    if matches!(field.name, "cookies" | "externalCompanyId" | "newsletterLanguage") {
        return Vec::new();
    }
    (0..people.count())
        .filter(|&index| field.name == "linkedInURL" || people.kind(index) != PersonKind::MarketoOnly)
        .filter(|&index| people.in_marketo(index).is_some_and(|person| holds(&person, field, values)))
        .take(MOST_MATCHES + 1)
        .collect()
}

fn holds(person: &SandboxPerson, field: &Field, values: &[&str]) -> bool {
    let Some(own) = person.marketo_value(field.name) else { return false };
    if field.name.starts_with("sfdc") {
        values.iter().any(|value| ids::same(&own, value))
    } else {
        values.iter().any(|value| own.to_lowercase() == value.to_lowercase())
    }
}
