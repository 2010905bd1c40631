//! Merges the staged people into the people of the instance. The report is saved in the transaction that it counts, so that a crash
//! counts nothing twice.

use super::FullRun;
use crate::db::{Db, Tx, bulk};
use crate::people::next_change;
use crate::sync::run::RunState;
use crate::sync::store::merge::MergeCounts;
use crate::sync::store::merge::postgres::{self, MergeParams};
use crate::sync::store::merge::sqlite::{self, MergeRange};
use crate::sync::tidy::clear_staging;
use crate::sync::{RunPhase, SyncError, store};

impl FullRun {
    /// Merges, removes people who are gone, and drops the staging tables.
    pub(super) async fn load(&mut self) -> Result<(), SyncError> {
        if self.progress.phase != RunPhase::CleaningUp {
            match &self.service.db {
                Db::Sqlite { .. } => self.merge_in_ranges().await?,
                Db::Postgres { .. } => self.merge_at_once().await?,
            }
        }
        let done = self.done;
        self.begin_phase(RunPhase::CleaningUp, done, self.total).await?;
        clear_staging(&self.service, self.run).await
    }

    /// Adds the counts of a merge to the report.
    fn add_counts(&mut self, merged: MergeCounts) {
        merged.add_to(&mut self.progress.report);
        self.done = self.progress.report.read;
    }

    /// Refuses new people beyond the limit in a run that reads only changes; for one that reads everybody, this is checked before.
    async fn check_additions(&self, tx: &mut Tx, merged: MergeCounts) -> Result<(), SyncError> {
        if self.plan.changed_since.is_none() || merged.inserted == 0 {
            return Ok(());
        }
        self.service.check_people_limit(store::count_people(tx, self.instance).await?)
    }

    /// Merges everything in one transaction. Only other writers of this instance's people wait for it.
    async fn merge_at_once(&mut self) -> Result<(), SyncError> {
        let staged = store::count_staged_people(&self.service.db, self.run).await?;
        self.begin_phase(RunPhase::Merging, 0, Some(staged)).await?;
        let mut tx = self.service.db.begin().await?;
        let change = next_change(&mut tx, self.instance).await?;
        let Tx::Postgres(transaction) = &mut tx else { return Err(SyncError::Internal) };
        // The server may have crashed between two of our statements.
        if self.lost_staging().await? != (Vec::new(), false) {
            return Err(SyncError::StagingLost);
        }
        let merge = MergeParams {
            instance: self.instance,
            run: self.run,
            change,
            at: self.service.clock.timestamp(),
            began_at: self.plan.latest,
            reads_everybody: self.plan.changed_since.is_none(),
            removes_missing: self.progress.report.is_complete,
        };
        postgres::prepare(transaction, self.run, self.progress.may_have_duplicates).await?;
        let merged = if postgres::has_partition(transaction, self.instance).await? {
            postgres::merge_changes(transaction, merge).await?
        } else {
            // Filled first and indexed afterwards, which is faster.
            let mut merged = postgres::count_staged(transaction, self.run).await?;
            merged.qualified = postgres::fill_partition(transaction, merge).await?;
            merged.inserted = merged.qualified;
            let statements = postgres::partition_index_statements(transaction, self.instance).await?;
            let steps = i64::try_from(statements.len()).unwrap_or(1).max(1);
            for (step, statement) in (1..).zip(&statements) {
                // Filling is half of the work.
                self.show_progress(staged / 2 + staged / 2 * (step - 1) / steps).await?;
                postgres::build_index(transaction, statement).await?;
            }
            postgres::attach_partition(transaction, self.instance).await?;
            merged
        };
        self.check_additions(&mut tx, merged).await?;
        self.add_counts(merged);
        self.progress.phase = RunPhase::CleaningUp;
        self.progress.phase_began_at = Some(self.service.clock.timestamp());
        self.save_step(&mut tx).await?;
        Ok(tx.commit().await?)
    }

    /// Merges range by range, so that other writers need not wait for long.
    async fn merge_in_ranges(&mut self) -> Result<(), SyncError> {
        if self.progress.phase != RunPhase::Removing {
            self.merge_ranges().await?;
        }
        if !self.progress.report.is_complete {
            return Ok(());
        }
        self.change_state(RunState::Reconciling).await?;
        self.begin_phase(RunPhase::Removing, self.done, self.total).await?;
        let everybody = self.plan.changed_since.is_none();
        if everybody && sqlite::count_known(&self.service.db, self.instance).await? <= self.progress.report.qualified {
            // Nobody is there but those who qualified.
            return Ok(());
        }
        let mut tx = self.service.db.begin().await?;
        sqlite::index_by_id(&mut tx, self.run).await?;
        tx.commit().await?;
        let rows = self.batch_rows();
        loop {
            let after = self.progress.removed_up_to;
            let Some(up_to) = sqlite::find_known_boundary(&self.service.db, self.instance, after, rows).await? else { return Ok(()) };
            let mut tx = self.service.db.begin().await?;
            let times = (self.plan.latest, self.service.clock.timestamp());
            let removed = sqlite::remove_range(&mut tx, self.instance, self.run, (after, up_to), times, everybody).await?;
            self.progress.report.removed += removed;
            self.progress.removed_up_to = up_to;
            self.save_step(&mut tx).await?;
            tx.commit().await?;
        }
    }

    async fn merge_ranges(&mut self) -> Result<(), SyncError> {
        let mut is_first_load = false;
        if self.progress.merged_up_to == 0 {
            let mut tx = self.service.db.begin().await?;
            sqlite::prepare(&mut tx, self.run, self.progress.may_have_duplicates).await?;
            is_first_load = sqlite::prepare_if_empty(&mut tx, self.instance).await?;
            tx.commit().await?;
        }
        let left = store::count_staged_people(&self.service.db, self.run).await?;
        self.begin_phase(RunPhase::Merging, self.progress.report.read, Some(left)).await?;
        let rows = self.batch_rows();
        loop {
            let after = self.progress.merged_up_to;
            let mut tx = self.service.db.begin().await?;
            let Some(up_to) = sqlite::find_staged_boundary(&mut tx, self.run, after, rows).await? else { break };
            let range = MergeRange { run: self.run, row_numbers: (after, up_to), at: self.service.clock.timestamp(), is_first_load };
            let merged = sqlite::merge_range(&mut tx, self.instance, range).await?;
            self.check_additions(&mut tx, merged).await?;
            self.add_counts(merged);
            self.progress.merged_up_to = up_to;
            self.save_step(&mut tx).await?;
            tx.commit().await?;
        }
        Ok(bulk::build_indexes(&self.service.db).await?)
    }
}
