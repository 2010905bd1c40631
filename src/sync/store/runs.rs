use sqlx::types::Json;

use crate::clock::Timestamp;
use crate::db::{Db, DbError, Tx, execute, on};
use crate::ids::{InstanceId, RunId};
use crate::sync::Failure;
use crate::sync::run::{Ledger, Plan, Run, RunState, pace};

/// A run as stored.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(in crate::sync) struct RunRow {
    pub id: RunId,
    pub state: String,
    pub plan: Option<Json<Plan>>,
    pub done: i64,
    pub total: Option<i64>,
    pub report: Option<Json<Ledger>>,
    pub started_by: String,
    pub created_at: Timestamp,
    pub started_at: Option<Timestamp>,
    pub updated_at: Timestamp,
    pub finished_at: Option<Timestamp>,
}

impl From<RunRow> for Run {
    fn from(row: RunRow) -> Self {
        let state = RunState::parse(&row.state);
        let ledger = row.report.map(|ledger| ledger.0).unwrap_or_default();
        let (rate_per_second, eta) = match state.is_final() {
            true => (None, None),
            false => pace(ledger.phase_began_at, row.updated_at, row.done, row.total),
        };
        Self {
            id: row.id,
            state,
            phase: ledger.phase,
            done: row.done,
            total: row.total,
            rate_per_second,
            eta,
            report: row.plan.map(|_| ledger.report),
            error: ledger.failure,
            waiting_for: ledger.waiting_for,
            started_by: row.started_by,
            created_at: row.created_at,
            started_at: row.started_at,
            updated_at: row.updated_at,
            finished_at: row.finished_at,
        }
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, state, plan, done, total, report, started_by, created_at, started_at, updated_at, finished_at FROM sync_runs ",
            $rest
        )
    };
}

/// Keeps a new run. The index of runs under way refuses a second one, whoever begins it.
pub(in crate::sync) async fn insert_run(
    tx: &mut Tx,
    instance: InstanceId,
    id: RunId,
    started_by: &str,
    at: Timestamp,
) -> Result<(), DbError> {
    const SQL: &str =
        "INSERT INTO sync_runs (instance_id, id, state, started_by, created_at, updated_at) VALUES ($1, $2, 'queued', $3, $4, $4)";
    execute!(tx, sqlx::query(SQL).bind(instance).bind(id).bind(started_by).bind(at)).map(drop)
}

/// A run.
pub(in crate::sync) async fn find_run(db: &Db, instance: InstanceId, id: RunId) -> Result<Option<RunRow>, DbError> {
    const SQL: &str = select!("WHERE instance_id = $1 AND id = $2");
    on!(db, c => sqlx::query_as(SQL).bind(instance).bind(id).fetch_optional(c))
}

/// The run under way.
pub(in crate::sync) async fn find_under_way(db: &Db, instance: InstanceId) -> Result<Option<RunId>, DbError> {
    const SQL: &str = "SELECT id FROM sync_runs WHERE instance_id = $1 AND state IN ('queued', 'extracting', 'qualifying', 'loading')";
    on!(db, c => sqlx::query_scalar(SQL).bind(instance).fetch_optional(c))
}

/// Runs, the newest first, those older than `before`. Ids are ordered by time.
pub(in crate::sync) async fn list_runs(db: &Db, instance: InstanceId, before: Option<RunId>, limit: i64) -> Result<Vec<RunRow>, DbError> {
    const SQL: &str = select!("WHERE instance_id = $1 AND ($2 IS NULL OR id < $2) ORDER BY id DESC LIMIT $3");
    on!(db, c => sqlx::query_as(SQL).bind(instance).bind(before).bind(limit).fetch_all(c))
}

/// Keeps what a run has decided to read, and begins it.
pub(in crate::sync) async fn save_plan(tx: &mut Tx, instance: InstanceId, id: RunId, plan: &Plan, at: Timestamp) -> Result<(), DbError> {
    const SQL: &str = "UPDATE sync_runs SET state = 'extracting', plan = $3, started_at = $4, updated_at = $4 WHERE instance_id = $1 AND id = $2 AND state = 'queued'";
    execute!(tx, sqlx::query(SQL).bind(instance).bind(id).bind(Json(plan)).bind(at)).map(drop)
}

/// Moves a run on, or ends it.
pub(in crate::sync) async fn change_state(
    tx: &mut Tx,
    instance: InstanceId,
    id: RunId,
    state: RunState,
    failure: Option<&Failure>,
    at: Timestamp,
) -> Result<(), DbError> {
    const SQL: &str = "UPDATE sync_runs SET state = $3, error_code = $4, error = $5, updated_at = $6, finished_at = $7 \
         WHERE instance_id = $1 AND id = $2 AND state NOT IN ('completed', 'failed')";
    let (code, text) =
        (failure.map(|failure| failure.code.as_str()), failure.map(|failure| format!("{} {}", failure.detail, failure.what_to_do)));
    let finished_at = state.is_final().then_some(at);
    execute!(tx, sqlx::query(SQL).bind(instance).bind(id).bind(state.as_str()).bind(code).bind(text.as_deref()).bind(at).bind(finished_at))
        .map(drop)
}

/// Keeps how far a run is, with what the progress bar shows.
pub(in crate::sync) async fn save_ledger(
    tx: &mut Tx,
    instance: InstanceId,
    id: RunId,
    ledger: &Ledger,
    (done, total): (i64, Option<i64>),
    at: Timestamp,
) -> Result<(), DbError> {
    const SQL: &str = "UPDATE sync_runs SET report = $3, done = $4, total = $5, updated_at = $6 WHERE instance_id = $1 AND id = $2";
    execute!(tx, sqlx::query(SQL).bind(instance).bind(id).bind(Json(ledger)).bind(done).bind(total).bind(at)).map(drop)
}

/// Keeps what the progress bar shows.
pub(in crate::sync) async fn save_progress(tx: &mut Tx, instance: InstanceId, id: RunId, done: i64, at: Timestamp) -> Result<(), DbError> {
    const SQL: &str = "UPDATE sync_runs SET done = $3, updated_at = $4 WHERE instance_id = $1 AND id = $2";
    execute!(tx, sqlx::query(SQL).bind(instance).bind(id).bind(done).bind(at)).map(drop)
}
