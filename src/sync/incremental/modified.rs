//! A Salesforce record whose owner may have changed.

use crate::clock::Timestamp;
use crate::people::SalesforceId;
use crate::salesforce::{Record, read_instant};

/// A modified record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ModifiedRecord {
    pub id: SalesforceId,
    /// Its owner; none for a deleted record or a converted lead.
    pub owner: Option<SalesforceId>,
    pub at: Timestamp,
}

impl ModifiedRecord {
    pub(super) fn read(record: &Record) -> Option<Self> {
        let text = |name: &str| record.get(name)?.as_str();
        let is = |name: &str| record.get(name).and_then(serde_json::Value::as_bool) == Some(true);
        let owner = text("OwnerId").and_then(|owner| owner.parse().ok()).filter(|_| !is("IsDeleted") && !is("IsConverted"));
        Some(Self { id: text("Id")?.parse().ok()?, owner, at: read_instant(text("SystemModstamp")?)?.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deleted_or_converted_record_has_no_owner() {
        let record = |text: &str| ModifiedRecord::read(&serde_json::from_str(text).expect("a record")).expect("it has all fields");
        let common = r#""Id":"00QR0000000UyrWMAS","OwnerId":"005R0000000GiwjIAC","SystemModstamp":"2026-06-15T12:00:00.000+0000""#;
        assert!(record(&format!("{{{common},\"IsDeleted\":false,\"IsConverted\":false}}")).owner.is_some());
        assert!(record(&format!("{{{common},\"IsDeleted\":true}}")).owner.is_none());
        assert!(record(&format!("{{{common},\"IsDeleted\":false,\"IsConverted\":true}}")).owner.is_none());
    }
}
