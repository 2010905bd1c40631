//! Records that callers created over the API: tasks and opportunities.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::field_value::FieldValue;
use super::ids::{self, KeyPrefix};
use super::schema::ObjectSchema;

/// Numbers of stored records start here, so that their ids differ from those of computed records.
const FIRST_NUMBER: u64 = 1_000_000_000;

/// One record. Times are Unix seconds.
#[derive(Debug, Clone)]
pub struct StoredRecord {
    pub object: &'static ObjectSchema,
    pub id: String,
    /// The values written, by field name.
    pub fields: BTreeMap<&'static str, FieldValue>,
    pub created_by: String,
    pub created_at: i64,
    pub modified_at: i64,
    /// When a task was completed.
    pub completed_at: Option<i64>,
    pub is_deleted: bool,
}

impl StoredRecord {
    /// A field's value, written or set by the system.
    pub fn value(&self, name: &str) -> FieldValue {
        let text_of = |name: &str| match self.fields.get(name) {
            Some(FieldValue::Text(text)) => text.as_str(),
            _ => "",
        };
        match name {
            "Id" => FieldValue::Text(self.id.clone()),
            "IsDeleted" => FieldValue::Boolean(self.is_deleted),
            "IsArchived" => FieldValue::Boolean(false),
            "CreatedDate" => FieldValue::DateTime(self.created_at),
            "CreatedById" => FieldValue::Text(self.created_by.clone()),
            "LastModifiedDate" | "SystemModstamp" => FieldValue::DateTime(self.modified_at),
            "IsClosed" if self.object.name == "Task" => FieldValue::Boolean(text_of("Status") == "Completed"),
            "CompletedDateTime" => self.completed_at.map_or(FieldValue::Null, FieldValue::DateTime),
            "IsClosed" => FieldValue::Boolean(text_of("StageName").starts_with("Closed")),
            "IsWon" => FieldValue::Boolean(text_of("StageName") == "Closed Won"),
            name => self.fields.get(name).cloned().unwrap_or(FieldValue::Null),
        }
    }
}

/// Every record that callers created, by object, oldest first. Cloning is cheap while there are few.
#[derive(Debug, Clone, Default)]
pub struct StoredRecords(BTreeMap<&'static str, Vec<Arc<StoredRecord>>>);

fn key_prefix(object: &ObjectSchema) -> KeyPrefix {
    if object.name == "Task" { KeyPrefix::Task } else { KeyPrefix::Opportunity }
}

impl StoredRecords {
    fn records_of(&self, object: &ObjectSchema) -> &[Arc<StoredRecord>] {
        self.0.get(object.name).map_or(&[], Vec::as_slice)
    }

    /// How many records of an object there are, deleted ones included.
    pub fn count(&self, object: &ObjectSchema) -> u64 {
        self.records_of(object).len() as u64
    }

    /// The record at a position.
    pub fn record_at(&self, object: &ObjectSchema, position: usize) -> Option<Arc<StoredRecord>> {
        self.records_of(object).get(position).cloned()
    }

    /// The position of the record with this id.
    pub fn position_of(&self, object: &ObjectSchema, id: &str) -> Option<u64> {
        ids::record_number(key_prefix(object), id)?.checked_sub(FIRST_NUMBER).filter(|&position| position < self.count(object))
    }

    /// The record with this id, also a deleted one.
    pub fn find(&self, object: &ObjectSchema, id: &str) -> Option<Arc<StoredRecord>> {
        self.record_at(object, usize::try_from(self.position_of(object, id)?).ok()?)
    }

    /// Records with this external id, without deleted ones.
    pub fn find_by_external_id(&self, object: &ObjectSchema, field: &str, text: &str) -> Vec<Arc<StoredRecord>> {
        let matches = |record: &&Arc<StoredRecord>| {
            !record.is_deleted && matches!(record.fields.get(field), Some(FieldValue::Text(own)) if own.eq_ignore_ascii_case(text))
        };
        self.records_of(object).iter().filter(matches).cloned().collect()
    }

    /// The id of the record that will be added next.
    pub fn next_id(&self, object: &ObjectSchema) -> String {
        ids::record_id(key_prefix(object), FIRST_NUMBER + self.count(object))
    }

    /// Adds a record whose id is [`StoredRecords::next_id`].
    pub fn add(&mut self, record: StoredRecord) {
        self.0.entry(record.object.name).or_default().push(Arc::new(record));
    }

    /// Replaces the record that has this one's id.
    pub fn replace(&mut self, record: StoredRecord) {
        let position = self.position_of(record.object, &record.id).and_then(|position| usize::try_from(position).ok());
        if let Some(slot) = position.and_then(|position| self.0.get_mut(record.object.name)?.get_mut(position)) {
            *slot = Arc::new(record);
        }
    }
}
