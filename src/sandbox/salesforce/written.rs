//! Records that callers made over the API: tasks and opportunities.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::field_value::Value;
use super::ids::{self, Prefix};
use super::schema::Object;

/// Numbers of such records begin here, so that their ids are none of the computed ones.
const FIRST_NUMBER: u64 = 1_000_000_000;

/// One record. Times are Unix seconds.
#[derive(Debug, Clone)]
pub struct WrittenRecord {
    pub object: &'static Object,
    pub id: String,
    /// What was written, by the fields' names.
    pub fields: BTreeMap<&'static str, Value>,
    pub created_by: String,
    pub created_at: i64,
    pub modified_at: i64,
    /// When a task was completed.
    pub completed_at: Option<i64>,
    pub deleted: bool,
}

impl WrittenRecord {
    /// A field's value: written, or of the system's making.
    pub fn value(&self, name: &str) -> Value {
        let text_of = |name: &str| match self.fields.get(name) {
            Some(Value::Text(text)) => text.as_str(),
            _ => "",
        };
        match name {
            "Id" => Value::Text(self.id.clone()),
            "IsDeleted" => Value::Boolean(self.deleted),
            "IsArchived" => Value::Boolean(false),
            "CreatedDate" => Value::Moment(self.created_at),
            "CreatedById" => Value::Text(self.created_by.clone()),
            "LastModifiedDate" | "SystemModstamp" => Value::Moment(self.modified_at),
            "IsClosed" if self.object.name == "Task" => Value::Boolean(text_of("Status") == "Completed"),
            "CompletedDateTime" => self.completed_at.map_or(Value::Null, Value::Moment),
            "IsClosed" => Value::Boolean(text_of("StageName").starts_with("Closed")),
            "IsWon" => Value::Boolean(text_of("StageName") == "Closed Won"),
            name => self.fields.get(name).cloned().unwrap_or(Value::Null),
        }
    }
}

/// Every record that callers made, in the order of their making, by object. Cloning it is cheap while there are few.
#[derive(Debug, Clone, Default)]
pub struct WrittenRecords(BTreeMap<&'static str, Vec<Arc<WrittenRecord>>>);

fn prefix(object: &Object) -> Prefix {
    if object.name == "Task" { Prefix::Task } else { Prefix::Opportunity }
}

impl WrittenRecords {
    fn of(&self, object: &Object) -> &[Arc<WrittenRecord>] {
        self.0.get(object.name).map_or(&[], Vec::as_slice)
    }

    /// How many records of an object there are, deleted ones included.
    pub fn count(&self, object: &Object) -> u64 {
        self.of(object).len() as u64
    }

    /// The record at a place.
    pub fn at(&self, object: &Object, place: usize) -> Option<Arc<WrittenRecord>> {
        self.of(object).get(place).cloned()
    }

    /// The place of the record with this id.
    pub fn place(&self, object: &Object, id: &str) -> Option<u64> {
        ids::number(prefix(object), id)?.checked_sub(FIRST_NUMBER).filter(|&place| place < self.count(object))
    }

    /// The record with this id, also a deleted one.
    pub fn find(&self, object: &Object, id: &str) -> Option<Arc<WrittenRecord>> {
        self.at(object, usize::try_from(self.place(object, id)?).ok()?)
    }

    /// Records with this text in an external id, without deleted ones.
    pub fn with_external_id(&self, object: &Object, field: &str, text: &str) -> Vec<Arc<WrittenRecord>> {
        let fits = |record: &&Arc<WrittenRecord>| {
            !record.deleted && matches!(record.fields.get(field), Some(Value::Text(own)) if own.eq_ignore_ascii_case(text))
        };
        self.of(object).iter().filter(fits).cloned().collect()
    }

    /// The id of the record that will be added next.
    pub fn next_id(&self, object: &Object) -> String {
        ids::id(prefix(object), FIRST_NUMBER + self.count(object))
    }

    /// Adds a record whose id is [`WrittenRecords::next_id`].
    pub fn add(&mut self, record: WrittenRecord) {
        self.0.entry(record.object.name).or_default().push(Arc::new(record));
    }

    /// Puts a changed record in the place of the one with its id.
    pub fn replace(&mut self, record: WrittenRecord) {
        let place = self.place(record.object, &record.id).and_then(|place| usize::try_from(place).ok());
        if let Some(slot) = place.and_then(|place| self.0.get_mut(record.object.name)?.get_mut(place)) {
            *slot = Arc::new(record);
        }
    }
}
