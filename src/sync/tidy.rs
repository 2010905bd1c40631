//! Deletes the staged data of ended runs: of a canceled run at once, of a failed one after a day without a retry.

use futures_util::future::BoxFuture;
use serde::Deserialize;
use serde_json::json;
use time::Duration;

use super::run::RunState;
use super::service::SyncService;
use super::{SyncError, store};
use crate::clock::Timestamp;
use crate::db::claim::ClaimedJob;
use crate::db::{DbError, Tx};
use crate::ids::{InstanceId, RunId};
use crate::jobs::{JobHandler, JobKind, JobOutcome, Lane, NewJob, enqueue_at};
use crate::telemetry::error_chain;

/// How long the staged data of a failed run is kept for a retry.
pub(super) const STAGING_RETENTION: Duration = Duration::hours(24);

const TIDY_JOB: JobKind = JobKind::new("sync_tidy", Lane::Maintenance);

#[derive(Deserialize)]
struct TidyJobPayload {
    run_id: RunId,
}

/// Queues the tidying of a run for `at`.
pub(super) async fn enqueue(tx: &mut Tx, service: &SyncService, instance: InstanceId, run: RunId, at: Timestamp) -> Result<(), DbError> {
    let job = NewJob { kind: TIDY_JOB, instance: Some(instance), payload: json!({ "run_id": run }) };
    enqueue_at(tx, &*service.clock, job, at).await.map(drop)
}

/// Drops the staging tables of a run.
pub(super) async fn clear_staging(service: &SyncService, run: RunId) -> Result<(), SyncError> {
    let mut tx = service.db.begin().await?;
    store::drop_staging(&mut tx, run).await?;
    Ok(tx.commit().await?)
}

/// Tidies up after ended runs.
#[derive(Debug)]
pub struct SyncTidyJob(SyncService);

impl SyncTidyJob {
    #[must_use]
    pub fn new(service: SyncService) -> Self {
        Self(service)
    }

    async fn tidy(&self, instance: InstanceId, run: RunId) -> Result<(), SyncError> {
        let service = &self.0;
        let mut tx = service.db.begin().await?;
        let Some(row) = store::lock_run(&mut tx, instance, run).await? else { return Ok(()) };
        let is_due = match (row.state, row.finished_at) {
            (RunState::Canceled, _) => true,
            // It may have been retried and have failed again since.
            (RunState::Failed, Some(finished)) => finished + STAGING_RETENTION <= service.clock.timestamp(),
            _ => false,
        };
        if !is_due {
            return Ok(());
        }
        store::mark_staging_deleted(&mut tx, instance, run).await?;
        tx.commit().await?;
        if row.state == RunState::Canceled {
            self.cancel_at_vendors(instance, run, &row).await;
        }
        clear_staging(service, run).await
    }

    /// Cancels the exports and queries that nobody waits for any more. The vendors end them by themselves otherwise, so failures are
    /// only logged.
    async fn cancel_at_vendors(&self, instance: InstanceId, run: RunId, row: &store::RunRow) {
        let Ok((marketo, salesforce)) = self.0.clients(instance).await else { return };
        let exports = store::list_exports(&self.0.db, instance, run).await.unwrap_or_default();
        for id in exports.iter().filter(|one| one.state == store::ExportState::Created).filter_map(|one| one.export_id.as_deref()) {
            if let Err(error) = marketo.cancel_export(id).await {
                tracing::info!(%run, export = id, error = %error_chain(&error), "an export of a canceled sync could not be called off");
            }
        }
        let progress = row.progress();
        for query in [progress.leads, progress.contacts].into_iter().filter(|query| !query.is_complete) {
            let Some(id) = query.job else { continue };
            if let Err(error) = salesforce.abort_query_job(&id).await {
                tracing::info!(%run, job = id, error = %error_chain(&error), "a query of a canceled sync could not be called off");
            }
        }
    }
}

impl JobHandler for SyncTidyJob {
    fn kind(&self) -> JobKind {
        TIDY_JOB
    }

    fn run<'a>(&'a self, job: &'a ClaimedJob) -> BoxFuture<'a, JobOutcome> {
        Box::pin(async move {
            let (Some(instance), Ok(TidyJobPayload { run_id })) = (job.instance_id, TidyJobPayload::deserialize(&job.payload.0)) else {
                return JobOutcome::GiveUp("the job names no run".into());
            };
            match self.tidy(instance, run_id).await {
                Ok(()) => JobOutcome::Done,
                Err(error) => JobOutcome::retry(&error),
            }
        })
    }
}
