use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use uuid::Uuid;

use super::dispatcher::Dispatcher;
use super::{JobHandler, Lane, QueueGauges, store};
use crate::clock::{SharedClock, Timestamp};
use crate::config::JobSettings;
use crate::db::claim::mark_due;
use crate::db::{Db, DbError};
use crate::ids::JobId;
use crate::tasks::BackgroundTasks;
use crate::telemetry::{JobMetrics, error_chain};

/// How often the queue is looked at.
const LOOK: Duration = Duration::from_millis(200);
/// How long to leave a database alone that can't be asked.
pub(super) const PAUSE: Duration = Duration::from_secs(1);

/// How often jobs that ended long ago are deleted, and how long that is.
const TIDY: time::Duration = time::Duration::HOUR;
const DONE_KEPT: time::Duration = time::Duration::days(30);
const DEAD_KEPT: time::Duration = time::Duration::days(90);

/// What is told to a lane's dispatcher.
#[derive(Debug, Default)]
pub(super) struct LaneSignal {
    /// There is something to do.
    pub(super) wake: Notify,
    /// Leases have run out.
    pub(super) has_expired: std::sync::atomic::AtomicBool,
}

/// What everything that runs jobs in this process works with. Cheap to clone.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) db: Db,
    pub(super) clock: SharedClock,
    pub(super) settings: JobSettings,
    pub(super) handlers: Arc<HashMap<&'static str, Arc<dyn JobHandler>>>,
    pub(super) tasks: BackgroundTasks,
    pub(super) metrics: JobMetrics,
    /// This process, in the leases.
    pub(super) worker: Uuid,
    signals: Arc<[LaneSignal; Lane::ALL.len()]>,
    under_way: Arc<Mutex<HashSet<JobId>>>,
}

impl Shared {
    pub(super) fn signal(&self, lane: Lane) -> &LaneSignal {
        &self.signals[lane as usize]
    }

    pub(super) fn is_under_way(&self, job: JobId) -> bool {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner).contains(&job)
    }

    /// Notes that a job is under way here, until what is given is dropped.
    pub(super) fn begin(&self, job: JobId) -> UnderWay {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner).insert(job);
        UnderWay { all: self.under_way.clone(), job }
    }
}

/// A job under way here; over when dropped.
pub(super) struct UnderWay {
    all: Arc<Mutex<HashSet<JobId>>>,
    job: JobId,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.all.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.job);
    }
}

/// Claims jobs and runs them, a bounded number of each lane at once.
pub struct JobWorker {
    shared: Shared,
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
        let handlers = handlers.into_iter().map(|handler| (handler.kind().name, handler)).collect();
        let worker = clock.new_id();
        let signals = Arc::new(std::array::from_fn(|_| LaneSignal::default()));
        let shared =
            Shared { db, clock, settings, handlers: Arc::new(handlers), tasks, metrics, worker, signals, under_way: Arc::default() };
        Self { shared }
    }

    /// What counts the queue for the metrics.
    #[must_use]
    pub fn gauges(&self) -> QueueGauges {
        let Shared { db, clock, metrics, handlers, .. } = &self.shared;
        let kinds = handlers.iter().map(|(name, handler)| (*name, handler.kind())).collect();
        QueueGauges::new(db.clone(), clock.clone(), metrics.clone(), kinds)
    }

    /// Starts claiming jobs.
    pub fn start(self) {
        for lane in Lane::ALL {
            self.shared.tasks.spawn(Dispatcher::new(self.shared.clone(), lane).dispatch());
        }
        self.shared.tasks.clone().spawn(self.watch());
    }

    /// Looks what there is to do and wakes the dispatchers, one look for all of them.
    async fn watch(self) {
        let Shared { clock, tasks, .. } = &self.shared;
        let mut tidied = clock.timestamp();
        loop {
            let wait = match self.look(clock.timestamp()).await {
                Ok(()) => LOOK,
                Err(error) => {
                    tracing::warn!(error = %error_chain(&error), "the job queue can't be read; trying again");
                    PAUSE
                }
            };
            if clock.timestamp() - tidied > TIDY && !self.forget_ended().await {
                tidied = clock.timestamp();
            }
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = tasks.stopping().cancelled() => return,
            }
        }
    }

    async fn look(&self, now: Timestamp) -> Result<(), DbError> {
        let db = &self.shared.db;
        let (mut lanes, has_come) = store::look(db, now).await?;
        if has_come {
            while mark_due(db, now).await? > 0 {}
            lanes = store::look(db, now).await?.0;
        }
        for work in lanes {
            let Some(lane) = Lane::parse(&work.lane) else { continue };
            let signal = self.shared.signal(lane);
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
    async fn forget_ended(&self) -> bool {
        let now = self.shared.clock.timestamp();
        store::forget_ended(&self.shared.db, now - DONE_KEPT, now - DEAD_KEPT).await.unwrap_or_else(|error| {
            tracing::warn!(error = %error_chain(&error), "jobs that ended long ago could not be deleted; trying again within the hour");
            false
        })
    }
}
