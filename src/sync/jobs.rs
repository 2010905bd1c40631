use futures_util::future::BoxFuture;
use serde::Deserialize;

use super::engine::{self, Ending, Turn};
use super::{SyncError, SyncService};
use crate::db::claim::ClaimedJob;
use crate::ids::RunId;
use crate::jobs::{JobHandler, JobOutcome, back_off};
use crate::telemetry::error_chain;

/// The kind of job that carries a run out.
pub(super) const KIND: &str = "sync_run";

#[derive(Deserialize)]
struct Payload {
    run_id: RunId,
}

/// Carries runs out.
#[derive(Debug)]
pub struct SyncRunJob(SyncService);

impl SyncRunJob {
    #[must_use]
    pub fn new(service: SyncService) -> Self {
        Self(service)
    }

    async fn carry_out(&self, turn: Turn, tries: i64) -> JobOutcome {
        // A task of its own: the lease is extended between two polls of this future, and on SQLite that waits for the one
        // writer, which an open transaction of the run may hold.
        let task = tokio::spawn(engine::go_on(self.0.clone(), turn.clone()));
        let _stop_with_this = StopOnDrop(task.abort_handle());
        let outcome = task.await.unwrap_or(Err(SyncError::Broken));
        let ending = match outcome {
            Ok(()) => return JobOutcome::Done,
            Err(error) => engine::end_try(&self.0, &turn, &error).await,
        };
        match ending {
            Ok(Ending::Over) => JobOutcome::Done,
            Ok(Ending::Again(wait)) => JobOutcome::Again(wait),
            Ok(Ending::Failed(code)) => JobOutcome::Failed(code),
            // The failure couldn't be recorded, so the run isn't over.
            Err(error) => {
                tracing::warn!(error = %error_chain(&error), run = %turn.run, "the end of a sync could not be recorded");
                JobOutcome::Again(back_off(tries))
            }
        }
    }
}

impl JobHandler for SyncRunJob {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn run<'a>(&'a self, job: &'a ClaimedJob) -> BoxFuture<'a, JobOutcome> {
        Box::pin(async move {
            match (job.instance_id, Payload::deserialize(&job.payload.0)) {
                (Some(instance), Ok(Payload { run_id })) => {
                    self.carry_out(Turn::new(&self.0, instance, run_id, job.id), job.attempts).await
                }
                _ => JobOutcome::Failed("the job names no run".into()),
            }
        })
    }
}

struct StopOnDrop(tokio::task::AbortHandle);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
