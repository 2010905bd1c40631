//! Canceling, pausing, resuming and retrying runs. A running attempt sees a request within a second; without one, the run's job acts
//! on it.

use super::run::{PAUSE_REQUESTED, RunRequest, RunState};
use super::service::SyncService;
use super::store::{self, PauseEnd, RunRow};
use super::{SyncError, SyncRun, queue};
use crate::audit::{self, ChangeOrigin, Entry};
use crate::clock::Timestamp;
use crate::db::{DbError, Tx};
use crate::ids::{InstanceId, JobId, RunId};
use crate::jobs::run_now;
use crate::mail;

/// What a request to control a run did.
#[derive(Debug, Clone)]
pub enum ControlOutcome {
    /// The run is in that state already.
    Unchanged(SyncRun),
    /// The request is carried out, or about to be.
    Accepted(SyncRun),
}

/// Has `job` retry a failed run, whose row is locked: from where it failed while the staged data is kept, otherwise from the start.
pub(super) async fn resume_failed(tx: &mut Tx, instance: InstanceId, row: &RunRow, job: JobId, now: Timestamp) -> Result<(), DbError> {
    let state = if row.keeps_staging { row.resumes_in() } else { RunState::Queued };
    if state == RunState::Queued {
        store::reset_run(tx, instance, row.id).await?;
    } else {
        let mut progress = row.progress();
        (progress.failure, progress.consecutive_failures) = (None, 0);
        store::overwrite_progress(tx, instance, row.id, &progress).await?;
    }
    // A message about the failure that wasn't sent yet would be wrong now.
    mail::cancel(tx, instance, row.id.0, now).await?;
    store::resume_run(tx, instance, row.id, (state, job), now).await
}

impl SyncService {
    /// Cancels a run. What it has merged stays; what it has only read is deleted.
    ///
    /// # Errors
    /// [`SyncError::RunStateConflict`] when it is over, [`SyncError::RunNotFound`], [`SyncError::Db`].
    pub async fn cancel(&self, instance: InstanceId, id: RunId, origin: &ChangeOrigin) -> Result<ControlOutcome, SyncError> {
        let (mut tx, row, now) = self.lock_run(instance, id).await?;
        match (row.state, row.requested) {
            (RunState::Canceled, _) | (_, Some(RunRequest::Cancel)) => return self.respond_unchanged(tx, instance, id).await,
            (RunState::Completed, _) => return Err(SyncError::RunStateConflict("The run is complete; there is nothing to cancel.")),
            (RunState::Failed, _) => return Err(SyncError::RunStateConflict("The run has failed; there is nothing to cancel.")),
            _ => store::set_request(&mut tx, instance, id, Some(RunRequest::Cancel), now).await?,
        }
        self.wake_job(&mut tx, instance, &row).await?;
        self.record_accepted(tx, instance, id, origin, "sync.canceled").await
    }

    /// Pauses a run until it is resumed.
    ///
    /// # Errors
    /// As [`SyncService::cancel`].
    pub async fn pause(&self, instance: InstanceId, id: RunId, origin: &ChangeOrigin) -> Result<ControlOutcome, SyncError> {
        let (mut tx, row, now) = self.lock_run(instance, id).await?;
        match (row.state, row.requested) {
            (state, _) if state.is_final() => {
                return Err(SyncError::RunStateConflict("The run is over; only a run under way can be paused."));
            }
            (_, Some(RunRequest::Cancel)) => return Err(SyncError::RunStateConflict("The run is being canceled; it can't be paused.")),
            (RunState::Paused, _) if row.resumes_at.is_none() => return self.respond_unchanged(tx, instance, id).await,
            (RunState::Paused, _) => {
                // It waits for a quota and no attempt is running: from now on it waits for somebody to resume it.
                store::pause_run(&mut tx, instance, id, row.resumes_in(), (PAUSE_REQUESTED, PauseEnd::OnRequest), now).await?;
            }
            (_, Some(RunRequest::Pause)) => return self.respond_unchanged(tx, instance, id).await,
            _ => {
                store::set_request(&mut tx, instance, id, Some(RunRequest::Pause), now).await?;
                self.wake_job(&mut tx, instance, &row).await?;
            }
        }
        self.record_accepted(tx, instance, id, origin, "sync.paused").await
    }

    /// Resumes a paused run where it stopped.
    ///
    /// # Errors
    /// As [`SyncService::cancel`].
    pub async fn resume(&self, instance: InstanceId, id: RunId, origin: &ChangeOrigin) -> Result<ControlOutcome, SyncError> {
        let (mut tx, row, now) = self.lock_run(instance, id).await?;
        match (row.state, row.requested) {
            (RunState::Failed, _) => {
                return Err(SyncError::RunStateConflict("The run has failed. Have it tried again with POST /v1/sync/runs/{run_id}/retry."));
            }
            (state, _) if state.is_final() => {
                return Err(SyncError::RunStateConflict("The run is over. Start another one with POST /v1/sync/runs."));
            }
            (_, Some(RunRequest::Cancel)) => {
                return Err(SyncError::RunStateConflict("The run is being canceled. Start another one with POST /v1/sync/runs."));
            }
            (RunState::Paused, _) => {
                let job = queue::enqueue_run(&mut tx, self, instance, id).await?;
                store::resume_run(&mut tx, instance, id, (row.resumes_in(), job), now).await?;
            }
            // No attempt has acted on the request to pause yet.
            (_, Some(RunRequest::Pause)) => store::set_request(&mut tx, instance, id, None, now).await?,
            _ => return self.respond_unchanged(tx, instance, id).await,
        }
        self.record_accepted(tx, instance, id, origin, "sync.resumed").await
    }

    /// Retries a failed run: from where it failed while the staged data is kept, otherwise from the start.
    ///
    /// # Errors
    /// [`SyncError::RunActive`]; [`SyncError::RunStateConflict`] when it hasn't failed; [`SyncError::RetryTooLate`];
    /// [`SyncError::StepRequired`]; [`SyncError::Connection`], [`SyncError::RunNotFound`], [`SyncError::Db`].
    pub async fn retry(&self, instance: InstanceId, id: RunId, origin: &ChangeOrigin) -> Result<ControlOutcome, SyncError> {
        // Before the connections are checked: a run of another instance does not exist here.
        self.find_run(instance, id).await?;
        self.clients(instance).await?;
        let (mut tx, row, now) = self.lock_run(instance, id).await?;
        match row.state {
            RunState::Failed => {}
            RunState::Completed => {
                return Err(SyncError::RunStateConflict("The run is complete. Start another one with POST /v1/sync/runs."));
            }
            RunState::Canceled => {
                return Err(SyncError::RunStateConflict("The run was canceled. Start another one with POST /v1/sync/runs."));
            }
            RunState::Paused => {
                return Err(SyncError::RunStateConflict("The run is paused. Have it go on with POST /v1/sync/runs/{run_id}/resume."));
            }
            _ => return self.respond_unchanged(tx, instance, id).await,
        }
        // What the run has staged is older than what a newer run has written.
        if let Some(newer) = store::find_newer_run(&mut tx, instance, id).await? {
            drop(tx);
            return Err(match store::find_active_run(&self.db, instance).await? {
                Some(running) => SyncError::RunActive(running.into()),
                None => SyncError::RetryTooLate { newer, kind: row.kind },
            });
        }
        let job = queue::enqueue_run(&mut tx, self, instance, id).await?;
        resume_failed(&mut tx, instance, &row, job, now).await?;
        self.record_accepted(tx, instance, id, origin, "sync.retried").await
    }

    async fn lock_run(&self, instance: InstanceId, id: RunId) -> Result<(Tx, RunRow, Timestamp), SyncError> {
        let mut tx = self.db.begin().await?;
        let row = store::lock_run(&mut tx, instance, id).await?.ok_or(SyncError::RunNotFound)?;
        Ok((tx, row, self.clock.timestamp()))
    }

    /// Makes the run's job due now, or queues one when the run has none.
    async fn wake_job(&self, tx: &mut Tx, instance: InstanceId, row: &RunRow) -> Result<(), SyncError> {
        let is_due = match row.job_id {
            Some(job) => run_now(tx, &*self.clock, job).await?,
            None => false,
        };
        if !is_due {
            let job = queue::enqueue_run(tx, self, instance, row.id).await?;
            store::assign_job(tx, instance, row.id, job).await?;
        }
        Ok(())
    }

    async fn respond_unchanged(&self, tx: Tx, instance: InstanceId, id: RunId) -> Result<ControlOutcome, SyncError> {
        drop(tx);
        Ok(ControlOutcome::Unchanged(self.find_run(instance, id).await?))
    }

    async fn record_accepted(
        &self,
        mut tx: Tx,
        instance: InstanceId,
        id: RunId,
        origin: &ChangeOrigin,
        action: &'static str,
    ) -> Result<ControlOutcome, SyncError> {
        audit::record(&mut tx, &*self.clock, instance, origin, Entry::new(action, "sync_run", id)).await?;
        tx.commit().await?;
        Ok(ControlOutcome::Accepted(self.find_run(instance, id).await?))
    }
}
