use serde_json::Value;
use sqlx::types::Json;
use uuid::Uuid;

use crate::clock::{Clock, Timestamp};
use crate::db::{Db, DbError, Tx, execute};
use crate::ids::{InstanceId, JobId};

/// A job to be queued.
#[derive(Debug)]
pub struct NewJob {
    /// Which handler runs it.
    pub kind: &'static str,
    /// The instance it works for.
    pub instance: Option<InstanceId>,
    /// What the handler needs; ids rather than data, so that nothing personal lies in the queue.
    pub payload: Value,
}

/// Queues a job for now, in the transaction of the change that wants it.
///
/// # Errors
/// When the database can't be written.
pub async fn enqueue(tx: &mut Tx, clock: &dyn Clock, job: NewJob) -> Result<JobId, DbError> {
    enqueue_at(tx, clock, job, clock.timestamp()).await
}

/// Queues a job for `run_at`, in the transaction of the change that wants it.
///
/// # Errors
/// When the database can't be written.
pub async fn enqueue_at(tx: &mut Tx, clock: &dyn Clock, job: NewJob, run_at: Timestamp) -> Result<JobId, DbError> {
    const SQL: &str =
        "INSERT INTO jobs (id, instance_id, kind, payload, state, run_at, created_at) VALUES ($1, $2, $3, $4, 'queued', $5, $6)";
    let (id, now) = (JobId(clock.new_id()), clock.timestamp());
    execute!(tx, sqlx::query(SQL).bind(id).bind(job.instance).bind(job.kind).bind(Json(&job.payload)).bind(run_at).bind(now))?;
    Ok(id)
}

/// Has a job that waits run now; one that runs and wants to run again does so at once. `false` when it is over.
///
/// # Errors
/// When the database can't be written.
pub async fn hasten(tx: &mut Tx, clock: &dyn Clock, id: JobId) -> Result<bool, DbError> {
    const SQL: &str = "UPDATE jobs SET run_at = CASE WHEN state = 'queued' THEN $2 ELSE run_at END, is_hastened = TRUE \
         WHERE id = $1 AND state IN ('queued', 'running')";
    Ok(execute!(tx, sqlx::query(SQL).bind(id).bind(clock.timestamp()))? == 1)
}

/// Queues the only job of its kind that an instance may have, or all of them together; does nothing when there is one. An index of the
/// kind sees to it.
///
/// # Errors
/// When the database can't be written.
pub async fn enqueue_once(
    tx: &mut Tx,
    clock: &dyn Clock,
    kind: &'static str,
    instance: Option<InstanceId>,
    run_at: Timestamp,
) -> Result<(), DbError> {
    const SQL: &str = "INSERT INTO jobs (id, instance_id, kind, payload, state, run_at, created_at) VALUES ($1, $2, $3, $4, 'queued', $5, $6) \
         ON CONFLICT DO NOTHING";
    let (id, payload) = (JobId(clock.new_id()), Json(Value::Object(serde_json::Map::new())));
    let now = clock.timestamp();
    execute!(tx, sqlx::query(SQL).bind(id).bind(instance).bind(kind).bind(&payload).bind(run_at).bind(now)).map(drop)
}

/// Forgets jobs of a kind that were done for an instance before `before`.
///
/// # Errors
/// When the database can't be written.
pub async fn forget_done(tx: &mut Tx, instance: InstanceId, kind: &str, before: Timestamp) -> Result<u64, DbError> {
    const SQL: &str = "DELETE FROM jobs WHERE instance_id = $1 AND kind = $2 AND state = 'done' AND finished_at <= $3";
    execute!(tx, sqlx::query(SQL).bind(instance).bind(kind).bind(before))
}

/// Keeps a running job ours until `until`. `false` when it is ours no longer.
pub(super) async fn extend_lease(db: &Db, id: JobId, worker: Uuid, until: Timestamp) -> Result<bool, DbError> {
    const SQL: &str = "UPDATE jobs SET locked_until = $3 WHERE id = $1 AND locked_by = $2 AND state = 'running'";
    let mut tx = db.begin().await?;
    let kept = execute!(&mut tx, sqlx::query(SQL).bind(id).bind(worker).bind(until))? == 1;
    tx.commit().await?;
    Ok(kept)
}

/// Records the end of a job, unless it is ours no longer.
pub(super) async fn finish(db: &Db, id: JobId, worker: Uuid, state: &str, error: Option<&str>, at: Timestamp) -> Result<(), DbError> {
    const SQL: &str = "UPDATE jobs SET state = $3, last_error = $4, finished_at = $5, locked_by = NULL, locked_until = NULL \
         WHERE id = $1 AND locked_by = $2";
    let mut tx = db.begin().await?;
    execute!(&mut tx, sqlx::query(SQL).bind(id).bind(worker).bind(state).bind(error).bind(at))?;
    tx.commit().await
}

/// Deletes jobs that ended before then, a bounded number at a time.
pub(super) async fn forget_ended(db: &Db, before: Timestamp) -> Result<(), DbError> {
    const SQL: &str =
        "DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE state IN ('done', 'failed') AND finished_at < $1 LIMIT 1000)";
    loop {
        let mut tx = db.begin().await?;
        let deleted = execute!(&mut tx, sqlx::query(SQL).bind(before))?;
        tx.commit().await?;
        if deleted == 0 {
            return Ok(());
        }
    }
}

/// Gives a job back to run again at `run_at`, or at once when somebody was in a hurry meanwhile.
pub(super) async fn postpone(db: &Db, id: JobId, worker: Uuid, run_at: Timestamp, now: Timestamp) -> Result<(), DbError> {
    const SQL: &str = "UPDATE jobs SET state = 'queued', run_at = CASE WHEN is_hastened THEN $4 ELSE $3 END, \
         locked_by = NULL, locked_until = NULL WHERE id = $1 AND locked_by = $2";
    let mut tx = db.begin().await?;
    execute!(&mut tx, sqlx::query(SQL).bind(id).bind(worker).bind(run_at).bind(now))?;
    tx.commit().await
}
