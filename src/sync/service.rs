use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::store::{RejectedListing, RejectedPlace};
use super::{Run, RunFilter, RunKind, StepRequired, SyncError, incremental, jobs, store};
use crate::audit::{self, Entry, Origin};
use crate::clock::{SharedClock, Timestamp};
use crate::config::{Settings, SyncSettings};
use crate::connections::{ConnectionError, Connections};
use crate::crypto::Vault;
use crate::db::{Db, Tx};
use crate::http::Context;
use crate::ids::{InstanceId, JobId, RunId};
use crate::jobs::{NewJob, enqueue};
use crate::marketo::MarketoClient;
use crate::salesforce::SalesforceClient;

/// Rejected rows read at once for a download.
const REJECTED_AT_ONCE: i64 = 500;

/// How long a run's call waits for room within the quotas before the run is put off.
const PATIENCE: Duration = Duration::from_secs(60);

/// The sync, wired. Cheap to clone.
#[derive(Clone)]
pub struct SyncService {
    pub(super) db: Db,
    pub(super) clock: SharedClock,
    pub(super) connections: Connections,
    pub(super) vault: Vault,
    pub(super) settings: SyncSettings,
    /// Most people of an instance.
    pub(super) people_limit: u64,
    /// How often the status of an export is asked for.
    pub(super) poll_interval: Duration,
    /// Where downloads lie until they are read.
    pub(super) spool: PathBuf,
    /// Given when this process stops.
    pub(super) stop: CancellationToken,
}

impl std::fmt::Debug for SyncService {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("SyncService")
    }
}

impl SyncService {
    /// Wires the feature. When `stop` is given, runs are given back for another process to go on with.
    #[must_use]
    pub fn new(settings: &Settings, context: &Context, connections: Connections, stop: CancellationToken) -> Self {
        Self {
            db: context.db.clone(),
            clock: context.clock.clone(),
            connections,
            vault: context.vault.clone(),
            settings: settings.sync.clone(),
            people_limit: settings.limits.people,
            poll_interval: settings.marketo.poll_interval(),
            spool: settings.data_dir.join("spool"),
            stop,
        }
    }

    /// Refuses more people than an instance may have.
    pub(super) fn within_limit(&self, people: i64) -> Result<(), SyncError> {
        let limit = self.people_limit;
        if u64::try_from(people).is_ok_and(|count| count > limit) { Err(SyncError::TooManyPeople { people, limit }) } else { Ok(()) }
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
        let (marketo, salesforce) = self.impatient_clients(instance).await?;
        Ok((marketo.with_max_wait(PATIENCE), salesforce.with_max_wait(PATIENCE)))
    }

    /// The same for calls whose outcome somebody waits for.
    ///
    /// # Errors
    /// As [`SyncService::clients`].
    pub(super) async fn impatient_clients(&self, instance: InstanceId) -> Result<(MarketoClient, SalesforceClient), SyncError> {
        let salesforce = required(self.connections.salesforce(instance).await, StepRequired::ConnectSalesforce)?;
        let marketo = required(self.connections.marketo(instance).await, StepRequired::ConnectMarketo)?;
        Ok((marketo, salesforce))
    }

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
        let job = self.enqueue_run(&mut tx, instance, id).await?;
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
        if *origin != super::notices::schedule() {
            audit::record(&mut tx, &*self.clock, instance, origin, Entry::new("sync.started", "sync_run", id)).await?;
        }
        tx.commit().await?;
        self.run(instance, id).await
    }

    /// Queues a job that carries a run out.
    pub(super) async fn enqueue_run(&self, tx: &mut Tx, instance: InstanceId, run: RunId) -> Result<JobId, SyncError> {
        let payload = json!({ "run_id": run });
        Ok(enqueue(tx, &*self.clock, NewJob { kind: jobs::KIND, instance: Some(instance), payload }).await?)
    }

    /// A run.
    ///
    /// # Errors
    /// [`SyncError::Unknown`], [`SyncError::Db`].
    pub async fn run(&self, instance: InstanceId, id: RunId) -> Result<Run, SyncError> {
        store::find_run(&self.db, instance, id).await?.map(Run::from).ok_or(SyncError::Unknown)
    }

    /// Runs that fit `filter`, the newest first, those older than `before`, at most `limit`.
    ///
    /// # Errors
    /// [`SyncError::Db`].
    pub async fn runs(&self, instance: InstanceId, filter: RunFilter, before: Option<RunId>, limit: i64) -> Result<Vec<Run>, SyncError> {
        Ok(store::list_runs(&self.db, instance, filter, before, limit).await?.into_iter().map(Run::from).collect())
    }

    /// Rejected rows of a run after a place, and the place after which to go on; none at the end.
    pub(super) async fn rejected(
        &self,
        instance: InstanceId,
        run: RunId,
        after: Option<RejectedPlace>,
    ) -> Result<(Vec<RejectedListing>, Option<RejectedPlace>), SyncError> {
        let rows = store::list_rejected(&self.db, instance, run, after, REJECTED_AT_ONCE).await?;
        let full = i64::try_from(rows.len()).is_ok_and(|count| count == REJECTED_AT_ONCE);
        let next = rows.last().filter(|_| full).map(|last| (last.position, last.line));
        Ok((rows, next))
    }

    /// Has the schedules of incremental runs kept of all instances that were synced once.
    ///
    /// # Errors
    /// [`SyncError::Db`].
    pub async fn keep_schedules(&self) -> Result<(), SyncError> {
        incremental::start_missing(self).await
    }
}

fn required<T>(found: Result<T, ConnectionError>, step: StepRequired) -> Result<T, SyncError> {
    found.map_err(|error| match error {
        ConnectionError::NotConnected { .. } => SyncError::StepRequired(step),
        other => SyncError::Connection(other),
    })
}
