use std::time::Instant;
use time::Duration;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::store;
use super::worker::Shared;
use crate::clock::monotonic_now;
use crate::db::claim::has_other_claimers;
use crate::ids::JobId;
use crate::telemetry::error_chain;

/// A job that is kept ours by a task of its own, whatever its handler does, until this is dropped.
pub(super) struct HeldLease {
    lost: CancellationToken,
    _released: DropGuard,
}

impl HeldLease {
    /// Keeps extending the lease of a job that was claimed just now.
    pub(super) fn hold(shared: &Shared, job: JobId) -> Self {
        let (lost, released) = (CancellationToken::new(), CancellationToken::new());
        let heartbeat = Heartbeat { shared: shared.clone(), job, lost: lost.clone(), extended: monotonic_now() };
        let until_released = released.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = heartbeat.beat() => {}
                () = until_released.cancelled() => {}
            }
        });
        Self { lost, _released: released.drop_guard() }
    }

    /// Waits until the lease is lost.
    pub(super) async fn lost(&self) {
        self.lost.cancelled().await;
    }
}

struct Heartbeat {
    shared: Shared,
    job: JobId,
    lost: CancellationToken,
    /// When the lease was last known to be ours.
    extended: Instant,
}

impl Heartbeat {
    async fn beat(mut self) {
        let lease = self.shared.settings.lease();
        loop {
            tokio::time::sleep(self.shared.settings.heartbeat()).await;
            if !self.is_ours(lease).await {
                return self.lost.cancel();
            }
        }
    }

    async fn is_ours(&mut self, lease: Duration) -> bool {
        let Shared { db, clock, worker, .. } = &self.shared;
        let now = monotonic_now();
        let extending = store::extend_lease(db, self.job, *worker, clock.timestamp() + lease);
        // While the database can't be asked, another process may ask it, and have the job.
        let extended = match has_other_claimers(db) {
            true => tokio::time::timeout_at((self.extended + lease.unsigned_abs()).into(), extending).await,
            false => Ok(extending.await),
        };
        match extended {
            Ok(Ok(true)) => {
                self.extended = now;
                true
            }
            Ok(Ok(false)) | Err(_) => false,
            Ok(Err(error)) => {
                tracing::warn!(error = %error_chain(&error), job = %self.job, "a job's lease could not be extended; trying again");
                !has_other_claimers(db) || self.extended.elapsed() < lease.unsigned_abs()
            }
        }
    }
}
