//! What a run keeps of itself in the database, to go on from there.

use serde::{Deserialize, Serialize};

use super::fields::MappedField;
use super::report::Report;
use super::rows::OwnersOutcome;
use super::{Failure, Phase};
use crate::clock::Timestamp;

/// What a run reads, decided once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Plan {
    pub fields: Vec<MappedField>,
    pub earliest: Timestamp,
    pub latest: Timestamp,
    /// Only who changed since then is read; absent when everybody is.
    #[serde(default)]
    pub changed_since: Option<Timestamp>,
}

/// How far a run is: everything it needs to go on elsewhere. Written in the transaction of what it tells about.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Ledger {
    pub phase: Phase,
    pub phase_began_at: Option<Timestamp>,
    pub leads: Query,
    pub contacts: Query,
    /// Whether whoever was staged may be staged several times: ids didn't only grow.
    #[serde(default)]
    pub several: bool,
    /// The last Marketo id that was staged.
    #[serde(default)]
    pub last_id: i64,
    /// Staged people up to this place are merged; on SQLite only.
    pub merged_up_to: i64,
    /// Rounds of an incremental run that are settled.
    #[serde(default)]
    pub rounds: i64,
    /// The instance's people up to this Marketo id were looked at for removal.
    pub removed_up_to: i64,
    /// Exports in a row that came to nothing.
    #[serde(default)]
    pub export_failures: u32,
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
    /// The last record's id.
    #[serde(default)]
    pub last_id: String,
    /// When the job was made.
    #[serde(default)]
    pub made_at: Option<Timestamp>,
    /// Jobs of it that came to nothing.
    #[serde(default)]
    pub failures: u32,
    pub complete: bool,
}

impl Query {
    /// Keeps the last id of a page; `false` when a record on it may have been read before.
    pub fn follow(&mut self, page: &OwnersOutcome) -> bool {
        let Some((first, last)) = page.ids else { return true };
        let is_behind = page.ascending && first.as_slice() > self.last_id.as_bytes();
        self.last_id = String::from_utf8_lossy(&last).into_owned();
        is_behind
    }
}
