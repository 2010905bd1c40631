use std::sync::Arc;
use std::time::Duration;

use super::account::{AccountQuotas, UNREADABLE_BACK_OFF};
use crate::diagnostics::DiagnosticRecorder;
use crate::ids::{ConnectionId, InstanceId};
use crate::telemetry::error_chain;
use crate::upstream::{BoxFuture, CallFailure, CallPermit, Quota, QuotaExhausted, QuotaTracker, Vendor};

/// Keeps the calls of one connection within the quotas of its account, and records what fails.
pub struct ConnectionQuotaTracker {
    /// Where failures are recorded.
    pub recorder: DiagnosticRecorder,
    /// The quotas of the account that is called.
    pub quotas: Arc<AccountQuotas>,
    pub instance: InstanceId,
    pub vendor: Vendor,
    /// None before there is one.
    pub connection: Option<ConnectionId>,
}

impl QuotaTracker for ConnectionQuotaTracker {
    fn admit(&self, max_wait: Duration) -> BoxFuture<'_, Result<CallPermit, QuotaExhausted>> {
        Box::pin(self.quotas.acquire_call(max_wait))
    }

    fn admit_export(&self) -> BoxFuture<'_, Result<(), QuotaExhausted>> {
        Box::pin(async move {
            match self.quotas.check_exports().await {
                Ok(None) => Ok(()),
                Ok(Some(exhausted)) => Err(exhausted),
                Err(error) => {
                    tracing::warn!(error = %error_chain(&error), "the export quota can't be read, so no export is begun");
                    Err(QuotaExhausted { quota: Quota::ShortWindow, retry_after: UNREADABLE_BACK_OFF })
                }
            }
        })
    }

    fn failed(&self, failure: CallFailure) {
        self.recorder.record(self.instance, self.vendor, self.connection, failure);
    }

    fn report_usage(&self, used: u64, allowed: u64) {
        self.quotas.note_reported_usage(used, allowed);
    }

    fn refused(&self, quota: Quota, reset: Duration) {
        self.quotas.note_exhausted(quota, reset);
    }

    fn exported(&self, bytes: u64) {
        self.quotas.note_exported_bytes(bytes);
    }
}
