//! Reading one completed export: downloaded to a spool file, verified there, then read row by row into the staging table.

use std::fs::File;
use std::path::PathBuf;
use std::sync::atomic::AtomicI64;

use tokio::sync::mpsc;

use super::FullRun;
use crate::db::Tx;
use crate::marketo::{ExportJob, MarketoClient, MarketoError};
use crate::private_files;
use crate::sync::attempt::RunAttempt;
use crate::sync::rows::{PeopleOutcome, SourceWindow, read_people, read_rejected};
use crate::sync::store::{self, WindowExport};
use crate::sync::{SyncError, SyncService};
use crate::telemetry::error_chain;

/// The most downloads of a file that arrives truncated or corrupt.
const MAX_DOWNLOADS: u32 = 3;
/// Batches of rows that may wait for the database.
const MAX_WAITING_BATCHES: usize = 4;
/// Rejected rows of one batch.
const REJECTED_BATCH: usize = 500;

/// A downloaded file, deleted when dropped.
#[derive(Debug)]
struct SpoolFile(PathBuf);

impl Drop for SpoolFile {
    fn drop(&mut self) {
        // It may not exist yet; one that can't be removed is overwritten when the window is read again.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A downloaded and verified export; without a file when nobody is in the window.
#[derive(Debug)]
pub(super) struct DownloadedExport {
    file: Option<SpoolFile>,
    /// The number of people in it that Marketo announced.
    expected: Option<i64>,
    bytes: i64,
}

/// A downloaded export that isn't read yet.
#[derive(Debug)]
pub(super) struct UnreadExport {
    pub export: WindowExport,
    pub file: DownloadedExport,
    /// The number of windows of the run, as far as it can be told.
    pub windows: i64,
    pub is_last: bool,
}

/// Downloads the file of a completed export; none when Marketo has no file of it any more.
pub(super) async fn download_export(
    service: &SyncService,
    marketo: &MarketoClient,
    attempt: &RunAttempt,
    export: &WindowExport,
    mut job: ExportJob,
) -> Result<Option<DownloadedExport>, SyncError> {
    let people = |job: &ExportJob| job.number_of_records.and_then(|count| i64::try_from(count).ok());
    if people(&job) == Some(0) {
        return Ok(Some(DownloadedExport { file: None, expected: Some(0), bytes: 0 }));
    }
    let file = SpoolFile(service.spool.join(format!("{}-{}-{}.csv", attempt.run, export.position, attempt.id)));
    private_files::ensure_directory(service.spool.clone()).await.map_err(SyncError::Spool)?;
    for tries in 1.. {
        match marketo.download_export(&job, &file.0, |_| ()).await {
            Ok(()) => break,
            Err(MarketoError::FileNotReady { .. }) => return Ok(None),
            Err(error @ (MarketoError::SizeMismatch { .. } | MarketoError::ChecksumMismatch { .. } | MarketoError::Interrupted { .. }))
                if tries < MAX_DOWNLOADS =>
            {
                tracing::warn!(run = %attempt.run, error = %error_chain(&error), "an export's file is downloaded again");
                // The announced size or checksum may be what is wrong.
                job = marketo.export_status(&job.export_id).await?;
            }
            Err(error) => return Err(error.into()),
        }
    }
    let size = tokio::fs::metadata(&file.0).await.map_err(SyncError::Spool)?.len();
    Ok(Some(DownloadedExport { file: Some(file), expected: people(&job), bytes: i64::try_from(size).unwrap_or(i64::MAX) }))
}

impl FullRun {
    /// Reads an export's file into the staging table, and records the window as read in the transaction of its last row.
    pub(super) async fn stage_export(&mut self, export: UnreadExport) -> Result<(), SyncError> {
        let UnreadExport { export, file: DownloadedExport { file, expected, bytes }, windows, is_last } = export;
        self.progress.report.export_jobs_planned = windows;
        if is_last {
            self.total = expected.map(|expected| self.done + expected);
        }
        let Some(file) = file else {
            let tx = self.service.db.begin().await?;
            return self.finish(tx, &export, &PeopleOutcome { is_ascending: true, ..PeopleOutcome::default() }, (0, 0)).await;
        };
        let (sender, mut batches) = mpsc::channel(MAX_WAITING_BATCHES);
        let (path, fields) = (file.0.clone(), self.plan.fields.clone());
        let window = SourceWindow { position: export.position, start: export.window.start };
        let rows = self.service.settings.batch_rows;
        let parsing = tokio::task::spawn_blocking(move || {
            let file = File::open(path).map_err(SyncError::Spool)?;
            read_people(file, &fields, window, rows, |batch| sender.blocking_send(batch).is_ok())
        });
        let staged = AtomicI64::new(0);
        let staging = store::stage_people(&self.service.db, self.run, export.position, &mut batches, &staged);
        let mut tx = self.with_progress(&staged, staging).await?;
        // Nothing of this counts before the parser has succeeded.
        drop(batches);
        let outcome = parsing.await.map_err(|_| SyncError::Internal)??;
        if expected.is_some_and(|expected| expected != outcome.rows) {
            tracing::warn!(run = %self.run, export = export.position, ?expected, read = outcome.rows, "an export holds another number of people than announced");
            self.progress.report.is_complete = false;
        }
        if outcome.rejected > 0 {
            self.save_rejected(&mut tx, window, &file).await?;
        }
        self.finish(tx, &export, &outcome, (outcome.rows - outcome.rejected, bytes)).await
    }

    /// Saves the rejected rows. They are rare, so the file is read a second time for them rather than holding them in memory.
    async fn save_rejected(&mut self, tx: &mut Tx, window: SourceWindow, file: &SpoolFile) -> Result<(), SyncError> {
        store::delete_rejected(tx, self.instance, self.run, window.position).await?;
        let room = self.progress.report.room_for_rejected();
        let (sender, mut batches) = mpsc::channel(1);
        let (path, fields) = (file.0.clone(), self.plan.fields.clone());
        let reading = tokio::task::spawn_blocking(move || {
            let file = File::open(path).map_err(SyncError::Spool)?;
            read_rejected(file, &fields, window, (REJECTED_BATCH, room), |rows| sender.blocking_send(rows).is_ok())
        });
        while let Some(rows) = batches.recv().await {
            store::insert_rejected(tx, self.instance, self.run, (window.position, window.start), &rows).await?;
        }
        reading.await.map_err(|_| SyncError::Internal)?
    }

    /// Records the window as read.
    async fn finish(&mut self, mut tx: Tx, export: &WindowExport, outcome: &PeopleOutcome, counts: (i64, i64)) -> Result<(), SyncError> {
        let report = &mut self.progress.report;
        report.export_jobs += 1;
        report.export_bytes += counts.1;
        report.reject(outcome);
        self.done += counts.0;
        let (first, last) = outcome.ids.unwrap_or((i64::MAX, self.progress.last_id));
        self.progress.may_have_duplicates |= !outcome.is_ascending || first <= self.progress.last_id;
        self.progress.last_id = last;
        store::mark_export_staged(&mut tx, self.instance, self.run, export.position, counts).await?;
        self.save_step(&mut tx).await?;
        Ok(tx.commit().await?)
    }
}
