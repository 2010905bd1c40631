//! What rules, jobs and handlers are handed.

use std::sync::Arc;

use crate::clock::SharedClock;
use crate::config::LimitSettings;
use crate::db::Db;
use crate::vault::Vault;

/// The address callers and browsers use, without a trailing slash.
#[derive(Debug, Clone)]
pub struct PublicUrl(pub Arc<str>);

impl PublicUrl {
    /// The address of `path`, which begins with a slash.
    #[must_use]
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }
}

/// What nearly every rule, job and handler needs. Cheap to clone; handlers extract it.
#[derive(Debug, Clone)]
pub struct Context {
    /// The database.
    pub db: Db,
    /// The clock.
    pub clock: SharedClock,
    /// Seals and opens secrets.
    pub vault: Vault,
    /// Our own address.
    pub public_url: PublicUrl,
    /// What an instance can have.
    pub limits: LimitSettings,
}
