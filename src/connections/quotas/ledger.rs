use std::sync::Arc;
use std::time::Duration;

use super::spender::Spender;
use crate::connections::Vendor;
use crate::connections::diagnostics::Recorder;
use crate::ids::{ConnectionId, InstanceId};
use crate::telemetry::error_chain;
use crate::upstream::{BoxFuture, CallFailure, CallPermit, Quota, QuotaExhausted, QuotaTracker};

/// How long to wait when the count can't be read.
const UNREADABLE: Duration = Duration::from_secs(5);

/// The book of one connection's calls.
pub(in crate::connections) struct ConnectionLedger {
    pub(in crate::connections) recorder: Recorder,
    pub(in crate::connections) spender: Arc<Spender>,
    pub(in crate::connections) instance: InstanceId,
    pub(in crate::connections) vendor: Vendor,
    /// None before there is one.
    pub(in crate::connections) connection: Option<ConnectionId>,
}

impl QuotaTracker for ConnectionLedger {
    fn admit(&self, max_wait: Duration) -> BoxFuture<'_, Result<CallPermit, QuotaExhausted>> {
        Box::pin(self.spender.admit(max_wait))
    }

    fn admit_export(&self) -> BoxFuture<'_, Result<(), QuotaExhausted>> {
        Box::pin(async move {
            match self.spender.admit_export().await {
                Ok(None) => Ok(()),
                Ok(Some(exhausted)) => Err(exhausted),
                Err(error) => {
                    tracing::warn!(error = %error_chain(&error), "the export quota can't be read, so no export is begun");
                    Err(QuotaExhausted { quota: Quota::ShortWindow, retry_after: UNREADABLE })
                }
            }
        })
    }

    fn failed(&self, failure: CallFailure) {
        self.recorder.note(self.instance, self.vendor, self.connection, failure);
    }

    fn told_usage(&self, used: u64, allowed: u64) {
        self.spender.told(used, allowed);
    }

    fn refused(&self, quota: Quota, reset: Duration) {
        self.spender.refused(quota, reset);
    }

    fn exported(&self, bytes: u64) {
        self.spender.received(bytes);
    }
}
