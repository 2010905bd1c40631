//! Attempts at a run, and the lease that lets only the latest one write: an attempt takes the run's lease, and stops when somebody asks
//! it to, when this process stops, or when another attempt has taken the lease.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, OwnedMutexGuard};
use uuid::Uuid;

mod usage;

pub(super) use usage::{UsageMeter, UsageMeters};

use crate::db::Tx;
use crate::ids::{InstanceId, JobId, RunId};
use crate::sync::SyncError;
use crate::sync::run::{RunRequest, RunState};
use crate::sync::service::SyncService;
use crate::sync::store::{self, RunRow};
use crate::telemetry::error_chain;

/// The wait between two looks whether the run is to stop.
const REQUEST_POLL: Duration = Duration::from_millis(500);

/// One attempt to carry out a run.
#[derive(Debug, Clone)]
pub(in crate::sync) struct RunAttempt {
    pub instance: InstanceId,
    pub run: RunId,
    /// The job that makes this attempt.
    pub job: JobId,
    /// The id of this attempt; it may write only while it holds the run's lease.
    pub id: Uuid,
    /// Held during steps at a vendor that should not be interrupted halfway.
    pub critical_step: Arc<Mutex<()>>,
    /// Counts what the attempt costs at the vendors.
    pub meters: UsageMeters,
}

impl RunAttempt {
    pub fn new(service: &SyncService, instance: InstanceId, run: RunId, job: JobId) -> Self {
        Self { instance, run, job, id: service.clock.new_id(), critical_step: Arc::default(), meters: UsageMeters::default() }
    }

    /// Takes the run's lease from the attempt before. None when there is nothing to do: the run has ended, waits for somebody to resume
    /// it, or belongs to another job.
    pub async fn take_over_run(&self, service: &SyncService) -> Result<Option<RunRow>, SyncError> {
        let now = service.clock.timestamp();
        let mut tx = service.db.begin().await?;
        let Some(mut row) = store::lock_run(&mut tx, self.instance, self.run).await? else { return Ok(None) };
        let is_its_job = row.job_id.is_none_or(|job| job == self.job);
        let state = match row.state {
            state if state.is_final() || !is_its_job => return Ok(None),
            RunState::Paused if row.resumes_at.is_some_and(|at| at <= now) => row.resumes_in(),
            // It is canceled without being resumed first.
            RunState::Paused if row.requested == Some(RunRequest::Cancel) => RunState::Paused,
            RunState::Paused => return Ok(None),
            state => state,
        };
        store::take_over_run(&mut tx, self.instance, (self.run, self.id), state, now).await?;
        tx.commit().await?;
        row.state = state;
        Ok(Some(row))
    }

    /// Begins a transaction and locks the run's lease for it.
    ///
    /// # Errors
    /// [`SyncError::LeaseLost`] when another attempt holds the lease.
    pub async fn begin_transaction(&self, service: &SyncService) -> Result<Tx, SyncError> {
        let mut tx = service.db.begin().await?;
        let is_ours = store::lock_as_holder(&mut tx, self.instance, (self.run, self.id)).await?;
        if is_ours { Ok(tx) } else { Err(SyncError::LeaseLost) }
    }

    /// Waits until this attempt has to stop. Returns the reason, and a guard that keeps another critical step from beginning.
    pub async fn wait_until_stopped(&self, service: &SyncService) -> (SyncError, OwnedMutexGuard<()>) {
        let why = loop {
            tokio::select! {
                () = service.stop.cancelled() => break SyncError::ProcessStopping,
                () = tokio::time::sleep(REQUEST_POLL) => {}
            }
            match store::find_request(&service.db, self.instance, self.run).await {
                Ok(Some((Some(lease_holder), requested))) if lease_holder == self.id => {
                    if requested.is_some() {
                        break SyncError::StopRequested;
                    }
                }
                Ok(_) => break SyncError::LeaseLost,
                Err(error) => tracing::warn!(run = %self.run, error = %error_chain(&error), "whether a sync is to stop can't be read"),
            }
        };
        (why, self.critical_step.clone().lock_owned().await)
    }
}
