//! What Salesforce remembers between calls.

use super::cursors::QueryCursors;
use super::grants::AppGrants;
use super::query_jobs::SandboxQueryJobs;
use super::stored_records::StoredRecords;
use super::users::{SalesforceUser, initial_users};

/// What Salesforce remembers.
#[derive(Debug)]
pub struct SalesforceState {
    pub users: Vec<SalesforceUser>,
    pub grants: AppGrants,
    pub cursors: QueryCursors,
    pub jobs: SandboxQueryJobs,
    /// Records that callers created.
    pub stored_records: StoredRecords,
    /// The redirect addresses registered with the app; any address when `None`.
    pub callbacks: Option<Vec<String>>,
    /// Public key, PEM, of the certificate that the app holds for assertions.
    pub app_public_key: Option<String>,
    /// The id of the user as whom the client credentials flow runs; the flow is off when `None`.
    pub client_credentials_user: Option<String>,
    /// API calls since the start.
    pub api_calls: u64,
    /// API calls allowed in 24 hours.
    pub api_limit: u64,
    /// Whether deleted records are gone from the recycle bin too; the log of deletions still has them.
    pub is_bin_emptied: bool,
    job_count: u64,
}

impl SalesforceState {
    /// A new org.
    pub fn new() -> Self {
        Self {
            users: initial_users(),
            grants: AppGrants::default(),
            cursors: QueryCursors::default(),
            jobs: SandboxQueryJobs::default(),
            stored_records: StoredRecords::default(),
            callbacks: None,
            app_public_key: None,
            client_credentials_user: None,
            api_calls: 0,
            api_limit: 100_000,
            is_bin_emptied: false,
            job_count: 0,
        }
    }

    /// Ids of the users who own records, each as often as their share: two own most, one who has left owns few.
    pub fn owner_ids(&self) -> Vec<String> {
        [2, 3, 2, 3, 0, 1, 2, 3, 2, 3, 4]
            .iter()
            .filter_map(|&position: &usize| self.users.get(position))
            .map(|user| user.id.clone())
            .collect()
    }

    /// Ends every session, as an administrator or a security policy may.
    pub fn expire_sessions(&mut self, now: i64) {
        self.grants.expire_sessions(now);
    }

    /// The number of a new job.
    pub fn next_job_number(&mut self) -> u64 {
        self.job_count += 1;
        self.job_count
    }

    /// The user with this id.
    pub fn find_user(&self, id: &str) -> Option<&SalesforceUser> {
        self.users.iter().find(|user| user.id == id)
    }
}
