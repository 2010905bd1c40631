//! Reading one finished export: down to a spool file, verified there, then row by row into the staging table.

use std::fs::File;
use std::path::PathBuf;

use tokio::sync::mpsc;

use super::Pass;
use crate::marketo::{ExportJob, MarketoError};
use crate::sync::SyncError;
use crate::sync::rows::{PeopleOutcome, PersonRow, read_people};
use crate::sync::store::{self, Export};

/// Downloads of a file that turns out cut or corrupt.
const MOST_DOWNLOADS: u32 = 3;
/// Batches that may wait for the database.
const WAITING_BATCHES: usize = 2;
/// Examples of rejected rows in a run's report.
const MOST_EXAMPLES: usize = 100;

/// A spool file, gone when dropped.
struct Spooled(PathBuf);

impl Drop for Spooled {
    fn drop(&mut self) {
        // It may not exist yet; one that can't be removed is overwritten when the window is read again.
        let _ = std::fs::remove_file(&self.0);
    }
}

impl Pass {
    /// Reads a completed export; `false` when Marketo has no file of it any more. With the last batch the window counts as read,
    /// so that a crash repeats one window at most; rows read twice are replaced.
    pub(super) async fn take_in(&mut self, export: &Export, job: ExportJob, is_last: bool) -> Result<bool, SyncError> {
        let expected = job.number_of_records.and_then(|count| i64::try_from(count).ok());
        if is_last {
            self.total = expected.map(|expected| self.done + expected);
        }
        if expected == Some(0) {
            self.finish(export, Vec::new(), &PeopleOutcome::default(), (0, 0)).await?;
            return Ok(true);
        }
        let file = Spooled(self.service.spool.join(format!("{}-{}.csv", self.run, export.position)));
        tokio::fs::create_dir_all(&self.service.spool).await.map_err(SyncError::Spool)?;
        let Some(bytes) = self.download(job, &file).await? else { return Ok(false) };
        self.stage(export, &file, expected, bytes).await?;
        Ok(true)
    }

    /// Downloads and verifies the file; its size, or nothing when Marketo has none.
    async fn download(&self, mut job: ExportJob, file: &Spooled) -> Result<Option<i64>, SyncError> {
        for tries in 1.. {
            match self.marketo.download_export(&job, &file.0, |_| ()).await {
                Ok(()) => break,
                Err(MarketoError::FileNotReady { .. }) => return Ok(None),
                Err(
                    error @ (MarketoError::SizeMismatch { .. } | MarketoError::ChecksumMismatch { .. } | MarketoError::Interrupted { .. }),
                ) if tries < MOST_DOWNLOADS => {
                    tracing::warn!(run = %self.run, error = %error, "an export's file is downloaded again");
                    // What was announced may be what is wrong.
                    job = self.marketo.export_status(&job.export_id).await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        let size = tokio::fs::metadata(&file.0).await.map_err(SyncError::Spool)?.len();
        Ok(Some(i64::try_from(size).unwrap_or(i64::MAX)))
    }

    async fn stage(&mut self, export: &Export, file: &Spooled, expected: Option<i64>, bytes: i64) -> Result<(), SyncError> {
        let (sender, mut batches) = mpsc::channel(WAITING_BATCHES);
        let (path, fields, start) = (file.0.clone(), self.plan.fields.clone(), export.span.start);
        let rows = self.service.settings.batch_rows;
        let parsing = tokio::task::spawn_blocking(move || {
            let file = File::open(path).map_err(SyncError::Spool)?;
            read_people(file, &fields, start, rows, |people| sender.blocking_send(people).is_ok())
        });
        let mut last: Vec<PersonRow> = Vec::new();
        while let Some(next) = batches.recv().await {
            let full = std::mem::replace(&mut last, next);
            if full.is_empty() {
                continue;
            }
            let mut tx = self.service.db.begin().await?;
            store::stage_people(&mut tx, self.instance, self.run, &full).await?;
            self.done += i64::try_from(full.len()).unwrap_or(0);
            self.show(&mut tx).await?;
            tx.commit().await?;
        }
        let outcome = parsing.await.map_err(|_| SyncError::Broken)??;
        if expected.is_some_and(|expected| expected != outcome.rows) {
            tracing::warn!(run = %self.run, export = export.position, ?expected, read = outcome.rows, "an export holds another number of people than announced");
            self.ledger.report.saw_everything = false;
        }
        self.finish(export, last, &outcome, (outcome.rows - outcome.rejected, bytes)).await
    }

    /// Writes the last batch and records the window as read.
    async fn finish(
        &mut self,
        export: &Export,
        last: Vec<PersonRow>,
        outcome: &PeopleOutcome,
        counts: (i64, i64),
    ) -> Result<(), SyncError> {
        let report = &mut self.ledger.report;
        report.export_jobs += 1;
        report.export_bytes += counts.1;
        report.rejected += outcome.rejected;
        report.unusable_salesforce_ids += outcome.unusable_salesforce_ids;
        report.saw_everything &= outcome.rejected == 0;
        let room = MOST_EXAMPLES.saturating_sub(report.rejected_examples.len());
        report.rejected_examples.extend(outcome.examples.iter().take(room).cloned());
        self.done += i64::try_from(last.len()).unwrap_or(0);
        let mut tx = self.service.db.begin().await?;
        store::stage_people(&mut tx, self.instance, self.run, &last).await?;
        store::export_staged(&mut tx, self.instance, self.run, export.position, counts).await?;
        self.advance(&mut tx).await?;
        Ok(tx.commit().await?)
    }
}
