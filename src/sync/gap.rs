//! What an incremental run may have missed, and how that is resolved.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;

/// The code of the gap that an unreadable log leaves.
const UNREADABLE: &str = "log_unreadable";

/// Something that may have been missed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = SyncGap)]
pub struct SyncGap {
    /// Stable name; branch on this.
    #[schema(example = "changes_forgotten")]
    pub code: String,
    /// What and why.
    pub detail: String,
    #[serde(alias = "remedy")]
    pub resolution: GapResolution,
}

/// What is done about a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = SyncGapResolution)]
pub enum GapResolution {
    /// The changes are read again from a time before the gap; nothing is missed.
    ReadAgain,
    /// A run was begun that reads those who changed in Marketo since the gap; nothing else is missed.
    TargetedRun,
    /// A full run was begun.
    FullRun,
    /// Such a run is needed and begins later: the last one failed or was canceled, did not help, or is under way.
    FullRunLater,
    /// The next full run, whenever that is, sees what is missing.
    NextFullRun,
}

impl SyncGap {
    fn new(code: &str, detail: impl Into<String>, resolution: GapResolution) -> Self {
        Self { code: code.to_owned(), detail: detail.into(), resolution }
    }

    pub(super) fn no_cursor() -> Self {
        Self::new("no_cursor", "No full run has set aside a place to read changes from.", GapResolution::FullRun)
    }

    pub(super) fn fields_changed() -> Self {
        let detail = "Marketo has other fields than when everybody was read: a synced field was added, removed or renamed.";
        Self::new("fields_changed", detail, GapResolution::FullRun)
    }

    pub(super) fn token_refused(since: Timestamp, said: &str) -> Self {
        let detail = format!("Marketo does not take the paging token any more ({said}). Its log is read again from {since} on.");
        Self::new("paging_token_refused", detail, GapResolution::ReadAgain)
    }

    /// Marketo refuses even a new paging token for one of its logs.
    pub(super) fn log_unreadable(is_of_changes: bool, since: Timestamp, said: &str) -> Self {
        let (log, resolution) =
            if is_of_changes { ("changes", GapResolution::TargetedRun) } else { ("deletions or merges", GapResolution::FullRun) };
        Self::new(
            UNREADABLE,
            format!("Marketo's log of {log} since {since} can't be read, not even by a new paging token ({said})."),
            resolution,
        )
    }

    pub(super) fn is_unreadable(&self) -> bool {
        self.code == UNREADABLE
    }

    pub(super) fn log_purged(earliest: Timestamp) -> Self {
        let detail = format!("Salesforce remembers deletions since {earliest} only, which is later than they were last read.");
        Self::new("deletions_purged", detail, GapResolution::FullRun)
    }

    pub(super) fn not_searchable(unfound: usize) -> Self {
        let detail = format!(
            "This Marketo subscription can't look people up by the ids of Salesforce records; they were looked up by e-mail address \
             instead. {unfound} records have none, so whoever they are is found by the next full run."
        );
        Self::new("salesforce_ids_not_searchable", detail, if unfound == 0 { GapResolution::ReadAgain } else { GapResolution::NextFullRun })
    }

    pub(super) fn merged_unnamed() -> Self {
        let detail = "Marketo merged people without saying which; who is gone is found by the next full run.";
        Self::new("merged_people_unnamed", detail, GapResolution::NextFullRun)
    }

    /// The vendors may have forgotten changes after `oldest`, up to which they were last read.
    pub(super) fn changes_forgotten(oldest: Timestamp) -> Self {
        let detail = format!("Changes were last read at {oldest}; the vendors may have forgotten deletions of that time.");
        Self::new("changes_forgotten", detail, GapResolution::FullRun)
    }
}
