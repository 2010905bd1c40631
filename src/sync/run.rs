//! A run of the sync: what it reads, its state, and how far it is.

use serde::{Deserialize, Serialize};
use time::Duration;

use super::RunFailure;
use super::report::RunReport;
use crate::clock::Timestamp;
use crate::db::text_enum;
use crate::ids::RunId;

text_enum! {
    /// What somebody can ask of a run that is under way.
    #[schema(as = SyncRunRequest)]
    pub enum RunRequest {
        /// End it; what it has read is deleted, what it has merged stays.
        Cancel = "cancel",
        /// Stop until somebody resumes it.
        Pause = "pause",
    }
}

/// The pause reason of a run that somebody has paused.
pub(super) const PAUSE_REQUESTED: &str = "requested";

text_enum! {
    /// What a run reads.
    #[schema(as = SyncRunKind)]
    pub enum RunKind {
        /// Everybody.
        Full = "full",
        /// Who changed since the run before.
        Incremental = "incremental",
    }
}

text_enum! {
    /// Where a run stands.
    #[schema(as = SyncRunState)]
    pub enum RunState {
        /// Waits for its turn.
        Queued = "queued",
        /// Reads people from Marketo.
        Extracting = "extracting",
        /// Reads owners from Salesforce.
        Qualifying = "qualifying",
        /// Merges who qualifies into the people of the instance.
        Loading = "loading",
        /// Removes who was here and doesn't qualify any more; on PostgreSQL that is part of loading.
        Reconciling = "reconciling",
        Completed = "completed",
        Failed = "failed",
        /// Ended because somebody asked for it.
        Canceled = "cancelled",
        /// Waits for a quota to begin afresh, or for somebody to resume it.
        Paused = "paused",
    }
}

impl RunState {
    /// Whether nothing more will happen.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Canceled)
    }
}

/// What a run is at, finer than its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = SyncRunPhase)]
pub enum RunPhase {
    /// Waits to be begun.
    #[default]
    Waiting,
    /// Counts changes read from both vendors.
    ReadingChanges,
    /// Counts people read from Marketo; the total is known once the last export is made.
    ReadingPeople,
    /// Counts Salesforce leads and contacts read.
    ReadingOwners,
    /// Counts people looked at, who qualify or don't.
    Merging,
    /// Counts people looked at who may have to go.
    Removing,
    /// Clears what was read.
    #[serde(alias = "tidying")]
    CleaningUp,
    /// It is over.
    Ended,
}

/// A run as callers see it.
#[derive(Debug, Clone)]
pub struct SyncRun {
    pub id: RunId,
    pub kind: RunKind,
    /// A full run that reads only who changed in Marketo since then.
    pub changed_since: Option<Timestamp>,
    pub state: RunState,
    /// What somebody asked for and the running attempt has not acted on yet.
    pub requested: Option<RunRequest>,
    /// Why it is paused: `requested`, or the code of what it waits for.
    pub pause_reason: Option<String>,
    /// When a paused run resumes by itself.
    pub resumes_at: Option<Timestamp>,
    pub phase: RunPhase,
    /// How much of the phase is done; [`RunPhase`] says what is counted.
    pub done: i64,
    /// How much there is to do in the phase, once that is known.
    pub total: Option<i64>,
    /// Average per second since the phase began.
    pub rate_per_second: Option<i64>,
    /// When the phase ends at this rate.
    pub eta: Option<Timestamp>,
    pub report: Option<RunReport>,
    pub error: Option<RunFailure>,
    /// A temporary failure; the run retries by itself.
    pub waiting_for: Option<RunFailure>,
    pub started_by: String,
    pub created_at: Timestamp,
    pub started_at: Option<Timestamp>,
    pub updated_at: Timestamp,
    pub finished_at: Option<Timestamp>,
}

/// The average per second and the expected end of a phase that began at `began`.
pub(super) fn estimate_pace(began: Option<Timestamp>, now: Timestamp, done: i64, total: Option<i64>) -> (Option<i64>, Option<Timestamp>) {
    let Some(passed) = began.map(|began| (now - began).whole_milliseconds()).filter(|passed| *passed > 0) else { return (None, None) };
    let rate = i64::try_from(i128::from(done) * 1000 / passed).unwrap_or(i64::MAX);
    let left = total.map(|total| total - done).filter(|left| *left >= 0 && done > 0);
    let eta = left.and_then(|left| i64::try_from(i128::from(left) * passed / i128::from(done)).ok());
    (Some(rate), eta.map(|wait| now + Duration::milliseconds(wait)))
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn the_end_is_estimated_from_the_average_rate_so_far() {
        let began = Timestamp::from(datetime!(2026-06-15 12:00 UTC));
        let (rate, eta) = estimate_pace(Some(began), began + Duration::seconds(10), 1_000, Some(4_000));
        assert_eq!((rate, eta), (Some(100), Some(began + Duration::seconds(40))));
        assert_eq!(estimate_pace(Some(began), began, 1_000, Some(4_000)), (None, None));
        assert_eq!(estimate_pace(Some(began), began + Duration::seconds(10), 0, Some(4_000)), (Some(0), None));
    }
}
