//! One attempt at a claimed job: the work and the heartbeat run in separate tasks, and the end is recorded.

use std::sync::Arc;

use time::Duration;

use super::lease::HeldLease;
use super::outcome::back_off_with_jitter;
use super::runtime::JobRuntime;
use super::store::{self, AttemptResult};
use super::{JobHandler, JobOutcome, Lane};
use crate::clock::monotonic_now;
use crate::db::DbError;
use crate::db::claim::ClaimedJob;
use crate::telemetry::error_chain;

/// How many more attempts are made to record in a job's subject that it is given up.
const MAX_GIVE_UP_RETRIES: i64 = 5;

/// How an attempt ended.
enum AttemptEnd {
    Outcome(JobOutcome),
    /// The handler panicked.
    Panicked,
    /// Another process may have the job.
    LeaseLost,
    /// This process ends.
    Aborted,
}

impl AttemptEnd {
    /// The name in the metrics.
    fn name(&self) -> &'static str {
        match self {
            Self::Outcome(JobOutcome::Done) => "done",
            Self::Outcome(JobOutcome::RunAgain(_)) => "again",
            Self::Outcome(JobOutcome::Retry(_) | JobOutcome::GiveUp(_)) => "failed",
            Self::Panicked => "panicked",
            Self::LeaseLost => "lease_lost",
            Self::Aborted => "aborted",
        }
    }
}

/// Makes an attempt at a job and records its outcome.
pub(super) async fn run_attempt(runtime: &JobRuntime, lane: Lane, job: ClaimedJob) {
    let attempt = JobAttempt { runtime, lane, handler: runtime.handlers.get(job.kind.as_str()).cloned(), job: Arc::new(job) };
    let lease = HeldLease::hold(runtime, attempt.job.id);
    let began = monotonic_now();
    let end = attempt.work(&lease).await;
    let kind = attempt.handler.as_ref().map_or("other", |handler| handler.kind().name);
    runtime.metrics.count_attempt(lane.as_str(), kind, end.name(), began.elapsed());
    if let Err(error) = attempt.record(end).await {
        tracing::warn!(error = %error_chain(&error), job = %attempt.job.id, "the end of an attempt could not be recorded; the job runs again when its lease expires");
    }
}

struct JobAttempt<'a> {
    runtime: &'a JobRuntime,
    lane: Lane,
    handler: Option<Arc<dyn JobHandler>>,
    job: Arc<ClaimedJob>,
}

impl JobAttempt<'_> {
    fn max_failures(&self) -> i64 {
        self.handler.as_ref().map_or(super::JobKind::new("", self.lane).max_failures, |handler| handler.kind().max_failures)
    }

    async fn work(&self, lease: &HeldLease) -> AttemptEnd {
        let Some(handler) = self.handler.clone() else {
            // Another version of the service, running beside this one, may have queued it.
            return AttemptEnd::Outcome(JobOutcome::Retry("no process runs jobs of its kind".into()));
        };
        if self.job.failures >= self.max_failures() {
            let reason = self.job.last_error.clone().unwrap_or_else(|| "it failed too often".into());
            return AttemptEnd::Outcome(JobOutcome::GiveUp(reason));
        }
        let job = self.job.clone();
        let mut work = tokio::spawn(async move { handler.run(&job).await });
        let end = tokio::select! {
            joined = &mut work => return match joined {
                Ok(outcome) => AttemptEnd::Outcome(outcome),
                Err(error) if error.is_panic() => AttemptEnd::Panicked,
                Err(_) => AttemptEnd::Aborted,
            },
            () = lease.lost() => AttemptEnd::LeaseLost,
            () = self.runtime.tasks.aborting().cancelled() => AttemptEnd::Aborted,
        };
        work.abort();
        // It counts towards its lane's limit until it has ended; its outcome comes too late.
        let _ = work.await;
        end
    }

    async fn record(&self, end: AttemptEnd) -> Result<(), DbError> {
        match end {
            AttemptEnd::Outcome(JobOutcome::Done) => self.finish_attempt(AttemptResult::Done).await,
            AttemptEnd::Outcome(JobOutcome::RunAgain(wait)) => self.finish_attempt(AttemptResult::RunAgain(wait)).await,
            AttemptEnd::Outcome(JobOutcome::Retry(reason)) => self.fail(&reason).await,
            AttemptEnd::Outcome(JobOutcome::GiveUp(reason)) => self.give_up(&reason).await,
            AttemptEnd::Panicked => {
                let ClaimedJob { id, kind, attempts, .. } = &*self.job;
                tracing::error!(job = %id, kind, lane = self.lane.as_str(), attempt = attempts, "a job panicked");
                self.fail("it panicked; the service's log says where").await
            }
            AttemptEnd::LeaseLost => {
                let ClaimedJob { id, kind, attempts, .. } = &*self.job;
                tracing::warn!(
                    job = %id, kind, lane = self.lane.as_str(), attempt = attempts,
                    "a job's lease was lost and its attempt stopped; another process resumes it"
                );
                Ok(())
            }
            AttemptEnd::Aborted => self.finish_attempt(AttemptResult::Released).await,
        }
    }

    async fn finish_attempt(&self, how: AttemptResult<'_>) -> Result<(), DbError> {
        let JobRuntime { db, clock, worker, .. } = self.runtime;
        store::finish_attempt(db, self.job.id, *worker, how, clock.timestamp()).await.map(drop)
    }

    async fn fail(&self, reason: &str) -> Result<(), DbError> {
        let failures = self.job.failures + 1;
        if failures >= self.max_failures() {
            return self.give_up(reason).await;
        }
        self.retry(failures, reason).await
    }

    async fn retry(&self, failures: i64, reason: &str) -> Result<(), DbError> {
        let [chance] = crate::crypto::random_bytes();
        let wait: Duration = back_off_with_jitter(failures, chance);
        let ClaimedJob { id, kind, attempts, .. } = &*self.job;
        tracing::warn!(
            job = %id, kind, lane = self.lane.as_str(), attempt = attempts, failures, reason, wait_seconds = wait.whole_seconds(),
            "an attempt failed and the job will be retried"
        );
        self.finish_attempt(AttemptResult::Retry(wait, reason)).await
    }

    /// Makes it a dead letter, once its subject is marked as given up.
    async fn give_up(&self, reason: &str) -> Result<(), DbError> {
        let ClaimedJob { id, kind, attempts, failures, .. } = &*self.job;
        let recorded = match self.handler.clone() {
            None => Ok(()),
            Some(handler) => {
                let (job, reason) = (self.job.clone(), reason.to_owned());
                let recording = tokio::spawn(async move { handler.give_up(&job, &reason).await });
                recording.await.unwrap_or_else(|_| Err("it panicked".into()))
            }
        };
        if let Err(error) = recorded {
            tracing::error!(job = %id, kind, error, "the subject of a job could not be marked as given up");
            if *failures < self.max_failures() + MAX_GIVE_UP_RETRIES {
                return self.retry(failures + 1, reason).await;
            }
        }
        let JobRuntime { db, clock, worker, .. } = self.runtime;
        let successor = self.handler.as_ref().and_then(|handler| handler.period()).map(|period| clock.timestamp() + period);
        let known = self.handler.as_ref().map(|handler| handler.kind());
        if store::make_dead_letter(db, &**clock, *worker, (&self.job, known), reason, successor).await? {
            tracing::error!(
                job = %id, kind, lane = self.lane.as_str(), attempt = attempts, reason,
                "a job became a dead letter; an operator may retry or discard it"
            );
        }
        Ok(())
    }
}
