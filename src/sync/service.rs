use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Run, StepRequired, SyncError, jobs, store};
use crate::clock::{SharedClock, Timestamp};
use crate::config::{Settings, SyncSettings};
use crate::connections::{ConnectionError, Connections};
use crate::db::Db;
use crate::ids::{InstanceId, RunId};
use crate::jobs::{NewJob, enqueue};
use crate::marketo::MarketoClient;
use crate::salesforce::SalesforceClient;

/// Event streams open at once in a process; each asks the database a few times a second.
const MOST_STREAMS: usize = 200;

/// How long a run's call waits for room within the quotas before the run is put off.
const PATIENCE: Duration = Duration::from_secs(60);

/// The sync, wired. Cheap to clone.
#[derive(Clone)]
pub struct SyncService {
    pub(super) db: Db,
    pub(super) clock: SharedClock,
    pub(super) connections: Connections,
    pub(super) settings: SyncSettings,
    /// How often the status of an export is asked for.
    pub(super) poll_interval: Duration,
    /// Where downloads lie until they are read.
    pub(super) spool: PathBuf,
    streams: Arc<Semaphore>,
}

impl std::fmt::Debug for SyncService {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("SyncService")
    }
}

impl SyncService {
    /// Wires the feature.
    #[must_use]
    pub fn new(settings: &Settings, db: Db, clock: SharedClock, connections: Connections) -> Self {
        Self {
            db,
            clock,
            connections,
            settings: settings.sync.clone(),
            poll_interval: settings.marketo.poll_interval(),
            spool: settings.data_dir.join("spool"),
            streams: Arc::new(Semaphore::new(MOST_STREAMS)),
        }
    }

    /// The first instant that a run looks at.
    pub(super) fn earliest(&self) -> Timestamp {
        self.settings.earliest().midnight().assume_utc().into()
    }

    /// The clients of both vendors.
    ///
    /// # Errors
    /// [`SyncError::StepRequired`] naming the step that connects the first one missing; [`SyncError::Connection`].
    pub(super) async fn clients(&self, instance: InstanceId) -> Result<(MarketoClient, SalesforceClient), SyncError> {
        let salesforce = required(self.connections.salesforce(instance).await, StepRequired::ConnectSalesforce)?;
        let marketo = required(self.connections.marketo(instance).await, StepRequired::ConnectMarketo)?;
        Ok((marketo.with_patience(PATIENCE), salesforce.with_patience(PATIENCE)))
    }

    /// Begins a run; the work is done by a job.
    ///
    /// # Errors
    /// [`SyncError::StepRequired`], [`SyncError::Running`], [`SyncError::Connection`], [`SyncError::Db`].
    pub async fn start(&self, instance: InstanceId, started_by: &str) -> Result<Run, SyncError> {
        self.clients(instance).await?;
        if let Some(running) = store::find_under_way(&self.db, instance).await? {
            return Err(SyncError::Running(running));
        }
        let (id, now) = (RunId(self.clock.new_id()), self.clock.timestamp());
        let mut tx = self.db.begin().await?;
        if let Err(error) = store::insert_run(&mut tx, instance, id, started_by, now).await {
            drop(tx);
            // Somebody else began one meanwhile; the index decides.
            return Err(match store::find_under_way(&self.db, instance).await? {
                Some(running) if error.is_conflict() => SyncError::Running(running),
                _ => error.into(),
            });
        }
        let payload = json!({ "run_id": id });
        enqueue(&mut tx, &*self.clock, NewJob { kind: jobs::KIND, instance: Some(instance), payload }).await?;
        tx.commit().await?;
        self.run(instance, id).await
    }

    /// A run.
    ///
    /// # Errors
    /// [`SyncError::Unknown`], [`SyncError::Db`].
    pub async fn run(&self, instance: InstanceId, id: RunId) -> Result<Run, SyncError> {
        store::find_run(&self.db, instance, id).await?.map(Run::from).ok_or(SyncError::Unknown)
    }

    /// Runs, the newest first, those older than `before`, at most `limit`.
    ///
    /// # Errors
    /// [`SyncError::Db`].
    pub async fn runs(&self, instance: InstanceId, before: Option<RunId>, limit: i64) -> Result<Vec<Run>, SyncError> {
        Ok(store::list_runs(&self.db, instance, before, limit).await?.into_iter().map(Run::from).collect())
    }

    /// A place for an event stream; none when there are too many.
    pub(super) fn stream_place(&self) -> Option<OwnedSemaphorePermit> {
        self.streams.clone().try_acquire_owned().ok()
    }
}

fn required<T>(found: Result<T, ConnectionError>, step: StepRequired) -> Result<T, SyncError> {
    found.map_err(|error| match error {
        ConnectionError::NotConnected { .. } => SyncError::StepRequired(step),
        other => SyncError::Connection(other),
    })
}
