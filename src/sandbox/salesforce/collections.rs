//! `composite/sobjects`: up to 200 records in one call (the vendor's pages "sObject Collections"). A well-formed request is answered 200,
//! even if its records fail.

use serde_json::{Map, Value, json};

use super::api_request::{ApiCaller, RecordReply, RecordRequest};
use super::errors::SalesforceApiError;
use super::record_reads::{read_record, require_object, select_fields};
use super::record_writer::writable_object_of_id;

/// Most records that are written in one call.
const MAX_WRITTEN: usize = 200;
/// Most records that are read in one call.
const MAX_READ: usize = 2000;
/// Most runs of consecutive records of one object.
const MAX_TYPE_RUNS: usize = 10;

/// Carries out a request whose path continues with `rest` after `composite/sobjects`. Blocks.
///
/// # Errors
/// 400 for a request that isn't well-formed.
pub fn execute(caller: ApiCaller<'_>, method: &str, rest: &[&str], request: &RecordRequest<'_>) -> Result<RecordReply, SalesforceApiError> {
    let all_or_none = || request.body["allOrNone"].as_bool().unwrap_or(false);
    match (method, rest) {
        ("POST", []) => {
            let create = |record: &Map<String, Value>| caller.writer().create(record_object(record)?, record).map(|id| (id, None));
            write_each(caller, read_records(&request.body)?, all_or_none(), create)
        }
        ("PATCH", []) => {
            let update = |record: &Map<String, Value>| {
                let (id, fields) = split_id(record)?;
                caller.writer().update(record_object(record)?, &id, &fields).map(|()| (id, None))
            };
            write_each(caller, read_records(&request.body)?, all_or_none(), update)
        }
        ("PATCH", [name, field]) => {
            let object = require_object(name)?;
            let upsert = |record: &Map<String, Value>| {
                let mut record = record.clone();
                let key = match record.remove(*field) {
                    Some(Value::String(key)) if !key.is_empty() => key,
                    _ => return Err(SalesforceApiError::bad_field("MISSING_ARGUMENT", field, format!("{field} not specified"))),
                };
                caller.writer().upsert(object, field, &key, &record).map(|(id, created)| (id, Some(created)))
            };
            write_each(caller, read_records(&request.body)?, all_or_none(), upsert)
        }
        ("DELETE", []) => {
            let ids: Vec<Value> = request.parameter("ids").unwrap_or_default().split(',').map(|id| json!({"id": id.trim()})).collect();
            let all_or_none = request.parameter("allOrNone") == Some("true");
            let delete = |record: &Map<String, Value>| {
                let (id, _) = split_id(record)?;
                let object = writable_object_of_id(&id)
                    .ok_or_else(|| SalesforceApiError::bad_request("MALFORMED_ID", format!("malformed id {id}")))?;
                caller.writer().delete(object, &id).map(|()| (id, None))
            };
            write_each(caller, &ids, all_or_none, delete)
        }
        ("GET", [name]) => {
            read_each(caller, name, request.parameter("ids").unwrap_or_default().split(',').map(str::to_owned), request.parameter("fields"))
        }
        ("POST", [name]) => {
            let list = |member: &str| {
                request.body[member].as_array().map(|list| list.iter().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>())
            };
            let fields = list("fields").map(|fields| fields.join(","));
            read_each(caller, name, list("ids").unwrap_or_default().into_iter(), fields.as_deref())
        }
        _ => Err(SalesforceApiError::not_found()),
    }
}

fn read_records(body: &Value) -> Result<&[Value], SalesforceApiError> {
    let records =
        body["records"].as_array().ok_or_else(|| SalesforceApiError::bad_request("JSON_PARSER_ERROR", "records must be a list"))?;
    let runs = records.chunk_by(|left, right| left["attributes"]["type"] == right["attributes"]["type"]).count();
    if records.len() > MAX_WRITTEN {
        return Err(SalesforceApiError::bad_request(
            "EXCEEDED_ID_LIMIT",
            format!("record limit reached. cannot submit more than {MAX_WRITTEN} records into this call"),
        ));
    }
    if runs > MAX_TYPE_RUNS {
        return Err(SalesforceApiError::bad_request(
            "LIMIT_EXCEEDED",
            format!("the records change their type more often than {MAX_TYPE_RUNS} times"),
        ));
    }
    Ok(records)
}

fn record_object(record: &Map<String, Value>) -> Result<&'static super::schema::ObjectSchema, SalesforceApiError> {
    let name = record.get("attributes").and_then(|attributes| attributes["type"].as_str());
    let name = name.ok_or_else(|| SalesforceApiError::bad_request("INVALID_INPUT", "each record needs an attributes map with a type"))?;
    super::schema::find_object(name)
        .ok_or_else(|| SalesforceApiError::bad_request("INVALID_TYPE", format!("sObject type '{name}' is not supported.")))
}

/// A record's id and its other fields.
fn split_id(record: &Map<String, Value>) -> Result<(String, Map<String, Value>), SalesforceApiError> {
    let mut fields = record.clone();
    let id = fields.remove("id").or_else(|| fields.remove("Id"));
    match id {
        Some(Value::String(id)) if !id.is_empty() => Ok((id, fields)),
        _ => Err(SalesforceApiError::bad_request("MISSING_ARGUMENT", "id not specified in an update call")),
    }
}

/// Writes each record by itself; with `all_or_none`, all of them or none.
fn write_each(
    caller: ApiCaller<'_>,
    records: &[Value],
    all_or_none: bool,
    write: impl Fn(&Map<String, Value>) -> Result<(String, Option<bool>), SalesforceApiError>,
) -> Result<RecordReply, SalesforceApiError> {
    let before = caller.sandbox.salesforce().stored_records.clone();
    let outcomes: Vec<Result<(String, Option<bool>), SalesforceApiError>> = records
        .iter()
        .map(|record| {
            record
                .as_object()
                .ok_or_else(|| SalesforceApiError::bad_request("JSON_PARSER_ERROR", "a record must be an object"))
                .and_then(&write)
        })
        .collect();
    let rolled_back = all_or_none && outcomes.iter().any(Result::is_err);
    if rolled_back {
        caller.sandbox.salesforce().stored_records = before;
    }
    let rendered: Vec<Value> = outcomes
        .into_iter()
        .map(|outcome| match outcome {
            Ok(_) if rolled_back => SalesforceApiError::bad_request(
                "ALL_OR_NONE_OPERATION_ROLLED_BACK",
                "Record rolled back because not all records were valid and the request was using AllOrNone header",
            )
            .save_result(),
            Ok((id, None)) => json!({"id": id, "success": true, "errors": []}),
            Ok((id, Some(created))) => json!({"id": id, "success": true, "errors": [], "created": created}),
            Err(error) => error.save_result(),
        })
        .collect();
    Ok(RecordReply::ok(json!(rendered)))
}

/// Several records of an object, in the order requested; null where there is none.
fn read_each(
    caller: ApiCaller<'_>,
    name: &str,
    ids: impl Iterator<Item = String>,
    fields: Option<&str>,
) -> Result<RecordReply, SalesforceApiError> {
    let object = require_object(name)?;
    let fields =
        select_fields(object, Some(fields.ok_or_else(|| SalesforceApiError::bad_request("MISSING_ARGUMENT", "fields not specified"))?))?;
    let ids: Vec<String> = ids.filter(|id| !id.trim().is_empty()).collect();
    if ids.len() > MAX_READ {
        return Err(SalesforceApiError::bad_request("EXCEEDED_ID_LIMIT", format!("cannot retrieve more than {MAX_READ} records")));
    }
    let rendered: Vec<Value> = ids.iter().map(|id| read_record(caller, object, id.trim(), &fields).unwrap_or(Value::Null)).collect();
    Ok(RecordReply::ok(json!(rendered)))
}
