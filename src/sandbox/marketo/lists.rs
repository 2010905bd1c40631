//! `/rest/v1/lists…`: static lists and their members.

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

use super::calls::MarketoCall;
use super::envelope::respond;
use super::error::MarketoApiError;
use super::leads;
use super::request_parameters::RequestParameters;
use super::static_lists::StaticList;
use crate::sandbox::state::SandboxState;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/rest/v1/lists.json", web::get().to(list_all))
        .route("/rest/v1/lists/{list_id}.json", web::get().to(get_list))
        .route("/rest/v1/list/{list_id}/leads.json", web::get().to(list_members))
        .route("/rest/v1/lists/{list_id}/leads.json", web::get().to(list_members));
}

async fn list_all(call: MarketoCall, request: HttpRequest) -> HttpResponse {
    respond(&call.sandbox, select_lists(&call.sandbox, &RequestParameters::from_query(&request)))
}

fn select_lists(sandbox: &SandboxState, params: &RequestParameters) -> Result<Value, MarketoApiError> {
    let batch = params.batch_size()?;
    let offset = params.page_offset()?;
    let (ids, names) = (params.get_list("id"), params.get_list("name"));
    let marketo = sandbox.marketo();
    let matching: Vec<&StaticList> = marketo
        .lists
        .all()
        .iter()
        .filter(|list| ids.is_empty() || ids.contains(&list.id.to_string().as_str()))
        .filter(|list| names.is_empty() || names.contains(&list.name.as_str()))
        .collect();
    let page: Vec<Value> = matching.iter().skip(offset).take(batch).map(|list| list.to_json()).collect();
    Ok(RequestParameters::render_page(page, offset + batch, matching.len()))
}

async fn get_list(call: MarketoCall, path: web::Path<String>) -> HttpResponse {
    let outcome = call.sandbox.marketo().lists.find(&path).map(|list| json!({"result": [list.to_json()]}));
    respond(&call.sandbox, outcome)
}

async fn list_members(call: MarketoCall, path: web::Path<String>, request: HttpRequest) -> HttpResponse {
    respond(&call.sandbox, select_members(&call.sandbox, &path, &RequestParameters::from_query(&request)))
}

fn select_members(sandbox: &SandboxState, id: &str, params: &RequestParameters) -> Result<Value, MarketoApiError> {
    let fields = leads::requested_fields(params)?;
    let batch = params.batch_size()?;
    let offset = params.page_offset()?;
    let members: Vec<u64> = sandbox.marketo().lists.find(id)?.members.iter().copied().collect();
    let people: Vec<Value> = members
        .iter()
        .skip(offset)
        .take(batch)
        .filter_map(|&id| sandbox.people.find_in_marketo(sandbox.people.index_of_marketo_id(id)?))
        .map(|person| leads::render_lead(&person, &fields))
        .collect();
    Ok(RequestParameters::render_page(people, offset + batch, members.len()))
}
