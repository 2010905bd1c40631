//! The directory of spool files: downloads that wait to be read. A process that dies leaves some there.

use time::{Duration, OffsetDateTime};

use crate::private_files;
use crate::sync::attempt::RunAttempt;
use crate::sync::{SyncError, SyncService};

/// The age after which a file was left by a process that died: no file is read that long after its download.
const MAX_AGE: Duration = Duration::days(1);

/// Deletes what earlier attempts at this run left, and every file that is too old.
///
/// # Errors
/// [`SyncError::Spool`] when the directory can't be made or read.
pub(super) async fn sweep(service: &SyncService, attempt: &RunAttempt) -> Result<(), SyncError> {
    private_files::ensure_directory(service.spool.clone()).await.map_err(SyncError::Spool)?;
    let mut files = tokio::fs::read_dir(&service.spool).await.map_err(SyncError::Spool)?;
    let (run, now) = (attempt.run.to_string(), service.clock.now());
    while let Some(file) = files.next_entry().await.map_err(SyncError::Spool)? {
        let is_of_run = file.file_name().to_string_lossy().starts_with(&run);
        let changed = file.metadata().await.ok().and_then(|known| known.modified().ok()).map(OffsetDateTime::from);
        if is_of_run || changed.is_some_and(|changed| now - changed > MAX_AGE) {
            // It may be gone already; otherwise the next run deletes it.
            let _ = tokio::fs::remove_file(file.path()).await;
        }
    }
    Ok(())
}
