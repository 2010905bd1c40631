//! `composite/sobjects`: up to 200 records in one call (the vendor's pages "sObject Collections"). A well-formed request is answered with
//! 200 whatever became of its records.

use serde_json::{Map, Value, json};

use super::api_request::{Caller, Reply, Request};
use super::errors::ApiError;
use super::record_reads::{fields_of, object, retrieve};
use super::write::object_of_id;

/// Most records that are written in one call.
const MOST_RECORDS: usize = 200;
/// Most records that are read in one call.
const MOST_READ: usize = 2000;
/// Most runs of records of one object.
const MOST_RUNS: usize = 10;

/// Carries out a request whose path goes on with `rest` behind `composite/sobjects`. Blocks.
///
/// # Errors
/// 400 for a request that isn't well formed.
pub fn perform(caller: Caller<'_>, method: &str, rest: &[&str], request: &Request<'_>) -> Result<Reply, ApiError> {
    let all_or_none = || request.body["allOrNone"].as_bool().unwrap_or(false);
    match (method, rest) {
        ("POST", []) => {
            let create = |record: &Map<String, Value>| caller.writer().create(object_of(record)?, record).map(|id| (id, None));
            each(caller, records(&request.body)?, all_or_none(), create)
        }
        ("PATCH", []) => {
            let update = |record: &Map<String, Value>| {
                let (id, fields) = take_id(record)?;
                caller.writer().update(object_of(record)?, &id, &fields).map(|()| (id, None))
            };
            each(caller, records(&request.body)?, all_or_none(), update)
        }
        ("PATCH", [name, field]) => {
            let object = object(name)?;
            let upsert = |record: &Map<String, Value>| {
                let mut record = record.clone();
                let key = match record.remove(*field) {
                    Some(Value::String(key)) if !key.is_empty() => key,
                    _ => return Err(ApiError::field("MISSING_ARGUMENT", field, format!("{field} not specified"))),
                };
                caller.writer().upsert(object, field, &key, &record).map(|(id, made)| (id, Some(made)))
            };
            each(caller, records(&request.body)?, all_or_none(), upsert)
        }
        ("DELETE", []) => {
            let ids: Vec<Value> = request.parameter("ids").unwrap_or_default().split(',').map(|id| json!({"id": id.trim()})).collect();
            let all_or_none = request.parameter("allOrNone") == Some("true");
            let delete = |record: &Map<String, Value>| {
                let (id, _) = take_id(record)?;
                let object = object_of_id(&id).ok_or_else(|| ApiError::bad("MALFORMED_ID", format!("malformed id {id}")))?;
                caller.writer().delete(object, &id).map(|()| (id, None))
            };
            each(caller, &ids, all_or_none, delete)
        }
        ("GET", [name]) => {
            read(caller, name, request.parameter("ids").unwrap_or_default().split(',').map(str::to_owned), request.parameter("fields"))
        }
        ("POST", [name]) => {
            let list = |member: &str| {
                request.body[member].as_array().map(|list| list.iter().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>())
            };
            let fields = list("fields").map(|fields| fields.join(","));
            read(caller, name, list("ids").unwrap_or_default().into_iter(), fields.as_deref())
        }
        _ => Err(ApiError::not_found()),
    }
}

fn records(body: &Value) -> Result<&[Value], ApiError> {
    let records = body["records"].as_array().ok_or_else(|| ApiError::bad("JSON_PARSER_ERROR", "records must be a list"))?;
    let runs = records.chunk_by(|left, right| left["attributes"]["type"] == right["attributes"]["type"]).count();
    if records.len() > MOST_RECORDS {
        return Err(ApiError::bad(
            "EXCEEDED_ID_LIMIT",
            format!("record limit reached. cannot submit more than {MOST_RECORDS} records into this call"),
        ));
    }
    if runs > MOST_RUNS {
        return Err(ApiError::bad("LIMIT_EXCEEDED", format!("the records change their type more often than {MOST_RUNS} times")));
    }
    Ok(records)
}

fn object_of(record: &Map<String, Value>) -> Result<&'static super::schema::Object, ApiError> {
    let name = record.get("attributes").and_then(|attributes| attributes["type"].as_str());
    let name = name.ok_or_else(|| ApiError::bad("INVALID_INPUT", "each record needs an attributes map with a type"))?;
    super::schema::find(name).ok_or_else(|| ApiError::bad("INVALID_TYPE", format!("sObject type '{name}' is not supported.")))
}

/// The id of a record that is to be changed, and its other fields.
fn take_id(record: &Map<String, Value>) -> Result<(String, Map<String, Value>), ApiError> {
    let mut fields = record.clone();
    let id = fields.remove("id").or_else(|| fields.remove("Id"));
    match id {
        Some(Value::String(id)) if !id.is_empty() => Ok((id, fields)),
        _ => Err(ApiError::bad("MISSING_ARGUMENT", "id not specified in an update call")),
    }
}

/// Writes each record by itself, or all of them or none.
fn each(
    caller: Caller<'_>,
    records: &[Value],
    all_or_none: bool,
    write: impl Fn(&Map<String, Value>) -> Result<(String, Option<bool>), ApiError>,
) -> Result<Reply, ApiError> {
    let before = caller.sandbox.salesforce().written.clone();
    let outcomes: Vec<Result<(String, Option<bool>), ApiError>> = records
        .iter()
        .map(|record| record.as_object().ok_or_else(|| ApiError::bad("JSON_PARSER_ERROR", "a record must be an object")).and_then(&write))
        .collect();
    let rolled_back = all_or_none && outcomes.iter().any(Result::is_err);
    if rolled_back {
        caller.sandbox.salesforce().written = before;
    }
    let shown: Vec<Value> = outcomes
        .into_iter()
        .map(|outcome| match outcome {
            Ok(_) if rolled_back => ApiError::bad(
                "ALL_OR_NONE_OPERATION_ROLLED_BACK",
                "Record rolled back because not all records were valid and the request was using AllOrNone header",
            )
            .save_result(),
            Ok((id, None)) => json!({"id": id, "success": true, "errors": []}),
            Ok((id, Some(made))) => json!({"id": id, "success": true, "errors": [], "created": made}),
            Err(error) => error.save_result(),
        })
        .collect();
    Ok(Reply::ok(json!(shown)))
}

/// Several records of an object, in the order asked for; null where there is none.
fn read(caller: Caller<'_>, name: &str, ids: impl Iterator<Item = String>, fields: Option<&str>) -> Result<Reply, ApiError> {
    let object = object(name)?;
    let fields = fields_of(object, Some(fields.ok_or_else(|| ApiError::bad("MISSING_ARGUMENT", "fields not specified"))?))?;
    let ids: Vec<String> = ids.filter(|id| !id.trim().is_empty()).collect();
    if ids.len() > MOST_READ {
        return Err(ApiError::bad("EXCEEDED_ID_LIMIT", format!("cannot retrieve more than {MOST_READ} records")));
    }
    let shown: Vec<Value> = ids.iter().map(|id| retrieve(caller, object, id.trim(), &fields).unwrap_or(Value::Null)).collect();
    Ok(Reply::ok(json!(shown)))
}
