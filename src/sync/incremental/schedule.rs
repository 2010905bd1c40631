//! The schedule of incremental runs: one job for each instance, from the end of its first full run on, which starts a run and queues
//! itself again. Any process may run it.

use futures_util::future::BoxFuture;
use time::Duration;

use crate::db::Tx;
use crate::db::claim::ClaimedJob;
use crate::ids::{InstanceId, RunId};
use crate::jobs::{JobHandler, JobKind, JobOutcome, Lane, delete_done, enqueue_once};
use crate::sync::cursor::ChangesCursor;
use crate::sync::notices;
use crate::sync::progress::RunPlan;
use crate::sync::queue;
use crate::sync::service::SyncService;
use crate::sync::{RunKind, SyncError, store};
use crate::telemetry::error_chain;

/// The kind of job.
const SCHEDULE_JOB: JobKind = JobKind::new("sync_schedule", Lane::Schedule);

/// Starts the scheduled runs of an instance.
#[derive(Debug)]
pub struct SyncScheduleJob(SyncService);

impl SyncScheduleJob {
    #[must_use]
    pub fn new(service: SyncService) -> Self {
        Self(service)
    }

    async fn start_run(&self, instance: InstanceId) -> Result<(), SyncError> {
        let service = &self.0;
        let mut tx = service.db.begin().await?;
        delete_done(&mut tx, instance, queue::RUN_JOB, service.clock.timestamp()).await?;
        tx.commit().await?;
        match service.start(instance, RunKind::Incremental, &notices::schedule_origin()).await {
            // The active run sees the changes that this one would have seen, or the next one does.
            Ok(_) | Err(SyncError::RunActive(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

impl JobHandler for SyncScheduleJob {
    fn kind(&self) -> JobKind {
        SCHEDULE_JOB
    }

    fn run<'a>(&'a self, job: &'a ClaimedJob) -> BoxFuture<'a, JobOutcome> {
        Box::pin(async move {
            let Some(instance) = job.instance_id else { return JobOutcome::GiveUp("the job names no instance".into()) };
            let Some(interval) = self.0.settings.incremental_interval() else { return JobOutcome::Done };
            match self.start_run(instance).await {
                Ok(()) => JobOutcome::RunAgain(interval),
                Err(error @ SyncError::Db(_)) => JobOutcome::retry(&error),
                // The admins have to act on it, and the onboarding says how.
                Err(error) => {
                    tracing::info!(error = %error_chain(&error), %instance, "a scheduled sync could not begin");
                    JobOutcome::RunAgain(interval)
                }
            }
        })
    }

    fn period(&self) -> Option<Duration> {
        self.0.settings.incremental_interval()
    }
}

/// Follows a full run, in the transaction that completes it: makes the cursor that it has reserved live, and starts the instance's
/// schedule. After a run that read only changed people, that goes for Marketo's log of changes alone: deletions, merges and Salesforce's
/// records are read on from where they were.
pub(in crate::sync) async fn follow_full_run(
    tx: &mut Tx,
    service: &SyncService,
    instance: InstanceId,
    run: RunId,
    plan: &RunPlan,
) -> Result<(), SyncError> {
    if let Some(mut cursor) = store::take_reserved_cursor(tx, instance, run).await? {
        if let (Some(_), Some(live)) = (plan.changed_since, store::find_live_cursor_in(tx, instance).await?) {
            cursor = ChangesCursor { changes: cursor.changes, ..live };
        }
        cursor.fields = plan.fields.clone();
        store::save_live_cursor(tx, instance, run, &cursor, service.clock.timestamp()).await?;
    }
    enqueue_schedule(service, tx, instance).await
}

async fn enqueue_schedule(service: &SyncService, tx: &mut Tx, instance: InstanceId) -> Result<(), SyncError> {
    if let Some(interval) = service.settings.incremental_interval() {
        enqueue_once(tx, &*service.clock, SCHEDULE_JOB, Some(instance), service.clock.timestamp() + interval).await?;
    }
    Ok(())
}

impl SyncService {
    /// Starts the missing schedules: of instances that were synced while the schedule was switched off, or before there was one.
    pub async fn keep_schedules(&self) -> Result<(), SyncError> {
        if self.settings.incremental_interval().is_none() {
            return Ok(());
        }
        for instance in store::find_unscheduled_instances(&self.db, SCHEDULE_JOB.name).await? {
            let mut tx = self.db.begin().await?;
            enqueue_schedule(self, &mut tx, instance).await?;
            tx.commit().await?;
        }
        Ok(())
    }
}
