use std::collections::{HashMap, VecDeque};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

use super::worker::{PAUSE, Shared};
use super::{Lane, attempt, store};
use crate::db::DbError;
use crate::db::claim::{ClaimedJob, JobLease, claim_expired, claim_job, next_in_turn};
use crate::ids::JobId;
use crate::telemetry::error_chain;

/// Claims the jobs of one lane as long as there is room, and lets each instance have its turn.
pub(super) struct Dispatcher {
    shared: Shared,
    lane: Lane,
    room: Arc<Semaphore>,
    /// Most jobs of one instance at once: one place is always left to the others.
    share: usize,
    running: Running,
    /// Whose turn it was last.
    last: Option<Uuid>,
    expired: VecDeque<JobId>,
}

/// How many jobs of whom are under way.
#[derive(Debug, Clone, Default)]
struct Running(Arc<Mutex<HashMap<Uuid, usize>>>);

impl Running {
    fn count(&self, key: Uuid) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&key).copied().unwrap_or(0)
    }

    fn begin(&self, key: Uuid) -> RunningJob {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default() += 1;
        RunningJob { all: self.clone(), key }
    }
}

/// One of them; over when dropped.
struct RunningJob {
    all: Running,
    key: Uuid,
}

impl Drop for RunningJob {
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
    pub(super) fn new(shared: Shared, lane: Lane) -> Self {
        let settings = &shared.settings;
        let limit = match lane {
            Lane::Interactive => settings.interactive_limit,
            Lane::Mail => settings.mail_limit,
            Lane::Imports => settings.imports_limit,
            Lane::Sync => settings.sync_limit,
            Lane::Schedule => settings.schedule_limit,
            Lane::Maintenance => settings.maintenance_limit,
        };
        let (room, share) = (Arc::new(Semaphore::new(limit)), limit.saturating_sub(1).max(1));
        Self { shared, lane, room, share, running: Running::default(), last: None, expired: VecDeque::new() }
    }

    pub(super) async fn dispatch(mut self) {
        let stopping = self.shared.tasks.stopping().clone();
        loop {
            let claimed = tokio::select! {
                biased;
                () = stopping.cancelled() => return,
                place = self.room.clone().acquire_owned() => match place {
                    // Not given up half-way: a job that is claimed is begun.
                    Ok(place) => self.claim().await.map(|job| job.map(|job| (job, place))),
                    Err(_) => return,
                },
            };
            match claimed {
                Ok(Some((job, place))) => self.begin(job, place),
                Ok(None) => tokio::select! {
                    () = self.shared.signal(self.lane).wake.notified() => {}
                    () = stopping.cancelled() => return,
                },
                Err(error) => {
                    tracing::warn!(error = %error_chain(&error), lane = self.lane.as_str(), "jobs can't be claimed; trying again");
                    tokio::select! {
                        () = tokio::time::sleep(PAUSE) => {}
                        () = stopping.cancelled() => return,
                    }
                }
            }
        }
    }

    fn begin(&self, job: ClaimedJob, place: OwnedSemaphorePermit) {
        let key = job.instance_id.map_or(Uuid::nil(), |instance| instance.0);
        let (shared, lane) = (self.shared.clone(), self.lane);
        let (running, under_way) = (self.running.begin(key), shared.begin(job.id));
        self.shared.tasks.spawn_with_last_words(async move {
            attempt::run(&shared, lane, job).await;
            drop((under_way, running, place));
        });
    }

    fn lease(&self) -> JobLease {
        let now = self.shared.clock.timestamp();
        JobLease { worker: self.shared.worker, now, until: now + self.shared.settings.lease() }
    }

    async fn claim(&mut self) -> Result<Option<ClaimedJob>, DbError> {
        if let Some(job) = self.take_over().await? {
            return Ok(Some(job));
        }
        let (mut after, began_at, mut has_wrapped) = (self.last, self.last, false);
        loop {
            let key = match next_in_turn(&self.shared.db, self.lane.as_str(), after).await? {
                Some(key) if !has_wrapped || began_at.is_some_and(|began_at| key <= began_at) => key,
                None if !has_wrapped && began_at.is_some() => {
                    (after, has_wrapped) = (None, true);
                    continue;
                }
                _ => return Ok(None),
            };
            // The jobs of no instance are nobody's, and wait for each other only.
            let has_share = key.is_nil() || self.running.count(key) < self.share;
            if has_share && let Some(job) = claim_job(&self.shared.db, self.lane.as_str(), key, self.lease()).await? {
                self.last = Some(key);
                return Ok(Some(job));
            }
            after = Some(key);
        }
    }

    /// Claims a job whose process has died, or lost it.
    async fn take_over(&mut self) -> Result<Option<ClaimedJob>, DbError> {
        if self.expired.is_empty() && self.shared.signal(self.lane).has_expired.swap(false, Ordering::Relaxed) {
            self.expired = store::expired(&self.shared.db, self.lane, self.shared.clock.timestamp()).await?.into();
        }
        while let Some(id) = self.expired.pop_front() {
            // One that is under way here was only not extended in time.
            if self.shared.is_under_way(id) {
                continue;
            }
            if let Some(job) = claim_expired(&self.shared.db, id, self.lease()).await? {
                tracing::warn!(
                    job = %job.id, kind = job.kind, lane = self.lane.as_str(), attempt = job.attempts,
                    "a job is taken over: its process ended or lost it"
                );
                return Ok(Some(job));
            }
        }
        Ok(None)
    }
}
