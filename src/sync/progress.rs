//! What a run stores in the database to resume after a crash, in this process or another.
//!
//! The names of the stored JSON fields stay as earlier versions wrote them.

use serde::{Deserialize, Serialize};

use super::fields::MappedField;
use super::report::RunReport;
use super::rows::OwnersOutcome;
use super::{RunFailure, RunPhase};
use crate::clock::Timestamp;

/// What a run reads. It is decided once, when the run begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RunPlan {
    pub fields: Vec<MappedField>,
    pub earliest: Timestamp,
    pub latest: Timestamp,
    /// Only people who changed since then are read; absent when everybody is.
    #[serde(default)]
    pub changed_since: Option<Timestamp>,
}

/// How far a run is: everything that another attempt needs to resume it. It is written in the transaction of the work it describes.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct RunProgress {
    pub phase: RunPhase,
    pub phase_began_at: Option<Timestamp>,
    pub leads: QueryProgress,
    pub contacts: QueryProgress,
    /// Whether a person or record may be staged more than once, because ids did not only grow.
    #[serde(default, rename = "several")]
    pub may_have_duplicates: bool,
    /// The last Marketo id that was staged.
    #[serde(default)]
    pub last_id: i64,
    /// Staged people up to this place are merged; on SQLite only.
    pub merged_up_to: i64,
    /// Rounds of an incremental run that are merged.
    #[serde(default)]
    pub rounds: i64,
    /// The instance's people up to this Marketo id were checked for removal.
    pub removed_up_to: i64,
    /// Consecutive exports that failed.
    #[serde(default)]
    pub export_failures: u32,
    /// Consecutive attempts that failed before anything was read or merged.
    #[serde(default, rename = "vain_tries")]
    pub consecutive_failures: i64,
    pub failure: Option<RunFailure>,
    pub waiting_for: Option<RunFailure>,
    pub report: RunReport,
}

/// How far a Salesforce query is read.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct QueryProgress {
    pub job: Option<String>,
    /// Salesforce's locator of the page to read next; absent for the first one.
    pub locator: Option<String>,
    /// Records read.
    pub records: i64,
    /// The last record's id.
    #[serde(default)]
    pub last_id: String,
    /// When the job was created.
    #[serde(default, rename = "made_at")]
    pub created_at: Option<Timestamp>,
    /// Jobs for this query that failed.
    #[serde(default)]
    pub failures: u32,
    #[serde(rename = "complete")]
    pub is_complete: bool,
}

impl QueryProgress {
    /// Records the last id of a page; `false` when a record on the page may have been read before.
    pub fn record_page(&mut self, page: &OwnersOutcome) -> bool {
        let Some((first, last)) = page.ids else { return true };
        let is_after_last = page.is_ascending && first.as_slice() > self.last_id.as_bytes();
        self.last_id = String::from_utf8_lossy(&last).into_owned();
        is_after_last
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn stored_progress_keeps_the_json_names_of_earlier_versions() {
        let query = QueryProgress {
            is_complete: true,
            created_at: Some(time::macros::datetime!(2026-06-15 12:00 UTC).into()),
            ..QueryProgress::default()
        };
        let progress = RunProgress { may_have_duplicates: true, consecutive_failures: 3, leads: query, ..RunProgress::default() };
        let stored = serde_json::to_value(&progress).expect("JSON");
        assert_eq!((&stored["several"], &stored["vain_tries"], &stored["leads"]["complete"]), (&json!(true), &json!(3), &json!(true)));
        assert!(stored["leads"]["made_at"].is_string());
        let read: RunProgress = serde_json::from_value(stored).expect("progress");
        assert!(read.may_have_duplicates && read.leads.is_complete && read.consecutive_failures == 3);
    }

    #[test]
    fn a_report_with_the_names_of_earlier_versions_is_read() {
        let mut stored = serde_json::to_value(RunProgress::default()).expect("JSON");
        stored["phase"] = json!("tidying");
        let report = stored["report"].as_object_mut().expect("a report");
        report.remove("is_complete");
        report.insert("saw_everything".to_owned(), json!(true));
        let read: RunProgress = serde_json::from_value(stored).expect("progress");
        assert!(read.report.is_complete && read.phase == RunPhase::CleaningUp);
    }
}
