//! What Salesforce remembers between calls.

use super::bulk::Jobs;
use super::cursors::Cursors;
use super::grants::Grants;
use super::users::{SalesforceUser, first_users};
use super::written::WrittenRecords;

/// What Salesforce remembers.
#[derive(Debug)]
pub struct State {
    pub users: Vec<SalesforceUser>,
    pub grants: Grants,
    pub cursors: Cursors,
    pub jobs: Jobs,
    /// What callers wrote.
    pub written: WrittenRecords,
    /// Redirect addresses registered with the app; any when `None`.
    pub callbacks: Option<Vec<String>>,
    /// Public key, PEM, of the certificate that the app holds for assertions.
    pub app_public_key: Option<String>,
    /// As whom the app acts by its own credentials (the client credentials flow), by id; the flow is off when `None`.
    pub client_credentials_user: Option<String>,
    /// API calls counted, and how many are allowed in 24 hours.
    pub api_calls: u64,
    pub api_limit: u64,
    /// Whether deleted records are gone from the recycle bin as well; the log of deletions still has them.
    pub bin_emptied: bool,
    jobs_made: u64,
}

impl State {
    /// A new org.
    pub fn new() -> Self {
        Self {
            users: first_users(),
            grants: Grants::default(),
            cursors: Cursors::default(),
            jobs: Jobs::default(),
            written: WrittenRecords::default(),
            callbacks: None,
            app_public_key: None,
            client_credentials_user: None,
            api_calls: 0,
            api_limit: 100_000,
            bin_emptied: false,
            jobs_made: 0,
        }
    }

    /// Users who own records: the sales people, and one who has left.
    pub fn owner_ids(&self) -> Vec<String> {
        // Two people own most of it; the one who left keeps a small share.
        [2, 3, 2, 3, 0, 1, 2, 3, 2, 3, 4].iter().filter_map(|&place: &usize| self.users.get(place)).map(|user| user.id.clone()).collect()
    }

    /// Ends every session, as an administrator or a security policy may.
    pub fn expire_sessions(&mut self, now: i64) {
        self.grants.expire_sessions(now);
    }

    /// The number of the next job.
    pub fn next_job(&mut self) -> u64 {
        self.jobs_made += 1;
        self.jobs_made
    }

    /// The user with this id.
    pub fn user(&self, id: &str) -> Option<&SalesforceUser> {
        self.users.iter().find(|user| user.id == id)
    }
}
