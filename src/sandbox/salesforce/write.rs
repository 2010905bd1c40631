//! Making, changing and deleting records: what is checked, and by which error Salesforce refuses it.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use serde_json::{Map, Value as Json};

use super::errors::ApiError;
use super::field_value::Value;
use super::ids::{self, Prefix};
use super::schema::{Field, Kind, Object};
use super::session::org;
use super::written::WrittenRecord;
use crate::sandbox::moment;
use crate::sandbox::state::SandboxState;

/// Who writes.
#[derive(Debug, Clone, Copy)]
pub struct Writer<'a> {
    pub sandbox: &'a SandboxState,
    pub user_id: &'a str,
}

type Fields = BTreeMap<&'static str, Value>;

impl Writer<'_> {
    /// Makes a record; gives its id.
    ///
    /// # Errors
    /// Those of the given values; `REQUIRED_FIELD_MISSING` for what isn't given.
    pub fn create(&self, object: &'static Object, given: &Map<String, Json>) -> Result<String, ApiError> {
        check_writable(object)?;
        let mut fields = self.read(object, given)?;
        for field in object.fields {
            if let Some(value) = field.default {
                fields.entry(field.name).or_insert_with(|| Value::Text(value.to_owned()));
            }
        }
        fields.entry("OwnerId").or_insert_with(|| Value::Text(self.user_id.to_owned()));
        check_complete(object, &fields)?;
        let now = self.sandbox.now();
        let mut salesforce = self.sandbox.salesforce();
        check_unique(object, &fields, |field, text| !salesforce.written.with_external_id(object, field, text).is_empty())?;
        let id = salesforce.written.next_id(object);
        let mut record = WrittenRecord {
            object,
            id: id.clone(),
            fields,
            created_by: self.user_id.to_owned(),
            created_at: now,
            modified_at: now,
            completed_at: None,
            deleted: false,
        };
        record.completed_at = (record.value("IsClosed") == Value::Boolean(true)).then_some(now);
        salesforce.written.add(record);
        Ok(id)
    }

    /// Changes fields of a record.
    ///
    /// # Errors
    /// 404 for a record that isn't there or was deleted; those of the given values.
    pub fn update(&self, object: &'static Object, id: &str, given: &Map<String, Json>) -> Result<(), ApiError> {
        check_writable(object)?;
        let changed = self.read(object, given)?;
        let now = self.sandbox.now();
        let mut salesforce = self.sandbox.salesforce();
        let mut record = (*find(salesforce.written.find(object, id))?).clone();
        check_unique(object, &changed, |field, text| {
            salesforce.written.with_external_id(object, field, text).iter().any(|other| other.id != record.id)
        })?;
        record.fields.extend(changed);
        check_complete(object, &record.fields)?;
        record.modified_at = now;
        record.completed_at = (record.value("IsClosed") == Value::Boolean(true)).then(|| record.completed_at.unwrap_or(now));
        salesforce.written.replace(record);
        Ok(())
    }

    /// Changes the record with this external id, or makes one; gives its id and whether it was made.
    ///
    /// # Errors
    /// 404 for a field that is no external id; those of making and changing.
    pub fn upsert(&self, object: &'static Object, field: &str, key: &str, given: &Map<String, Json>) -> Result<(String, bool), ApiError> {
        let field = external_id(object, field)?;
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
    /// 404 for a field that is no external id, and when there is no such record.
    pub fn id_of(&self, object: &'static Object, field: &str, key: &str) -> Result<String, ApiError> {
        self.find_by_external_id(object, external_id(object, field)?, key).ok_or_else(ApiError::not_found)
    }

    fn find_by_external_id(&self, object: &Object, field: &Field, key: &str) -> Option<String> {
        let found = self.sandbox.salesforce().written.with_external_id(object, field.name, key);
        found.first().map(|record| record.id.clone())
    }

    /// Deletes a record; it goes to the recycle bin.
    ///
    /// # Errors
    /// 404 for a record that isn't there or was deleted before.
    pub fn delete(&self, object: &'static Object, id: &str) -> Result<(), ApiError> {
        check_writable(object)?;
        let now = self.sandbox.now();
        let mut salesforce = self.sandbox.salesforce();
        let mut record = (*find(salesforce.written.find(object, id))?).clone();
        (record.deleted, record.modified_at) = (true, now);
        salesforce.written.replace(record);
        Ok(())
    }

    /// The given values, checked against the schema; `attributes` is no field.
    fn read(&self, object: &'static Object, given: &Map<String, Json>) -> Result<Fields, ApiError> {
        let mut fields = Fields::new();
        for (name, value) in given.iter().filter(|(name, _)| *name != "attributes") {
            let field = object
                .field(name)
                .ok_or_else(|| ApiError::bad("INVALID_FIELD", format!("No such column '{name}' on sobject of type {}", object.name)))?;
            if !field.writable {
                let message = format!(
                    "Unable to create/update fields: {}. Please check the security settings of this field and verify that it is read/write for \
                     your profile or permission set.",
                    field.name
                );
                return Err(ApiError::field("INVALID_FIELD_FOR_INSERT_UPDATE", field.name, message));
            }
            fields.insert(field.name, self.read_value(field, value)?);
        }
        Ok(fields)
    }

    fn read_value(&self, field: &Field, value: &Json) -> Result<Value, ApiError> {
        let unreadable =
            |kind: &str| ApiError::bad("JSON_PARSER_ERROR", format!("Cannot deserialize instance of {kind} from value {value}"));
        match (field.kind, value) {
            (_, Json::Null) => Ok(Value::Null),
            (Kind::Number(_), Json::Number(number)) => number.as_f64().map(Value::Number).ok_or_else(|| unreadable("double")),
            (Kind::Number(_), Json::String(text)) => text.parse().map(Value::Number).map_err(|_| unreadable("double")),
            (Kind::Boolean, Json::Bool(flag)) => Ok(Value::Boolean(*flag)),
            (Kind::Date, Json::String(text)) if text.len() >= 10 && text.is_char_boundary(10) => {
                moment::parse(&text[..10]).map(Value::Date).ok_or_else(|| unreadable("date"))
            }
            (Kind::Moment, Json::String(text)) => moment::parse(text).map(Value::Moment).ok_or_else(|| unreadable("datetime")),
            (Kind::Reference(targets, _), Json::String(id)) => self.read_reference(field, targets, id),
            (Kind::Boolean | Kind::Date | Kind::Moment | Kind::Number(_), _) => Err(unreadable("the field's type")),
            (kind, Json::String(text)) => {
                let longest = match kind {
                    Kind::Text(longest) | Kind::TextArea(longest) => longest,
                    _ => 255,
                };
                let length = text.chars().count();
                if u32::try_from(length).unwrap_or(u32::MAX) > longest {
                    let message = format!("{}: data value too large: {text} (max length={longest})", field.label);
                    return Err(ApiError::field("STRING_TOO_LONG", field.name, message));
                }
                Ok(if text.is_empty() { Value::Null } else { Value::Text(text.clone()) })
            }
            (_, _) => Err(unreadable("string")),
        }
    }

    fn read_reference(&self, field: &Field, targets: &[&str], id: &str) -> Result<Value, ApiError> {
        if id.is_empty() {
            return Ok(Value::Null);
        }
        let fits = matches!(id.len(), 15 | 18) && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !fits {
            let message = format!("{}: id value of incorrect type: {id}", field.label);
            return Err(ApiError::field("MALFORMED_ID", field.name, message));
        }
        let org = org(self.sandbox);
        if targets.iter().any(|target| org.by_id(target, id).is_some()) {
            return Ok(Value::Text(format!("{}{}", &id[..15], ids::checksum(&id[..15]))));
        }
        Err(ApiError::field("INVALID_CROSS_REFERENCE_KEY", field.name, "invalid cross reference id"))
    }
}

fn external_id(object: &'static Object, field: &str) -> Result<&'static Field, ApiError> {
    let unknown = || ApiError::new(StatusCode::NOT_FOUND, "NOT_FOUND", "Provided external ID field does not exist or is not accessible");
    object.field(field).filter(|field| field.external_id).ok_or_else(unknown)
}

fn check_writable(object: &Object) -> Result<(), ApiError> {
    if object.writable {
        return Ok(());
    }
    Err(ApiError::bad("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", format!("entity type cannot be inserted or updated: {}", object.name)))
}

fn find<T: AsRef<WrittenRecord>>(found: Option<T>) -> Result<T, ApiError> {
    let record = found.ok_or_else(ApiError::not_found)?;
    if record.as_ref().deleted {
        return Err(deleted());
    }
    Ok(record)
}

/// 404 for a record in the recycle bin.
pub fn deleted() -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, "ENTITY_IS_DELETED", "entity is deleted")
}

fn check_complete(object: &Object, fields: &Fields) -> Result<(), ApiError> {
    let missing: Vec<String> = object
        .fields
        .iter()
        .filter(|field| field.writable && !field.nillable && matches!(fields.get(field.name), None | Some(Value::Null)))
        .map(|field| field.name.to_owned())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let message = format!("Required fields are missing: [{}]", missing.join(", "));
    Err(ApiError { fields: missing, ..ApiError::bad("REQUIRED_FIELD_MISSING", message) })
}

fn check_unique(object: &Object, fields: &Fields, taken: impl Fn(&str, &str) -> bool) -> Result<(), ApiError> {
    for field in object.fields.iter().filter(|field| field.external_id) {
        if let Some(Value::Text(text)) = fields.get(field.name)
            && taken(field.name, text)
        {
            return Err(ApiError::field(
                "DUPLICATE_VALUE",
                field.name,
                format!("duplicate value found: {} duplicates value on another record", field.name),
            ));
        }
    }
    Ok(())
}

/// The object whose ids begin like this one, of those that can be written.
pub fn object_of_id(id: &str) -> Option<&'static Object> {
    let name = match id.get(..3)? {
        prefix if prefix == Prefix::Task.text() => "Task",
        prefix if prefix == Prefix::Opportunity.text() => "Opportunity",
        _ => return None,
    };
    super::schema::find(name)
}
