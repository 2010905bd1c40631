//! What a run is and what it tells.

use serde::{Deserialize, Serialize};
use time::Duration;

use super::Failure;
use super::fields::MappedField;
use crate::clock::Timestamp;
use crate::ids::RunId;

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Waits for its turn.
    Queued,
    /// Reads people from Marketo.
    Extracting,
    /// Reads owners from Salesforce.
    Qualifying,
    /// Merges who qualifies into the people of the instance.
    Loading,
    Completed,
    Failed,
}

impl RunState {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Extracting => "extracting",
            Self::Qualifying => "qualifying",
            Self::Loading => "loading",
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }

    /// The state by the word the database keeps; its check constraint lets no other word in.
    pub(super) fn parse(word: &str) -> Self {
        match word {
            "queued" => Self::Queued,
            "extracting" => Self::Extracting,
            "qualifying" => Self::Qualifying,
            "loading" => Self::Loading,
            "completed" => Self::Completed,
            _ => Self::Failed,
        }
    }

    /// Whether nothing more will happen.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed)
    }
}

/// What a run is at, finer than its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Waits to be begun.
    #[default]
    Waiting,
    /// Counts people read from Marketo; the total is known once the last export is made.
    ReadingPeople,
    /// Counts Salesforce leads and contacts read.
    ReadingOwners,
    /// Counts people looked at, who qualify or don't.
    Merging,
    /// Counts people looked at, who may have to go.
    Removing,
    /// Clears what was read.
    Tidying,
    /// It is over.
    Ended,
}

/// A run as callers see it.
#[derive(Debug, Clone)]
pub struct Run {
    pub id: RunId,
    pub state: RunState,
    pub phase: Phase,
    /// How much of the phase is done; see [`Phase`] for what is counted.
    pub done: i64,
    /// How much there is to do in the phase, once that is known.
    pub total: Option<i64>,
    /// What is counted a second since the phase began.
    pub rate_per_second: Option<i64>,
    /// When the phase ends at this rate.
    pub eta: Option<Timestamp>,
    pub report: Option<Report>,
    pub error: Option<Failure>,
    /// A trouble that passes by itself; the run goes on.
    pub waiting_for: Option<Failure>,
    pub started_by: String,
    pub created_at: Timestamp,
    pub started_at: Option<Timestamp>,
    pub updated_at: Timestamp,
    pub finished_at: Option<Timestamp>,
}

/// Speed and end of a phase that began at `began`.
pub(super) fn pace(began: Option<Timestamp>, now: Timestamp, done: i64, total: Option<i64>) -> (Option<i64>, Option<Timestamp>) {
    let Some(passed) = began.map(|began| (now - began).whole_milliseconds()).filter(|passed| *passed > 0) else { return (None, None) };
    let rate = i64::try_from(i128::from(done) * 1000 / passed).unwrap_or(i64::MAX);
    let left = total.map(|total| total - done).filter(|left| *left >= 0 && done > 0);
    let eta = left.and_then(|left| i64::try_from(i128::from(left) * passed / i128::from(done)).ok());
    (Some(rate), eta.map(|wait| now + Duration::milliseconds(wait)))
}

/// What a run did. Interim while it is under way.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Report {
    /// People read from Marketo.
    pub read: i64,
    /// Of those, people who are a Salesforce lead or contact that a user owns.
    pub qualified: i64,
    /// Of the qualified, people who were not here before.
    pub inserted: i64,
    /// Of the qualified, people with a changed field or owner.
    pub updated: i64,
    /// Of the qualified, people who were here already, just so.
    pub unchanged: i64,
    /// People who were here and don't qualify any more.
    pub removed: i64,
    pub not_qualified: NotQualified,
    /// Rows of exports that can't be used.
    pub rejected: i64,
    /// The first of them, 100 at most.
    pub rejected_examples: Vec<RejectedRow>,
    /// Values that should have been Salesforce ids and aren't; they count as empty.
    pub unusable_salesforce_ids: i64,
    /// Whether everything could be read. If not, nobody is removed.
    pub saw_everything: bool,
    /// Marketo exports to be made: one for each window of creation time.
    pub export_jobs_planned: i64,
    /// Marketo exports made and read.
    pub export_jobs: i64,
    /// Bytes of their files; a subscription has 500 MB a day.
    pub export_bytes: i64,
    /// Salesforce leads and contacts read.
    pub salesforce_records: i64,
}

/// Why people read from Marketo are not synced.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct NotQualified {
    /// Marketo knows neither a lead nor a contact.
    pub no_salesforce_record: i64,
    /// The lead or contact is not there: deleted, converted, or hidden from the connected user.
    pub not_found_in_salesforce: i64,
    /// A queue owns the lead.
    pub owned_by_a_queue: i64,
}

/// A row that can't be used. Nothing of it is kept but the person's id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RejectedRow {
    /// Marketo's id of the person, if that much can be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub marketo_id: Option<i64>,
    /// `wrong_number_of_columns`, `no_marketo_id`, `not_utf8` or `value_too_long`.
    pub reason: String,
    /// Begin of the window of creation time that was exported.
    pub window_start: Timestamp,
}

/// What a run reads, decided once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Plan {
    pub fields: Vec<MappedField>,
    pub earliest: Timestamp,
    pub latest: Timestamp,
}

/// How far a run is: everything it needs to go on elsewhere. Written in the transaction of what it tells about.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Ledger {
    pub phase: Phase,
    pub phase_began_at: Option<Timestamp>,
    pub leads: Query,
    pub contacts: Query,
    /// People up to this Marketo id are merged.
    pub merged_up_to: i64,
    /// The instance's people up to this Marketo id were looked at for removal.
    pub removed_up_to: i64,
    /// Tries in a row that were stopped before anything was read or merged.
    #[serde(default)]
    pub vain_tries: i64,
    pub failure: Option<Failure>,
    pub waiting_for: Option<Failure>,
    pub report: Report,
}

/// How far a Salesforce query is read.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Query {
    pub job: Option<String>,
    /// The page to be read next; the first one when absent.
    pub locator: Option<String>,
    /// Records read.
    pub records: i64,
    pub complete: bool,
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn the_end_is_foretold_from_what_was_done_so_far() {
        let began = Timestamp::from(datetime!(2026-06-15 12:00 UTC));
        let (rate, eta) = pace(Some(began), began + Duration::seconds(10), 1_000, Some(4_000));
        assert_eq!((rate, eta), (Some(100), Some(began + Duration::seconds(40))));
        assert_eq!(pace(Some(began), began, 1_000, Some(4_000)), (None, None));
        assert_eq!(pace(Some(began), began + Duration::seconds(10), 0, Some(4_000)), (Some(0), None));
    }
}
