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
    const SQL: &str =
        "INSERT INTO jobs (id, instance_id, kind, payload, state, run_at, created_at) VALUES ($1, $2, $3, $4, 'queued', $5, $5)";
    let id = JobId(clock.new_id());
    execute!(tx, sqlx::query(SQL).bind(id).bind(job.instance).bind(job.kind).bind(Json(&job.payload)).bind(clock.timestamp()))?;
    Ok(id)
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

/// Gives a job back to run again at `run_at`.
pub(super) async fn postpone(db: &Db, id: JobId, worker: Uuid, run_at: Timestamp) -> Result<(), DbError> {
    const SQL: &str =
        "UPDATE jobs SET state = 'queued', run_at = $3, locked_by = NULL, locked_until = NULL WHERE id = $1 AND locked_by = $2";
    let mut tx = db.begin().await?;
    execute!(&mut tx, sqlx::query(SQL).bind(id).bind(worker).bind(run_at))?;
    tx.commit().await
}
