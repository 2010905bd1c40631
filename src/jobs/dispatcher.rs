use std::collections::{HashMap, VecDeque};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

use super::runtime::{DATABASE_RETRY_DELAY, JobRuntime};
use super::{Lane, attempt, store};
use crate::db::DbError;
use crate::db::claim::{ClaimedJob, JobLease, claim_expired, claim_job, find_next_fairness_key};
use crate::ids::JobId;
use crate::telemetry::error_chain;

/// Claims the jobs of one lane up to its limit; instances take turns.
pub(super) struct Dispatcher {
    runtime: JobRuntime,
    lane: Lane,
    room: Arc<Semaphore>,
    /// Most jobs of one instance at once: one place is left to the others.
    max_per_instance: usize,
    running: RunningJobCounts,
    /// The fairness key of the job claimed last.
    last_claimed: Option<Uuid>,
    expired: VecDeque<JobId>,
}

/// How many jobs of each instance are running.
#[derive(Debug, Clone, Default)]
struct RunningJobCounts(Arc<Mutex<HashMap<Uuid, usize>>>);

impl RunningJobCounts {
    fn count(&self, key: Uuid) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&key).copied().unwrap_or(0)
    }

    fn begin(&self, key: Uuid) -> CountedJob {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default() += 1;
        CountedJob { all: self.clone(), key }
    }
}

/// A guard: the job counts until it is dropped.
struct CountedJob {
    all: RunningJobCounts,
    key: Uuid,
}

impl Drop for CountedJob {
    fn drop(&mut self) {
        let mut all = self.all.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = all.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                all.remove(&self.key);
            }
        }
    }
}

impl Dispatcher {
    pub(super) fn new(runtime: JobRuntime, lane: Lane) -> Self {
        let settings = &runtime.settings;
        let limit = match lane {
            Lane::Interactive => settings.interactive_limit,
            Lane::Mail => settings.mail_limit,
            Lane::Imports => settings.imports_limit,
            Lane::Sync => settings.sync_limit,
            Lane::Schedule => settings.schedule_limit,
            Lane::Maintenance => settings.maintenance_limit,
        };
        let (room, max_per_instance) = (Arc::new(Semaphore::new(limit)), limit.saturating_sub(1).max(1));
        Self { runtime, lane, room, max_per_instance, running: RunningJobCounts::default(), last_claimed: None, expired: VecDeque::new() }
    }

    pub(super) async fn dispatch(mut self) {
        let stopping = self.runtime.tasks.stopping().clone();
        loop {
            let claimed = tokio::select! {
                biased;
                () = stopping.cancelled() => return,
                slot = self.room.clone().acquire_owned() => match slot {
                    // Never canceled half-way: a claimed job must be started.
                    Ok(slot) => self.claim().await.map(|job| job.map(|job| (job, slot))),
                    Err(_) => return,
                },
            };
            match claimed {
                Ok(Some((job, slot))) => self.begin(job, slot),
                Ok(None) => tokio::select! {
                    () = self.runtime.signal(self.lane).wake.notified() => {}
                    () = stopping.cancelled() => return,
                },
                Err(error) => {
                    tracing::warn!(error = %error_chain(&error), lane = self.lane.as_str(), "jobs can't be claimed; retrying");
                    tokio::select! {
                        () = tokio::time::sleep(DATABASE_RETRY_DELAY) => {}
                        () = stopping.cancelled() => return,
                    }
                }
            }
        }
    }

    fn begin(&self, job: ClaimedJob, slot: OwnedSemaphorePermit) {
        let key = job.instance_id.map_or(Uuid::nil(), |instance| instance.0);
        let (runtime, lane) = (self.runtime.clone(), self.lane);
        let (running, active) = (self.running.begin(key), runtime.mark_active(job.id));
        self.runtime.tasks.spawn_handling_abort(async move {
            attempt::run_attempt(&runtime, lane, job).await;
            drop((active, running, slot));
        });
    }

    fn lease(&self) -> JobLease {
        let now = self.runtime.clock.timestamp();
        JobLease { worker: self.runtime.worker, now, until: now + self.runtime.settings.lease() }
    }

    async fn claim(&mut self) -> Result<Option<ClaimedJob>, DbError> {
        if let Some(job) = self.take_over().await? {
            return Ok(Some(job));
        }
        let (mut after, began_at, mut has_wrapped) = (self.last_claimed, self.last_claimed, false);
        loop {
            let key = match find_next_fairness_key(&self.runtime.db, self.lane.as_str(), after).await? {
                Some(key) if !has_wrapped || began_at.is_some_and(|began_at| key <= began_at) => key,
                None if !has_wrapped && began_at.is_some() => {
                    (after, has_wrapped) = (None, true);
                    continue;
                }
                _ => return Ok(None),
            };
            // Jobs of the service itself belong to no instance and have no limit of their own.
            let has_share = key.is_nil() || self.running.count(key) < self.max_per_instance;
            if has_share && let Some(job) = claim_job(&self.runtime.db, self.lane.as_str(), key, self.lease()).await? {
                self.last_claimed = Some(key);
                return Ok(Some(job));
            }
            after = Some(key);
        }
    }

    /// Claims a job whose lease has expired.
    async fn take_over(&mut self) -> Result<Option<ClaimedJob>, DbError> {
        if self.expired.is_empty() && self.runtime.signal(self.lane).has_expired.swap(false, Ordering::Relaxed) {
            self.expired = store::expired(&self.runtime.db, self.lane, self.runtime.clock.timestamp()).await?.into();
        }
        while let Some(id) = self.expired.pop_front() {
            // A job that is active here was merely not extended in time.
            if self.runtime.is_active(id) {
                continue;
            }
            if let Some(job) = claim_expired(&self.runtime.db, id, self.lease()).await? {
                tracing::warn!(
                    job = %job.id, kind = job.kind, lane = self.lane.as_str(), attempt = job.attempts,
                    "a job was taken over after its lease expired"
                );
                return Ok(Some(job));
            }
        }
        Ok(None)
    }
}
