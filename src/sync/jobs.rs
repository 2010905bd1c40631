//! The handler of the job that carries out a run.

use futures_util::future::BoxFuture;
use serde::Deserialize;

use super::SyncError;
use super::attempt::RunAttempt;
use super::engine::{self, AttemptOutcome};
use super::queue::{RUN_JOB, RunJobPayload};
use super::service::SyncService;
use crate::db::claim::ClaimedJob;
use crate::jobs::{GiveUpError, JobHandler, JobKind, JobOutcome};
use crate::telemetry::error_chain;

/// Makes attempts at runs.
#[derive(Debug)]
pub struct SyncRunJob(SyncService);

impl SyncRunJob {
    #[must_use]
    pub fn new(service: SyncService) -> Self {
        Self(service)
    }

    async fn make_attempt(&self, attempt: RunAttempt) -> JobOutcome {
        let outcome = match engine::make_attempt(self.0.clone(), attempt.clone()).await {
            Ok(()) => return JobOutcome::Done,
            // Meanwhile the job's place is free for others; a request to control the run makes the job due at once.
            Err(SyncError::VendorAtWork(wait)) => return JobOutcome::RunAgain(wait),
            Err(error) => engine::end_attempt(&self.0, &attempt, &error).await,
        };
        match outcome {
            // The run shows its own failure, and can be retried.
            Ok(AttemptOutcome::Finished | AttemptOutcome::Failed) => JobOutcome::Done,
            Ok(AttemptOutcome::RetryAfter(wait)) => JobOutcome::RunAgain(wait),
            // The outcome couldn't be recorded, so the run has not ended.
            Err(error) => JobOutcome::Retry(format!("the end of the run could not be recorded: {}", error_chain(&error))),
        }
    }

    /// The attempt that `job` makes at a run.
    fn new_attempt(&self, job: &ClaimedJob) -> Option<RunAttempt> {
        let payload = RunJobPayload::deserialize(&job.payload.0).ok()?;
        Some(RunAttempt::new(&self.0, job.instance_id?, payload.run_id, job.id))
    }
}

impl JobHandler for SyncRunJob {
    fn kind(&self) -> JobKind {
        RUN_JOB
    }

    fn run<'a>(&'a self, job: &'a ClaimedJob) -> BoxFuture<'a, JobOutcome> {
        Box::pin(async move {
            match self.new_attempt(job) {
                Some(attempt) => self.make_attempt(attempt).await,
                None => JobOutcome::GiveUp("the job names no run".into()),
            }
        })
    }

    fn give_up<'a>(&'a self, job: &'a ClaimedJob, reason: &'a str) -> BoxFuture<'a, Result<(), GiveUpError>> {
        Box::pin(async move {
            let Some(attempt) = self.new_attempt(job) else { return Ok(()) };
            Ok(engine::end_attempt(&self.0, &attempt, &SyncError::AttemptsExhausted(reason.to_owned())).await.map(drop)?)
        })
    }
}
