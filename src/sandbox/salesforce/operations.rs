//! Carries out requests about records: `sobjects/…`, `query` and `composite/sobjects`, by themselves or as parts of a composite request.

use actix_web::http::StatusCode;
use serde_json::{Map, Value, json};

use super::api_request::{ApiCaller, RecordReply, RecordRequest};
use super::errors::SalesforceApiError;
use super::query_pages::{MAX_PAGE_SIZE, first_page};
use super::record_reads::{read_record, require_object, select_fields};
use super::schema::ObjectSchema;
use super::{collections, describe};

/// Carries out a request. Blocks: queries may look at everyone.
///
/// # Errors
/// As Salesforce answers them.
pub fn execute(caller: ApiCaller<'_>, request: &RecordRequest<'_>) -> Result<RecordReply, SalesforceApiError> {
    let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
    match (request.method, segments.as_slice()) {
        ("GET", [which @ ("query" | "queryAll")]) => {
            let text = request
                .parameter("q")
                .ok_or_else(|| SalesforceApiError::bad_request("MALFORMED_QUERY", "A query string has to be specified"))?;
            first_page(caller.sandbox, text, *which == "queryAll", MAX_PAGE_SIZE, caller.version).map(RecordReply::ok)
        }
        ("GET", ["sobjects"]) => Ok(RecordReply::ok(describe::list_objects(caller.version))),
        ("GET", ["sobjects", name]) => Ok(RecordReply::ok(
            json!({"objectDescribe": describe::summarize_object(require_object(name)?, caller.version), "recentItems": []}),
        )),
        ("POST", ["sobjects", name]) => {
            let object = require_object(name)?;
            caller.writer().create(object, read_object(&request.body)?).map(|id| reply_created(caller, object, &id, json!({})))
        }
        ("GET", ["sobjects", name, "describe"]) => Ok(RecordReply::ok(describe::describe_object(require_object(name)?, caller.version))),
        ("GET", ["sobjects", name, id]) => {
            let object = require_object(name)?;
            read_record(caller, object, id, &select_fields(object, request.parameter("fields"))?).map(RecordReply::ok)
        }
        ("PATCH", ["sobjects", name, id]) => {
            caller.writer().update(require_object(name)?, id, read_object(&request.body)?).map(|()| RecordReply::no_content())
        }
        ("DELETE", ["sobjects", name, id]) => caller.writer().delete(require_object(name)?, id).map(|()| RecordReply::no_content()),
        ("PATCH", ["sobjects", name, field, key]) => {
            let object = require_object(name)?;
            let (id, is_created) = caller.writer().upsert(object, field, key, read_object(&request.body)?)?;
            let reply = reply_created(caller, object, &id, json!({"created": is_created}));
            Ok(if is_created { reply } else { RecordReply { status: StatusCode::OK, location: None, ..reply } })
        }
        ("GET", ["sobjects", name, field, key]) => {
            let object = require_object(name)?;
            let id = caller.writer().find_id_by_external_id(object, field, key)?;
            read_record(caller, object, &id, &select_fields(object, request.parameter("fields"))?).map(RecordReply::ok)
        }
        ("DELETE", ["sobjects", name, field, key]) => {
            let object = require_object(name)?;
            let id = caller.writer().find_id_by_external_id(object, field, key)?;
            caller.writer().delete(object, &id).map(|()| RecordReply::no_content())
        }
        (method, ["composite", "sobjects", rest @ ..]) => collections::execute(caller, method, rest, request),
        (_, ["query" | "queryAll"] | ["sobjects", ..]) => {
            let message = format!("HTTP Method '{}' not allowed.", request.method);
            Err(SalesforceApiError::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", message))
        }
        _ => Err(SalesforceApiError::not_found()),
    }
}

fn read_object(body: &Value) -> Result<&Map<String, Value>, SalesforceApiError> {
    body.as_object().ok_or_else(|| SalesforceApiError::bad_request("JSON_PARSER_ERROR", "The request body must be a JSON object"))
}

fn reply_created(caller: ApiCaller<'_>, object: &ObjectSchema, id: &str, more: Value) -> RecordReply {
    let mut body = json!({"id": id, "success": true, "errors": []});
    if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
        body.extend(more);
    }
    let location = format!("/services/data/{}/sobjects/{}/{id}", caller.version, object.name);
    RecordReply { status: StatusCode::CREATED, location: Some(location), body: Some(body) }
}
