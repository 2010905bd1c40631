//! One attempt at a claimed job: the work and the heartbeat are tasks of their own, and the end is recorded.

use std::sync::Arc;

use time::Duration;

use super::lease::HeldLease;
use super::outcome::back_off_with_jitter;
use super::store::{self, PutDown};
use super::worker::Shared;
use super::{JobHandler, JobOutcome, Lane};
use crate::clock::monotonic_now;
use crate::db::DbError;
use crate::db::claim::ClaimedJob;
use crate::telemetry::error_chain;

/// How much oftener than a kind may fail its subject is tried to be told that it is given up.
const TELLINGS: i64 = 5;

/// How an attempt ended.
enum End {
    Outcome(JobOutcome),
    /// The handler panicked.
    Panicked,
    /// Another process may have the job.
    LeaseLost,
    /// This process ends.
    Aborted,
}

impl End {
    /// The name in the metrics.
    fn name(&self) -> &'static str {
        match self {
            Self::Outcome(JobOutcome::Done) => "done",
            Self::Outcome(JobOutcome::Again(_)) => "again",
            Self::Outcome(JobOutcome::Retry(_) | JobOutcome::Failed(_)) => "failed",
            Self::Panicked => "panicked",
            Self::LeaseLost => "lease_lost",
            Self::Aborted => "aborted",
        }
    }
}

/// Makes an attempt at a job and records what came of it.
pub(super) async fn run(shared: &Shared, lane: Lane, job: ClaimedJob) {
    let attempt = Attempt { shared, lane, handler: shared.handlers.get(job.kind.as_str()).cloned(), job: Arc::new(job) };
    let lease = HeldLease::hold(shared, attempt.job.id);
    let began = monotonic_now();
    let end = attempt.work(&lease).await;
    let kind = attempt.handler.as_ref().map_or("other", |handler| handler.kind().name);
    shared.metrics.count_attempt(lane.as_str(), kind, end.name(), began.elapsed());
    if let Err(error) = attempt.record(end).await {
        tracing::warn!(error = %error_chain(&error), job = %attempt.job.id, "the end of a job could not be recorded; it runs again after its lease");
    }
}

struct Attempt<'a> {
    shared: &'a Shared,
    lane: Lane,
    handler: Option<Arc<dyn JobHandler>>,
    job: Arc<ClaimedJob>,
}

impl Attempt<'_> {
    fn max_failures(&self) -> i64 {
        self.handler.as_ref().map_or(super::JobKind::new("", self.lane).max_failures, |handler| handler.kind().max_failures)
    }

    async fn work(&self, lease: &HeldLease) -> End {
        let Some(handler) = self.handler.clone() else {
            // Of another version, perhaps, which runs beside this one.
            return End::Outcome(JobOutcome::Retry("no process was there that runs jobs of its kind".into()));
        };
        if self.job.failures >= self.max_failures() {
            let reason = self.job.last_error.clone().unwrap_or_else(|| "it failed too often".into());
            return End::Outcome(JobOutcome::Failed(reason));
        }
        let job = self.job.clone();
        let mut work = tokio::spawn(async move { handler.run(&job).await });
        let end = tokio::select! {
            joined = &mut work => return match joined {
                Ok(outcome) => End::Outcome(outcome),
                Err(error) if error.is_panic() => End::Panicked,
                Err(_) => End::Aborted,
            },
            () = lease.lost() => End::LeaseLost,
            () = self.shared.tasks.aborting().cancelled() => End::Aborted,
        };
        work.abort();
        // Until it is gone it takes a place of its lane. What it has to say comes too late.
        let _ = work.await;
        end
    }

    async fn record(&self, end: End) -> Result<(), DbError> {
        match end {
            End::Outcome(JobOutcome::Done) => self.put_down(PutDown::Done).await,
            End::Outcome(JobOutcome::Again(wait)) => self.put_down(PutDown::Again(wait)).await,
            End::Outcome(JobOutcome::Retry(reason)) => self.fail(&reason).await,
            End::Outcome(JobOutcome::Failed(reason)) => self.give_up(&reason).await,
            End::Panicked => {
                let ClaimedJob { id, kind, attempts, .. } = &*self.job;
                tracing::error!(job = %id, kind, lane = self.lane.as_str(), attempt = attempts, "a job panicked");
                self.fail("it panicked; the service's log says where").await
            }
            End::LeaseLost => {
                let ClaimedJob { id, kind, attempts, .. } = &*self.job;
                tracing::warn!(
                    job = %id, kind, lane = self.lane.as_str(), attempt = attempts,
                    "a job's lease was lost and its work stopped; another process goes on with it"
                );
                Ok(())
            }
            End::Aborted => self.put_down(PutDown::Release).await,
        }
    }

    async fn put_down(&self, how: PutDown<'_>) -> Result<(), DbError> {
        let Shared { db, clock, worker, .. } = self.shared;
        store::put_down(db, self.job.id, *worker, how, clock.timestamp()).await.map(drop)
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
            "a job failed and will be tried again"
        );
        self.put_down(PutDown::Retry(wait, reason)).await
    }

    /// Makes it a dead letter, once what it was about shows so.
    async fn give_up(&self, reason: &str) -> Result<(), DbError> {
        let ClaimedJob { id, kind, attempts, failures, .. } = &*self.job;
        let told = match self.handler.clone() {
            None => Ok(()),
            Some(handler) => {
                let (job, reason) = (self.job.clone(), reason.to_owned());
                let telling = tokio::spawn(async move { handler.give_up(&job, &reason).await });
                telling.await.unwrap_or_else(|_| Err("it panicked".into()))
            }
        };
        if let Err(error) = told {
            tracing::error!(job = %id, kind, error, "what a job was about could not be told that it is given up");
            if *failures < self.max_failures() + TELLINGS {
                return self.retry(failures + 1, reason).await;
            }
        }
        let Shared { db, clock, worker, .. } = self.shared;
        let successor = self.handler.as_ref().and_then(|handler| handler.period()).map(|period| clock.timestamp() + period);
        let known = self.handler.as_ref().map(|handler| handler.kind());
        if store::bury(db, &**clock, *worker, (&self.job, known), reason, successor).await? {
            tracing::error!(
                job = %id, kind, lane = self.lane.as_str(), attempt = attempts, reason,
                "a job is a dead letter: nobody tries it again by itself"
            );
        }
        Ok(())
    }
}
