//! Carries out a full run: extract, qualify, load. All that resuming needs is in the database before it is acted on, so that another
//! attempt, in this process or another, continues where a crashed one stopped.

mod ending;
mod export;
mod extract;
mod load;
mod qualify;
mod spool;
mod staging;

use std::time::Duration as StdDuration;

use super::attempt::RunAttempt;
use super::notices::RunNotice;
use super::progress::{QueryProgress, RunPlan, RunProgress};
use super::run::RunKind;
use super::salesforce_object::SalesforceObject;
use super::store::{self, RunRow};
use super::tidy::clear_staging;
use super::windows::ExportWindows;
use super::{RunPhase, RunState, SyncError, SyncService, fields, incremental};
use crate::db::{Db, Tx};
use crate::ids::{InstanceId, RunId};
use crate::marketo::MarketoClient;
use crate::salesforce::SalesforceClient;

pub(super) use ending::{AttemptOutcome, end_attempt};

/// The longest wait for a vendor within an attempt. An attempt that has to wait longer ends, so that its place is free for others.
const MAX_WAIT_WITHIN_ATTEMPT: StdDuration = StdDuration::from_secs(5);

/// The wait between two updates of the progress bar.
const PROGRESS_INTERVAL: StdDuration = StdDuration::from_millis(250);

/// A full run during an attempt.
struct FullRun {
    service: SyncService,
    instance: InstanceId,
    run: RunId,
    attempt: RunAttempt,
    marketo: MarketoClient,
    salesforce: SalesforceClient,
    plan: RunPlan,
    progress: RunProgress,
    done: i64,
    total: Option<i64>,
}

/// Carries a run on from wherever it stands, to its end or until the attempt has to stop.
///
/// # Errors
/// What stopped the attempt; [`end_attempt`] decides what becomes of the run.
pub(super) async fn make_attempt(service: SyncService, attempt: RunAttempt) -> Result<(), SyncError> {
    let Some(row) = attempt.take_over_run(&service).await? else { return Ok(()) };
    if row.requested.is_some() {
        return Err(SyncError::StopRequested);
    }
    let watched = service.clone();
    // Stopping is like crashing: what matters is in the database, and the next attempt resumes from there.
    tokio::select! {
        outcome = carry_out(service, attempt.clone(), row) => outcome,
        (why, _critical_step) = attempt.wait_until_stopped(&watched) => Err(why),
        never = attempt.meters.save_periodically(&watched, attempt.instance, attempt.run) => match never {},
    }
}

async fn carry_out(service: SyncService, attempt: RunAttempt, row: RunRow) -> Result<(), SyncError> {
    let RunAttempt { instance, run, .. } = attempt;
    let (state, kind) = (row.state, row.kind);
    spool::sweep(&service, &attempt).await?;
    let (marketo, salesforce) = service.clients(instance).await?;
    let marketo = marketo.with_quota_tracker(|tracker| attempt.meters.marketo.wrap(tracker));
    let salesforce = salesforce.with_quota_tracker(|tracker| attempt.meters.salesforce.wrap(tracker));
    if kind == RunKind::Incremental {
        return incremental::carry_out(service, attempt, row, (marketo, salesforce)).await;
    }
    let mut progress = row.progress();
    progress.waiting_for = None;
    let (done, total) = (row.done, row.total);
    let plan = match row.plan {
        Some(plan) => plan.0,
        None => {
            // From here on no change may be missed: what this run reads too early, incremental runs read again afterwards.
            incremental::reserve_cursor(&service, &attempt, &marketo, &salesforce).await?;
            begin(&service, &attempt, &marketo, &mut progress).await?
        }
    };
    let mut full_run = FullRun { service, instance, run, attempt, marketo, salesforce, plan, progress, done, total };
    full_run.read_everybody(state).await?;
    full_run.complete().await
}

/// Decides once what the run reads, and begins it.
async fn begin(
    service: &SyncService,
    attempt: &RunAttempt,
    marketo: &MarketoClient,
    progress: &mut RunProgress,
) -> Result<RunPlan, SyncError> {
    let (instance, run) = (attempt.instance, attempt.run);
    // The staged data of a failed run is useless once a newer run has begun; a crash may also have left some.
    for left in store::runs_with_staging(&service.db, instance, run).await? {
        let mut tx = service.db.begin().await?;
        store::mark_staging_deleted(&mut tx, instance, left).await?;
        tx.commit().await?;
        clear_staging(service, left).await?;
    }
    // The run itself may be starting over.
    clear_staging(service, run).await?;
    let resolved = fields::resolve_fields(&marketo.describe().await?);
    let fields = fields::map_fields(&resolved).map_err(|missing| SyncError::FieldsMissing(missing.join(", ")))?;
    let now = service.clock.timestamp();
    let changed_since = store::find_changed_since(&service.db, instance, run).await?;
    let plan = RunPlan { fields, earliest: service.earliest_creation(), latest: now, changed_since };
    progress.report.is_complete = true;
    progress.report.export_jobs_planned =
        ExportWindows::new(changed_since.unwrap_or(plan.earliest), now, service.settings.window_days).remaining();
    let mut tx = service.db.begin().await?;
    store::prune_rejected(&mut tx, instance).await?;
    store::save_plan(&mut tx, instance, run, &plan, now).await?;
    if !store::save_progress(&mut tx, instance, (run, attempt.id), progress, (0, None), now).await? {
        return Err(SyncError::LeaseLost);
    }
    tx.commit().await?;
    Ok(plan)
}

impl FullRun {
    fn batch_rows(&self) -> i64 {
        i64::try_from(self.service.settings.batch_rows).unwrap_or(i64::MAX)
    }

    /// Reads everybody, or everybody who changed, and merges the people who qualify.
    async fn read_everybody(&mut self, mut state: RunState) -> Result<(), SyncError> {
        if self.progress.phase != RunPhase::CleaningUp && self.recover_staging().await? {
            state = RunState::Extracting;
        }
        if matches!(state, RunState::Queued | RunState::Extracting) {
            self.extract().await?;
            self.change_state(RunState::Qualifying).await?;
        }
        if !matches!(state, RunState::Loading | RunState::Reconciling) {
            self.qualify().await?;
            self.check_limit().await?;
            self.change_state(RunState::Loading).await?;
        }
        self.load().await
    }

    /// Completes the run, and queues the messages to the admins.
    async fn complete(&mut self) -> Result<(), SyncError> {
        self.attempt.meters.save(&self.service, self.instance, self.run).await?;
        let notice = RunNotice::prepare(&self.service, self.instance, self.run).await?;
        let now = self.service.clock.timestamp();
        self.progress.phase = RunPhase::Ended;
        let mut tx = self.service.db.begin().await?;
        self.save(&mut tx).await?;
        store::change_state(&mut tx, self.instance, self.run, RunState::Completed, None, now).await?;
        store::release_run(&mut tx, self.instance, self.run, RunState::Completed, false).await?;
        notice.queue(&mut tx, &self.service, RunState::Completed, &self.progress).await?;
        incremental::follow_full_run(&mut tx, &self.service, self.instance, self.run, &self.plan).await?;
        tx.commit().await?;
        let report = &self.progress.report;
        tracing::info!(run = %self.run, read = report.read, qualified = report.qualified, removed = report.removed, "a sync is complete");
        Ok(())
    }

    async fn change_state(&mut self, state: RunState) -> Result<(), SyncError> {
        let mut tx = self.service.db.begin().await?;
        // First, so that an attempt that lost the lease changes nothing.
        self.save(&mut tx).await?;
        store::change_state(&mut tx, self.instance, self.run, state, None, self.service.clock.timestamp()).await?;
        tx.commit().await?;
        tracing::info!(run = %self.run, state = state.as_str(), "a sync moves on");
        Ok(())
    }

    /// Begins a phase, or continues it after a crash.
    async fn begin_phase(&mut self, phase: RunPhase, done: i64, total: Option<i64>) -> Result<(), SyncError> {
        if self.progress.phase != phase {
            self.progress.phase = phase;
            self.progress.phase_began_at = Some(self.service.clock.timestamp());
        }
        (self.done, self.total) = (done, total);
        let mut tx = self.service.db.begin().await?;
        self.save(&mut tx).await?;
        Ok(tx.commit().await?)
    }

    /// Saves progress; work was done, so the count of consecutive failures starts over.
    async fn save_step(&mut self, tx: &mut Tx) -> Result<(), SyncError> {
        self.progress.consecutive_failures = 0;
        self.save(tx).await
    }

    /// Saves progress.
    ///
    /// # Errors
    /// [`SyncError::LeaseLost`] when another attempt holds the lease: the transaction must not be committed.
    async fn save(&mut self, tx: &mut Tx) -> Result<(), SyncError> {
        let (now, id) = (self.service.clock.timestamp(), (self.run, self.attempt.id));
        let saved = store::save_progress(tx, self.instance, id, &self.progress, (self.done, self.total), now).await?;
        if saved { Ok(()) } else { Err(SyncError::LeaseLost) }
    }

    /// Refuses to load more people than an instance can have. Those who qualify are only counted when there could be too many.
    async fn check_limit(&self) -> Result<(), SyncError> {
        if self.service.check_people_limit(store::count_staged_people(&self.service.db, self.run).await?).is_ok() {
            return Ok(());
        }
        let qualified = match &self.service.db {
            db @ Db::Sqlite { .. } => store::merge::sqlite::count_qualified(db, self.run).await?,
            Db::Postgres { pool, .. } => store::merge::postgres::count_qualified(pool, self.run).await?,
        };
        self.service.check_people_limit(qualified)
    }

    /// Saves progress, and gives the error that ends the attempt until the vendor is asked again.
    async fn release_until(&mut self, wait: StdDuration) -> SyncError {
        let saved = async {
            let mut tx = self.service.db.begin().await?;
            self.save(&mut tx).await?;
            Ok::<_, SyncError>(tx.commit().await?)
        };
        match saved.await {
            Ok(()) => SyncError::VendorAtWork(wait.try_into().unwrap_or(time::Duration::MINUTE)),
            Err(error) => error,
        }
    }

    fn query_progress(&mut self, object: SalesforceObject) -> &mut QueryProgress {
        match object {
            SalesforceObject::Lead => &mut self.progress.leads,
            SalesforceObject::Contact => &mut self.progress.contacts,
        }
    }
}
