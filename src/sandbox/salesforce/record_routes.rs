//! The routes of single records, collections and composite requests.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use percent_encoding::percent_decode_str;
use serde_json::Value;
use url::form_urlencoded;

use super::api_request::{Caller, Reply, Request};
use super::composite::composite;
use super::errors::ApiError;
use super::operations::perform;
use super::resource;
use super::session::ApiCall;

/// Everything behind the version, of which some is registered apart.
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
        config.service(resource([path]).route(web::route().to(one)));
    }
    for path in ["/services/data/{version}/composite", "/services/data/{version}/composite/"] {
        config.service(resource([path]).route(web::post().to(many)));
    }
}

fn read(body: &[u8]) -> Result<Value, ApiError> {
    if body.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(body).map_err(|error| ApiError::bad("JSON_PARSER_ERROR", error.to_string()))
}

async fn one(call: ApiCall, request: HttpRequest, body: web::Bytes) -> HttpResponse {
    let body = match read(&body) {
        Ok(body) => body,
        Err(error) => return error.response(),
    };
    let method = request.method().to_string();
    // Behind `/services/data/vXX.X/`.
    let segments = request.path().split('/').skip(4).filter(|segment| !segment.is_empty());
    let segments = segments.map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned()).collect();
    let query = form_urlencoded::parse(request.query_string().as_bytes()).into_owned().collect();
    let (sandbox, user, version) = (call.sandbox.clone(), call.user.id.clone(), call.version.clone());
    let outcome = web::block(move || {
        let caller = Caller { sandbox: &sandbox, user_id: &user, version: &version };
        perform(caller, &Request { method: &method, segments, query, body }).unwrap_or_else(Reply::from)
    })
    .await;
    outcome.map_or_else(|_| ApiError::broken().response(), |reply| shown(&call, reply))
}

fn shown(call: &ApiCall, reply: Reply) -> HttpResponse {
    let mut answer = call.builder(reply.status);
    if let Some(location) = reply.location {
        answer.insert_header((header::LOCATION, location));
    }
    match reply.body {
        Some(body) => answer.json(body),
        None => answer.finish(),
    }
}

async fn many(call: ApiCall, body: web::Bytes) -> HttpResponse {
    let body = match read(&body) {
        Ok(body) => body,
        Err(error) => return error.response(),
    };
    let (sandbox, user, version) = (call.sandbox.clone(), call.user.id.clone(), call.version.clone());
    let outcome = web::block(move || composite(Caller { sandbox: &sandbox, user_id: &user, version: &version }, &body)).await;
    call.answer(outcome.unwrap_or_else(|_| Err(ApiError::broken())))
}
