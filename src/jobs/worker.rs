use std::sync::Arc;
use std::time::Duration;

use super::dispatcher::Dispatcher;
use super::runtime::{DATABASE_RETRY_DELAY, JobRuntime};
use super::{JobHandler, Lane, QueueGauges, store};
use crate::clock::{SharedClock, Timestamp};
use crate::config::JobSettings;
use crate::db::claim::mark_due;
use crate::db::{Db, DbError};
use crate::tasks::BackgroundTasks;
use crate::telemetry::{JobMetrics, error_chain};

/// Time between two polls of the queue.
const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// Time between two deletions of jobs whose retention is over.
const CLEANUP_INTERVAL: time::Duration = time::Duration::HOUR;
/// How long finished jobs and dead letters are kept.
const DONE_RETENTION: time::Duration = time::Duration::days(30);
const DEAD_LETTER_RETENTION: time::Duration = time::Duration::days(90);

/// Claims jobs and runs them, a bounded number of each lane at once.
pub struct JobWorker {
    runtime: JobRuntime,
}

impl JobWorker {
    /// A worker for these handlers. It stops with `tasks`: takes no more jobs then and waits for those under way; a handler with long
    /// work looks at the same token and gives its job back.
    #[must_use]
    pub fn new(
        db: Db,
        clock: SharedClock,
        settings: JobSettings,
        handlers: Vec<Arc<dyn JobHandler>>,
        tasks: BackgroundTasks,
        metrics: JobMetrics,
    ) -> Self {
        let handlers = Arc::new(handlers.into_iter().map(|handler| (handler.kind().name, handler)).collect());
        let worker = clock.new_id();
        let (signals, active) = (Arc::default(), Arc::default());
        Self { runtime: JobRuntime { db, clock, settings, handlers, tasks, metrics, worker, signals, active } }
    }

    /// What counts the queue for the metrics.
    #[must_use]
    pub fn gauges(&self) -> QueueGauges {
        let JobRuntime { db, clock, metrics, handlers, .. } = &self.runtime;
        let kinds = handlers.iter().map(|(name, handler)| (*name, handler.kind())).collect();
        QueueGauges::new(db.clone(), clock.clone(), metrics.clone(), kinds)
    }

    /// Starts claiming jobs.
    pub fn start(self) {
        for lane in Lane::ALL {
            self.runtime.tasks.spawn(Dispatcher::new(self.runtime.clone(), lane).dispatch());
        }
        self.runtime.tasks.clone().spawn(self.poll_queue());
    }

    /// Polls the queue once for all lanes and wakes the dispatchers of those that have work.
    async fn poll_queue(self) {
        let JobRuntime { clock, tasks, .. } = &self.runtime;
        let mut cleaned_up_at = clock.timestamp();
        loop {
            let wait = match self.wake_dispatchers(clock.timestamp()).await {
                Ok(()) => POLL_INTERVAL,
                Err(error) => {
                    tracing::warn!(error = %error_chain(&error), "the job queue can't be read; trying again");
                    DATABASE_RETRY_DELAY
                }
            };
            if clock.timestamp() - cleaned_up_at > CLEANUP_INTERVAL && !self.delete_ended().await {
                cleaned_up_at = clock.timestamp();
            }
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = tasks.stopping().cancelled() => return,
            }
        }
    }

    async fn wake_dispatchers(&self, now: Timestamp) -> Result<(), DbError> {
        let db = &self.runtime.db;
        let (mut lanes, has_come) = store::find_lane_work(db, now).await?;
        if has_come {
            while mark_due(db, now).await? > 0 {}
            lanes = store::find_lane_work(db, now).await?.0;
        }
        for work in lanes {
            let signal = self.runtime.signal(work.lane);
            if work.has_expired {
                signal.has_expired.store(true, std::sync::atomic::Ordering::Relaxed);
            }
            if work.has_due || work.has_expired {
                signal.wake.notify_one();
            }
        }
        Ok(())
    }

    /// Deletes jobs that ended long ago; whether there are more. What they were about keeps its own record.
    async fn delete_ended(&self) -> bool {
        let now = self.runtime.clock.timestamp();
        store::delete_ended(&self.runtime.db, now - DONE_RETENTION, now - DEAD_LETTER_RETENTION).await.unwrap_or_else(|error| {
            tracing::warn!(error = %error_chain(&error), "jobs that ended long ago could not be deleted; trying again within the hour");
            false
        })
    }
}
