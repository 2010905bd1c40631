//! Incremental runs, which follow the changes of both vendors after a full run.
//!
//! The vendors' logs of changes only tell *who* has to be looked at: these people are read anew from Marketo, the owners of
//! their records from Salesforce, and both go through the same merge as in a full run. So a change that is read twice, too early or
//! in another order than it happened does no harm, and the rule of who is synced is written once.
//!
//! A run works in rounds. A round reads a bounded number of changes and ends in one transaction, which merges the people and moves
//! the cursor past the changes that they cover; a crash repeats a round at most. A run without changes makes three calls to Marketo
//! (changed, deleted, merged people) and two to Salesforce (leads, contacts), two more to Salesforce once an hour (its logs of
//! deletions) and one more to Marketo once a day (which fields there are).
//!
//! The cursor is reserved before a full run begins, so that no change falls between the full run and the first incremental one.

mod bulk_csv;
mod gaps;
mod lookup;
mod marketo;
mod modified;
mod reserve;
mod round;
mod salesforce;
mod schedule;
mod settle;

use time::Duration;

pub(super) use reserve::reserve_cursor;
pub use schedule::SyncScheduleJob;
pub(super) use schedule::follow_full_run;

use self::round::SyncRound;
use super::attempt::RunAttempt;
use super::cursor::{ChangesCursor, TOKEN_MARGIN};
use super::gap::{GapResolution, SyncGap};
use super::notices::{self, RunNotice};
use super::progress::{RunPlan, RunProgress};
use super::run::RunState;
use super::store::{self, RunRow};
use super::{ChangesReport, RunKind, RunPhase, SyncError, SyncService};
use crate::clock::Timestamp;
use crate::db::Tx;
use crate::ids::InstanceId;
use crate::marketo::MarketoClient;
use crate::salesforce::SalesforceClient;
use crate::telemetry::error_chain;

/// How long the description of Marketo's fields is taken as current.
const FIELDS_VALID_FOR: Duration = Duration::DAY;

/// An incremental run during an attempt.
struct IncrementalRun {
    service: SyncService,
    instance: InstanceId,
    attempt: RunAttempt,
    marketo: MarketoClient,
    salesforce: SalesforceClient,
    cursor: ChangesCursor,
    progress: RunProgress,
}

/// Carries an incremental run on to its end.
///
/// # Errors
/// What stopped it; the changes that were read so far are kept.
pub(super) async fn carry_out(
    service: SyncService,
    attempt: RunAttempt,
    row: RunRow,
    (marketo, salesforce): (MarketoClient, SalesforceClient),
) -> Result<(), SyncError> {
    let instance = attempt.instance;
    let mut progress = row.progress();
    progress.waiting_for = None;
    let now = service.clock.timestamp();
    let found = store::find_live_cursor(&service.db, instance).await?;
    let lacks_cursor = found.is_none();
    let cursor = found.unwrap_or_else(|| ChangesCursor::without_tokens(now));
    let mut run = IncrementalRun { service, instance, attempt, marketo, salesforce, cursor, progress };
    if row.plan.is_none() {
        run.begin(now).await?;
    }
    if lacks_cursor {
        run.add_gap(SyncGap::no_cursor());
    } else if let Some(gap) = gaps::find_forgotten(&run.cursor, now) {
        run.add_gap(gap);
    } else {
        run.refresh_fields(now).await?;
        run.run_rounds().await?;
    }
    run.complete(&row).await
}

impl IncrementalRun {
    fn now(&self) -> Timestamp {
        self.service.clock.timestamp()
    }

    /// Saves progress.
    async fn save(&mut self, tx: &mut Tx, total: Option<i64>) -> Result<(), SyncError> {
        let (done, now) = (self.changes_report().read(), self.now());
        let saved =
            store::save_progress(tx, self.instance, (self.attempt.run, self.attempt.id), &self.progress, (done, total), now).await?;
        if saved { Ok(()) } else { Err(SyncError::LeaseLost) }
    }

    fn changes_report(&mut self) -> &mut ChangesReport {
        self.progress.report.changes.get_or_insert_default()
    }

    /// Adds a gap to the report, once for each code.
    fn add_gap(&mut self, gap: SyncGap) {
        tracing::warn!(run = %self.attempt.run, code = gap.code, resolution = ?gap.resolution, "an incremental sync may have missed something");
        let gaps = &mut self.changes_report().gaps;
        if !gaps.iter().any(|known| known.code == gap.code) {
            gaps.push(gap);
        }
    }

    async fn begin(&mut self, now: Timestamp) -> Result<(), SyncError> {
        let until = self.cursor.marketo_until;
        self.changes_report().cursor_age_seconds = Some((now - until).whole_seconds().max(0));
        self.progress.phase = RunPhase::ReadingChanges;
        self.progress.phase_began_at = Some(now);
        self.progress.report.is_complete = true;
        let plan = RunPlan { fields: self.cursor.fields.clone(), earliest: until, latest: now, changed_since: None };
        let mut tx = self.service.db.begin().await?;
        store::save_plan(&mut tx, self.instance, self.attempt.run, &plan, now).await?;
        self.save(&mut tx, None).await?;
        Ok(tx.commit().await?)
    }

    /// Checks once a day whether the subscription still has the same fields.
    async fn refresh_fields(&mut self, now: Timestamp) -> Result<(), SyncError> {
        if !self.cursor.fields.is_empty() && now - self.cursor.described_at < FIELDS_VALID_FOR {
            return Ok(());
        }
        let resolved = super::fields::resolve_fields(&self.marketo.describe().await?);
        let fields = super::fields::map_fields(&resolved).map_err(|missing| SyncError::FieldsMissing(missing.join(", ")))?;
        if fields != self.cursor.fields {
            self.add_gap(SyncGap::fields_changed());
        }
        self.cursor.fields = fields;
        self.cursor.described_at = now;
        Ok(())
    }

    async fn run_rounds(&mut self) -> Result<(), SyncError> {
        loop {
            let (mut round, since) = (SyncRound::default(), self.cursor.marketo_until);
            let has_more_people = self.read_marketo(&mut round).await?;
            let has_more_records = self.read_salesforce(&mut round).await?;
            self.read_deletion_logs(&mut round).await?;
            self.look_up(&mut round).await?;
            self.settle(round, since).await?;
            if !has_more_people && !has_more_records {
                return Ok(());
            }
        }
    }

    /// Completes the run, and starts a full one when only that can fill a gap.
    async fn complete(&mut self, row: &RunRow) -> Result<(), SyncError> {
        let now = self.now();
        let missed_something = self.changes_report().gaps.iter().any(|gap| gap.resolution != GapResolution::ReadAgain);
        let needs_everybody = self.changes_report().gaps.iter().any(|gap| gap.resolution == GapResolution::FullRun);
        let needs_run = needs_everybody || self.changes_report().gaps.iter().any(|gap| gap.resolution == GapResolution::TargetedRun);
        let has_unreadable_log = self.changes_report().gaps.iter().any(SyncGap::is_unreadable);
        let starts_full_run = needs_run
            && gaps::may_start_full_run(store::find_last_full_run(&self.service.db, self.instance).await?, has_unreadable_log, now);
        let until = self.cursor.marketo_until;
        let changed_since = (!needs_everybody).then(|| until - TOKEN_MARGIN);
        let report = self.changes_report();
        report.read_up_to = Some(until);
        for gap in report.gaps.iter_mut().filter(|gap| matches!(gap.resolution, GapResolution::FullRun | GapResolution::TargetedRun)) {
            gap.resolution = match (starts_full_run, needs_everybody) {
                (false, _) => GapResolution::FullRunLater,
                (true, true) => GapResolution::FullRun,
                (true, false) => GapResolution::TargetedRun,
            };
        }
        let report = &mut self.progress.report;
        report.is_complete &= !missed_something;
        let is_idle = report.inserted + report.updated + report.removed + report.rejected == 0
            && report.changes.as_ref().is_none_or(|changes| changes.gaps.is_empty());
        self.progress.phase = RunPhase::Ended;
        let run = self.attempt.run;
        let is_scheduled = row.started_by == notices::schedule_origin().actor;
        self.attempt.meters.save(&self.service, self.instance, run).await?;
        let notice = RunNotice::prepare(&self.service, self.instance, run).await?;
        let done = self.changes_report().read();
        let mut tx = self.service.db.begin().await?;
        self.save(&mut tx, Some(done)).await?;
        store::change_state(&mut tx, self.instance, run, RunState::Completed, None, now).await?;
        store::release_run(&mut tx, self.instance, run, RunState::Completed, false).await?;
        notice.queue(&mut tx, &self.service, RunState::Completed, &self.progress).await?;
        if is_idle && is_scheduled {
            store::prune_idle_runs(&mut tx, self.instance, run, now).await?;
        }
        tx.commit().await?;
        if starts_full_run {
            match self.service.start_since(self.instance, RunKind::Full, &notices::schedule_origin(), changed_since).await {
                Ok(full) => tracing::info!(run = %self.attempt.run, full = %full.id, "a full sync fills the gap"),
                // The next run finds the gap again.
                Err(error) => {
                    tracing::warn!(run = %self.attempt.run, error = %error_chain(&error), "the full sync that would fill a gap can't begin")
                }
            }
        }
        Ok(())
    }
}
