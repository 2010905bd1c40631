//! What can be asked of records, the same by itself and as a part of a composite request: `sobjects/…`, `query` and `composite/sobjects`.

use actix_web::http::StatusCode;
use serde_json::{Map, Value, json};

use super::errors::ApiError;
use super::records::Record;
use super::schema::{self, Object};
use super::session::org;
use super::soql::Resolved;
use super::write::{Writer, deleted};
use super::{collections, describe, rest};
use crate::sandbox::world::World;

/// Who asks, and in which version of the API.
#[derive(Debug, Clone, Copy)]
pub struct Caller<'a> {
    pub world: &'a World,
    pub user_id: &'a str,
    /// As in the path, for example `v66.0`.
    pub version: &'a str,
}

impl<'a> Caller<'a> {
    /// The same as a writer of records.
    pub fn writer(&self) -> Writer<'a> {
        Writer { world: self.world, user_id: self.user_id }
    }
}

/// What is asked.
#[derive(Debug)]
pub struct Request<'a> {
    pub method: &'a str,
    /// What follows the version in the path, such as `["sobjects", "Task"]`.
    pub segments: Vec<String>,
    pub query: Vec<(String, String)>,
    pub body: Value,
}

impl Request<'_> {
    /// A parameter of the query, unless empty.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, value)| known == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }
}

/// What is answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    pub status: StatusCode,
    pub location: Option<String>,
    pub body: Option<Value>,
}

impl Reply {
    /// 200 with a body.
    pub fn ok(body: Value) -> Self {
        Self { status: StatusCode::OK, location: None, body: Some(body) }
    }

    fn none() -> Self {
        Self { status: StatusCode::NO_CONTENT, location: None, body: None }
    }
}

impl From<ApiError> for Reply {
    fn from(error: ApiError) -> Self {
        Self { status: error.status, location: None, body: Some(error.body()) }
    }
}

/// Carries a request out. Blocks: queries may look at everyone.
///
/// # Errors
/// As Salesforce answers them.
pub fn perform(caller: Caller<'_>, request: &Request<'_>) -> Result<Reply, ApiError> {
    let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
    match (request.method, segments.as_slice()) {
        ("GET", [which @ ("query" | "queryAll")]) => {
            let text = request.parameter("q").ok_or_else(|| ApiError::bad("MALFORMED_QUERY", "A query string has to be specified"))?;
            rest::first_page(caller.world, text, *which == "queryAll", rest::LARGEST_PAGE, caller.version).map(Reply::ok)
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

/// The object of this name.
///
/// # Errors
/// 404.
pub fn object(name: &str) -> Result<&'static Object, ApiError> {
    schema::find(name).ok_or_else(ApiError::not_found)
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

/// The named fields of an object, all when none are named.
///
/// # Errors
/// `INVALID_FIELD` for an unknown name.
pub fn fields_of(object: &'static Object, names: Option<&str>) -> Result<Vec<Resolved>, ApiError> {
    let plain = |field| Resolved { path: Vec::new(), field };
    let Some(names) = names else { return Ok(object.fields.iter().map(plain).collect()) };
    let unknown = |name: &str| ApiError::bad("INVALID_FIELD", format!("No such column '{name}' on entity '{}'", object.name));
    names.split(',').map(str::trim).map(|name| object.field(name).map(plain).ok_or_else(|| unknown(name))).collect()
}

/// One record as JSON.
///
/// # Errors
/// 404 for a record that isn't there, or is in the recycle bin.
pub fn retrieve(caller: Caller<'_>, object: &'static Object, id: &str, fields: &[Resolved]) -> Result<Value, ApiError> {
    let org = org(caller.world);
    let place = org.place(object, id).ok_or_else(ApiError::not_found)?;
    let found: Option<Record> = org.at(object, place, false);
    match found {
        Some(record) => Ok(rest::shown_record(&org, &record, fields, caller.version)),
        None if org.at(object, place, true).is_some() => Err(deleted()),
        None => Err(ApiError::not_found()),
    }
}
