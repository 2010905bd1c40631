use futures_util::future::BoxFuture;
use time::Duration;

use super::store;
use crate::clock::SharedClock;
use crate::db::claim::ClaimedJob;
use crate::db::{Db, DbError};
use crate::jobs::{CLEANUP_PERIOD, JobHandler, JobKind, JobOutcome, Lane};

/// The kind of the job, of which there is one for all instances.
const FORGET: JobKind = JobKind::new("forget_idempotency_keys", Lane::Maintenance);

/// Deletes keys that have expired, with the answers kept for them, again and again.
pub struct ForgetKeys {
    db: Db,
    clock: SharedClock,
}

impl ForgetKeys {
    /// A handler over the service's database.
    #[must_use]
    pub fn new(db: Db, clock: SharedClock) -> Self {
        Self { db, clock }
    }

    async fn round(&self) -> Result<(), DbError> {
        let mut tx = self.db.begin().await?;
        store::forget_expired(&mut tx, self.clock.timestamp()).await?;
        tx.commit().await
    }
}

impl JobHandler for ForgetKeys {
    fn kind(&self) -> JobKind {
        FORGET
    }

    fn run<'a>(&'a self, _job: &'a ClaimedJob) -> BoxFuture<'a, JobOutcome> {
        Box::pin(async move { JobOutcome::after_cleanup(self.round().await) })
    }

    fn period(&self) -> Option<Duration> {
        Some(CLEANUP_PERIOD)
    }
}
