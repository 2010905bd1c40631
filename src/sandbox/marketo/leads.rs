//! `/rest/v1/leads…`: describe, and people by a filter.

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Map, Value, json};

use super::calls::MarketoCall;
use super::envelope::{respond, respond_success};
use super::error::MarketoApiError;
use super::fields::{self, FIELDS, MarketoField};
use super::request_parameters::RequestParameters;
use crate::sandbox::people::People;
use crate::sandbox::people::person::{PEOPLE_PER_COMPANY, PersonKind, SandboxPerson};
use crate::sandbox::salesforce::ids::{self, KeyPrefix};
use crate::sandbox::state::SandboxState;

/// Most values of a filter.
const MAX_VALUES: usize = 300;
/// With more matches the call fails with 1003.
const MAX_MATCHES: usize = 1000;
/// Fields returned when none are requested.
const DEFAULT_FIELDS: [&str; 6] = ["id", "email", "updatedAt", "createdAt", "lastName", "firstName"];

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/rest/v1/leads/describe.json", web::get().to(describe))
        .route("/rest/v1/leads/describe2.json", web::get().to(describe2))
        .service(
            web::resource("/rest/v1/leads.json")
                .route(web::get().to(find_by_query))
                .route(web::post().to(find_by_form))
                .default_service(web::to(super::respond_unknown)),
        )
        .route("/rest/v1/lead/{lead_id}.json", web::get().to(get_by_id));
}

async fn describe(call: MarketoCall) -> HttpResponse {
    let fields: Vec<Value> = FIELDS.iter().map(fields::describe_field).collect();
    respond_success(&call.sandbox, json!({"result": fields}))
}

async fn describe2(call: MarketoCall) -> HttpResponse {
    let searchable: Vec<[&str; 1]> = FIELDS.iter().filter(|field| field.is_searchable).map(|field| [field.name]).collect();
    let fields: Vec<Value> = FIELDS.iter().map(fields::describe2_field).collect();
    respond_success(&call.sandbox, json!({"result": [{"name": "API Lead", "searchableFields": searchable, "fields": fields}]}))
}

async fn find_by_query(call: MarketoCall, request: HttpRequest) -> HttpResponse {
    respond_matches(call, RequestParameters::from_query(&request)).await
}

async fn find_by_form(call: MarketoCall, request: HttpRequest, body: web::Bytes) -> HttpResponse {
    let params = RequestParameters::from_query_and_body(&request, &body);
    if params.get("_method").is_some_and(|method| method.eq_ignore_ascii_case("GET")) {
        respond_matches(call, params).await
    } else {
        // The sandbox doesn't let people be written.
        MarketoApiError::new("603", "Access denied").to_response(&call.sandbox)
    }
}

async fn respond_matches(call: MarketoCall, params: RequestParameters) -> HttpResponse {
    let sandbox = call.sandbox.clone();
    // Off the worker, because some filters look at everyone.
    let outcome = web::block(move || search(&sandbox, &params)).await;
    respond(&call.sandbox, outcome.unwrap_or_else(|_| Err(MarketoApiError::new("611", "System error"))))
}

async fn get_by_id(call: MarketoCall, path: web::Path<String>, request: HttpRequest) -> HttpResponse {
    let id = path.into_inner();
    let outcome = requested_fields(&RequestParameters::from_query(&request)).and_then(|fields| {
        let number = id.parse().map_err(|_| MarketoApiError::wrong_type(&id, "Long"))?;
        let person = call.sandbox.people.index_of_marketo_id(number).and_then(|index| call.sandbox.people.find_in_marketo(index));
        person
            .map(|person| json!({"result": [render_lead(&person, &fields)]}))
            .ok_or_else(|| MarketoApiError::new("1004", format!("Lead '{id}' not found")))
    });
    respond(&call.sandbox, outcome)
}

/// The fields that a call requests, always with the id.
///
/// # Errors
/// 1006 for an unknown name.
pub(super) fn requested_fields(params: &RequestParameters) -> Result<Vec<&'static MarketoField>, MarketoApiError> {
    let mut names = params.get_list("fields");
    if names.is_empty() {
        names = DEFAULT_FIELDS.to_vec();
    } else if !names.contains(&"id") {
        names.insert(0, "id");
    }
    names.into_iter().map(|name| fields::find_field(name).ok_or_else(|| MarketoApiError::unknown_field(name))).collect()
}

/// A person as the calls for leads show them.
pub(super) fn render_lead(person: &SandboxPerson, fields: &[&MarketoField]) -> Value {
    Value::Object(fields.iter().map(|field| (field.name.to_owned(), fields::field_json(person, field))).collect::<Map<_, _>>())
}

fn search(sandbox: &SandboxState, params: &RequestParameters) -> Result<Value, MarketoApiError> {
    let filter = params.get("filterType").ok_or_else(|| MarketoApiError::missing("filterType"))?;
    let values = params.get_list("filterValues");
    if values.is_empty() {
        return Err(MarketoApiError::missing("filterValues"));
    }
    if values.len() > MAX_VALUES {
        return Err(MarketoApiError::invalid("filterValues"));
    }
    let field = fields::find_field(filter).ok_or_else(|| MarketoApiError::unknown_field(filter))?;
    if !field.is_searchable || (field.name.starts_with("sfdc") && !sandbox.marketo().has_searchable_salesforce_ids) {
        return Err(MarketoApiError::new("1011", format!("Lookup field '{filter}' not supported")));
    }
    let fields = requested_fields(params)?;
    let batch = params.batch_size()?;
    let offset = params.page_offset()?;

    let matches = find_matches(&sandbox.people, field, &values)?;
    if matches.len() > MAX_MATCHES {
        return Err(MarketoApiError::new("1003", "Too many results match the filter"));
    }
    let page: Vec<Value> = matches
        .iter()
        .skip(offset)
        .take(batch)
        .filter_map(|&index| Some(render_lead(&sandbox.people.find_in_marketo(index)?, &fields)))
        .collect();
    Ok(RequestParameters::render_page(page, offset + batch, matches.len()))
}

/// Indices of the people in Marketo whose `field` equals one of `values`; stops soon after too many.
fn find_matches(people: &People, field: &MarketoField, values: &[&str]) -> Result<Vec<u64>, MarketoApiError> {
    let mut found: Vec<u64> = Vec::new();
    match field.name {
        "id" => {
            for value in values {
                let id = value.parse().map_err(|_| MarketoApiError::wrong_type(value, "Integer"))?;
                found.extend(people.index_of_marketo_id(id));
            }
        }
        "email" => values.iter().for_each(|value| found.extend(people.find_by_email(value))),
        "sfdcLeadId" => found.extend(values.iter().filter_map(|value| ids::record_number(KeyPrefix::Lead, value))),
        "sfdcContactId" => found.extend(values.iter().filter_map(|value| ids::record_number(KeyPrefix::Contact, value))),
        "sfdcOpptyId" => found.extend(values.iter().filter_map(|value| ids::record_number(KeyPrefix::Opportunity, value))),
        "sfdcAccountId" => {
            for account in values.iter().filter_map(|value| ids::record_number(KeyPrefix::Account, value)) {
                found.extend(account * PEOPLE_PER_COMPANY..(account + 1) * PEOPLE_PER_COMPANY);
            }
        }
        _ => {
            return Ok(scan_everyone(people, field, values));
        }
    }
    found.sort_unstable();
    found.dedup();
    // A Marketo id identifies the person; the other values are compared with what the person has now.
    found.retain(|&index| people.find_in_marketo(index).is_some_and(|person| field.name == "id" || has_value(&person, field, values)));
    Ok(found)
}

/// Looks at everyone, for fields by which there is no shorter way.
fn scan_everyone(people: &People, field: &MarketoField, values: &[&str]) -> Vec<u64> {
    // Nobody has a value in these.
    if matches!(field.name, "cookies" | "externalCompanyId" | "newsletterLanguage") {
        return Vec::new();
    }
    (0..people.count())
        .filter(|&index| field.name == "linkedInURL" || people.kind(index) != PersonKind::MarketoOnly)
        .filter(|&index| people.find_in_marketo(index).is_some_and(|person| has_value(&person, field, values)))
        .take(MAX_MATCHES + 1)
        .collect()
}

fn has_value(person: &SandboxPerson, field: &MarketoField, values: &[&str]) -> bool {
    let Some(own) = person.marketo_value(field.name) else { return false };
    if field.name.starts_with("sfdc") {
        values.iter().any(|value| ids::is_same_record(&own, value))
    } else {
        values.iter().any(|value| own.to_lowercase() == value.to_lowercase())
    }
}
