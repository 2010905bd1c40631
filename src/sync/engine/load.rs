//! The merge into the people of the instance, a range of Marketo ids a transaction, so that other writers get their turn; what
//! was counted is kept in the same transaction, so that a crash counts nothing twice.

use super::{Pass, clear_staging};
use crate::sync::run::RunState;
use crate::sync::{Phase, SyncError, store};

impl Pass {
    /// Merges, removes who is gone, tidies up and ends the run.
    pub(super) async fn load(&mut self) -> Result<(), SyncError> {
        self.merge().await?;
        if self.ledger.report.saw_everything {
            self.remove().await?;
        }
        let done = self.done;
        self.begin_phase(Phase::Tidying, done, self.total).await?;
        clear_staging(&self.service, self.instance, self.run).await?;
        self.ledger.phase = Phase::Ended;
        let mut tx = self.service.db.begin().await?;
        self.save(&mut tx).await?;
        store::change_state(&mut tx, self.instance, self.run, RunState::Completed, None, self.service.clock.timestamp()).await?;
        tx.commit().await?;
        let report = &self.ledger.report;
        tracing::info!(run = %self.run, read = report.read, qualified = report.qualified, removed = report.removed, "a sync is complete");
        Ok(())
    }

    async fn merge(&mut self) -> Result<(), SyncError> {
        if matches!(self.ledger.phase, Phase::Removing | Phase::Tidying) {
            return Ok(());
        }
        let staged = store::staged(&self.service.db, self.instance, self.run).await?;
        self.begin_phase(Phase::Merging, self.ledger.report.read, Some(staged)).await?;
        let rows = self.batch_rows();
        loop {
            let after = self.ledger.merged_up_to;
            let Some(up_to) = store::staged_boundary(&self.service.db, self.instance, self.run, after, rows).await? else { return Ok(()) };
            let now = self.service.clock.timestamp();
            let mut tx = self.service.db.begin().await?;
            let merged = store::merge_range(&mut tx, self.instance, self.run, (after, up_to), now).await?;
            let report = &mut self.ledger.report;
            let inserted = merged.qualified - merged.known;
            report.read += merged.read;
            report.qualified += merged.qualified;
            report.inserted += inserted;
            report.updated += merged.written - inserted;
            report.unchanged += merged.qualified - merged.written;
            let reasons = &mut report.not_qualified;
            reasons.no_salesforce_record += merged.no_record;
            reasons.owned_by_a_queue += merged.queue;
            reasons.not_found_in_salesforce += merged.read - merged.qualified - merged.no_record - merged.queue;
            self.ledger.merged_up_to = up_to;
            self.done = self.ledger.report.read;
            self.advance(&mut tx).await?;
            tx.commit().await?;
        }
    }

    /// Removes people who were here and don't qualify by what was read. Only called when everything was read.
    async fn remove(&mut self) -> Result<(), SyncError> {
        if self.ledger.phase == Phase::Tidying {
            return Ok(());
        }
        self.begin_phase(Phase::Removing, self.done, self.total).await?;
        let rows = self.batch_rows();
        loop {
            let after = self.ledger.removed_up_to;
            let Some(up_to) = store::known_boundary(&self.service.db, self.instance, after, rows).await? else { return Ok(()) };
            let mut tx = self.service.db.begin().await?;
            let removed = store::remove_range(&mut tx, self.instance, self.run, (after, up_to), self.plan.latest).await?;
            self.ledger.report.removed += i64::try_from(removed).unwrap_or(i64::MAX);
            self.ledger.removed_up_to = up_to;
            self.advance(&mut tx).await?;
            tx.commit().await?;
        }
    }
}
