//! Work outside a request: queued in the transaction of the change that wants it, so that both happen or neither, and claimed
//! under a lease, so that another process goes on with what a dead one left.

mod store;
mod worker;

use futures_util::future::BoxFuture;
use time::Duration;

pub use store::{NewJob, enqueue};
pub use worker::{JobWorker, RunningWorker};

use crate::db::claim::ClaimedJob;

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
