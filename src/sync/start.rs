//! Starting a run.

use super::service::SyncService;
use super::{RunKind, StepRequired, SyncError, SyncRun, notices, queue, store};
use crate::audit::{self, ChangeOrigin, Entry};
use crate::clock::Timestamp;
use crate::ids::{InstanceId, RunId};

impl SyncService {
    /// Starts a run, which a job carries out.
    ///
    /// # Errors
    /// [`SyncError::StepRequired`], [`SyncError::RunActive`], [`SyncError::Connection`], [`SyncError::Db`].
    pub async fn start(&self, instance: InstanceId, kind: RunKind, origin: &ChangeOrigin) -> Result<SyncRun, SyncError> {
        self.start_since(instance, kind, origin, None).await
    }

    /// Starts a run. A full one reads only people who changed in Marketo since `changed_since`, or everybody if that is absent or the
    /// subscription has no filter for changes (Marketo's error 1035). Nobody is removed for not having changed.
    ///
    /// # Errors
    /// Those of [`SyncService::start`].
    pub async fn start_since(
        &self,
        instance: InstanceId,
        kind: RunKind,
        origin: &ChangeOrigin,
        changed_since: Option<Timestamp>,
    ) -> Result<SyncRun, SyncError> {
        self.clients(instance).await?;
        if let Some(running) = store::find_active_run(&self.db, instance).await? {
            return Err(SyncError::RunActive(running.into()));
        }
        if kind == RunKind::Incremental && !store::has_completed_full_run(&self.db, instance).await? {
            return Err(SyncError::StepRequired(StepRequired::SyncEverybody));
        }
        let (id, now) = (RunId(self.clock.new_id()), self.clock.timestamp());
        let mut tx = self.db.begin().await?;
        let job = queue::enqueue_run(&mut tx, self, instance, id).await?;
        if let Err(error) = store::insert_run(&mut tx, instance, id, (kind, job), &origin.actor, now).await {
            drop(tx);
            // Another caller may have started one meanwhile; the index of active runs decides.
            return Err(match store::find_active_run(&self.db, instance).await? {
                Some(running) if error.is_conflict() => SyncError::RunActive(running.into()),
                _ => error.into(),
            });
        }
        if let Some(since) = changed_since {
            store::set_changed_since(&mut tx, instance, id, since).await?;
        }
        // Scheduled runs start every minute; the list of runs records them.
        if *origin != notices::schedule_origin() {
            audit::record(&mut tx, &*self.clock, instance, origin, Entry::new("sync.started", "sync_run", id)).await?;
        }
        tx.commit().await?;
        self.find_run(instance, id).await
    }
}
