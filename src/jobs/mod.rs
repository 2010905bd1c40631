//! Work outside a request: queued in the transaction of the change that wants it, so that both happen or neither, and claimed
//! under a lease, so that another process goes on with what a dead one left.

mod store;
mod worker;

use futures_util::future::BoxFuture;
use time::Duration;

pub use store::{NewJob, enqueue, enqueue_at, enqueue_once, forget_done, hasten};
pub use tokio_util::sync::CancellationToken as StopSignal;
pub use worker::{JobWorker, RunningWorker};

use crate::clock::Clock;
use crate::db::claim::ClaimedJob;
use crate::db::{Db, DbError};
use crate::telemetry::error_chain;

/// What became of a job's run.
#[derive(Debug)]
pub enum JobOutcome {
    /// It is done.
    Done,
    /// Try again after this time.
    Again(Duration),
    /// It can't be done; the reason, without personal data.
    Failed(String),
}

/// Time between two rounds of a job that tidies up.
const ROUNDS_APART: Duration = Duration::hours(1);

impl JobOutcome {
    /// For a job of the kind `kind` that tidies up again and again: the next round comes in an hour; sooner after one that failed.
    #[must_use]
    pub fn next_round<E: std::error::Error + 'static>(kind: &str, round: Result<(), E>) -> Self {
        match round {
            Ok(()) => Self::Again(ROUNDS_APART),
            Err(error) => {
                tracing::warn!(kind, error = %error_chain(&error), "tidying up was interrupted and goes on later");
                Self::Again(ROUNDS_APART / 60)
            }
        }
    }
}

/// Has a job queued that tidies up again and again, unless it is.
///
/// # Errors
/// When the database can't be written.
pub async fn keep_tidying(db: &Db, clock: &dyn Clock, kind: &'static str) -> Result<(), DbError> {
    let mut tx = db.begin().await?;
    enqueue_once(&mut tx, clock, kind, None, clock.timestamp()).await?;
    tx.commit().await
}

/// Runs the jobs of one kind. A job may be run more than once (a crash after the work, before it is recorded): the handler
/// sees to it that this does no harm.
pub trait JobHandler: Send + Sync {
    /// The kind of job it runs.
    fn kind(&self) -> &'static str;

    /// Runs one job.
    fn run<'a>(&'a self, job: &'a ClaimedJob) -> BoxFuture<'a, JobOutcome>;
}

/// Time until the next try after `attempts` tries: doubling from 2 s to 15 min.
#[must_use]
pub fn back_off(attempts: i64) -> Duration {
    let exponent = attempts.clamp(0, 10);
    Duration::seconds(2_i64 << exponent.min(9)).min(Duration::minutes(15))
}
