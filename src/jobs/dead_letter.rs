//! Dead letters: jobs that aren't retried until an operator asks for it. They say what failed, never whom it concerned.

use futures_util::future::BoxFuture;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sqlx::types::Json;
use uuid::Uuid;

use super::{JobKind, Lane};
use crate::clock::{Clock, Timestamp};
use crate::db::{self, Db, DbError, Tx, execute, on, on_tx};
use crate::ids::{InstanceId, JobId};

/// A dead letter.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct DeadLetter {
    pub id: JobId,
    pub kind: String,
    /// Where it waited, and will when it is tried again.
    pub lane: String,
    /// The instance it works for; none for jobs of the service itself.
    pub instance_id: Option<InstanceId>,
    payload: Json<Value>,
    is_singleton: bool,
    fairness_key: Uuid,
    /// Why its last attempt failed.
    pub last_error: Option<String>,
    /// How often it was begun.
    pub attempts: i64,
    /// How often it failed in a row.
    pub failures: i64,
    pub created_at: Timestamp,
    /// When its last attempt began.
    pub started_at: Option<Timestamp>,
    /// When it became a dead letter.
    pub finished_at: Option<Timestamp>,
}

impl DeadLetter {
    /// The instance and the payload that its handler needs; none when it holds no such payload. Never shown.
    #[must_use]
    pub fn subject<P: DeserializeOwned>(&self) -> Option<(InstanceId, P)> {
        Some((self.instance_id?, P::deserialize(&self.payload.0).ok()?))
    }
}

/// Why a dead letter can't be retried.
#[derive(Debug, thiserror::Error)]
pub enum RequeueError {
    /// Its subject no longer needs it; why, and the remedy.
    #[error("{0}")]
    Obsolete(String),
    #[error(transparent)]
    Db(#[from] DbError),
}

/// The subject of a kind's jobs, for when an operator retries a dead letter.
pub trait JobSubject: Send + Sync {
    /// The kind of the jobs.
    fn kind(&self) -> JobKind;

    /// Resets the subject to wait for its job again, in the transaction that queues the job.
    fn prepare_requeue<'a>(
        &'a self,
        tx: &'a mut Tx,
        clock: &'a dyn Clock,
        letter: &'a DeadLetter,
    ) -> BoxFuture<'a, Result<(), RequeueError>>;
}

/// Which dead letters a list shows.
#[derive(Debug, Clone, Default)]
pub struct DeadLetterFilter {
    pub lane: Option<Lane>,
    pub kind: Option<String>,
    pub instance: Option<InstanceId>,
}

macro_rules! columns {
    () => {
        "id, kind, lane, instance_id, payload, is_singleton, fairness_key, last_error, attempts, failures, created_at, started_at, finished_at"
    };
}

/// A page of the dead letters, the newest first, from those older than `before`. Global: only operators ask.
pub async fn list_dead_letters(db: &Db, filter: &DeadLetterFilter, before: Option<JobId>, rows: i64) -> Result<Vec<DeadLetter>, DbError> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM jobs WHERE state = 'dead' AND id < $1 AND ($2 IS NULL OR lane = $2) AND ($3 IS NULL OR kind = $3) \
         AND ($4 IS NULL OR instance_id = $4) ORDER BY id DESC LIMIT $5"
    );
    let before = before.unwrap_or(JobId(Uuid::max()));
    let (lane, kind) = (filter.lane.map(Lane::as_str), filter.kind.as_deref());
    on!(db, c => db::query_as(SQL).bind(before).bind(lane).bind(kind).bind(filter.instance).bind(rows).fetch_all(c))
}

/// A dead letter. Global: only operators ask.
pub async fn find_dead_letter(db: &Db, id: JobId) -> Result<Option<DeadLetter>, DbError> {
    const SQL: &str = concat!("SELECT ", columns!(), " FROM jobs WHERE state = 'dead' AND id = $1");
    on!(db, c => db::query_as(SQL).bind(id).fetch_optional(c))
}

/// A dead letter, locked until the transaction ends. Global: only operators ask.
pub async fn lock_dead_letter(tx: &mut Tx, id: JobId) -> Result<Option<DeadLetter>, DbError> {
    const SQL: &str = concat!("UPDATE jobs SET state = state WHERE state = 'dead' AND id = $1 RETURNING ", columns!());
    on_tx!(tx, c => db::query_as(SQL).bind(id).fetch_optional(c))
}

/// Makes a dead letter due at once with no failures. For a periodic kind, the job that replaced it becomes due instead.
pub async fn requeue_dead_letter(tx: &mut Tx, clock: &dyn Clock, letter: &DeadLetter) -> Result<(), DbError> {
    const SUCCESSOR: &str = "UPDATE jobs SET run_at = CASE WHEN state = 'queued' THEN $3 ELSE run_at END, is_due = TRUE, is_hastened = TRUE \
         WHERE kind = $1 AND fairness_key = $2 AND is_singleton = TRUE AND state IN ('queued', 'running')";
    const SQL: &str = "UPDATE jobs SET state = 'queued', run_at = $2, is_due = TRUE, failures = 0, finished_at = NULL \
         WHERE id = $1 AND state = 'dead'";
    let now = clock.timestamp();
    if letter.is_singleton && execute!(tx, db::query(SUCCESSOR).bind(&letter.kind).bind(letter.fairness_key).bind(now))? > 0 {
        return discard_dead_letter(tx, letter.id).await;
    }
    execute!(tx, db::query(SQL).bind(letter.id).bind(now)).map(drop)
}

/// Deletes a dead letter.
pub async fn discard_dead_letter(tx: &mut Tx, id: JobId) -> Result<(), DbError> {
    execute!(tx, db::query("DELETE FROM jobs WHERE id = $1 AND state = 'dead'").bind(id)).map(drop)
}
