//! The cursor of incremental runs: how far the changes of both vendors are read.

use serde::{Deserialize, Serialize};
use time::Duration;

use super::fields::MappedField;
use crate::clock::Timestamp;

/// How far back a new paging token reaches: our clock may be ahead of Marketo's.
pub(super) const TOKEN_MARGIN: Duration = Duration::minutes(5);
/// How far a window ends before Salesforce's present: a change becomes visible a little after it happens.
pub(super) const VISIBILITY_LAG: Duration = Duration::seconds(5);
/// How far the next window reaches back. A change carries the time at which it was made but becomes visible when its transaction
/// ends, and a transaction in Salesforce lasts ten minutes at most.
pub(super) const OVERLAP: Duration = Duration::minutes(10);

/// Where the next incremental run reads on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ChangesCursor {
    /// Marketo's paging tokens, one for each of its logs.
    pub changes: String,
    pub deletions: String,
    pub merges: String,
    /// Everything that happened in Marketo before this is read.
    pub marketo_until: Timestamp,
    pub leads: ModifiedWindow,
    pub contacts: ModifiedWindow,
    /// Salesforce's logs of deletions are read up to here, by its clock.
    pub logs_until: Timestamp,
    /// The fields whose changes are read, and when they were last described.
    pub fields: Vec<MappedField>,
    pub described_at: Timestamp,
    /// People who changed and could not be found right afterwards: the next round asks for them once more.
    #[serde(default, rename = "ask_again")]
    pub look_up_again: Vec<i64>,
}

/// The records of an object modified from `from` on and before `until`, by Salesforce's clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ModifiedWindow {
    pub from: Timestamp,
    /// Records modified exactly at `from` are read up to this id.
    pub after: Option<String>,
    /// Set while the window is being read page by page.
    pub until: Option<Timestamp>,
}

impl ModifiedWindow {
    /// A window that begins early enough not to miss a change of `at`.
    pub(super) fn before(at: Timestamp) -> Self {
        Self { from: at - OVERLAP, after: None, until: None }
    }
}

impl ChangesCursor {
    /// A cursor without paging tokens, for a run that has no place to read from.
    pub(super) fn without_tokens(now: Timestamp) -> Self {
        Self {
            changes: String::new(),
            deletions: String::new(),
            merges: String::new(),
            marketo_until: now,
            leads: ModifiedWindow::before(now),
            contacts: ModifiedWindow::before(now),
            logs_until: now,
            fields: Vec::new(),
            described_at: now,
            look_up_again: Vec::new(),
        }
    }

    /// The time up to which all changes in Salesforce are read.
    pub(super) fn salesforce_until(&self) -> Timestamp {
        self.leads.from.min(self.contacts.from)
    }
}
