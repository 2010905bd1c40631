//! Finding runs, and the rows that they rejected.

use super::service::SyncService;
use super::store::{self, RejectedCursor, RunFilter, StoredRejectedRecord};
use super::{SyncError, SyncRun};
use crate::ids::{InstanceId, RunId};

/// Rejected rows that one query reads for a download.
const REJECTED_PAGE_ROWS: i64 = 500;

impl SyncService {
    /// Finds a run.
    ///
    /// # Errors
    /// [`SyncError::RunNotFound`], [`SyncError::Db`].
    pub async fn find_run(&self, instance: InstanceId, id: RunId) -> Result<SyncRun, SyncError> {
        store::find_run(&self.db, instance, id).await?.map(SyncRun::from).ok_or(SyncError::RunNotFound)
    }

    /// Lists runs that match `filter`, the newest first: those older than `before`, at most `limit`.
    pub async fn list_runs(
        &self,
        instance: InstanceId,
        filter: RunFilter,
        before: Option<RunId>,
        limit: i64,
    ) -> Result<Vec<SyncRun>, SyncError> {
        Ok(store::list_runs(&self.db, instance, filter, before, limit).await?.into_iter().map(SyncRun::from).collect())
    }

    /// Lists rejected rows of a run behind `after`, and the cursor to continue from; none at the end.
    pub(super) async fn list_rejected(
        &self,
        instance: InstanceId,
        run: RunId,
        after: Option<RejectedCursor>,
    ) -> Result<(Vec<StoredRejectedRecord>, Option<RejectedCursor>), SyncError> {
        let rows = store::list_rejected(&self.db, instance, run, after, REJECTED_PAGE_ROWS).await?;
        let full = i64::try_from(rows.len()).is_ok_and(|count| count == REJECTED_PAGE_ROWS);
        let next = rows.last().filter(|_| full).map(|last| RejectedCursor { position: last.position, line: last.line });
        Ok((rows, next))
    }
}
