use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use uuid::Uuid;

use super::{JobHandler, Lane};
use crate::clock::SharedClock;
use crate::config::JobSettings;
use crate::db::Db;
use crate::ids::JobId;
use crate::tasks::BackgroundTasks;
use crate::telemetry::JobMetrics;

/// Time to wait before a database that can't be reached is asked again.
pub(super) const DATABASE_RETRY_DELAY: Duration = Duration::from_secs(1);

/// What the queue's poller tells a lane's dispatcher.
#[derive(Debug, Default)]
pub(super) struct LaneSignal {
    /// Jobs are due or leases have expired.
    pub(super) wake: Notify,
    /// Leases have expired.
    pub(super) has_expired: std::sync::atomic::AtomicBool,
}

/// What the worker, its dispatchers, attempts and leases share in this process. Cheap to clone.
#[derive(Clone)]
pub(super) struct JobRuntime {
    pub(super) db: Db,
    pub(super) clock: SharedClock,
    pub(super) settings: JobSettings,
    pub(super) handlers: Arc<HashMap<&'static str, Arc<dyn JobHandler>>>,
    pub(super) tasks: BackgroundTasks,
    pub(super) metrics: JobMetrics,
    /// The lease holder: identifies this process.
    pub(super) worker: Uuid,
    pub(super) signals: Arc<[LaneSignal; Lane::ALL.len()]>,
    pub(super) active: Arc<Mutex<HashSet<JobId>>>,
}

impl JobRuntime {
    pub(super) fn signal(&self, lane: Lane) -> &LaneSignal {
        &self.signals[lane as usize]
    }

    pub(super) fn is_active(&self, job: JobId) -> bool {
        self.active.lock().unwrap_or_else(PoisonError::into_inner).contains(&job)
    }

    /// Marks a job as active in this process until the guard is dropped.
    pub(super) fn mark_active(&self, job: JobId) -> ActiveJob {
        self.active.lock().unwrap_or_else(PoisonError::into_inner).insert(job);
        ActiveJob { all: self.active.clone(), job }
    }
}

/// A guard: the job is active in this process until it is dropped.
pub(super) struct ActiveJob {
    all: Arc<Mutex<HashSet<JobId>>>,
    job: JobId,
}

impl Drop for ActiveJob {
    fn drop(&mut self) {
        self.all.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.job);
    }
}
