//! The job that carries out a run, and queueing it.

use serde::Deserialize;
use serde_json::json;

use super::service::SyncService;
use crate::db::{DbError, Tx};
use crate::ids::{InstanceId, JobId, RunId};
use crate::jobs::{JobKind, Lane, NewJob, enqueue};

/// The kind of job that carries out a run.
pub(super) const RUN_JOB: JobKind = JobKind::new("sync_run", Lane::Sync);

/// The payload of the job.
#[derive(Deserialize)]
pub(super) struct RunJobPayload {
    pub(super) run_id: RunId,
}

/// Queues a job that carries out a run.
pub(super) async fn enqueue_run(tx: &mut Tx, service: &SyncService, instance: InstanceId, run: RunId) -> Result<JobId, DbError> {
    let payload = json!({ "run_id": run });
    enqueue(tx, &*service.clock, NewJob { kind: RUN_JOB, instance: Some(instance), payload }).await
}
