//! What can be asked of records, the same by itself and as a part of a composite request: `sobjects/…`, `query` and `composite/sobjects`.

use actix_web::http::StatusCode;
use serde_json::{Map, Value, json};

use super::api_request::{Caller, Reply, Request};
use super::errors::ApiError;
use super::query_pages::{LARGEST_PAGE, first_page};
use super::record_reads::{fields_of, object, retrieve};
use super::schema::Object;
use super::{collections, describe};

/// Carries a request out. Blocks: queries may look at everyone.
///
/// # Errors
/// As Salesforce answers them.
pub fn perform(caller: Caller<'_>, request: &Request<'_>) -> Result<Reply, ApiError> {
    let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
    match (request.method, segments.as_slice()) {
        ("GET", [which @ ("query" | "queryAll")]) => {
            let text = request.parameter("q").ok_or_else(|| ApiError::bad("MALFORMED_QUERY", "A query string has to be specified"))?;
            first_page(caller.sandbox, text, *which == "queryAll", LARGEST_PAGE, caller.version).map(Reply::ok)
        }
        ("GET", ["sobjects"]) => Ok(Reply::ok(describe::global(caller.version))),
        ("GET", ["sobjects", name]) => {
            Ok(Reply::ok(json!({"objectDescribe": describe::brief(object(name)?, caller.version), "recentItems": []})))
        }
        ("POST", ["sobjects", name]) => {
            let object = object(name)?;
            caller.writer().create(object, members(&request.body)?).map(|id| created(caller, object, &id, json!({})))
        }
        ("GET", ["sobjects", name, "describe"]) => Ok(Reply::ok(describe::full(object(name)?, caller.version))),
        ("GET", ["sobjects", name, id]) => {
            let object = object(name)?;
            retrieve(caller, object, id, &fields_of(object, request.parameter("fields"))?).map(Reply::ok)
        }
        ("PATCH", ["sobjects", name, id]) => caller.writer().update(object(name)?, id, members(&request.body)?).map(|()| Reply::none()),
        ("DELETE", ["sobjects", name, id]) => caller.writer().delete(object(name)?, id).map(|()| Reply::none()),
        ("PATCH", ["sobjects", name, field, key]) => {
            let object = object(name)?;
            let (id, made) = caller.writer().upsert(object, field, key, members(&request.body)?)?;
            let reply = created(caller, object, &id, json!({"created": made}));
            Ok(if made { reply } else { Reply { status: StatusCode::OK, location: None, ..reply } })
        }
        ("GET", ["sobjects", name, field, key]) => {
            let object = object(name)?;
            let id = caller.writer().id_of(object, field, key)?;
            retrieve(caller, object, &id, &fields_of(object, request.parameter("fields"))?).map(Reply::ok)
        }
        ("DELETE", ["sobjects", name, field, key]) => {
            let object = object(name)?;
            let id = caller.writer().id_of(object, field, key)?;
            caller.writer().delete(object, &id).map(|()| Reply::none())
        }
        (method, ["composite", "sobjects", rest @ ..]) => collections::perform(caller, method, rest, request),
        (_, ["query" | "queryAll"] | ["sobjects", ..]) => {
            let message = format!("HTTP Method '{}' not allowed.", request.method);
            Err(ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", message))
        }
        _ => Err(ApiError::not_found()),
    }
}

fn members(body: &Value) -> Result<&Map<String, Value>, ApiError> {
    body.as_object().ok_or_else(|| ApiError::bad("JSON_PARSER_ERROR", "The request body must be a JSON object"))
}

fn created(caller: Caller<'_>, object: &Object, id: &str, more: Value) -> Reply {
    let mut body = json!({"id": id, "success": true, "errors": []});
    if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
        body.extend(more);
    }
    let location = format!("/services/data/{}/sobjects/{}/{id}", caller.version, object.name);
    Reply { status: StatusCode::CREATED, location: Some(location), body: Some(body) }
}
