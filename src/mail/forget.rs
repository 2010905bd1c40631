//! Deletes messages from the outbox some time after they left, or were given up: they name people, and nobody asks for them any more.

use futures_util::future::BoxFuture;
use time::Duration;

use super::store;
use crate::clock::SharedClock;
use crate::db::claim::ClaimedJob;
use crate::db::{Db, DbError};
use crate::jobs::{CLEANUP_PERIOD, JobHandler, JobKind, JobOutcome, Lane};

/// The kind of the job, of which there is one for all instances.
const FORGET: JobKind = JobKind::new("forget_mail", Lane::Maintenance);

/// Deletes old messages, again and again.
pub struct ForgetMail {
    db: Db,
    clock: SharedClock,
    retention: Duration,
}

impl ForgetMail {
    /// A handler over the service's database that keeps messages for the time `retention` after their end.
    #[must_use]
    pub fn new(db: Db, clock: SharedClock, retention: Duration) -> Self {
        Self { db, clock, retention }
    }

    async fn round(&self) -> Result<(), DbError> {
        let before = self.clock.timestamp() - self.retention;
        loop {
            let mut tx = self.db.begin().await?;
            let deleted = store::delete_finished(&mut tx, before).await?;
            tx.commit().await?;
            if deleted == 0 {
                return Ok(());
            }
        }
    }
}

impl JobHandler for ForgetMail {
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
