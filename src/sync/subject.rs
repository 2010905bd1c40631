//! Retrying the dead letter of a run's job.

use futures_util::future::BoxFuture;

use super::run::RunState;
use super::{control, queue, store};
use crate::clock::Clock;
use crate::db::Tx;
use crate::jobs::{DeadLetter, JobKind, JobSubject, RequeueError};

/// Resumes the run whose job was a dead letter.
#[derive(Debug)]
pub struct SyncRunSubject;

impl JobSubject for SyncRunSubject {
    fn kind(&self) -> JobKind {
        queue::RUN_JOB
    }

    fn prepare_requeue<'a>(
        &'a self,
        tx: &'a mut Tx,
        clock: &'a dyn Clock,
        letter: &'a DeadLetter,
    ) -> BoxFuture<'a, Result<(), RequeueError>> {
        Box::pin(async move {
            let obsolete = |why: String| Err(RequeueError::Obsolete(why));
            let Some((instance, payload)) = letter.subject::<queue::RunJobPayload>() else {
                return obsolete("the job names no run; discard it".into());
            };
            let Some(row) = store::lock_run(tx, instance, payload.run_id).await? else {
                return obsolete("the run is there no longer; discard the job".into());
            };
            if row.job_id.is_some_and(|job| job != letter.id) {
                return obsolete(format!("the run {} has been tried again since by another job; discard this one", row.id));
            }
            match row.state {
                RunState::Failed => {}
                RunState::Completed => return obsolete(format!("the run {} is completed; discard the job", row.id)),
                RunState::Canceled => return obsolete(format!("the run {} is canceled; discard the job", row.id)),
                // The failure of the job was never recorded, so the run still waits for it.
                _ => return Ok(()),
            }
            // What the run has staged is older than what a newer run has written.
            if let Some(newer) = store::find_newer_run(tx, instance, row.id).await? {
                return obsolete(format!(
                    "another run, {newer}, was begun since, and what this one has read is older than what that one has written; discard the job"
                ));
            }
            Ok(control::resume_failed(tx, instance, &row, letter.id, clock.timestamp()).await?)
        })
    }
}
