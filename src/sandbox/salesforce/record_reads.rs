//! Finds objects and fields by name, and reads single records.

use serde_json::Value;

use super::api_call::snapshot_org;
use super::api_request::ApiCaller;
use super::errors::SalesforceApiError;
use super::org_snapshot::SalesforceRecord;
use super::record_json::render_record;
use super::schema::{self, ObjectSchema};
use super::soql::FieldPath;

/// The object of this name.
///
/// # Errors
/// 404 when there is none.
pub fn require_object(name: &str) -> Result<&'static ObjectSchema, SalesforceApiError> {
    schema::find_object(name).ok_or_else(SalesforceApiError::not_found)
}

/// The named fields of an object, all when none are named.
///
/// # Errors
/// `INVALID_FIELD` for an unknown name.
pub fn select_fields(object: &'static ObjectSchema, names: Option<&str>) -> Result<Vec<FieldPath>, SalesforceApiError> {
    let direct = |field| FieldPath { relationships: Vec::new(), field };
    let Some(names) = names else { return Ok(object.fields.iter().map(direct).collect()) };
    let unknown =
        |name: &str| SalesforceApiError::bad_request("INVALID_FIELD", format!("No such column '{name}' on entity '{}'", object.name));
    names.split(',').map(str::trim).map(|name| object.field(name).map(direct).ok_or_else(|| unknown(name))).collect()
}

/// One record as JSON.
///
/// # Errors
/// 404 for a record that isn't there, or is in the recycle bin.
pub fn read_record(
    caller: ApiCaller<'_>,
    object: &'static ObjectSchema,
    id: &str,
    fields: &[FieldPath],
) -> Result<Value, SalesforceApiError> {
    let org = snapshot_org(caller.sandbox);
    let position = org.position_of(object, id).ok_or_else(SalesforceApiError::not_found)?;
    let found: Option<SalesforceRecord> = org.record_at(object, position, false);
    match found {
        Some(record) => Ok(render_record(&org, &record, fields, caller.version)),
        None if org.record_at(object, position, true).is_some() => Err(SalesforceApiError::deleted()),
        None => Err(SalesforceApiError::not_found()),
    }
}
