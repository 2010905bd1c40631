//! Claiming a job. The engines differ here: PostgreSQL lets several claimers pass each other with `SKIP LOCKED`; SQLite has
//! one writer at a time and needs no such thing.

use uuid::Uuid;

use super::{Db, DbError};
use crate::clock::Timestamp;
use crate::ids::{InstanceId, JobId};

/// A job that is ours until `locked_until`.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct ClaimedJob {
    pub id: JobId,
    pub instance_id: Option<InstanceId>,
    pub kind: String,
    pub payload: sqlx::types::Json<serde_json::Value>,
    /// How often it was claimed, this time included.
    pub attempts: i64,
}

const SQLITE: &str = "UPDATE jobs SET state = 'running', locked_by = $1, locked_until = $2, attempts = attempts + 1, is_hastened = FALSE \
     WHERE id = (SELECT id FROM jobs WHERE (state = 'queued' AND run_at <= $3) OR (state = 'running' AND locked_until < $3) \
                 ORDER BY run_at LIMIT 1) \
     RETURNING id, instance_id, kind, payload, attempts";

const POSTGRES: &str = "UPDATE jobs SET state = 'running', locked_by = $1, locked_until = $2, attempts = attempts + 1, is_hastened = FALSE \
     WHERE id = (SELECT id FROM jobs WHERE (state = 'queued' AND run_at <= $3) OR (state = 'running' AND locked_until < $3) \
                 ORDER BY run_at LIMIT 1 FOR UPDATE SKIP LOCKED) \
     RETURNING id, instance_id, kind, payload, attempts";

/// Claims the job that is due longest, or one whose claimer let its lease run out, for `worker` until `until`.
///
/// # Errors
/// When the database can't be asked.
pub async fn claim_job(db: &Db, worker: Uuid, now: Timestamp, until: Timestamp) -> Result<Option<ClaimedJob>, DbError> {
    Ok(match db {
        Db::Sqlite { writer, .. } => sqlx::query_as(SQLITE).bind(worker).bind(until).bind(now).fetch_optional(writer).await?,
        Db::Postgres(pool) => sqlx::query_as(POSTGRES).bind(worker).bind(until).bind(now).fetch_optional(pool).await?,
    })
}
