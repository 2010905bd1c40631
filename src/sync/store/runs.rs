//! Runs and their progress.

use sqlx::types::Json;
use uuid::Uuid;

use crate::clock::Timestamp;
use crate::db::{self, Db, DbError, Tx, execute, on};
use crate::ids::{InstanceId, JobId, RunId};
use crate::sync::progress::{RunPlan, RunProgress};
use crate::sync::run::{RunKind, RunPhase, RunRequest, RunState, SyncRun, estimate_pace};
use crate::sync::{RunFailure, RunUsage, VendorUsage};

/// A run as stored.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(in crate::sync) struct RunRow {
    pub id: RunId,
    pub kind: RunKind,
    pub state: RunState,
    pub requested: Option<RunRequest>,
    #[sqlx(rename = "goes_on_in")]
    pub stopped_in: Option<RunState>,
    #[sqlx(rename = "goes_on_at")]
    pub resumes_at: Option<Timestamp>,
    #[sqlx(rename = "paused_because")]
    pub pause_reason: Option<String>,
    pub job_id: Option<JobId>,
    #[sqlx(rename = "carried_by")]
    pub lease_holder: Option<Uuid>,
    pub keeps_staging: bool,
    pub plan: Option<Json<RunPlan>>,
    pub done: i64,
    pub total: Option<i64>,
    pub report: Option<Json<RunProgress>>,
    pub marketo_calls: i64,
    pub marketo_bytes: i64,
    pub salesforce_calls: i64,
    pub salesforce_bytes: i64,
    pub started_by: String,
    pub created_at: Timestamp,
    pub started_at: Option<Timestamp>,
    pub updated_at: Timestamp,
    pub finished_at: Option<Timestamp>,
}

impl RunRow {
    /// The state in which it resumes after a pause or a failure.
    pub fn resumes_in(&self) -> RunState {
        self.stopped_in.unwrap_or(RunState::Queued)
    }

    fn usage(&self) -> RunUsage {
        RunUsage {
            marketo: VendorUsage { calls: self.marketo_calls, bytes: self.marketo_bytes },
            salesforce: VendorUsage { calls: self.salesforce_calls, bytes: self.salesforce_bytes },
        }
    }

    pub fn progress(&self) -> RunProgress {
        self.report.as_ref().map(|progress| progress.0.clone()).unwrap_or_default()
    }
}

impl From<RunRow> for SyncRun {
    fn from(row: RunRow) -> Self {
        let (state, mut progress) = (row.state, row.progress());
        let usage = row.usage();
        // Runs of earlier versions have saved their usage with the progress.
        progress.report.usage.add(&usage);
        let (rate_per_second, eta) = match state.is_final() || state == RunState::Paused {
            true => (None, None),
            false => estimate_pace(progress.phase_began_at, row.updated_at, row.done, row.total),
        };
        Self {
            id: row.id,
            kind: row.kind,
            state,
            requested: row.requested,
            pause_reason: row.pause_reason,
            resumes_at: row.resumes_at,
            phase: if state.is_final() { RunPhase::Ended } else { progress.phase },
            done: row.done,
            total: row.total,
            rate_per_second,
            eta,
            changed_since: row.plan.as_ref().and_then(|plan| plan.changed_since),
            report: (row.plan.is_some() || usage != RunUsage::default()).then_some(progress.report),
            error: progress.failure,
            waiting_for: progress.waiting_for,
            started_by: row.started_by,
            created_at: row.created_at,
            started_at: row.started_at,
            updated_at: row.updated_at,
            finished_at: row.finished_at,
        }
    }
}

/// The columns of [`RunRow`].
macro_rules! columns {
    () => {
        "id, kind, state, requested, goes_on_in, goes_on_at, paused_because, job_id, carried_by, keeps_staging, plan, done, total, report, \
         marketo_calls, marketo_bytes, salesforce_calls, salesforce_bytes, started_by, created_at, started_at, updated_at, finished_at"
    };
}

macro_rules! select {
    ($rest:literal) => {
        concat!("SELECT ", columns!(), " FROM sync_runs ", $rest)
    };
}

pub(super) use columns;

/// Saves a new run, which `job` carries out. The unique index of active runs refuses a second one.
pub(in crate::sync) async fn insert_run(
    tx: &mut Tx,
    instance: InstanceId,
    id: RunId,
    (kind, job): (RunKind, JobId),
    started_by: &str,
    at: Timestamp,
) -> Result<(), DbError> {
    const SQL: &str = "INSERT INTO sync_runs (instance_id, id, kind, state, job_id, started_by, created_at, updated_at) \
         VALUES ($1, $2, $3, 'queued', $4, $5, $6, $6)";
    execute!(tx, db::query(SQL).bind(instance).bind(id).bind(kind).bind(job).bind(started_by).bind(at)).map(drop)
}

/// Finds a run.
pub(in crate::sync) async fn find_run(db: &Db, instance: InstanceId, id: RunId) -> Result<Option<RunRow>, DbError> {
    const SQL: &str = select!("WHERE instance_id = $1 AND id = $2");
    on!(db, c => db::query_as(SQL).bind(instance).bind(id).fetch_optional(c))
}

/// Finds the run that has not ended.
pub(in crate::sync) async fn find_active_run(db: &Db, instance: InstanceId) -> Result<Option<RunRow>, DbError> {
    const SQL: &str = select!("WHERE instance_id = $1 AND state NOT IN ('completed', 'failed', 'cancelled')");
    on!(db, c => db::query_as(SQL).bind(instance).fetch_optional(c))
}

/// Finds the newest completed run that read everybody.
pub(in crate::sync) async fn find_last_completed_full_run(db: &Db, instance: InstanceId) -> Result<Option<RunRow>, DbError> {
    const SQL: &str =
        select!("WHERE instance_id = $1 AND kind = 'full' AND state = 'completed' AND changed_since IS NULL ORDER BY id DESC LIMIT 1");
    on!(db, c => db::query_as(SQL).bind(instance).fetch_optional(c))
}

/// Finds the run of the same kind that was started before `id`.
pub(in crate::sync) async fn find_previous_run(db: &Db, instance: InstanceId, id: RunId, kind: RunKind) -> Result<Option<RunRow>, DbError> {
    const SQL: &str = select!("WHERE instance_id = $1 AND id < $2 AND kind = $3 ORDER BY id DESC LIMIT 1");
    on!(db, c => db::query_as(SQL).bind(instance).bind(id).bind(kind).fetch_optional(c))
}

/// Which runs a list shows.
#[derive(Debug, Clone, Copy, Default)]
pub struct RunFilter {
    pub kind: Option<RunKind>,
    pub state: Option<RunState>,
}

/// Lists runs, the newest first: those older than `before`. Ids are ordered by time.
pub(in crate::sync) async fn list_runs(
    db: &Db,
    instance: InstanceId,
    filter: RunFilter,
    before: Option<RunId>,
    limit: i64,
) -> Result<Vec<RunRow>, DbError> {
    const SQL: &str = select!(
        "WHERE instance_id = $1 AND ($2 IS NULL OR id < $2) AND ($3 IS NULL OR kind = $3) AND ($4 IS NULL OR state = $4) \
         ORDER BY id DESC LIMIT $5"
    );
    on!(db, c => db::query_as(SQL).bind(instance).bind(before).bind(filter.kind).bind(filter.state).bind(limit).fetch_all(c))
}

/// Saves the plan of a run, and begins it.
pub(in crate::sync) async fn save_plan(tx: &mut Tx, instance: InstanceId, id: RunId, plan: &RunPlan, at: Timestamp) -> Result<(), DbError> {
    const SQL: &str = "UPDATE sync_runs SET state = 'extracting', plan = $3, started_at = $4, updated_at = $4 WHERE instance_id = $1 AND id = $2 AND state = 'queued'";
    execute!(tx, db::query(SQL).bind(instance).bind(id).bind(Json(plan)).bind(at)).map(drop)
}

/// Changes the state of a run, or ends it.
pub(in crate::sync) async fn change_state(
    tx: &mut Tx,
    instance: InstanceId,
    id: RunId,
    state: RunState,
    failure: Option<&RunFailure>,
    at: Timestamp,
) -> Result<(), DbError> {
    const SQL: &str = "UPDATE sync_runs SET state = $3, error_code = $4, error = $5, updated_at = $6, finished_at = $7 \
         WHERE instance_id = $1 AND id = $2 AND state NOT IN ('completed', 'failed', 'cancelled')";
    let (code, text) =
        (failure.map(|failure| failure.code.as_str()), failure.map(|failure| format!("{} {}", failure.detail, failure.remedy)));
    let finished_at = state.is_final().then_some(at);
    execute!(tx, db::query(SQL).bind(instance).bind(id).bind(state).bind(code).bind(text.as_deref()).bind(at).bind(finished_at)).map(drop)
}

/// Saves the progress of a run and what the progress bar shows; `false` when `attempt_id` doesn't hold the lease any more.
pub(in crate::sync) async fn save_progress(
    tx: &mut Tx,
    instance: InstanceId,
    (id, attempt_id): (RunId, Uuid),
    progress: &RunProgress,
    (done, total): (i64, Option<i64>),
    at: Timestamp,
) -> Result<bool, DbError> {
    const SQL: &str = "UPDATE sync_runs SET report = $4, done = $5, total = $6, updated_at = $7 \
         WHERE instance_id = $1 AND id = $2 AND carried_by = $3";
    let saved = execute!(tx, db::query(SQL).bind(instance).bind(id).bind(attempt_id).bind(Json(progress)).bind(done).bind(total).bind(at))?;
    Ok(saved == 1)
}

/// Adds to what a run has cost at the vendors. No lease is needed: whoever holds it now, the calls were made.
pub(in crate::sync) async fn add_usage(tx: &mut Tx, instance: InstanceId, id: RunId, usage: &RunUsage) -> Result<(), DbError> {
    const SQL: &str = "UPDATE sync_runs SET marketo_calls = marketo_calls + $3, marketo_bytes = marketo_bytes + $4, \
         salesforce_calls = salesforce_calls + $5, salesforce_bytes = salesforce_bytes + $6 WHERE instance_id = $1 AND id = $2";
    let RunUsage { marketo, salesforce } = usage;
    let (marketo, salesforce) = ((marketo.calls, marketo.bytes), (salesforce.calls, salesforce.bytes));
    execute!(tx, db::query(SQL).bind(instance).bind(id).bind(marketo.0).bind(marketo.1).bind(salesforce.0).bind(salesforce.1)).map(drop)
}

/// Saves what the progress bar shows; `false` when `attempt_id` doesn't hold the lease any more.
pub(in crate::sync) async fn update_done(
    tx: &mut Tx,
    instance: InstanceId,
    (id, attempt_id): (RunId, Uuid),
    done: i64,
    at: Timestamp,
) -> Result<bool, DbError> {
    const SQL: &str = "UPDATE sync_runs SET done = $4, updated_at = $5 WHERE instance_id = $1 AND id = $2 AND carried_by = $3";
    Ok(execute!(tx, db::query(SQL).bind(instance).bind(id).bind(attempt_id).bind(done).bind(at))? == 1)
}
