use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use uuid::Uuid;

use super::{JobHandler, JobOutcome, store};
use crate::clock::SharedClock;
use crate::db::Db;
use crate::db::claim::{ClaimedJob, claim_job};

/// How long a claimed job stays ours without a sign of life; another process takes it over after that.
const LEASE: time::Duration = time::Duration::seconds(30);
/// How often the lease of a running job is extended.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// How often an idle worker looks for work.
const IDLE: Duration = Duration::from_millis(200);

/// Claims jobs and runs them, a bounded number at once.
#[derive(Clone)]
pub struct JobWorker {
    db: Db,
    clock: SharedClock,
    handlers: Arc<HashMap<&'static str, Arc<dyn JobHandler>>>,
    at_once: usize,
}

/// A worker that runs until it is told to stop.
#[derive(Debug)]
pub struct RunningWorker {
    stop: watch::Sender<bool>,
    dispatching: JoinHandle<()>,
}

impl JobWorker {
    /// A worker for these handlers that runs `at_once` jobs side by side.
    #[must_use]
    pub fn new(db: Db, clock: SharedClock, handlers: Vec<Arc<dyn JobHandler>>, at_once: usize) -> Self {
        let handlers = handlers.into_iter().map(|handler| (handler.kind(), handler)).collect();
        Self { db, clock, handlers: Arc::new(handlers), at_once }
    }

    /// Starts claiming jobs.
    #[must_use]
    pub fn start(self) -> RunningWorker {
        let (stop, stopped) = watch::channel(false);
        RunningWorker { stop, dispatching: tokio::spawn(self.dispatch(stopped)) }
    }

    /// Claims jobs as long as there is room, one claimer for the whole process; when told to stop, waits for those under way.
    async fn dispatch(self, mut stopped: watch::Receiver<bool>) {
        let mut running = JoinSet::new();
        while !*stopped.borrow() {
            if running.len() >= self.at_once {
                tokio::select! {
                    _ = running.join_next() => {}
                    _ = stopped.changed() => {}
                }
                continue;
            }
            // Each claim has a name of its own: a job taken over is not mistaken for the one given up.
            let worker = self.clock.new_id();
            let now = self.clock.timestamp();
            match claim_job(&self.db, worker, now, now + LEASE).await {
                Ok(Some(job)) => {
                    running.spawn(self.clone().run(worker, job));
                }
                Ok(None) => wait(&mut stopped, IDLE).await,
                Err(error) => {
                    tracing::warn!(error = %error, "the job queue can't be read");
                    wait(&mut stopped, Duration::from_secs(1)).await;
                }
            }
            while running.try_join_next().is_some() {}
        }
        while running.join_next().await.is_some() {}
    }

    /// Runs one job and records its end.
    async fn run(self, worker: Uuid, job: ClaimedJob) {
        let outcome = match self.handlers.get(job.kind.as_str()) {
            Some(handler) => self.run_under_lease(worker, &job, handler.as_ref()).await,
            None => JobOutcome::Failed(format!("nothing here runs jobs of the kind {:?}", job.kind)),
        };
        let now = self.clock.timestamp();
        let recorded = match outcome {
            JobOutcome::Done => store::finish(&self.db, job.id, worker, "done", None, now).await,
            JobOutcome::Again(after) => store::postpone(&self.db, job.id, worker, now + after).await,
            JobOutcome::Failed(reason) => {
                tracing::warn!(job = %job.id, kind = job.kind, reason, "a job failed");
                store::finish(&self.db, job.id, worker, "failed", Some(&reason), now).await
            }
        };
        if let Err(error) = recorded {
            tracing::warn!(error = %error, job = %job.id, "the end of a job could not be recorded; it runs again after its lease");
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
                        Err(error) => tracing::warn!(error = %error, job = %job.id, "a job's lease could not be extended"),
                    }
                }
            }
        }
    }
}

impl RunningWorker {
    /// Takes no more jobs and waits, at most `patience`, for those under way; what is left goes on elsewhere after its lease.
    pub async fn stop(mut self, patience: Duration) {
        let _ = self.stop.send(true);
        if tokio::time::timeout(patience, &mut self.dispatching).await.is_err() {
            tracing::warn!("jobs were still under way at shutdown; they go on where the next process starts");
            self.dispatching.abort();
        }
    }
}

async fn wait(stopped: &mut watch::Receiver<bool>, time: Duration) {
    tokio::select! {
        () = tokio::time::sleep(time) => {}
        _ = stopped.changed() => {}
    }
}
