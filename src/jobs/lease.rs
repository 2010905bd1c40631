use std::time::Instant;
use time::Duration;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::runtime::JobRuntime;
use super::store;
use crate::clock::monotonic_now;
use crate::db::claim::has_other_claimers;
use crate::ids::JobId;
use crate::telemetry::error_chain;

/// Keeps a job's lease until it is dropped, in a task of its own that no handler can hold up.
pub(super) struct HeldLease {
    lost: CancellationToken,
    _released: DropGuard,
}

impl HeldLease {
    /// Starts extending the lease of a job that was just claimed.
    pub(super) fn hold(runtime: &JobRuntime, job: JobId) -> Self {
        let (lost, released) = (CancellationToken::new(), CancellationToken::new());
        let heartbeat = LeaseHeartbeat { runtime: runtime.clone(), job, lost: lost.clone(), extended_at: monotonic_now() };
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

struct LeaseHeartbeat {
    runtime: JobRuntime,
    job: JobId,
    lost: CancellationToken,
    /// When the lease was last extended.
    extended_at: Instant,
}

impl LeaseHeartbeat {
    async fn beat(mut self) {
        let lease = self.runtime.settings.lease();
        loop {
            tokio::time::sleep(self.runtime.settings.heartbeat()).await;
            if !self.is_ours(lease).await {
                return self.lost.cancel();
            }
        }
    }

    async fn is_ours(&mut self, lease: Duration) -> bool {
        let JobRuntime { db, clock, worker, .. } = &self.runtime;
        let now = monotonic_now();
        let extending = store::extend_lease(db, self.job, *worker, clock.timestamp() + lease);
        // While this process can't reach the database, another one may, and may claim the job when the lease expires.
        let extended = match has_other_claimers(db) {
            true => tokio::time::timeout_at((self.extended_at + lease.unsigned_abs()).into(), extending).await,
            false => Ok(extending.await),
        };
        match extended {
            Ok(Ok(true)) => {
                self.extended_at = now;
                true
            }
            Ok(Ok(false)) | Err(_) => false,
            Ok(Err(error)) => {
                tracing::warn!(error = %error_chain(&error), job = %self.job, "a job's lease could not be extended; retrying");
                !has_other_claimers(db) || self.extended_at.elapsed() < lease.unsigned_abs()
            }
        }
    }
}
