//! The sync's dependencies and settings, which its other files add methods to.

use std::path::PathBuf;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{StepRequired, SyncError};
use crate::clock::{SharedClock, Timestamp};
use crate::config::{Settings, SyncSettings};
use crate::connections::{ConnectionError, Connections};
use crate::context::Context;
use crate::db::Db;
use crate::ids::InstanceId;
use crate::marketo::MarketoClient;
use crate::salesforce::SalesforceClient;
use crate::vault::Vault;

/// How long a run's call waits for the quotas before the run itself waits.
const MAX_QUOTA_WAIT: Duration = Duration::from_secs(60);

/// The sync, wired. Cheap to clone.
#[derive(Clone)]
pub struct SyncService {
    pub(super) db: Db,
    pub(super) clock: SharedClock,
    pub(super) connections: Connections,
    pub(super) vault: Vault,
    pub(super) settings: SyncSettings,
    /// The most people that an instance can have.
    pub(super) people_limit: u64,
    /// The wait between two questions for the status of an export.
    pub(super) poll_interval: Duration,
    /// The directory of spool files: downloaded exports until they are read.
    pub(super) spool: PathBuf,
    /// Canceled when this process stops.
    pub(super) stop: CancellationToken,
}

impl std::fmt::Debug for SyncService {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("SyncService")
    }
}

impl SyncService {
    /// Wires the feature. When `stop` is canceled, running attempts end, for other processes to resume the runs.
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

    /// Refuses more people than an instance can have.
    pub(super) fn check_people_limit(&self, people: i64) -> Result<(), SyncError> {
        let limit = self.people_limit;
        if u64::try_from(people).is_ok_and(|count| count > limit) { Err(SyncError::TooManyPeople { people, limit }) } else { Ok(()) }
    }

    /// The earliest creation time of people whom a full run reads.
    pub(super) fn earliest_creation(&self) -> Timestamp {
        self.settings.earliest().midnight().assume_utc().into()
    }

    /// The clients of both vendors, whose calls wait for the quotas as long as a run can.
    ///
    /// # Errors
    /// [`SyncError::StepRequired`] naming the step that connects the first one missing; [`SyncError::Connection`].
    pub(super) async fn clients(&self, instance: InstanceId) -> Result<(MarketoClient, SalesforceClient), SyncError> {
        let (marketo, salesforce) = self.clients_without_wait(instance).await?;
        Ok((marketo.with_max_wait(MAX_QUOTA_WAIT), salesforce.with_max_wait(MAX_QUOTA_WAIT)))
    }

    /// The same clients for calls whose answer a person waits for.
    ///
    /// # Errors
    /// As [`SyncService::clients`].
    pub(super) async fn clients_without_wait(&self, instance: InstanceId) -> Result<(MarketoClient, SalesforceClient), SyncError> {
        let salesforce = require_connection(self.connections.salesforce(instance).await, StepRequired::ConnectSalesforce)?;
        let marketo = require_connection(self.connections.marketo(instance).await, StepRequired::ConnectMarketo)?;
        Ok((marketo, salesforce))
    }
}

fn require_connection<T>(found: Result<T, ConnectionError>, step: StepRequired) -> Result<T, SyncError> {
    found.map_err(|error| match error {
        ConnectionError::NotConnected { .. } => SyncError::StepRequired(step),
        other => SyncError::Connection(other),
    })
}
