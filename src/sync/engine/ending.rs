//! The end of an attempt that was stopped, and what becomes of the run.

use time::Duration;

use crate::clock::Timestamp;
use crate::db::{Tx, bulk};
use crate::sync::attempt::RunAttempt;
use crate::sync::notices::RunNotice;
use crate::sync::progress::RunProgress;
use crate::sync::run::{PAUSE_REQUESTED, RunRequest, RunState};
use crate::sync::store::{self, PauseEnd, RunRow};
use crate::sync::{RunFailure, SyncError, SyncService, failure, tidy};

/// What becomes of a run's job after a stopped attempt.
pub(in crate::sync) enum AttemptOutcome {
    /// Nothing is left for the job to do.
    Finished,
    /// Another attempt is made after this time.
    RetryAfter(Duration),
    /// The run has failed and shows why.
    Failed,
}

/// Records what stopped an attempt: the run is resumed elsewhere at once, waits, is paused or canceled as somebody asked, or fails.
///
/// # Errors
/// When that can't be recorded; the run has not ended then.
pub(in crate::sync) async fn end_attempt(
    service: &SyncService,
    attempt: &RunAttempt,
    error: &SyncError,
) -> Result<AttemptOutcome, SyncError> {
    if !matches!(error, SyncError::ProcessStopping | SyncError::LeaseLost) {
        // Before the run's end is recorded: until then another attempt would build them.
        bulk::build_indexes(&service.db).await?;
    }
    // Whatever becomes of the run, these calls were made.
    attempt.meters.save(service, attempt.instance, attempt.run).await?;
    let now = service.clock.timestamp();
    let failure = RunFailure::from_error(error, now);
    let notice = match RunNotice::prepare(service, attempt.instance, attempt.run).await {
        Err(SyncError::RunNotFound) => return Ok(AttemptOutcome::Finished),
        prepared => prepared?,
    };
    let mut tx = service.db.begin().await?;
    let Some(row) = store::lock_run(&mut tx, attempt.instance, attempt.run).await? else { return Ok(AttemptOutcome::Finished) };
    let is_given_up = matches!(error, SyncError::AttemptsExhausted(_));
    let is_ours = match is_given_up {
        // Whichever attempt of the job holds the lease.
        true => row.job_id.is_none_or(|job| job == attempt.job),
        false => row.lease_holder == Some(attempt.id) || (row.lease_holder.is_none() && row.job_id == Some(attempt.job)),
    };
    if row.state.is_final() || !is_ours {
        return Ok(AttemptOutcome::Finished);
    }
    if row.state == RunState::Paused && row.requested != Some(RunRequest::Cancel) && !is_given_up {
        // It couldn't even be resumed.
        return Ok(AttemptOutcome::RetryAfter(crate::jobs::back_off(1)));
    }
    let mut stopped = StoppedAttempt { service, attempt, row, now, tx };
    let outcome = match (stopped.row.requested, error) {
        (Some(RunRequest::Cancel), _) => stopped.cancel().await?,
        (Some(RunRequest::Pause), _) => stopped.pause(PAUSE_REQUESTED, PauseEnd::OnRequest, None).await?,
        // This process stops, or the request was withdrawn meanwhile.
        (None, SyncError::ProcessStopping | SyncError::StopRequested | SyncError::LeaseLost) => AttemptOutcome::RetryAfter(Duration::ZERO),
        (None, error) => match failure::decide_retry(error, stopped.row.progress().consecutive_failures + 1, now) {
            failure::RetryDecision::RetryAfter(wait) => stopped.wait(failure, wait).await?,
            failure::RetryDecision::PauseFor(wait) => {
                let until = now + wait;
                let code = failure.code.clone();
                stopped.pause(&code, PauseEnd::At(until), Some(failure)).await?;
                AttemptOutcome::RetryAfter(wait)
            }
            failure::RetryDecision::GiveUp => stopped.fail(failure, &notice).await?,
        },
    };
    stopped.tx.commit().await?;
    Ok(outcome)
}

/// A stopped attempt, with its run locked.
struct StoppedAttempt<'a> {
    service: &'a SyncService,
    attempt: &'a RunAttempt,
    row: RunRow,
    now: Timestamp,
    tx: Tx,
}

impl StoppedAttempt<'_> {
    async fn save(&mut self, progress: &RunProgress) -> Result<(), SyncError> {
        let (instance, run) = (self.attempt.instance, self.attempt.run);
        // The row is locked, so an attempt that could not even take the lease takes it now.
        store::take_over_run(&mut self.tx, instance, (run, self.attempt.id), self.row.state, self.now).await?;
        let shown = (self.row.done, self.row.total);
        store::save_progress(&mut self.tx, instance, (run, self.attempt.id), progress, shown, self.now).await?;
        Ok(())
    }

    async fn wait(&mut self, failure: RunFailure, wait: Duration) -> Result<AttemptOutcome, SyncError> {
        tracing::info!(run = %self.attempt.run, code = failure.code, wait_seconds = wait.whole_seconds(), "a sync waits");
        let mut progress = self.row.progress();
        progress.consecutive_failures += 1;
        progress.waiting_for = Some(failure);
        self.save(&progress).await?;
        Ok(AttemptOutcome::RetryAfter(wait))
    }

    async fn pause(&mut self, because: &str, until: PauseEnd, waiting_for: Option<RunFailure>) -> Result<AttemptOutcome, SyncError> {
        tracing::info!(run = %self.attempt.run, because, ?until, "a sync is paused");
        let mut progress = self.row.progress();
        progress.waiting_for = waiting_for;
        self.save(&progress).await?;
        store::pause_run(&mut self.tx, self.attempt.instance, self.attempt.run, self.row.state, (because, until), self.now).await?;
        Ok(AttemptOutcome::Finished)
    }

    async fn cancel(&mut self) -> Result<AttemptOutcome, SyncError> {
        tracing::info!(run = %self.attempt.run, "a sync is canceled");
        self.end(RunState::Canceled, None).await?;
        tidy::enqueue(&mut self.tx, self.service, self.attempt.instance, self.attempt.run, self.now).await?;
        Ok(AttemptOutcome::Finished)
    }

    async fn fail(&mut self, failure: RunFailure, notice: &RunNotice) -> Result<AttemptOutcome, SyncError> {
        tracing::warn!(run = %self.attempt.run, code = failure.code, "a sync failed");
        let progress = self.end(RunState::Failed, Some(failure)).await?;
        tidy::enqueue(&mut self.tx, self.service, self.attempt.instance, self.attempt.run, self.now + tidy::STAGING_RETENTION).await?;
        notice.queue(&mut self.tx, self.service, RunState::Failed, &progress).await?;
        Ok(AttemptOutcome::Failed)
    }

    async fn end(&mut self, state: RunState, failure: Option<RunFailure>) -> Result<RunProgress, SyncError> {
        let (instance, run) = (self.attempt.instance, self.attempt.run);
        let mut progress = self.row.progress();
        // The phase stays, for a retry to continue.
        (progress.waiting_for, progress.failure) = (None, failure);
        self.save(&progress).await?;
        store::change_state(&mut self.tx, instance, run, state, progress.failure.as_ref(), self.now).await?;
        let keeps_staging =
            state == RunState::Failed && self.row.plan.is_some() && progress.failure.as_ref().is_none_or(RunFailure::allows_resuming);
        let resumes_in = if self.row.state == RunState::Paused { self.row.resumes_in() } else { self.row.state };
        store::release_run(&mut self.tx, instance, run, resumes_in, keeps_staging).await?;
        Ok(progress)
    }
}
