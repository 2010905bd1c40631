//! The report of a run: what it read, merged and rejected, and what it cost.

use serde::{Deserialize, Serialize};

use super::gap::SyncGap;
use super::rows::{PeopleOutcome, RejectedRow};
use crate::clock::Timestamp;

/// What a run did. Interim while it is under way.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = SyncReport)]
pub struct RunReport {
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
    /// Rows of exports, or people of an incremental run, that can't be used.
    pub rejected: i64,
    /// The first of them, 100 at most.
    pub rejected_examples: Vec<RejectedRow>,
    /// Values that should have been Salesforce ids and aren't; they count as empty.
    pub unusable_salesforce_ids: i64,
    /// Whether everything could be read. If not, nobody is removed.
    #[serde(alias = "saw_everything")]
    pub is_complete: bool,
    /// Marketo exports to be made: one for each window of creation time.
    pub export_jobs_planned: i64,
    /// Marketo exports made and read.
    pub export_jobs: i64,
    /// Bytes of their files; a subscription has 500 MB a day.
    pub export_bytes: i64,
    /// Salesforce leads and contacts read.
    pub salesforce_records: i64,
    /// What it cost at the vendors, kept twice a second: of a process that was killed the calls since then are missing.
    #[serde(default)]
    #[schema(required)]
    pub usage: RunUsage,
    /// What an incremental run has read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changes: Option<ChangesReport>,
}

/// The most examples of rejected rows in a report.
const MAX_EXAMPLES: usize = 100;
/// The most rejected rows of a run that are kept for a download.
const MAX_REJECTED: usize = 100_000;

impl RunReport {
    /// Adds the rejected rows of a file. Because of them the run did not see everybody.
    pub(super) fn reject(&mut self, outcome: &PeopleOutcome) {
        self.rejected += outcome.rejected;
        self.unusable_salesforce_ids += outcome.unusable_salesforce_ids;
        self.is_complete &= outcome.rejected == 0;
        let room = MAX_EXAMPLES.saturating_sub(self.rejected_examples.len());
        self.rejected_examples.extend(outcome.examples.iter().take(room).cloned());
    }

    /// How many more rejected rows are kept for a download.
    pub(super) fn room_for_rejected(&self) -> usize {
        MAX_REJECTED.saturating_sub(usize::try_from(self.rejected).unwrap_or(usize::MAX))
    }
}

/// What a run cost at the vendors.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = SyncUsage)]
pub struct RunUsage {
    pub marketo: VendorUsage,
    pub salesforce: VendorUsage,
}

impl RunUsage {
    /// Adds `other` to what the run cost.
    pub(super) fn add(&mut self, other: &Self) {
        for (one, other) in [(&mut self.marketo, other.marketo), (&mut self.salesforce, other.salesforce)] {
            one.calls = one.calls.saturating_add(other.calls);
            one.bytes = one.bytes.saturating_add(other.bytes);
        }
    }
}

/// What a run cost at one vendor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = SyncVendorUsage)]
pub struct VendorUsage {
    /// Calls made, repeated ones included.
    pub calls: i64,
    /// Bytes of files and result pages received, unpacked.
    pub bytes: i64,
}

/// What an incremental run has read. One person may change several times and is looked at once.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ChangesReport {
    /// People whom Marketo lists as new.
    pub people_new: i64,
    /// Changes of synced fields that Marketo lists.
    pub people_changed: i64,
    /// People whom Marketo lists as deleted.
    pub people_deleted: i64,
    /// Merges that Marketo lists; of each one person stays.
    pub merges: i64,
    /// Leads and contacts that Salesforce lists as modified, deleted ones among them. A change is listed by several runs: each one
    /// reaches ten minutes back.
    pub salesforce_records: i64,
    /// How old the news was when the run began: the time since Marketo's changes were read up to the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor_age_seconds: Option<i64>,
    /// All that happened in Marketo before this is here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_up_to: Option<Timestamp>,
    /// What may have been missed, why, and what is done about it.
    pub gaps: Vec<SyncGap>,
}

impl ChangesReport {
    /// The number of changes that were read.
    pub(super) fn read(&self) -> i64 {
        self.people_new + self.people_changed + self.people_deleted + self.merges + self.salesforce_records
    }
}

/// Why people read from Marketo are not synced.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = NotQualifiedCounts)]
pub struct NotQualified {
    /// Marketo knows neither a lead nor a contact.
    pub no_salesforce_record: i64,
    /// The lead or contact is not there: deleted, converted, or hidden from the connected user.
    pub not_found_in_salesforce: i64,
    /// A queue owns the lead.
    pub owned_by_a_queue: i64,
}
