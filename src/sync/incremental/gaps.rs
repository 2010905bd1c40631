//! Where the changes that were read don't join up, and how the gap is filled.
//!
//! Marketo may forget deletions after 14 days, Salesforce after 15; before that a lost paging token is made anew from the time up to
//! which its log was read, so that the log is read again. Where Marketo's log of changes can't be read at all, a run exports only those
//! who changed since, while deletions, merges and Salesforce's side are still read from their own places: that is exact, too.
//!
//! What the vendors have forgotten takes a full run, though it reads much that is known: who was deleted is in no export of changes, and
//! is found only by reading everybody else. So do changed fields: a value that nobody asked for before changed in nobody's log.

use serde::{Deserialize, Serialize};
use time::Duration;

use super::Cursor;
use crate::clock::Timestamp;
use crate::sync::notices;
use crate::sync::run::RunState;
use crate::sync::store::LastFull;

/// What both vendors still know for certain of the past, with a day to spare for reading it.
const REMEMBERED: Duration = Duration::days(13);
/// The code of the gap that the log of a vendor leaves.
const UNREADABLE: &str = "log_unreadable";
/// A full run that failed or was cancelled isn't begun again by itself before this time.
const REST: Duration = Duration::hours(6);

/// Something that may have been missed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = SyncGap)]
pub struct Gap {
    /// Stable name; branch on this.
    #[schema(example = "changes_forgotten")]
    pub code: String,
    /// What and why.
    pub detail: String,
    pub remedy: Remedy,
}

/// What is done about a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = SyncGapRemedy)]
pub enum Remedy {
    /// The changes are read again from a time before the gap; nothing is missed.
    ReadAgain,
    /// A run was begun that reads those who changed in Marketo since the gap; nothing else is missed.
    TargetedRun,
    /// A full run was begun.
    FullRun,
    /// Such a run is needed and begins later: the last one failed or was cancelled, did not help, or is under way.
    FullRunLater,
    /// The next full run, whenever that is, sees what is missing.
    NextFullRun,
}

impl Gap {
    fn new(code: &str, detail: impl Into<String>, remedy: Remedy) -> Self {
        Self { code: code.to_owned(), detail: detail.into(), remedy }
    }

    pub(super) fn no_cursor() -> Self {
        Self::new("no_cursor", "No full run has set aside a place to read changes from.", Remedy::FullRun)
    }

    pub(super) fn fields_changed() -> Self {
        let detail = "Marketo has other fields than when everybody was read: a synced field was added, removed or renamed.";
        Self::new("fields_changed", detail, Remedy::FullRun)
    }

    pub(super) fn token_refused(since: Timestamp, said: &str) -> Self {
        let detail = format!("Marketo does not take the paging token any more ({said}). Its log is read again from {since} on.");
        Self::new("paging_token_refused", detail, Remedy::ReadAgain)
    }

    /// Marketo refuses even a new paging token of one of its logs.
    pub(super) fn log_unreadable(is_of_changes: bool, since: Timestamp, said: &str) -> Self {
        let (log, remedy) = if is_of_changes { ("changes", Remedy::TargetedRun) } else { ("deletions or merges", Remedy::FullRun) };
        Self::new(
            UNREADABLE,
            format!("Marketo's log of {log} since {since} can't be read, not even by a new paging token ({said})."),
            remedy,
        )
    }

    pub(super) fn is_unreadable(&self) -> bool {
        self.code == UNREADABLE
    }

    pub(super) fn log_purged(earliest: Timestamp) -> Self {
        let detail = format!("Salesforce remembers deletions since {earliest} only, which is later than they were last read.");
        Self::new("deletions_purged", detail, Remedy::FullRun)
    }

    pub(super) fn not_searchable(unfound: usize) -> Self {
        let detail = format!(
            "This Marketo subscription can't look people up by the ids of Salesforce records; they were looked up by e-mail address \
             instead. {unfound} records have none, so whoever they are is found by the next full run."
        );
        Self::new("salesforce_ids_not_searchable", detail, if unfound == 0 { Remedy::ReadAgain } else { Remedy::NextFullRun })
    }

    pub(super) fn merged_unnamed() -> Self {
        let detail = "Marketo merged people without saying which; who is gone is found by the next full run.";
        Self::new("merged_people_unnamed", detail, Remedy::NextFullRun)
    }
}

/// The gap of a cursor that is so old that the vendors may have forgotten what followed.
pub(super) fn forgotten(cursor: &Cursor, now: Timestamp) -> Option<Gap> {
    let oldest = cursor.marketo_until.min(cursor.salesforce_until());
    (now - oldest > REMEMBERED).then(|| {
        let detail = format!("Changes were last read at {oldest}; the vendors may have forgotten deletions of that time.");
        Gap::new("changes_forgotten", detail, Remedy::FullRun)
    })
}

/// Whether a full run may begin by itself, after what became of the last one. One that would be in vain as long as a log can't be read is
/// not repeated at once.
pub(super) fn may_run_again(last: Option<LastFull>, unreadable: bool, now: Timestamp) -> bool {
    last.is_none_or(|last| match last.state() {
        RunState::Completed => !(unreadable && last.started_by == notices::schedule().actor) || now - last.created_at > REST,
        RunState::Failed | RunState::Cancelled => now - last.created_at > REST,
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_cursor_is_used_as_long_as_both_vendors_remember() {
        let then = Timestamp::from(datetime!(2026-06-01 12:00 UTC));
        let cursor = Cursor::nowhere(then);
        assert_eq!(forgotten(&cursor, then + Duration::days(12)), None);
        assert_eq!(forgotten(&cursor, then + Duration::days(14)).map(|gap| gap.code), Some("changes_forgotten".into()));
    }

    #[test]
    fn a_full_run_that_failed_is_left_alone_for_a_while() {
        let now = Timestamp::from(datetime!(2026-06-01 12:00 UTC));
        let last = |hours, state: &str| {
            let (state, started_by) = (state.to_owned(), notices::schedule().actor);
            Some(LastFull { created_at: now - Duration::hours(hours), state, started_by })
        };
        let may = |last, unreadable| may_run_again(last, unreadable, now);
        assert!(may(None, true) && may(last(1, "completed"), false) && may(last(7, "failed"), false) && may(last(7, "completed"), true));
        assert!(!may(last(1, "failed"), false) && !may(last(9, "paused"), false) && !may(last(1, "completed"), true));
    }
}
