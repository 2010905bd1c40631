//! Creates, changes and deletes records, with Salesforce's checks and errors.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use serde_json::{Map, Value as Json};

use super::api_call::snapshot_org;
use super::errors::SalesforceApiError;
use super::field_value::FieldValue;
use super::ids::{self, KeyPrefix};
use super::schema::{FieldSchema, FieldType, ObjectSchema};
use super::stored_records::StoredRecord;
use crate::sandbox::state::SandboxState;
use crate::sandbox::timestamps;

/// Writes records for a user.
#[derive(Debug, Clone, Copy)]
pub struct RecordWriter<'a> {
    pub sandbox: &'a SandboxState,
    pub user_id: &'a str,
}

type FieldValues = BTreeMap<&'static str, FieldValue>;

impl RecordWriter<'_> {
    /// Creates a record; returns its id.
    ///
    /// # Errors
    /// Those of the given values; `REQUIRED_FIELD_MISSING` for missing ones.
    pub fn create(&self, object: &'static ObjectSchema, given: &Map<String, Json>) -> Result<String, SalesforceApiError> {
        check_writable(object)?;
        let mut fields = self.read_fields(object, given)?;
        for field in object.fields {
            if let Some(value) = field.default {
                fields.entry(field.name).or_insert_with(|| FieldValue::Text(value.to_owned()));
            }
        }
        fields.entry("OwnerId").or_insert_with(|| FieldValue::Text(self.user_id.to_owned()));
        check_complete(object, &fields)?;
        let now = self.sandbox.now();
        let mut salesforce = self.sandbox.salesforce();
        check_unique(object, &fields, |field, text| !salesforce.stored_records.find_by_external_id(object, field, text).is_empty())?;
        let id = salesforce.stored_records.next_id(object);
        let mut record = StoredRecord {
            object,
            id: id.clone(),
            fields,
            created_by: self.user_id.to_owned(),
            created_at: now,
            modified_at: now,
            completed_at: None,
            is_deleted: false,
        };
        record.completed_at = (record.value("IsClosed") == FieldValue::Boolean(true)).then_some(now);
        salesforce.stored_records.add(record);
        Ok(id)
    }

    /// Changes fields of a record.
    ///
    /// # Errors
    /// 404 for a record that isn't there or was deleted; those of the given values.
    pub fn update(&self, object: &'static ObjectSchema, id: &str, given: &Map<String, Json>) -> Result<(), SalesforceApiError> {
        check_writable(object)?;
        let changed = self.read_fields(object, given)?;
        let now = self.sandbox.now();
        let mut salesforce = self.sandbox.salesforce();
        let mut record = (*require_live(salesforce.stored_records.find(object, id))?).clone();
        check_unique(object, &changed, |field, text| {
            salesforce.stored_records.find_by_external_id(object, field, text).iter().any(|other| other.id != record.id)
        })?;
        record.fields.extend(changed);
        check_complete(object, &record.fields)?;
        record.modified_at = now;
        record.completed_at = (record.value("IsClosed") == FieldValue::Boolean(true)).then(|| record.completed_at.unwrap_or(now));
        salesforce.stored_records.replace(record);
        Ok(())
    }

    /// Changes the record with this external id, or creates one; returns its id and whether it was created.
    ///
    /// # Errors
    /// 404 for a field that isn't an external id; those of creating and changing.
    pub fn upsert(
        &self,
        object: &'static ObjectSchema,
        field: &str,
        key: &str,
        given: &Map<String, Json>,
    ) -> Result<(String, bool), SalesforceApiError> {
        let field = require_external_id(object, field)?;
        if let Some(id) = self.find_by_external_id(object, field, key) {
            self.update(object, &id, given)?;
            return Ok((id, false));
        }
        let mut given = given.clone();
        given.insert(field.name.to_owned(), key.into());
        self.create(object, &given).map(|id| (id, true))
    }

    /// The id of the record with this external id.
    ///
    /// # Errors
    /// 404 for a field that isn't an external id, and when there is no such record.
    pub fn find_id_by_external_id(&self, object: &'static ObjectSchema, field: &str, key: &str) -> Result<String, SalesforceApiError> {
        self.find_by_external_id(object, require_external_id(object, field)?, key).ok_or_else(SalesforceApiError::not_found)
    }

    fn find_by_external_id(&self, object: &ObjectSchema, field: &FieldSchema, key: &str) -> Option<String> {
        let found = self.sandbox.salesforce().stored_records.find_by_external_id(object, field.name, key);
        found.first().map(|record| record.id.clone())
    }

    /// Deletes a record, which goes to the recycle bin.
    ///
    /// # Errors
    /// 404 for a record that isn't there or was deleted before.
    pub fn delete(&self, object: &'static ObjectSchema, id: &str) -> Result<(), SalesforceApiError> {
        check_writable(object)?;
        let now = self.sandbox.now();
        let mut salesforce = self.sandbox.salesforce();
        let mut record = (*require_live(salesforce.stored_records.find(object, id))?).clone();
        (record.is_deleted, record.modified_at) = (true, now);
        salesforce.stored_records.replace(record);
        Ok(())
    }

    /// The given values, checked against the schema; `attributes` isn't a field.
    fn read_fields(&self, object: &'static ObjectSchema, given: &Map<String, Json>) -> Result<FieldValues, SalesforceApiError> {
        let mut fields = FieldValues::new();
        for (name, value) in given.iter().filter(|(name, _)| *name != "attributes") {
            let field = object.field(name).ok_or_else(|| {
                SalesforceApiError::bad_request("INVALID_FIELD", format!("No such column '{name}' on sobject of type {}", object.name))
            })?;
            if !field.is_writable {
                let message = format!(
                    "Unable to create/update fields: {}. Please check the security settings of this field and verify that it is read/write for \
                     your profile or permission set.",
                    field.name
                );
                return Err(SalesforceApiError::bad_field("INVALID_FIELD_FOR_INSERT_UPDATE", field.name, message));
            }
            fields.insert(field.name, self.read_value(field, value)?);
        }
        Ok(fields)
    }

    fn read_value(&self, field: &FieldSchema, value: &Json) -> Result<FieldValue, SalesforceApiError> {
        let unreadable = |kind: &str| {
            SalesforceApiError::bad_request("JSON_PARSER_ERROR", format!("Cannot deserialize instance of {kind} from value {value}"))
        };
        match (field.field_type, value) {
            (_, Json::Null) => Ok(FieldValue::Null),
            (FieldType::Number(_), Json::Number(number)) => number.as_f64().map(FieldValue::Number).ok_or_else(|| unreadable("double")),
            (FieldType::Number(_), Json::String(text)) => text.parse().map(FieldValue::Number).map_err(|_| unreadable("double")),
            (FieldType::Boolean, Json::Bool(flag)) => Ok(FieldValue::Boolean(*flag)),
            (FieldType::Date, Json::String(text)) if text.len() >= 10 && text.is_char_boundary(10) => {
                timestamps::parse_timestamp(&text[..10]).map(FieldValue::Date).ok_or_else(|| unreadable("date"))
            }
            (FieldType::DateTime, Json::String(text)) => {
                timestamps::parse_timestamp(text).map(FieldValue::DateTime).ok_or_else(|| unreadable("datetime"))
            }
            (FieldType::Reference(targets, _), Json::String(id)) => self.read_reference(field, targets, id),
            (FieldType::Boolean | FieldType::Date | FieldType::DateTime | FieldType::Number(_), _) => Err(unreadable("the field's type")),
            (kind, Json::String(text)) => {
                let max_length = match kind {
                    FieldType::Text(max_length) | FieldType::TextArea(max_length) => max_length,
                    _ => 255,
                };
                let length = text.chars().count();
                if u32::try_from(length).unwrap_or(u32::MAX) > max_length {
                    let message = format!("{}: data value too large: {text} (max length={max_length})", field.label);
                    return Err(SalesforceApiError::bad_field("STRING_TOO_LONG", field.name, message));
                }
                Ok(if text.is_empty() { FieldValue::Null } else { FieldValue::Text(text.clone()) })
            }
            (_, _) => Err(unreadable("string")),
        }
    }

    fn read_reference(&self, field: &FieldSchema, targets: &[&str], id: &str) -> Result<FieldValue, SalesforceApiError> {
        if id.is_empty() {
            return Ok(FieldValue::Null);
        }
        let is_well_formed = matches!(id.len(), 15 | 18) && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !is_well_formed {
            let message = format!("{}: id value of incorrect type: {id}", field.label);
            return Err(SalesforceApiError::bad_field("MALFORMED_ID", field.name, message));
        }
        let org = snapshot_org(self.sandbox);
        if targets.iter().any(|target| org.find_by_id(target, id).is_some()) {
            return Ok(FieldValue::Text(format!("{}{}", &id[..15], ids::checksum(&id[..15]))));
        }
        Err(SalesforceApiError::bad_field("INVALID_CROSS_REFERENCE_KEY", field.name, "invalid cross reference id"))
    }
}

fn require_external_id(object: &'static ObjectSchema, field: &str) -> Result<&'static FieldSchema, SalesforceApiError> {
    let unknown =
        || SalesforceApiError::new(StatusCode::NOT_FOUND, "NOT_FOUND", "Provided external ID field does not exist or is not accessible");
    object.field(field).filter(|field| field.is_external_id).ok_or_else(unknown)
}

fn check_writable(object: &ObjectSchema) -> Result<(), SalesforceApiError> {
    if object.is_writable {
        return Ok(());
    }
    Err(SalesforceApiError::bad_request(
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
        format!("entity type cannot be inserted or updated: {}", object.name),
    ))
}

fn require_live<T: AsRef<StoredRecord>>(found: Option<T>) -> Result<T, SalesforceApiError> {
    let record = found.ok_or_else(SalesforceApiError::not_found)?;
    if record.as_ref().is_deleted {
        return Err(SalesforceApiError::deleted());
    }
    Ok(record)
}

fn check_complete(object: &ObjectSchema, fields: &FieldValues) -> Result<(), SalesforceApiError> {
    let missing: Vec<String> = object
        .fields
        .iter()
        .filter(|field| field.is_writable && !field.is_nillable && matches!(fields.get(field.name), None | Some(FieldValue::Null)))
        .map(|field| field.name.to_owned())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let message = format!("Required fields are missing: [{}]", missing.join(", "));
    Err(SalesforceApiError { fields: missing, ..SalesforceApiError::bad_request("REQUIRED_FIELD_MISSING", message) })
}

fn check_unique(object: &ObjectSchema, fields: &FieldValues, is_taken: impl Fn(&str, &str) -> bool) -> Result<(), SalesforceApiError> {
    for field in object.fields.iter().filter(|field| field.is_external_id) {
        if let Some(FieldValue::Text(text)) = fields.get(field.name)
            && is_taken(field.name, text)
        {
            return Err(SalesforceApiError::bad_field(
                "DUPLICATE_VALUE",
                field.name,
                format!("duplicate value found: {} duplicates value on another record", field.name),
            ));
        }
    }
    Ok(())
}

/// The writable object to which an id belongs, by its key prefix.
pub fn writable_object_of_id(id: &str) -> Option<&'static ObjectSchema> {
    let name = match id.get(..3)? {
        prefix if prefix == KeyPrefix::Task.as_str() => "Task",
        prefix if prefix == KeyPrefix::Opportunity.as_str() => "Opportunity",
        _ => return None,
    };
    super::schema::find_object(name)
}
