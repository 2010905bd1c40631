//! Estimates how many people would be synced, and why others would not.

use futures_util::try_join;
use serde::Serialize;

use crate::salesforce::SalesforceClient;
use crate::sync::{SyncError, SyncRun};

const LEADS: &str = "SELECT COUNT() FROM Lead WHERE IsConverted = false AND Owner.Type = 'User'";
const CONTACTS: &str = "SELECT COUNT() FROM Contact";
const QUEUED: &str = "SELECT COUNT() FROM Lead WHERE IsConverted = false AND Owner.Type != 'User'";
const CONVERTED: &str = "SELECT COUNT() FROM Lead WHERE IsConverted = true";
const DELETED_LEADS: &str = "SELECT COUNT() FROM Lead WHERE IsDeleted = true";
const DELETED_CONTACTS: &str = "SELECT COUNT() FROM Contact WHERE IsDeleted = true";

/// How many people a sync would bring.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct PeopleEstimate {
    /// Leads that are not converted and that a user owns, in Salesforce.
    pub leads: u64,
    /// Contacts in Salesforce.
    pub contacts: u64,
    /// Both together.
    pub total: u64,
    /// Always true: only a run knows who of them Marketo has.
    pub is_estimate: bool,
    /// What the estimate rests on.
    pub basis: &'static str,
    /// Most people an instance can have.
    pub people_limit: u64,
    /// Whether the estimate is above the limit.
    pub exceeds_limit: bool,
}

/// Why somebody would not be synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = NotQualifyingReason)]
pub enum NotQualifyingReason {
    /// Marketo knows neither a lead nor a contact of the person.
    NoSalesforceRecord,
    /// The record has no owner.
    NoOwner,
    /// A queue owns the lead.
    OwnedByAQueue,
    /// The lead is converted: the person counts as the contact it became.
    ConvertedLead,
    /// The lead or contact is deleted.
    Deleted,
}

/// Those who would not be synced for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = NotQualifying)]
pub struct NotQualifyingGroup {
    pub reason: NotQualifyingReason,
    /// How many; absent when only a run can tell and none has completed yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub people: Option<u64>,
    /// Where the number comes from, and what it means.
    pub basis: &'static str,
}

/// The numbers of records in Salesforce.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct SalesforceCounts {
    pub leads: u64,
    pub contacts: u64,
    pub queued: u64,
    pub converted: u64,
    pub deleted: u64,
}

impl SalesforceCounts {
    /// Asks Salesforce, in six calls that read no record.
    pub async fn fetch(salesforce: &SalesforceClient) -> Result<Self, SyncError> {
        let (leads, contacts, queued, converted, deleted_leads, deleted_contacts) = try_join!(
            salesforce.count(LEADS),
            salesforce.count(CONTACTS),
            salesforce.count(QUEUED),
            salesforce.count(CONVERTED),
            salesforce.count_with_deleted(DELETED_LEADS),
            salesforce.count_with_deleted(DELETED_CONTACTS),
        )?;
        Ok(Self { leads, contacts, queued, converted, deleted: deleted_leads.saturating_add(deleted_contacts) })
    }

    pub fn estimate(&self, limit: u64) -> PeopleEstimate {
        let Self { leads, contacts, .. } = *self;
        let total = leads.saturating_add(contacts);
        let basis = "Counted in Salesforce: unconverted leads owned by a user, and contacts. A person that Marketo doesn't have is counted too, \
                     and one that Marketo has twice is counted once.";
        PeopleEstimate { leads, contacts, total, is_estimate: true, basis, people_limit: limit, exceeds_limit: total > limit }
    }

    /// Counts people who would not be synced; `last` is the last run that read everybody.
    pub fn list_not_qualifying(&self, last: Option<&SyncRun>) -> Vec<NotQualifyingGroup> {
        let unmatched_records = last.and_then(|run| u64::try_from(run.report.as_ref()?.not_qualified.no_salesforce_record).ok());
        let of = |reason, people, basis| NotQualifyingGroup { reason, people, basis };
        vec![
            of(
                NotQualifyingReason::NoSalesforceRecord,
                unmatched_records,
                "People of Marketo without a Salesforce lead or contact, as the last full run found them. Marketo can't be asked for a number; \
                 before a first run it isn't known.",
            ),
            of(NotQualifyingReason::NoOwner, Some(0), "Salesforce gives every lead and contact an owner."),
            of(
                NotQualifyingReason::OwnedByAQueue,
                Some(self.queued),
                "Counted in Salesforce: they are synced as soon as a user takes the lead.",
            ),
            of(
                NotQualifyingReason::ConvertedLead,
                Some(self.converted),
                "Converted leads counted in Salesforce: the contact that a lead became is synced in its place.",
            ),
            of(
                NotQualifyingReason::Deleted,
                Some(self.deleted),
                "Leads and contacts in Salesforce's recycle bin, as far as the connected user sees it.",
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_estimate_above_the_limit_says_so() {
        let of = |leads, contacts| SalesforceCounts { leads, contacts, ..SalesforceCounts::default() }.estimate(1_500_000);
        assert!(!of(1_500_000, 0).exceeds_limit);
        assert!(of(1_500_000, 1).exceeds_limit);
    }

    #[test]
    fn people_without_a_record_are_unknown_before_the_first_run() {
        let all = SalesforceCounts { queued: 3, ..SalesforceCounts::default() }.list_not_qualifying(None);
        assert_eq!((all[0].reason, all[0].people), (NotQualifyingReason::NoSalesforceRecord, None));
        assert_eq!((all[2].reason, all[2].people), (NotQualifyingReason::OwnedByAQueue, Some(3)));
    }
}
