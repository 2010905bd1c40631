//! The staged rows: counted while they arrive, and read again where a crash of the database lost them.

use std::sync::atomic::{AtomicI64, Ordering};

use super::{FullRun, PROGRESS_INTERVAL};
use crate::db::DbError;
use crate::sync::progress::QueryProgress;
use crate::sync::store::{self, ExportState};
use crate::sync::{RunState, SyncError};

impl FullRun {
    /// Waits for `work`, and meanwhile shows what it counts as progress beyond what is done.
    pub(super) async fn with_progress<T>(
        &self,
        counted: &AtomicI64,
        work: impl Future<Output = Result<T, DbError>>,
    ) -> Result<T, SyncError> {
        let show = async {
            loop {
                tokio::time::sleep(PROGRESS_INTERVAL).await;
                // Progress that can't be saved now is saved a moment later.
                let _ = self.show_progress(self.done + counted.load(Ordering::Relaxed)).await;
            }
        };
        tokio::select! {
            biased;
            outcome = work => Ok(outcome?),
            () = show => Err(SyncError::Internal),
        }
    }

    /// Saves the number that the progress bar shows.
    pub(super) async fn show_progress(&self, done: i64) -> Result<(), DbError> {
        let mut tx = self.service.db.begin().await?;
        let id = (self.run, self.attempt.id);
        store::update_done(&mut tx, self.instance, id, done, self.service.clock.timestamp()).await?;
        tx.commit().await
    }

    /// Creates the staging tables unless they exist, and returns whether a crash of the database has emptied them. What was lost is
    /// read again from the exports and queries that the vendors keep.
    pub(super) async fn recover_staging(&mut self) -> Result<bool, SyncError> {
        let mut tx = self.service.db.begin().await?;
        store::create_staging(&mut tx, self.run).await?;
        tx.commit().await?;
        let (windows, owners) = self.lost_staging().await?;
        if windows.is_empty() && !owners {
            return Ok(false);
        }
        tracing::warn!(run = %self.run, windows = windows.len(), owners, "the database lost what a sync had read; that is read again");
        self.progress.may_have_duplicates = true;
        let mut tx = self.service.db.begin().await?;
        for position in windows {
            store::delete_staged_window(&mut tx, self.run, position).await?;
            store::mark_export_lost(&mut tx, self.instance, self.run, position).await?;
            self.progress.report.export_jobs -= 1;
        }
        if owners {
            store::delete_staged_owners(&mut tx, self.run).await?;
            self.progress.report.salesforce_records = 0;
            for query in [&mut self.progress.leads, &mut self.progress.contacts] {
                *query = QueryProgress { job: query.job.take(), ..QueryProgress::default() };
            }
        }
        self.save(&mut tx).await?;
        let now = self.service.clock.timestamp();
        store::change_state(&mut tx, self.instance, self.run, RunState::Extracting, None, now).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// The windows that lost people, and whether owners were lost.
    pub(super) async fn lost_staging(&self) -> Result<(Vec<i64>, bool), SyncError> {
        let exports = store::list_exports(&self.service.db, self.instance, self.run).await?;
        let staged = exports.iter().filter(|export| export.state == ExportState::Staged);
        let windows: Vec<_> = staged.map(|export| (export.position, export.records.unwrap_or(0))).collect();
        let owners = self.progress.leads.records + self.progress.contacts.records;
        Ok(store::find_lost_staging(&self.service.db, self.run, &windows, owners).await?)
    }
}
