//! Carries a run out: extract, qualify, load. All it needs to go on is in the database before it is acted on, so that a run goes
//! on where it stood after a crash, in this process or another.

mod export;
mod extract;
mod load;
mod qualify;

use std::time::{Duration as StdDuration, Instant};

use time::Duration;

use super::run::{Ledger, Plan, Query};
use super::{Failure, Phase, RunState, SyncError, SyncService, failure, fields, store, windows};
use crate::db::Tx;
use crate::ids::{InstanceId, RunId};
use crate::instances::PEOPLE_LIMIT;
use crate::marketo::MarketoClient;
use crate::salesforce::SalesforceClient;

/// Shortest time between two changes of what the progress bar shows.
const PROGRESS: StdDuration = StdDuration::from_millis(250);

/// A run being carried out.
struct Pass {
    service: SyncService,
    instance: InstanceId,
    run: RunId,
    marketo: MarketoClient,
    salesforce: SalesforceClient,
    plan: Plan,
    ledger: Ledger,
    done: i64,
    total: Option<i64>,
    shown_at: Instant,
}

/// Carries a run on to its end, from wherever it stands.
///
/// # Errors
/// What stopped it; [`end_try`] decides what becomes of the run.
pub(super) async fn go_on(service: SyncService, instance: InstanceId, run: RunId) -> Result<(), SyncError> {
    let Some(row) = store::find_run(&service.db, instance, run).await? else { return Ok(()) };
    let state = RunState::parse(&row.state);
    if state.is_final() {
        return Ok(());
    }
    let (marketo, salesforce) = service.clients(instance).await?;
    let mut ledger = row.report.map(|ledger| ledger.0).unwrap_or_default();
    ledger.waiting_for = None;
    let plan = match row.plan {
        Some(plan) => plan.0,
        None => begin(&service, instance, run, &marketo, &mut ledger).await?,
    };
    let (done, total, shown_at) = (row.done, row.total, Instant::now());
    let mut pass = Pass { service, instance, run, marketo, salesforce, plan, ledger, done, total, shown_at };
    if matches!(state, RunState::Queued | RunState::Extracting) {
        pass.extract().await?;
        pass.change_state(RunState::Qualifying).await?;
    }
    if state != RunState::Loading {
        pass.qualify().await?;
        pass.check_limit().await?;
        pass.change_state(RunState::Loading).await?;
    }
    pass.load().await
}

/// Decides what the run reads, once, and begins it.
async fn begin(
    service: &SyncService,
    instance: InstanceId,
    run: RunId,
    marketo: &MarketoClient,
    ledger: &mut Ledger,
) -> Result<Plan, SyncError> {
    // A run that a crash kept from tidying up left rows that nobody reads any more.
    for left in store::runs_with_staging(&service.db, instance).await? {
        clear_staging(service, instance, left).await?;
    }
    let resolved = fields::resolve(&marketo.describe().await?);
    let fields = fields::mapping(&resolved).map_err(|lacking| SyncError::FieldsMissing(lacking.join(", ")))?;
    let now = service.clock.timestamp();
    let plan = Plan { fields, earliest: service.earliest(), latest: now };
    let spans = windows::spans(plan.earliest, plan.latest, service.settings.window_days);
    ledger.report.saw_everything = true;
    ledger.report.export_jobs_planned = i64::try_from(spans.len()).unwrap_or(i64::MAX);
    let mut tx = service.db.begin().await?;
    store::insert_exports(&mut tx, instance, run, &spans).await?;
    store::save_plan(&mut tx, instance, run, &plan, now).await?;
    store::save_ledger(&mut tx, instance, run, ledger, (0, None), now).await?;
    tx.commit().await?;
    Ok(plan)
}

/// Deletes what a run has staged, a bounded number of rows at a time.
async fn clear_staging(service: &SyncService, instance: InstanceId, run: RunId) -> Result<(), SyncError> {
    let rows = i64::try_from(service.settings.batch_rows).unwrap_or(i64::MAX);
    loop {
        let mut tx = service.db.begin().await?;
        let people = store::clear_people(&mut tx, instance, run, rows).await?;
        let owners = store::clear_owners(&mut tx, instance, run, rows).await?;
        tx.commit().await?;
        if people + owners == 0 {
            return Ok(());
        }
    }
}

/// What becomes of a run after a try that was stopped.
pub(super) enum Ending {
    /// It is tried again after this time.
    Again(Duration),
    /// It is over; the code of the failure.
    Failed(String),
}

/// Records what stopped a try: the run waits, or it has failed.
///
/// # Errors
/// When that can't be recorded; the run isn't over then.
pub(super) async fn end_try(service: &SyncService, instance: InstanceId, run: RunId, error: &SyncError) -> Result<Ending, SyncError> {
    let now = service.clock.timestamp();
    let failure = Failure::of(error, now);
    let Some(row) = store::find_run(&service.db, instance, run).await? else { return Ok(Ending::Failed(failure.code)) };
    let mut ledger = row.report.map(|ledger| ledger.0).unwrap_or_default();
    ledger.vain_tries += 1;
    let mut tx = service.db.begin().await?;
    if let Some(wait) = failure::pause(error, ledger.vain_tries) {
        tracing::info!(%run, code = failure.code, wait_seconds = wait.whole_seconds(), "a sync waits");
        ledger.waiting_for = Some(failure);
        store::save_ledger(&mut tx, instance, run, &ledger, (row.done, row.total), now).await?;
        tx.commit().await?;
        return Ok(Ending::Again(wait));
    }
    tracing::warn!(%run, code = failure.code, "a sync failed");
    let code = failure.code.clone();
    ledger.phase = Phase::Ended;
    ledger.waiting_for = None;
    ledger.failure = Some(failure);
    store::save_ledger(&mut tx, instance, run, &ledger, (row.done, row.total), now).await?;
    store::change_state(&mut tx, instance, run, RunState::Failed, ledger.failure.as_ref(), now).await?;
    tx.commit().await?;
    if let Err(error) = clear_staging(service, instance, run).await {
        tracing::warn!(%run, error = %error, "what a failed sync had read is left for the next one to clear");
    }
    Ok(Ending::Failed(code))
}

impl Pass {
    fn batch_rows(&self) -> i64 {
        i64::try_from(self.service.settings.batch_rows).unwrap_or(i64::MAX)
    }

    async fn change_state(&mut self, state: RunState) -> Result<(), SyncError> {
        let mut tx = self.service.db.begin().await?;
        store::change_state(&mut tx, self.instance, self.run, state, None, self.service.clock.timestamp()).await?;
        tx.commit().await?;
        tracing::info!(run = %self.run, state = state.as_str(), "a sync moves on");
        Ok(())
    }

    /// Begins a phase, or goes on with it after a crash.
    async fn begin_phase(&mut self, phase: Phase, done: i64, total: Option<i64>) -> Result<(), SyncError> {
        if self.ledger.phase != phase {
            self.ledger.phase = phase;
            self.ledger.phase_began_at = Some(self.service.clock.timestamp());
        }
        (self.done, self.total) = (done, total);
        let mut tx = self.service.db.begin().await?;
        self.save(&mut tx).await?;
        Ok(tx.commit().await?)
    }

    /// Keeps how far the run has come.
    async fn advance(&mut self, tx: &mut Tx) -> Result<(), SyncError> {
        self.ledger.vain_tries = 0;
        self.save(tx).await
    }

    /// Keeps how far the run is.
    async fn save(&mut self, tx: &mut Tx) -> Result<(), SyncError> {
        self.shown_at = Instant::now();
        let now = self.service.clock.timestamp();
        Ok(store::save_ledger(tx, self.instance, self.run, &self.ledger, (self.done, self.total), now).await?)
    }

    /// Shows progress, unless it was shown a moment ago.
    async fn show(&mut self, tx: &mut Tx) -> Result<(), SyncError> {
        if self.shown_at.elapsed() < PROGRESS {
            return Ok(());
        }
        self.shown_at = Instant::now();
        Ok(store::save_progress(tx, self.instance, self.run, self.done, self.service.clock.timestamp()).await?)
    }

    /// Refuses to load more people than an instance may have. Who qualifies is only counted when that could be too many.
    async fn check_limit(&self) -> Result<(), SyncError> {
        let too_many = |count: i64| u64::try_from(count).is_ok_and(|count| count > PEOPLE_LIMIT);
        if !too_many(store::staged(&self.service.db, self.instance, self.run).await?) {
            return Ok(());
        }
        let qualified = store::qualified(&self.service.db, self.instance, self.run).await?;
        if too_many(qualified) { Err(SyncError::TooManyPeople(qualified)) } else { Ok(()) }
    }

    fn query(&mut self, object: qualify::Object) -> &mut Query {
        match object {
            qualify::Object::Lead => &mut self.ledger.leads,
            qualify::Object::Contact => &mut self.ledger.contacts,
        }
    }
}
