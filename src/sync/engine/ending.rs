//! The end of an attempt that was stopped, and what becomes of the run.

use time::Duration;

use crate::clock::Timestamp;
use crate::db::{Tx, bulk};
use crate::sync::attempt::Turn;
use crate::sync::notices::Notice;
use crate::sync::progress::Ledger;
use crate::sync::run::{REQUESTED, Request, RunState};
use crate::sync::store::{self, RunRow, Until};
use crate::sync::{Failure, SyncError, SyncService, failure, tidy};

/// What becomes of a run's job after a stopped attempt.
pub(in crate::sync) enum Ending {
    /// Nothing is left for the job to do.
    Over,
    /// Another attempt is made after this time.
    Again(Duration),
    /// The run has failed and shows why.
    Failed,
}

/// Records what stopped an attempt: the run is resumed elsewhere at once, waits, is paused or canceled as somebody asked, or fails.
///
/// # Errors
/// When that can't be recorded; the run has not ended then.
pub(in crate::sync) async fn end_try(service: &SyncService, turn: &Turn, error: &SyncError) -> Result<Ending, SyncError> {
    if !matches!(error, SyncError::Stopped | SyncError::Superseded) {
        // Before the run's end is recorded: until then another attempt would build them.
        bulk::build_indexes(&service.db).await?;
    }
    // Whatever becomes of the run, these calls were made.
    turn.meters.keep(service, turn.instance, turn.run).await?;
    let now = service.clock.timestamp();
    let failure = Failure::of(error, now);
    let notice = match Notice::prepare(service, turn.instance, turn.run).await {
        Err(SyncError::Unknown) => return Ok(Ending::Over),
        prepared => prepared?,
    };
    let mut tx = service.db.begin().await?;
    let Some(row) = store::lock_run(&mut tx, turn.instance, turn.run).await? else { return Ok(Ending::Over) };
    let is_given_up = matches!(error, SyncError::JobGivenUp(_));
    let is_mine = match is_given_up {
        // Whichever attempt of the job holds the lease.
        true => row.job_id.is_none_or(|job| job == turn.job),
        false => row.carried_by == Some(turn.id) || (row.carried_by.is_none() && row.job_id == Some(turn.job)),
    };
    if row.state().is_final() || !is_mine {
        return Ok(Ending::Over);
    }
    if row.state() == RunState::Paused && row.requested() != Some(Request::Cancel) && !is_given_up {
        // It couldn't even be resumed.
        return Ok(Ending::Again(crate::jobs::back_off(1)));
    }
    let mut stopped = Stopped { service, turn, row, now, tx };
    let ending = match (stopped.row.requested(), error) {
        (Some(Request::Cancel), _) => stopped.cancel().await?,
        (Some(Request::Pause), _) => stopped.pause(REQUESTED, Until::Resumed, None).await?,
        // This process stops, or the request was withdrawn meanwhile.
        (None, SyncError::Stopped | SyncError::Asked | SyncError::Superseded) => Ending::Again(Duration::ZERO),
        (None, error) => match failure::way_on(error, stopped.row.ledger().vain_tries + 1, now) {
            failure::WayOn::Again(wait) => stopped.wait(failure, wait).await?,
            failure::WayOn::Pause(wait) => {
                let until = now + wait;
                let code = failure.code.clone();
                stopped.pause(&code, Until::Then(until), Some(failure)).await?;
                Ending::Again(wait)
            }
            failure::WayOn::None => stopped.fail(failure, &notice).await?,
        },
    };
    stopped.tx.commit().await?;
    Ok(ending)
}

/// A stopped attempt, with its run locked.
struct Stopped<'a> {
    service: &'a SyncService,
    turn: &'a Turn,
    row: RunRow,
    now: Timestamp,
    tx: Tx,
}

impl Stopped<'_> {
    async fn save(&mut self, ledger: &Ledger) -> Result<(), SyncError> {
        let (instance, run) = (self.turn.instance, self.turn.run);
        // The row is locked, so an attempt that could not even take the lease takes it now.
        store::take_over(&mut self.tx, instance, (run, self.turn.id), self.row.state(), self.now).await?;
        let shown = (self.row.done, self.row.total);
        store::save_ledger(&mut self.tx, instance, (run, self.turn.id), ledger, shown, self.now).await?;
        Ok(())
    }

    async fn wait(&mut self, failure: Failure, wait: Duration) -> Result<Ending, SyncError> {
        tracing::info!(run = %self.turn.run, code = failure.code, wait_seconds = wait.whole_seconds(), "a sync waits");
        let mut ledger = self.row.ledger();
        ledger.vain_tries += 1;
        ledger.waiting_for = Some(failure);
        self.save(&ledger).await?;
        Ok(Ending::Again(wait))
    }

    async fn pause(&mut self, because: &str, until: Until, waiting_for: Option<Failure>) -> Result<Ending, SyncError> {
        tracing::info!(run = %self.turn.run, because, ?until, "a sync is paused");
        let mut ledger = self.row.ledger();
        ledger.waiting_for = waiting_for;
        self.save(&ledger).await?;
        store::pause(&mut self.tx, self.turn.instance, self.turn.run, self.row.state(), (because, until), self.now).await?;
        Ok(Ending::Over)
    }

    async fn cancel(&mut self) -> Result<Ending, SyncError> {
        tracing::info!(run = %self.turn.run, "a sync is cancelled");
        self.end(RunState::Cancelled, None).await?;
        tidy::enqueue(&mut self.tx, self.service, self.turn.instance, self.turn.run, self.now).await?;
        Ok(Ending::Over)
    }

    async fn fail(&mut self, failure: Failure, notice: &Notice) -> Result<Ending, SyncError> {
        tracing::warn!(run = %self.turn.run, code = failure.code, "a sync failed");
        let ledger = self.end(RunState::Failed, Some(failure)).await?;
        tidy::enqueue(&mut self.tx, self.service, self.turn.instance, self.turn.run, self.now + tidy::KEPT_AFTER_FAILURE).await?;
        notice.queue(&mut self.tx, self.service, RunState::Failed, &ledger).await?;
        Ok(Ending::Failed)
    }

    async fn end(&mut self, state: RunState, failure: Option<Failure>) -> Result<Ledger, SyncError> {
        let (instance, run) = (self.turn.instance, self.turn.run);
        let mut ledger = self.row.ledger();
        // The phase stays, for a retry to continue.
        (ledger.waiting_for, ledger.failure) = (None, failure);
        self.save(&ledger).await?;
        store::change_state(&mut self.tx, instance, run, state, ledger.failure.as_ref(), self.now).await?;
        let keeps_staging = state == RunState::Failed && self.row.plan.is_some() && ledger.failure.as_ref().is_none_or(Failure::may_go_on);
        let resumes_in = if self.row.state() == RunState::Paused { self.row.goes_on_in() } else { self.row.state() };
        store::put_down(&mut self.tx, instance, run, resumes_in, keeps_staging).await?;
        Ok(ledger)
    }
}
