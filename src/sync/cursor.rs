//! How far the changes of both vendors are read.

use serde::{Deserialize, Serialize};
use time::Duration;

use super::fields::MappedField;
use crate::clock::Timestamp;

/// How far before the present a first paging token reaches: our clock may be ahead of Marketo's.
pub(super) const MARGIN: Duration = Duration::minutes(5);
/// How far a window ends before Salesforce's present: a change becomes visible a little later than it happens.
pub(super) const LAG: Duration = Duration::seconds(5);
/// How far the next window reaches back. A change becomes visible when its transaction ends and carries the time at which it was
/// made; a transaction of Salesforce's lasts ten minutes at most.
pub(super) const OVERLAP: Duration = Duration::minutes(10);

/// How far the changes of both vendors are read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Cursor {
    /// Marketo's paging tokens, one for each of its logs.
    pub changes: String,
    pub deletions: String,
    pub merges: String,
    /// All that happened in Marketo before this is read.
    pub marketo_until: Timestamp,
    pub leads: Window,
    pub contacts: Window,
    /// Salesforce's logs of deletions are read up to here, by its clock.
    pub logs_until: Timestamp,
    /// Fields whose changes are read, and since when they are known.
    pub fields: Vec<MappedField>,
    pub described_at: Timestamp,
    /// People who changed and weren't to be found right afterwards: they are asked for once more.
    #[serde(default)]
    pub ask_again: Vec<i64>,
}

/// The records of an object that were modified from `from` on and before `until`, by Salesforce's clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Window {
    pub from: Timestamp,
    /// Of those modified at `from`, records up to this id are read.
    pub after: Option<String>,
    /// Set while the window is being read.
    pub until: Option<Timestamp>,
}

impl Window {
    /// A window that begins so early that a change of `at` can't be missed.
    pub(super) fn before(at: Timestamp) -> Self {
        Self { from: at - OVERLAP, after: None, until: None }
    }
}

impl Cursor {
    /// A cursor that nothing can be read from.
    pub(super) fn nowhere(now: Timestamp) -> Self {
        Self {
            changes: String::new(),
            deletions: String::new(),
            merges: String::new(),
            marketo_until: now,
            leads: Window::before(now),
            contacts: Window::before(now),
            logs_until: now,
            fields: Vec::new(),
            described_at: now,
            ask_again: Vec::new(),
        }
    }

    /// Up to where Salesforce's changes are read for certain.
    pub(super) fn salesforce_until(&self) -> Timestamp {
        self.leads.from.min(self.contacts.from)
    }
}
