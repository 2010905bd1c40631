use serde_json::Value;
use sqlx::types::Json;
use time::Duration;
use uuid::Uuid;

use super::{JobKind, Lane};
use crate::clock::{Clock, Timestamp};
use crate::db::claim::ClaimedJob;
use crate::db::{self, Db, DbError, Tx, execute, insert_rows, on, text_enum};
use crate::ids::{InstanceId, JobId};

text_enum! {
    /// How far a job has come.
    enum JobState {
        /// To be claimed when its time has come.
        Queued = "queued",
        /// Claimed, until its lease expires.
        Running = "running",
        Done = "done",
        /// Failed too often; see [`make_dead_letter`].
        Dead = "dead",
    }
}

/// A job to be queued.
#[derive(Debug)]
pub struct NewJob {
    /// Which handler runs it, and in which lane.
    pub kind: JobKind,
    /// The instance it works for.
    pub instance: Option<InstanceId>,
    /// What the handler needs; ids rather than data, so that nothing personal lies in the queue.
    pub payload: Value,
}

/// Who takes turns with others in a lane: an instance, or all jobs of no instance together.
fn fairness_key(instance: Option<InstanceId>) -> Uuid {
    instance.map_or(Uuid::nil(), |instance| instance.0)
}

/// Queues a job for now, in the transaction of the change that needs it.
pub async fn enqueue(tx: &mut Tx, clock: &dyn Clock, job: NewJob) -> Result<JobId, DbError> {
    enqueue_at(tx, clock, job, clock.timestamp()).await
}

/// Queues a job for `run_at`, in the transaction of the change that needs it.
pub async fn enqueue_at(tx: &mut Tx, clock: &dyn Clock, job: NewJob, run_at: Timestamp) -> Result<JobId, DbError> {
    insert(tx, clock, job, run_at, false).await
}

/// Queues jobs of one kind for now, one for each payload, in the transaction of the change that needs them.
pub async fn enqueue_all(tx: &mut Tx, clock: &dyn Clock, kind: JobKind, instance: InstanceId, payloads: &[Value]) -> Result<(), DbError> {
    let now = clock.timestamp();
    insert_rows!(
        tx,
        "INSERT INTO jobs (id, instance_id, fairness_key, kind, lane, payload, state, run_at, is_due, is_singleton, created_at)",
        payloads,
        |payload| [
            JobId(clock.new_id()),
            instance,
            fairness_key(Some(instance)),
            kind.name,
            kind.lane,
            Json(payload),
            JobState::Queued,
            now,
            true,
            false,
            now,
        ]
    )
    .map(drop)
}

/// Queues the only job of its kind that an instance may have, or all of them together; does nothing when there is one.
pub async fn enqueue_once(
    tx: &mut Tx,
    clock: &dyn Clock,
    kind: JobKind,
    instance: Option<InstanceId>,
    run_at: Timestamp,
) -> Result<(), DbError> {
    let job = NewJob { kind, instance, payload: Value::Object(serde_json::Map::new()) };
    insert(tx, clock, job, run_at, true).await.map(drop)
}

async fn insert(tx: &mut Tx, clock: &dyn Clock, job: NewJob, run_at: Timestamp, is_singleton: bool) -> Result<JobId, DbError> {
    // Only the index of singletons can conflict.
    const SQL: &str = "INSERT INTO jobs (id, instance_id, fairness_key, kind, lane, payload, state, run_at, is_due, is_singleton, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, 'queued', $7, $8, $9, $10) ON CONFLICT DO NOTHING";
    let (id, now) = (JobId(clock.new_id()), clock.timestamp());
    execute!(
        tx,
        db::query(SQL)
            .bind(id)
            .bind(job.instance)
            .bind(fairness_key(job.instance))
            .bind(job.kind.name)
            .bind(job.kind.lane)
            .bind(Json(&job.payload))
            .bind(run_at)
            .bind(run_at <= now)
            .bind(is_singleton)
            .bind(now)
    )?;
    Ok(id)
}

/// Makes a queued job due now; a running one runs again as soon as its attempt ends, if it is to run again. `false` when it has ended.
pub async fn run_now(tx: &mut Tx, clock: &dyn Clock, id: JobId) -> Result<bool, DbError> {
    const SQL: &str = "UPDATE jobs SET run_at = CASE WHEN state = 'queued' THEN $2 ELSE run_at END, is_due = TRUE, is_hastened = TRUE \
         WHERE id = $1 AND state IN ('queued', 'running')";
    Ok(execute!(tx, db::query(SQL).bind(id).bind(clock.timestamp()))? == 1)
}

/// Deletes jobs of a kind that an instance's earlier ones left, done before `before`.
pub async fn delete_done(tx: &mut Tx, instance: InstanceId, kind: JobKind, before: Timestamp) -> Result<u64, DbError> {
    const SQL: &str = "DELETE FROM jobs WHERE instance_id = $1 AND kind = $2 AND state = 'done' AND finished_at <= $3";
    execute!(tx, db::query(SQL).bind(instance).bind(kind.name).bind(before))
}

/// What there is to do in a lane.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct LaneWork {
    pub lane: Lane,
    pub has_due: bool,
    pub has_expired: bool,
}

/// What there is to do in each lane, and whether the time of further jobs has come. Global: the queue is one.
///
/// Each question is one look-up in an index. PostgreSQL answers `EXISTS` by reading the table from its beginning when most of it fits,
/// and finds nothing at its end; an order that the index has leaves it no choice.
pub(super) async fn find_lane_work(db: &Db, now: Timestamp) -> Result<(Vec<LaneWork>, bool), DbError> {
    const LANES: &str = "SELECT lanes.lane, \
         (SELECT id FROM jobs WHERE state = 'queued' AND is_due = TRUE AND jobs.lane = lanes.lane \
          ORDER BY fairness_key LIMIT 1) IS NOT NULL AS has_due, \
         (SELECT id FROM jobs WHERE state = 'running' AND jobs.lane = lanes.lane AND locked_until < $1 \
          ORDER BY locked_until LIMIT 1) IS NOT NULL AS has_expired \
         FROM (SELECT 'interactive' AS lane UNION ALL SELECT 'mail' UNION ALL SELECT 'imports' UNION ALL SELECT 'sync' \
               UNION ALL SELECT 'schedule' UNION ALL SELECT 'maintenance') AS lanes";
    const LATER: &str = "SELECT (SELECT id FROM jobs WHERE state = 'queued' AND is_due = FALSE AND run_at <= $1 \
         ORDER BY run_at LIMIT 1) IS NOT NULL";
    let lanes = on!(db, c => db::query_as(LANES).bind(now).fetch_all(c))?;
    let has_come: bool = on!(db, c => db::query_scalar(LATER).bind(now).fetch_one(c))?;
    Ok((lanes, has_come))
}

text_enum! {
    /// What jobs are counted by.
    pub(super) enum QueueState {
        /// Its time has come.
        Waiting = "waiting",
        /// Its time is still to come.
        Scheduled = "scheduled",
        Running = "running",
        Dead = "dead",
    }
}

/// Jobs of a kind in a state.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct QueueCount {
    pub kind: String,
    pub state: QueueState,
    pub count: i64,
    /// When the oldest of them was due.
    pub oldest: Option<Timestamp>,
}

/// What is in the queue, but for what is done. Global: the queue is one.
pub(super) async fn count_queue(db: &Db) -> Result<Vec<QueueCount>, DbError> {
    const SQL: &str = "SELECT kind, 'waiting' AS state, COUNT(*) AS count, MIN(run_at) AS oldest FROM jobs \
           WHERE state = 'queued' AND is_due = TRUE GROUP BY kind \
         UNION ALL SELECT kind, 'scheduled', COUNT(*), MIN(run_at) FROM jobs WHERE state = 'queued' AND is_due = FALSE GROUP BY kind \
         UNION ALL SELECT kind, 'running', COUNT(*), MIN(run_at) FROM jobs WHERE state = 'running' GROUP BY kind \
         UNION ALL SELECT kind, 'dead', COUNT(*), MIN(run_at) FROM jobs WHERE state = 'dead' GROUP BY kind";
    on!(db, c => db::query_as(SQL).fetch_all(c))
}

/// Jobs of a lane whose lease has expired, a bounded number. Global: the queue is one.
pub(super) async fn expired(db: &Db, lane: Lane, now: Timestamp) -> Result<Vec<JobId>, DbError> {
    const SQL: &str = "SELECT id FROM jobs WHERE state = 'running' AND lane = $1 AND locked_until < $2 ORDER BY locked_until LIMIT 200";
    on!(db, c => db::query_scalar(SQL).bind(lane).bind(now).fetch_all(c))
}

/// Keeps a running job ours until `until`. `false` when it is ours no longer.
pub(super) async fn extend_lease(db: &Db, id: JobId, worker: Uuid, until: Timestamp) -> Result<bool, DbError> {
    const SQL: &str = "UPDATE jobs SET locked_until = $3 WHERE id = $1 AND locked_by = $2 AND state = 'running'";
    let mut tx = db.begin().await?;
    let extended = execute!(&mut tx, db::query(SQL).bind(id).bind(worker).bind(until))? == 1;
    tx.commit().await?;
    Ok(extended)
}

/// How an attempt at a claimed job ended.
#[derive(Debug)]
pub(super) enum AttemptResult<'a> {
    /// It is done.
    Done,
    /// It runs again after this time; not a failure.
    RunAgain(Duration),
    /// It runs again after this time; a failure, and why.
    Retry(Duration, &'a str),
    /// It runs again at once; the attempt was cut short, which is not a failure.
    Released,
}

/// Records the end of an attempt; `false` when the lease was lost. A job that [`run_now`] hurried meanwhile runs again at once.
pub(super) async fn finish_attempt(db: &Db, id: JobId, worker: Uuid, how: AttemptResult<'_>, now: Timestamp) -> Result<bool, DbError> {
    const DONE: &str = "UPDATE jobs SET state = 'done', failures = 0, last_error = NULL, finished_at = $3, locked_by = NULL, locked_until = NULL \
         WHERE id = $1 AND locked_by = $2 AND state = 'running'";
    const QUEUED: &str = "UPDATE jobs SET state = 'queued', run_at = CASE WHEN is_hastened THEN $3 ELSE $4 END, \
         is_due = CASE WHEN is_hastened THEN TRUE ELSE $5 END, failures = CASE WHEN $6 < 0 THEN 0 ELSE failures + $6 END, \
         last_error = CASE WHEN $6 = 0 THEN last_error ELSE $7 END, locked_by = NULL, locked_until = NULL \
         WHERE id = $1 AND locked_by = $2 AND state = 'running'";
    let (wait, failed, error) = match how {
        AttemptResult::Done => {
            let mut tx = db.begin().await?;
            let done = execute!(&mut tx, db::query(DONE).bind(id).bind(worker).bind(now))?;
            tx.commit().await?;
            return Ok(done == 1);
        }
        AttemptResult::RunAgain(wait) => (wait, -1_i64, None),
        AttemptResult::Retry(wait, reason) => (wait, 1, Some(reason)),
        AttemptResult::Released => (Duration::ZERO, 0, None),
    };
    let is_due = wait <= Duration::ZERO;
    let mut tx = db.begin().await?;
    let put = execute!(&mut tx, db::query(QUEUED).bind(id).bind(worker).bind(now).bind(now + wait).bind(is_due).bind(failed).bind(error))?;
    tx.commit().await?;
    Ok(put == 1)
}

/// Makes a job a dead letter; `false` when the lease was lost. `successor` is when the next one of a periodic kind runs, which has
/// one dead letter at most.
pub(super) async fn make_dead_letter(
    db: &Db,
    clock: &dyn Clock,
    worker: Uuid,
    (job, kind): (&ClaimedJob, Option<JobKind>),
    reason: &str,
    successor: Option<Timestamp>,
) -> Result<bool, DbError> {
    const MAKE_DEAD: &str = "UPDATE jobs SET state = 'dead', failures = failures + 1, last_error = $3, finished_at = $4, is_hastened = FALSE, \
         locked_by = NULL, locked_until = NULL WHERE id = $1 AND locked_by = $2 AND state = 'running'";
    const REPLACE: &str = "DELETE FROM jobs WHERE kind = $1 AND fairness_key = $2 AND state = 'dead'";
    let mut tx = db.begin().await?;
    if let (Some(kind), Some(_)) = (kind, successor) {
        execute!(&mut tx, db::query(REPLACE).bind(kind.name).bind(fairness_key(job.instance_id)))?;
    }
    let made = execute!(&mut tx, db::query(MAKE_DEAD).bind(job.id).bind(worker).bind(reason).bind(clock.timestamp()))? == 1;
    if !made {
        return Ok(false);
    }
    if let (Some(kind), Some(at)) = (kind, successor) {
        enqueue_once(&mut tx, clock, kind, job.instance_id, at).await?;
    }
    tx.commit().await?;
    Ok(true)
}

/// Deletes jobs that were done before `done`, and dead letters of before `dead`, a bounded number of each; whether there may be more.
pub(super) async fn delete_ended(db: &Db, done: Timestamp, dead: Timestamp) -> Result<bool, DbError> {
    const SQL: &str = "DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE state = $1 AND finished_at < $2 LIMIT 1000)";
    let mut is_more = false;
    for (state, before) in [(JobState::Done, done), (JobState::Dead, dead)] {
        let mut tx = db.begin().await?;
        is_more |= execute!(&mut tx, db::query(SQL).bind(state).bind(before))? == 1000;
        tx.commit().await?;
    }
    Ok(is_more)
}
