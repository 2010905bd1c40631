//! The routes of single records, collections and composite requests.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use percent_encoding::percent_decode_str;
use serde_json::Value;
use url::form_urlencoded;

use super::api_call::ApiCall;
use super::api_request::{ApiCaller, RecordReply, RecordRequest};
use super::composite::execute_composite;
use super::errors::SalesforceApiError;
use super::operations::execute;
use super::resource;

/// Paths whose requests `operations` carries out.
const PATHS: [&str; 8] = [
    "/services/data/{version}/sobjects",
    "/services/data/{version}/sobjects/",
    "/services/data/{version}/sobjects/{object}",
    "/services/data/{version}/sobjects/{object}/",
    "/services/data/{version}/sobjects/{object}/{id}",
    "/services/data/{version}/sobjects/{object}/{field}/{key}",
    "/services/data/{version}/composite/sobjects",
    "/services/data/{version}/composite/sobjects/{tail:.*}",
];

pub(super) fn routes(config: &mut web::ServiceConfig) {
    for path in PATHS {
        config.service(resource([path]).route(web::route().to(handle_request)));
    }
    for path in ["/services/data/{version}/composite", "/services/data/{version}/composite/"] {
        config.service(resource([path]).route(web::post().to(handle_composite)));
    }
}

fn read_json(body: &[u8]) -> Result<Value, SalesforceApiError> {
    if body.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(body).map_err(|error| SalesforceApiError::bad_request("JSON_PARSER_ERROR", error.to_string()))
}

async fn handle_request(call: ApiCall, request: HttpRequest, body: web::Bytes) -> HttpResponse {
    let body = match read_json(&body) {
        Ok(body) => body,
        Err(error) => return error.to_response(),
    };
    let method = request.method().to_string();
    // What follows `/services/data/vXX.X/`.
    let segments = request.path().split('/').skip(4).filter(|segment| !segment.is_empty());
    let segments = segments.map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned()).collect();
    let query = form_urlencoded::parse(request.query_string().as_bytes()).into_owned().collect();
    let (sandbox, user, version) = (call.sandbox.clone(), call.user.id.clone(), call.version.clone());
    let outcome = web::block(move || {
        let caller = ApiCaller { sandbox: &sandbox, user_id: &user, version: &version };
        execute(caller, &RecordRequest { method: &method, segments, query, body }).unwrap_or_else(RecordReply::from)
    })
    .await;
    outcome.map_or_else(|_| SalesforceApiError::internal().to_response(), |reply| render_reply(&call, reply))
}

fn render_reply(call: &ApiCall, reply: RecordReply) -> HttpResponse {
    let mut answer = call.response_builder(reply.status);
    if let Some(location) = reply.location {
        answer.insert_header((header::LOCATION, location));
    }
    match reply.body {
        Some(body) => answer.json(body),
        None => answer.finish(),
    }
}

async fn handle_composite(call: ApiCall, body: web::Bytes) -> HttpResponse {
    let body = match read_json(&body) {
        Ok(body) => body,
        Err(error) => return error.to_response(),
    };
    let (sandbox, user, version) = (call.sandbox.clone(), call.user.id.clone(), call.version.clone());
    let outcome = web::block(move || execute_composite(ApiCaller { sandbox: &sandbox, user_id: &user, version: &version }, &body)).await;
    call.respond(outcome.unwrap_or_else(|_| Err(SalesforceApiError::internal())))
}
