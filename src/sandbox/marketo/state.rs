//! What Marketo remembers between calls.

use super::export::Exports;
use super::quota::Quota;
use super::static_lists::StaticLists;
use super::tokens::Tokens;
use super::users::{MarketoUser, first_users};

/// What Marketo remembers.
#[derive(Debug)]
pub struct State {
    pub tokens: Tokens,
    pub quota: Quota,
    pub exports: Exports,
    pub lists: StaticLists,
    /// Whether exports may filter by `updatedAt`; subscriptions differ (error 1035).
    pub updated_at_filter: bool,
    /// Whether the API user has the permissions "Access Users" and "Access User Management Api".
    pub user_management: bool,
    /// Whether the API user may read people at all.
    pub read_leads: bool,
    /// Whether Get Leads may filter by the ids of Salesforce records.
    pub salesforce_ids_searchable: bool,
    /// Whether the subscription's IP allow-list lets callers in.
    pub address_allowed: bool,
    /// Users shown by user management; settable by control.
    pub users: Vec<MarketoUser>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            tokens: Tokens::default(),
            quota: Quota::default(),
            exports: Exports::default(),
            lists: StaticLists::default(),
            updated_at_filter: true,
            user_management: true,
            read_leads: true,
            salesforce_ids_searchable: true,
            address_allowed: true,
            users: first_users(),
        }
    }
}

impl State {
    /// Removes the prepared files of every job.
    pub fn remove_files(self) {
        self.exports.remove_files();
    }
}
