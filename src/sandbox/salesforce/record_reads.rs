//! Reading objects, fields and single records.

use serde_json::Value;

use super::api_request::Caller;
use super::errors::ApiError;
use super::record_json::shown_record;
use super::records::Record;
use super::schema::{self, Object};
use super::session::org;
use super::soql::Resolved;
use super::write::deleted;

/// The object of this name.
///
/// # Errors
/// 404.
pub fn object(name: &str) -> Result<&'static Object, ApiError> {
    schema::find(name).ok_or_else(ApiError::not_found)
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
    let org = org(caller.sandbox);
    let place = org.place(object, id).ok_or_else(ApiError::not_found)?;
    let found: Option<Record> = org.at(object, place, false);
    match found {
        Some(record) => Ok(shown_record(&org, &record, fields, caller.version)),
        None if org.at(object, place, true).is_some() => Err(deleted()),
        None => Err(ApiError::not_found()),
    }
}
