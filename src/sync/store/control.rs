//! The lease of a run, requests to control it, pauses and retries.

use sqlx::types::Json;
use uuid::Uuid;

use super::runs::{RunRow, columns};
use crate::clock::Timestamp;
use crate::db::{self, Db, DbError, Tx, execute, on, on_tx};
use crate::ids::{InstanceId, JobId, RunId};
use crate::sync::progress::RunProgress;
use crate::sync::run::{RunRequest, RunState};

/// Finds a run and locks it until the transaction ends: an update that changes nothing locks the row on both engines.
pub(in crate::sync) async fn lock_run(tx: &mut Tx, instance: InstanceId, id: RunId) -> Result<Option<RunRow>, DbError> {
    const SQL: &str = concat!("UPDATE sync_runs SET updated_at = updated_at WHERE instance_id = $1 AND id = $2 RETURNING ", columns!());
    on_tx!(tx, c => db::query_as(SQL).bind(instance).bind(id).fetch_optional(c))
}

/// Gives the lease of a run to an attempt, which resumes it in `state`. Earlier attempts can write nothing from then on.
pub(in crate::sync) async fn take_over_run(
    tx: &mut Tx,
    instance: InstanceId,
    (id, attempt_id): (RunId, Uuid),
    state: RunState,
    at: Timestamp,
) -> Result<(), DbError> {
    const SQL: &str = "UPDATE sync_runs SET carried_by = $3, state = $4, goes_on_at = NULL, paused_because = NULL, updated_at = $5 \
         WHERE instance_id = $1 AND id = $2";
    execute!(tx, db::query(SQL).bind(instance).bind(id).bind(attempt_id).bind(state).bind(at)).map(drop)
}

/// Locks a run's lease until the transaction ends; `false` when `attempt_id` doesn't hold it any more.
pub(in crate::sync) async fn lock_as_holder(tx: &mut Tx, instance: InstanceId, (id, attempt_id): (RunId, Uuid)) -> Result<bool, DbError> {
    const SQL: &str = "UPDATE sync_runs SET carried_by = carried_by WHERE instance_id = $1 AND id = $2 AND carried_by = $3";
    Ok(execute!(tx, db::query(SQL).bind(instance).bind(id).bind(attempt_id))? == 1)
}

/// Finds the lease holder of a run, and what was requested of it.
pub(in crate::sync) async fn find_request(
    db: &Db,
    instance: InstanceId,
    id: RunId,
) -> Result<Option<(Option<Uuid>, Option<RunRequest>)>, DbError> {
    const SQL: &str = "SELECT carried_by, requested FROM sync_runs WHERE instance_id = $1 AND id = $2";
    on!(db, c => db::query_as(SQL).bind(instance).bind(id).fetch_optional(c))
}

/// Saves or withdraws a request.
pub(in crate::sync) async fn set_request(
    tx: &mut Tx,
    instance: InstanceId,
    id: RunId,
    request: Option<RunRequest>,
    at: Timestamp,
) -> Result<(), DbError> {
    const SQL: &str = "UPDATE sync_runs SET requested = $3, updated_at = $4 WHERE instance_id = $1 AND id = $2";
    execute!(tx, db::query(SQL).bind(instance).bind(id).bind(request).bind(at)).map(drop)
}

/// Sets the only job that may carry out the run.
pub(in crate::sync) async fn assign_job(tx: &mut Tx, instance: InstanceId, id: RunId, job: JobId) -> Result<(), DbError> {
    const SQL: &str = "UPDATE sync_runs SET job_id = $3 WHERE instance_id = $1 AND id = $2";
    execute!(tx, db::query(SQL).bind(instance).bind(id).bind(job)).map(drop)
}

/// When a pause ends.
#[derive(Debug, Clone, Copy)]
pub(in crate::sync) enum PauseEnd {
    /// At this time; the run's job resumes it.
    At(Timestamp),
    /// When somebody resumes it; until then no job may.
    OnRequest,
}

/// Pauses a run, which will resume in the state `resumes_in`.
pub(in crate::sync) async fn pause_run(
    tx: &mut Tx,
    instance: InstanceId,
    id: RunId,
    resumes_in: RunState,
    (because, until): (&str, PauseEnd),
    at: Timestamp,
) -> Result<(), DbError> {
    const SQL: &str = "UPDATE sync_runs SET state = 'paused', goes_on_in = $3, paused_because = $4, goes_on_at = $5, requested = NULL, \
         carried_by = NULL, job_id = CASE WHEN $6 THEN job_id ELSE NULL END, updated_at = $7 WHERE instance_id = $1 AND id = $2";
    let (until, keeps_job) = match until {
        PauseEnd::At(until) => (Some(until), true),
        PauseEnd::OnRequest => (None, false),
    };
    execute!(tx, db::query(SQL).bind(instance).bind(id).bind(resumes_in).bind(because).bind(until).bind(keeps_job).bind(at)).map(drop)
}

/// Resumes a paused or failed run in `state`, carried out by `job`.
pub(in crate::sync) async fn resume_run(
    tx: &mut Tx,
    instance: InstanceId,
    id: RunId,
    (state, job): (RunState, JobId),
    at: Timestamp,
) -> Result<(), DbError> {
    const SQL: &str = "UPDATE sync_runs SET state = $3, job_id = $4, goes_on_at = NULL, paused_because = NULL, requested = NULL, \
         carried_by = NULL, error_code = NULL, error = NULL, finished_at = NULL, keeps_staging = FALSE, updated_at = $5 \
         WHERE instance_id = $1 AND id = $2";
    execute!(tx, db::query(SQL).bind(instance).bind(id).bind(state).bind(job).bind(at)).map(drop)
}

/// Saves the progress of a run without a lease holder; its row is locked.
pub(in crate::sync) async fn overwrite_progress(
    tx: &mut Tx,
    instance: InstanceId,
    id: RunId,
    progress: &RunProgress,
) -> Result<(), DbError> {
    const SQL: &str = "UPDATE sync_runs SET report = $3 WHERE instance_id = $1 AND id = $2";
    execute!(tx, db::query(SQL).bind(instance).bind(id).bind(Json(progress))).map(drop)
}

/// Deletes what a run has planned and done, so that it starts over.
pub(in crate::sync) async fn reset_run(tx: &mut Tx, instance: InstanceId, id: RunId) -> Result<(), DbError> {
    const EXPORTS: &str = "DELETE FROM sync_extract_jobs WHERE instance_id = $1 AND run_id = $2";
    const REJECTED: &str = "DELETE FROM sync_rejected_rows WHERE instance_id = $1 AND run_id = $2";
    const RUN: &str = "UPDATE sync_runs SET plan = NULL, report = NULL, done = 0, total = NULL, started_at = NULL \
         WHERE instance_id = $1 AND id = $2";
    for sql in [EXPORTS, REJECTED, RUN] {
        execute!(tx, db::query(sql).bind(instance).bind(id))?;
    }
    Ok(())
}

/// Releases the lease of an ended run, and records the state that a retry resumes in and whether the staged data is kept.
pub(in crate::sync) async fn release_run(
    tx: &mut Tx,
    instance: InstanceId,
    id: RunId,
    resumes_in: RunState,
    keeps_staging: bool,
) -> Result<(), DbError> {
    const SQL: &str = "UPDATE sync_runs SET carried_by = NULL, requested = NULL, goes_on_at = NULL, paused_because = NULL, \
         goes_on_in = $3, keeps_staging = $4 WHERE instance_id = $1 AND id = $2";
    execute!(tx, db::query(SQL).bind(instance).bind(id).bind(resumes_in).bind(keeps_staging)).map(drop)
}

/// Records that a run's staged data is being deleted.
pub(in crate::sync) async fn mark_staging_deleted(tx: &mut Tx, instance: InstanceId, id: RunId) -> Result<(), DbError> {
    const SQL: &str = "UPDATE sync_runs SET keeps_staging = FALSE WHERE instance_id = $1 AND id = $2";
    execute!(tx, db::query(SQL).bind(instance).bind(id)).map(drop)
}

/// Finds the newest run, if it was started after this one.
pub(in crate::sync) async fn find_newer_run(tx: &mut Tx, instance: InstanceId, id: RunId) -> Result<Option<RunId>, DbError> {
    const SQL: &str = "SELECT id FROM sync_runs WHERE instance_id = $1 AND id > $2 ORDER BY id DESC LIMIT 1";
    on_tx!(tx, c => db::query_scalar(SQL).bind(instance).bind(id).fetch_optional(c))
}
