//! Claiming jobs. The engines differ here: PostgreSQL lets several claimers pass each other with `SKIP LOCKED`; SQLite has
//! one writer at a time and needs no such thing.

use uuid::Uuid;

use super::{Db, DbError, on};
use crate::clock::Timestamp;
use crate::db;
use crate::ids::{InstanceId, JobId};

/// A job that is ours until its lease expires.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct ClaimedJob {
    pub id: JobId,
    pub instance_id: Option<InstanceId>,
    pub kind: String,
    pub payload: sqlx::types::Json<serde_json::Value>,
    /// How often it was claimed, this time included.
    pub attempts: i64,
    /// Attempts that failed in a row before this one. A lease that expired is one.
    pub failures: i64,
    /// Why the last one of these failed.
    pub last_error: Option<String>,
}

/// Who works on a job, and until when it is theirs without a sign of life.
#[derive(Debug, Clone, Copy)]
pub struct JobLease {
    pub worker: Uuid,
    pub now: Timestamp,
    pub until: Timestamp,
}

/// The columns of [`ClaimedJob`].
macro_rules! returning {
    () => {
        " RETURNING id, instance_id, kind, payload, attempts, failures, last_error"
    };
}

/// Whether other processes may claim this database's jobs: of a SQLite file there is one process.
#[must_use]
pub fn has_other_claimers(db: &Db) -> bool {
    matches!(db, Db::Postgres { .. })
}

/// Who has due jobs in a lane, the first one behind `after` in the circle of all; each of them gets its turn. Global: the queue is one.
pub async fn find_next_fairness_key(db: &Db, lane: &str, after: Option<Uuid>) -> Result<Option<Uuid>, DbError> {
    const FIRST: &str = "SELECT fairness_key FROM jobs WHERE state = 'queued' AND is_due = TRUE AND lane = $1 \
         ORDER BY fairness_key LIMIT 1";
    const NEXT: &str = "SELECT fairness_key FROM jobs WHERE state = 'queued' AND is_due = TRUE AND lane = $1 AND fairness_key > $2 \
         ORDER BY fairness_key LIMIT 1";
    match after {
        None => on!(db, c => db::query_scalar(FIRST).bind(lane).fetch_optional(c)),
        Some(after) => on!(db, c => db::query_scalar(NEXT).bind(lane).bind(after).fetch_optional(c)),
    }
}

/// Claims the job that is due longest of those who take one turn together; none when others were faster.
pub async fn claim_job(db: &Db, lane: &str, key: Uuid, lease: JobLease) -> Result<Option<ClaimedJob>, DbError> {
    const SQLITE: &str = concat!(
        "UPDATE jobs SET state = 'running', locked_by = $1, locked_until = $2, started_at = $3, attempts = attempts + 1, is_hastened = FALSE \
         WHERE id = (SELECT id FROM jobs WHERE state = 'queued' AND is_due = TRUE AND lane = $4 AND fairness_key = $5 \
                     ORDER BY run_at LIMIT 1)",
        returning!()
    );
    const POSTGRES: &str = concat!(
        "UPDATE jobs SET state = 'running', locked_by = $1, locked_until = $2, started_at = $3, attempts = attempts + 1, is_hastened = FALSE \
         WHERE id = (SELECT id FROM jobs WHERE state = 'queued' AND is_due = TRUE AND lane = $4 AND fairness_key = $5 \
                     ORDER BY run_at LIMIT 1 FOR UPDATE SKIP LOCKED)",
        returning!()
    );
    let JobLease { worker, now, until } = lease;
    Ok(match db {
        Db::Sqlite { writer, .. } => {
            db::query_as(SQLITE).bind(worker).bind(until).bind(now).bind(lane).bind(key).fetch_optional(writer).await?
        }
        Db::Postgres { pool, .. } => {
            db::query_as(POSTGRES).bind(worker).bind(until).bind(now).bind(lane).bind(key).fetch_optional(pool).await?
        }
    })
}

/// Claims a job whose lease has expired, which counts as a failure of the attempt before; none when somebody was faster.
pub async fn claim_expired(db: &Db, id: JobId, lease: JobLease) -> Result<Option<ClaimedJob>, DbError> {
    const SQL: &str = concat!(
        "UPDATE jobs SET locked_by = $1, locked_until = $2, started_at = $3, attempts = attempts + 1, is_hastened = FALSE, \
         failures = failures + 1, last_error = 'its process ended or lost it before it was done' \
         WHERE id = $4 AND state = 'running' AND locked_until < $3",
        returning!()
    );
    let JobLease { worker, now, until } = lease;
    Ok(match db {
        Db::Sqlite { writer, .. } => db::query_as(SQL).bind(worker).bind(until).bind(now).bind(id).fetch_optional(writer).await?,
        Db::Postgres { pool, .. } => db::query_as(SQL).bind(worker).bind(until).bind(now).bind(id).fetch_optional(pool).await?,
    })
}

/// Notes of jobs that their time has come, a bounded number; returns how many. Global: the queue is one.
pub async fn mark_due(db: &Db, now: Timestamp) -> Result<u64, DbError> {
    const SQLITE: &str = "UPDATE jobs SET is_due = TRUE WHERE id IN (\
         SELECT id FROM jobs WHERE state = 'queued' AND is_due = FALSE AND run_at <= $1 ORDER BY run_at LIMIT 1000)";
    const POSTGRES: &str = "UPDATE jobs SET is_due = TRUE WHERE id IN (\
         SELECT id FROM jobs WHERE state = 'queued' AND is_due = FALSE AND run_at <= $1 ORDER BY run_at LIMIT 1000 FOR UPDATE SKIP LOCKED)";
    Ok(match db {
        Db::Sqlite { writer, .. } => db::query(SQLITE).bind(now).execute(writer).await?.rows_affected(),
        Db::Postgres { pool, .. } => db::query(POSTGRES).bind(now).execute(pool).await?.rows_affected(),
    })
}
