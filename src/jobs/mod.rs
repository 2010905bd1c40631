//! Work outside a request: queued in the transaction of the change that wants it, so that both happen or neither, and claimed
//! under a lease, so that another process goes on with what a dead one left. Why it is a queue of our own stands in
//! `docs/decisions/0001-job-queue.md`.
//!
//! Each kind waits in a [`Lane`] with a dispatcher and a limit of its own. Within a lane instances take turns. An attempt that
//! panics, loses its process or says so has failed; after too many failures in a row the job is a dead letter, which an operator
//! looks at, and what it was about is told.

mod attempt;
mod dead_letter;
mod dispatcher;
mod gauges;
mod kind;
mod lease;
mod outcome;
mod store;
mod worker;

use futures_util::future::{BoxFuture, ready};
use time::Duration;

pub use dead_letter::{
    DeadLetter, DeadLetterFilter, JobSubject, ReviveError, discard_dead_letter, find_dead_letter, list_dead_letters, lock_dead_letter,
    requeue_dead_letter,
};
pub use gauges::QueueGauges;
pub use kind::{JobKind, Lane};
pub use outcome::{JobOutcome, back_off};
pub use store::{NewJob, enqueue, enqueue_at, enqueue_once, forget_done, hasten};
pub use worker::JobWorker;

use crate::clock::Clock;
use crate::db::claim::ClaimedJob;
use crate::db::{Db, DbError};

/// Has a job queued that tidies up again and again, unless it is.
///
/// # Errors
/// When the database can't be written.
pub async fn keep_tidying(db: &Db, clock: &dyn Clock, kind: JobKind) -> Result<(), DbError> {
    let mut tx = db.begin().await?;
    enqueue_once(&mut tx, clock, kind, None, clock.timestamp()).await?;
    tx.commit().await
}

/// Time between two rounds of the jobs of [`keep_tidying`].
pub const TIDYING_PERIOD: Duration = outcome::ROUNDS_APART;

/// Why the subject of a job could not be told that it is given up.
pub type GiveUpError = Box<dyn std::error::Error + Send + Sync>;

/// Runs the jobs of one kind. A job may be run more than once (a crash after the work, before it is recorded): the handler
/// sees to it that this does no harm.
pub trait JobHandler: Send + Sync {
    /// The kind of job it runs.
    fn kind(&self) -> JobKind;

    /// Makes one attempt at a job. It is dropped at its next `await` when the lease is lost or the process ends. It may take as long
    /// as it likes, but should hand work that blocks to a thread of its own.
    fn run<'a>(&'a self, job: &'a ClaimedJob) -> BoxFuture<'a, JobOutcome>;

    /// Time between two rounds of a kind that is periodic. One that keeps failing leaves a dead letter, and its next round comes all
    /// the same: nothing that is to happen for ever ends unseen.
    fn period(&self) -> Option<Duration> {
        None
    }

    /// Shows in what the job was about that it is given up, so that nobody waits for it. Called before the job becomes a dead letter,
    /// perhaps more than once.
    fn give_up<'a>(&'a self, _job: &'a ClaimedJob, _reason: &'a str) -> BoxFuture<'a, Result<(), GiveUpError>> {
        Box::pin(ready(Ok(())))
    }
}
