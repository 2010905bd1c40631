//! Reserving the cursor from which changes are read after a full run.

use crate::clock::Timestamp;
use crate::marketo::MarketoClient;
use crate::salesforce::SalesforceClient;
use crate::sync::attempt::RunAttempt;
use crate::sync::cursor::{Cursor, LAG, MARGIN, OVERLAP, Window};
use crate::sync::service::SyncService;
use crate::sync::{SyncError, store};

/// Reserves a cursor at the present, before the full run reads anything.
///
/// # Errors
/// When a vendor can't be asked.
pub(in crate::sync) async fn reserve(
    service: &SyncService,
    attempt: &RunAttempt,
    marketo: &MarketoClient,
    salesforce: &SalesforceClient,
) -> Result<(), SyncError> {
    let now = service.clock.timestamp();
    let token = marketo.paging_token((now - MARGIN).instant()).await?;
    // Any query will do: only the time of the answer matters.
    let at: Timestamp = salesforce.query_with_deleted("SELECT COUNT() FROM Organization").await?.at.into();
    let cursor = Cursor {
        changes: token.clone(),
        deletions: token.clone(),
        merges: token,
        marketo_until: now - MARGIN,
        leads: Window::before(at - LAG),
        contacts: Window::before(at - LAG),
        logs_until: at - OVERLAP,
        ..Cursor::nowhere(now)
    };
    let mut tx = service.db.begin().await?;
    store::reserve_cursor(&mut tx, attempt.instance, attempt.run, &cursor, now).await?;
    Ok(tx.commit().await?)
}
