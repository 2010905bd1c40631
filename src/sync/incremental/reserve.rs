//! Reserving the cursor from which changes are read after a full run.

use crate::clock::Timestamp;
use crate::marketo::MarketoClient;
use crate::salesforce::SalesforceClient;
use crate::sync::attempt::RunAttempt;
use crate::sync::cursor::{ChangesCursor, ModifiedWindow, OVERLAP, TOKEN_MARGIN, VISIBILITY_LAG};
use crate::sync::service::SyncService;
use crate::sync::{SyncError, store};

/// Reserves a cursor at the present, before the full run reads anything.
///
/// # Errors
/// When a vendor can't be asked.
pub(in crate::sync) async fn reserve_cursor(
    service: &SyncService,
    attempt: &RunAttempt,
    marketo: &MarketoClient,
    salesforce: &SalesforceClient,
) -> Result<(), SyncError> {
    let now = service.clock.timestamp();
    let token = marketo.paging_token((now - TOKEN_MARGIN).instant()).await?;
    // Any query will do: only the time of the answer matters.
    let at: Timestamp = salesforce.query_with_deleted("SELECT COUNT() FROM Organization").await?.at.into();
    let cursor = ChangesCursor {
        changes: token.clone(),
        deletions: token.clone(),
        merges: token,
        marketo_until: now - TOKEN_MARGIN,
        leads: ModifiedWindow::before(at - VISIBILITY_LAG),
        contacts: ModifiedWindow::before(at - VISIBILITY_LAG),
        logs_until: at - OVERLAP,
        ..ChangesCursor::without_tokens(now)
    };
    let mut tx = service.db.begin().await?;
    store::reserve_cursor(&mut tx, attempt.instance, attempt.run, &cursor, now).await?;
    Ok(tx.commit().await?)
}
