use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::{JoinHandle, JoinSet};
use uuid::Uuid;

use super::{JobHandler, JobOutcome, StopSignal, store};
use crate::clock::SharedClock;
use crate::db::Db;
use crate::db::claim::{ClaimedJob, claim_job};
use crate::ids::JobId;
use crate::telemetry::error_chain;

/// How long a claimed job stays ours without a sign of life; another process takes it over after that.
const LEASE: time::Duration = time::Duration::seconds(20);
/// How often the lease of a running job is extended.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// How often an idle worker looks for work.
const IDLE: Duration = Duration::from_millis(200);

/// How often jobs that ended long ago are deleted, and how long that is.
const TIDY: time::Duration = time::Duration::HOUR;
const KEPT: time::Duration = time::Duration::days(30);

/// Claims jobs and runs them, a bounded number at once.
#[derive(Clone)]
pub struct JobWorker {
    db: Db,
    clock: SharedClock,
    handlers: Arc<HashMap<&'static str, Arc<dyn JobHandler>>>,
    at_once: usize,
    stop: StopSignal,
    /// Jobs under way here.
    under_way: Arc<Mutex<HashSet<JobId>>>,
}

/// A worker that runs until it is told to stop.
#[derive(Debug)]
pub struct RunningWorker {
    stop: StopSignal,
    dispatching: JoinHandle<()>,
}

impl JobWorker {
    /// A worker for these handlers that runs `at_once` jobs side by side, until `stop` is given. A handler with long work looks at
    /// the same signal and gives its job back.
    #[must_use]
    pub fn new(db: Db, clock: SharedClock, handlers: Vec<Arc<dyn JobHandler>>, at_once: usize, stop: StopSignal) -> Self {
        let handlers = handlers.into_iter().map(|handler| (handler.kind(), handler)).collect();
        Self { db, clock, handlers: Arc::new(handlers), at_once, stop, under_way: Arc::default() }
    }

    /// Starts claiming jobs.
    #[must_use]
    pub fn start(self) -> RunningWorker {
        RunningWorker { stop: self.stop.clone(), dispatching: tokio::spawn(self.dispatch()) }
    }

    /// Claims jobs as long as there is room, one claimer for the whole process; when told to stop, waits for those under way.
    async fn dispatch(self) {
        let mut running = JoinSet::new();
        let worker = self.clock.new_id();
        let mut tidied = self.clock.timestamp();
        while !self.stop.is_cancelled() {
            if running.len() >= self.at_once {
                tokio::select! {
                    _ = running.join_next() => {}
                    () = self.stop.cancelled() => {}
                }
                continue;
            }
            let now = self.clock.timestamp();
            match claim_job(&self.db, worker, now, now + LEASE).await {
                // This process was too busy to extend the lease in time; by this it is extended.
                Ok(Some(job)) if !self.begin(job.id) => {}
                Ok(Some(job)) => {
                    running.spawn(self.clone().run(worker, job));
                }
                Ok(None) => self.wait(IDLE).await,
                Err(error) => {
                    tracing::warn!(error = %error_chain(&error), "the job queue can't be read");
                    self.wait(Duration::from_secs(1)).await;
                }
            }
            while running.try_join_next().is_some() {}
            if now - tidied > TIDY {
                tidied = now;
                self.forget_ended().await;
            }
        }
        while running.join_next().await.is_some() {}
    }

    async fn wait(&self, time: Duration) {
        tokio::select! {
            () = tokio::time::sleep(time) => {}
            () = self.stop.cancelled() => {}
        }
    }

    /// Deletes jobs that ended long ago. What they were about keeps its own record.
    async fn forget_ended(&self) {
        if let Err(error) = store::forget_ended(&self.db, self.clock.timestamp() + -KEPT).await {
            tracing::warn!(error = %error_chain(&error), "jobs that ended long ago could not be deleted");
        }
    }

    /// Notes that a job is under way here; `false` when it was already.
    fn begin(&self, job: JobId) -> bool {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner).insert(job)
    }

    /// Runs one job and records its end.
    async fn run(self, worker: Uuid, job: ClaimedJob) {
        let _under_way = UnderWay { all: self.under_way.clone(), job: job.id };
        let outcome = match self.handlers.get(job.kind.as_str()) {
            Some(handler) => self.run_under_lease(worker, &job, handler.as_ref()).await,
            None => JobOutcome::Failed(format!("nothing here runs jobs of the kind {:?}", job.kind)),
        };
        let now = self.clock.timestamp();
        let recorded = match outcome {
            JobOutcome::Done => store::finish(&self.db, job.id, worker, "done", None, now).await,
            JobOutcome::Again(after) => store::postpone(&self.db, job.id, worker, now + after, now).await,
            JobOutcome::Failed(reason) => {
                tracing::warn!(job = %job.id, kind = job.kind, reason, "a job failed");
                store::finish(&self.db, job.id, worker, "failed", Some(&reason), now).await
            }
        };
        if let Err(error) = recorded {
            tracing::warn!(error = %error_chain(&error), job = %job.id, "the end of a job could not be recorded; it runs again after its lease");
        }
    }

    async fn run_under_lease(&self, worker: Uuid, job: &ClaimedJob, handler: &dyn JobHandler) -> JobOutcome {
        let mut work = handler.run(job);
        let mut beat = tokio::time::interval(HEARTBEAT);
        beat.tick().await;
        loop {
            tokio::select! {
                outcome = &mut work => return outcome,
                _ = beat.tick() => {
                    let until = self.clock.timestamp() + LEASE;
                    match store::extend_lease(&self.db, job.id, worker, until).await {
                        Ok(true) => {}
                        // Another process has it: stop here, so that two never work on it at once.
                        Ok(false) => return JobOutcome::Failed("the lease was lost".into()),
                        Err(error) => tracing::warn!(error = %error_chain(&error), job = %job.id, "a job's lease could not be extended"),
                    }
                }
            }
        }
    }
}

/// A job under way; over when dropped.
struct UnderWay {
    all: Arc<Mutex<HashSet<JobId>>>,
    job: JobId,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.all.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.job);
    }
}

impl RunningWorker {
    /// Takes no more jobs; those with long work give theirs back.
    pub fn begin_to_stop(&self) {
        self.stop.cancel();
    }

    /// Takes no more jobs and waits, at most `patience`, for those under way; what is left goes on elsewhere after its lease.
    pub async fn stop(mut self, patience: Duration) {
        self.stop.cancel();
        if tokio::time::timeout(patience, &mut self.dispatching).await.is_err() {
            tracing::warn!("jobs were still under way at shutdown; they go on where the next process starts");
            self.dispatching.abort();
        }
    }
}
