//! Counts the calls and bytes that an attempt costs at the vendors, and saves them.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tokio::sync::Mutex;

use crate::ids::{InstanceId, RunId};
use crate::sync::report::{RunUsage, VendorUsage};
use crate::sync::service::SyncService;
use crate::sync::{SyncError, store};
use crate::telemetry::error_chain;
use crate::upstream::{BoxFuture, CallFailure, CallPermit, Quota, QuotaExhausted, QuotaTracker};

/// The wait between two saves. When the process is killed, the report lacks the usage since the last one.
const SAVE_INTERVAL: Duration = Duration::from_millis(500);

/// The usage of an attempt that isn't saved yet. Clones share their counters.
#[derive(Debug, Clone, Default)]
pub(in crate::sync) struct UsageMeters {
    pub(in crate::sync) marketo: UsageMeter,
    pub(in crate::sync) salesforce: UsageMeter,
    /// Held while usage is on its way to the database.
    saving: Arc<Mutex<()>>,
}

impl UsageMeters {
    /// Saves what was counted so far.
    pub async fn save(&self, service: &SyncService, instance: InstanceId, run: RunId) -> Result<(), SyncError> {
        let (meters, service) = (self.clone(), service.clone());
        // In a task of its own: the caller may be dropped while the database commits, and what is committed must not be counted again.
        let written = tokio::spawn(async move { meters.write(&service, instance, run).await });
        written.await.unwrap_or(Err(SyncError::ProcessStopping))
    }

    async fn write(&self, service: &SyncService, instance: InstanceId, run: RunId) -> Result<(), SyncError> {
        let _saving = self.saving.lock().await;
        let mut unsaved =
            UnsavedUsage { meters: self, usage: RunUsage { marketo: self.marketo.take(), salesforce: self.salesforce.take() } };
        if unsaved.usage != RunUsage::default() {
            let mut tx = service.db.begin().await?;
            store::add_usage(&mut tx, instance, run, &unsaved.usage).await?;
            tx.commit().await?;
            unsaved.usage = RunUsage::default();
        }
        Ok(())
    }

    /// Saves periodically until the future is dropped.
    pub async fn save_periodically(&self, service: &SyncService, instance: InstanceId, run: RunId) -> std::convert::Infallible {
        loop {
            tokio::time::sleep(SAVE_INTERVAL).await;
            if let Err(error) = self.save(service, instance, run).await {
                tracing::warn!(run = %run, error = %error_chain(&error), "what a sync cost can't be kept; trying again");
            }
        }
    }
}

/// Usage on its way to the database; what doesn't get there goes back to the meters.
struct UnsavedUsage<'a> {
    meters: &'a UsageMeters,
    usage: RunUsage,
}

impl Drop for UnsavedUsage<'_> {
    fn drop(&mut self) {
        self.meters.marketo.add(self.usage.marketo);
        self.meters.salesforce.add(self.usage.salesforce);
    }
}

/// Counts calls and bytes at one vendor.
#[derive(Debug, Clone, Default)]
pub(in crate::sync) struct UsageMeter(Arc<UsageCounters>);

#[derive(Debug, Default)]
struct UsageCounters {
    calls: AtomicI64,
    bytes: AtomicI64,
}

impl UsageMeter {
    /// Wraps a quota tracker so that this meter counts what passes.
    pub fn wrap(&self, inner: Arc<dyn QuotaTracker>) -> Arc<dyn QuotaTracker> {
        Arc::new(MeteredQuota { meter: self.clone(), inner })
    }

    /// Counts bytes that the quota tracker doesn't see.
    pub fn add_bytes(&self, bytes: usize) {
        self.add(VendorUsage { calls: 0, bytes: i64::try_from(bytes).unwrap_or(i64::MAX) });
    }

    fn take(&self) -> VendorUsage {
        VendorUsage { calls: self.0.calls.swap(0, Ordering::Relaxed), bytes: self.0.bytes.swap(0, Ordering::Relaxed) }
    }

    fn add(&self, usage: VendorUsage) {
        self.0.calls.fetch_add(usage.calls, Ordering::Relaxed);
        self.0.bytes.fetch_add(usage.bytes, Ordering::Relaxed);
    }
}

struct MeteredQuota {
    meter: UsageMeter,
    inner: Arc<dyn QuotaTracker>,
}

impl QuotaTracker for MeteredQuota {
    fn admit(&self, max_wait: Duration) -> BoxFuture<'_, Result<CallPermit, QuotaExhausted>> {
        Box::pin(async move {
            let permit = self.inner.admit(max_wait).await?;
            self.meter.add(VendorUsage { calls: 1, bytes: 0 });
            Ok(permit)
        })
    }

    fn admit_export(&self) -> BoxFuture<'_, Result<(), QuotaExhausted>> {
        self.inner.admit_export()
    }

    fn failed(&self, failure: CallFailure) {
        self.inner.failed(failure);
    }

    fn report_usage(&self, used: u64, allowed: u64) {
        self.inner.report_usage(used, allowed);
    }

    fn refused(&self, quota: Quota, reset: Duration) {
        self.inner.refused(quota, reset);
    }

    fn exported(&self, bytes: u64) {
        self.meter.add(VendorUsage { calls: 0, bytes: i64::try_from(bytes).unwrap_or(i64::MAX) });
        self.inner.exported(bytes);
    }
}
