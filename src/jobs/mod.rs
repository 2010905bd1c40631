//! Work outside a request: queued in the transaction of the change that needs it, so that both happen or neither, and claimed
//! under a lease, so that another process resumes what a dead one left. `docs/decisions/0001-job-queue.md` says why the queue is our
//! own.
//!
//! Each kind waits in a [`Lane`] with its own dispatcher and limit. Within a lane, instances take turns. An attempt fails when it
//! panics, loses its process or reports a failure; after too many consecutive failures the job becomes a dead letter for an operator
//! to retry or discard, and its handler records in the job's subject that it was given up.
//!
//! Every function that reads or writes the queue fails with [`DbError`] when the database can't be reached.

mod attempt;
mod dead_letter;
mod dispatcher;
mod gauges;
mod kind;
mod lease;
mod outcome;
mod runtime;
mod store;
mod worker;

use futures_util::future::{BoxFuture, ready};
use time::Duration;

pub use dead_letter::{
    DeadLetter, DeadLetterFilter, JobSubject, RequeueError, discard_dead_letter, find_dead_letter, list_dead_letters, lock_dead_letter,
    requeue_dead_letter,
};
pub use gauges::QueueGauges;
pub use kind::{JobKind, Lane};
pub use outcome::{CLEANUP_PERIOD, JobOutcome, back_off};
pub use store::{NewJob, delete_done, enqueue, enqueue_all, enqueue_at, enqueue_once, run_now};
pub use worker::JobWorker;

use crate::clock::Clock;
use crate::db::claim::ClaimedJob;
use crate::db::{Db, DbError};

/// Queues a cleanup job, which runs every [`CLEANUP_PERIOD`]; does nothing when it is queued already.
pub async fn enqueue_cleanup(db: &Db, clock: &dyn Clock, kind: JobKind) -> Result<(), DbError> {
    let mut tx = db.begin().await?;
    enqueue_once(&mut tx, clock, kind, None, clock.timestamp()).await?;
    tx.commit().await
}

/// Why a handler could not record that its job is given up.
pub type GiveUpError = Box<dyn std::error::Error + Send + Sync>;

/// Runs the jobs of one kind. A job may run more than once (after a crash between the work and its record), so handlers are
/// idempotent.
pub trait JobHandler: Send + Sync {
    /// The kind of job it runs.
    fn kind(&self) -> JobKind;

    /// Makes one attempt at a job, of any duration. The future is dropped at an `await` when the lease is lost or the process ends.
    /// Blocking work belongs on the blocking pool.
    fn run<'a>(&'a self, job: &'a ClaimedJob) -> BoxFuture<'a, JobOutcome>;

    /// Time between two rounds of a periodic kind. When a round becomes a dead letter, the next one is queued all the same.
    fn period(&self) -> Option<Duration> {
        None
    }

    /// Records in the job's subject that it is given up, so that nobody waits for it. Called before the job becomes a dead letter,
    /// perhaps more than once.
    fn give_up<'a>(&'a self, _job: &'a ClaimedJob, _reason: &'a str) -> BoxFuture<'a, Result<(), GiveUpError>> {
        Box::pin(ready(Ok(())))
    }
}
