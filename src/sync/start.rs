//! Starting a run.

use super::service::SyncService;
use super::{Run, RunKind, StepRequired, SyncError, notices, queue, store};
use crate::audit::{self, Entry, Origin};
use crate::clock::Timestamp;
use crate::ids::{InstanceId, RunId};

impl SyncService {
    /// Begins a run; the work is done by a job.
    ///
    /// # Errors
    /// [`SyncError::StepRequired`], [`SyncError::Running`], [`SyncError::Connection`], [`SyncError::Db`].
    pub async fn start(&self, instance: InstanceId, kind: RunKind, origin: &Origin) -> Result<Run, SyncError> {
        self.start_reading(instance, kind, origin, None).await
    }

    /// Begins a run; a full one reads only who changed in Marketo since `changed_since`, or, if that is absent or Marketo has no
    /// filter for changes (1035), everybody. Nobody is removed for not having changed.
    ///
    /// # Errors
    /// Those of [`SyncService::start`].
    pub async fn start_reading(
        &self,
        instance: InstanceId,
        kind: RunKind,
        origin: &Origin,
        changed_since: Option<Timestamp>,
    ) -> Result<Run, SyncError> {
        self.clients(instance).await?;
        if let Some(running) = store::find_under_way(&self.db, instance).await? {
            return Err(SyncError::Running(running.into()));
        }
        if kind == RunKind::Incremental && !store::has_synced(&self.db, instance).await? {
            return Err(SyncError::StepRequired(StepRequired::SyncEverybody));
        }
        let (id, now) = (RunId(self.clock.new_id()), self.clock.timestamp());
        let mut tx = self.db.begin().await?;
        let job = queue::enqueue_run(&mut tx, self, instance, id).await?;
        if let Err(error) = store::insert_run(&mut tx, instance, id, (kind, job), &origin.actor, now).await {
            drop(tx);
            // Somebody else began one meanwhile; the index decides.
            return Err(match store::find_under_way(&self.db, instance).await? {
                Some(running) if error.is_conflict() => SyncError::Running(running.into()),
                _ => error.into(),
            });
        }
        if let Some(since) = changed_since {
            store::read_only_changes(&mut tx, instance, id, since).await?;
        }
        // What begins by itself every minute is in the list of runs.
        if *origin != notices::schedule() {
            audit::record(&mut tx, &*self.clock, instance, origin, Entry::new("sync.started", "sync_run", id)).await?;
        }
        tx.commit().await?;
        self.run(instance, id).await
    }
}
