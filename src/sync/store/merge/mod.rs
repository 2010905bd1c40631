//! Merging the staged people into the people of the instance: on PostgreSQL all of them in one transaction, set by set; on SQLite, whose
//! one writer serves everybody, range by range.

pub(in crate::sync) mod postgres;
pub(in crate::sync) mod sqlite;

use crate::people::{Person, SyncField};
use crate::sync::report::RunReport;

/// The columns of a person that are compared and replaced, all between the key and the time of the last change: [`STAGED_COLUMNS`], and the
/// owner, who comes from elsewhere.
const COLUMNS: &[&str] = Person::COLUMNS.split_at(1).1.split_at(SyncField::TEXTS.len() + 1).0;

/// The columns that staged people have, too.
const STAGED_COLUMNS: &[&str] = COLUMNS.split_at(SyncField::TEXTS.len()).0;

/// Counts the people of the instance `$1`.
pub(super) const COUNT_PEOPLE: &str = "SELECT COUNT(*) FROM people WHERE instance_id = $1";

/// The counts of a merge.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::sync) struct MergeCounts {
    pub read: i64,
    pub qualified: i64,
    /// Of the qualified, those who were not there before.
    pub inserted: i64,
    /// Of the qualified, those with a changed value.
    pub updated: i64,
    /// Not qualified: no id of a Salesforce record.
    pub without_record: i64,
    /// Not qualified: a queue owns the record.
    pub owned_by_queue: i64,
    /// People who were removed.
    pub removed: i64,
}

impl MergeCounts {
    /// Adds them to the report of a run.
    pub(in crate::sync) fn add_to(self, report: &mut RunReport) {
        report.read += self.read;
        report.qualified += self.qualified;
        report.inserted += self.inserted;
        report.updated += self.updated;
        report.unchanged += self.qualified - self.inserted - self.updated;
        report.removed += self.removed;
        let reasons = &mut report.not_qualified;
        reasons.no_salesforce_record += self.without_record;
        reasons.owned_by_a_queue += self.owned_by_queue;
        reasons.not_found_in_salesforce += self.read - self.qualified - self.without_record - self.owned_by_queue;
    }
}

/// Writes each column by `pattern`, in which `?` stands for its name.
fn join_columns(columns: &[&str], pattern: &str, between: &str) -> String {
    columns.iter().map(|name| pattern.replace('?', name)).collect::<Vec<_>>().join(between)
}
