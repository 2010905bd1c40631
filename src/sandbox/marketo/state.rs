//! What Marketo remembers between calls.

use super::call_quota::CallQuota;
use super::export_jobs::ExportJobs;
use super::static_lists::StaticLists;
use super::tokens::MarketoTokens;
use super::users::{MarketoUser, initial_users};

/// What Marketo remembers.
#[derive(Debug)]
pub struct MarketoState {
    pub tokens: MarketoTokens,
    pub quota: CallQuota,
    pub exports: ExportJobs,
    pub lists: StaticLists,
    /// Whether exports may filter by `updatedAt`; subscriptions differ (error 1035).
    pub has_updated_at_filter: bool,
    /// Whether the API user has the permissions "Access Users" and "Access User Management Api".
    pub can_manage_users: bool,
    /// Whether the API user may read people at all.
    pub can_read_leads: bool,
    /// Whether Get Leads may filter by the ids of Salesforce records.
    pub has_searchable_salesforce_ids: bool,
    /// Whether the subscription's IP allow-list lets callers in.
    pub allows_address: bool,
    /// Users in user management.
    pub users: Vec<MarketoUser>,
}

impl Default for MarketoState {
    fn default() -> Self {
        Self {
            tokens: MarketoTokens::default(),
            quota: CallQuota::default(),
            exports: ExportJobs::default(),
            lists: StaticLists::default(),
            has_updated_at_filter: true,
            can_manage_users: true,
            can_read_leads: true,
            has_searchable_salesforce_ids: true,
            allows_address: true,
            users: initial_users(),
        }
    }
}

impl MarketoState {
    /// Removes the export files of every job.
    pub fn remove_files(self) {
        self.exports.remove_files();
    }
}
