//! Counts the calls and bytes that an attempt costs at the vendors, and saves them.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tokio::sync::Mutex;

use crate::ids::{InstanceId, RunId};
use crate::sync::report::{Usage, VendorUsage};
use crate::sync::service::SyncService;
use crate::sync::{SyncError, store};
use crate::telemetry::error_chain;
use crate::upstream::{BoxFuture, CallFailure, CallPermit, Quota, QuotaExhausted, QuotaTracker};

/// The wait between two saves. When the process is killed, the report lacks the usage since the last one.
const KEPT_EVERY: Duration = Duration::from_millis(500);

/// The usage of an attempt that isn't saved yet. Clones share their counters.
#[derive(Debug, Clone, Default)]
pub(in crate::sync) struct Meters {
    pub(in crate::sync) marketo: Meter,
    pub(in crate::sync) salesforce: Meter,
    /// Held while usage is on its way to the database.
    keeping: Arc<Mutex<()>>,
}

impl Meters {
    /// Saves what was counted so far.
    pub async fn keep(&self, service: &SyncService, instance: InstanceId, run: RunId) -> Result<(), SyncError> {
        let (meters, service) = (self.clone(), service.clone());
        // In a task of its own: the caller may be dropped while the database commits, and what is committed must not be counted again.
        let written = tokio::spawn(async move { meters.write(&service, instance, run).await });
        written.await.unwrap_or(Err(SyncError::Stopped))
    }

    async fn write(&self, service: &SyncService, instance: InstanceId, run: RunId) -> Result<(), SyncError> {
        let _keeping = self.keeping.lock().await;
        let mut taken = Taken { meters: self, usage: Usage { marketo: self.marketo.take(), salesforce: self.salesforce.take() } };
        if taken.usage != Usage::default() {
            let mut tx = service.db.begin().await?;
            store::add_usage(&mut tx, instance, run, &taken.usage).await?;
            tx.commit().await?;
            taken.usage = Usage::default();
        }
        Ok(())
    }

    /// Saves periodically until the future is dropped.
    pub async fn keep_on(&self, service: &SyncService, instance: InstanceId, run: RunId) -> std::convert::Infallible {
        loop {
            tokio::time::sleep(KEPT_EVERY).await;
            if let Err(error) = self.keep(service, instance, run).await {
                tracing::warn!(run = %run, error = %error_chain(&error), "what a sync cost can't be kept; trying again");
            }
        }
    }
}

/// Usage on its way to the database; what doesn't get there goes back to the meters.
struct Taken<'a> {
    meters: &'a Meters,
    usage: Usage,
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.meters.marketo.add(self.usage.marketo);
        self.meters.salesforce.add(self.usage.salesforce);
    }
}

/// Counts calls and bytes at one vendor.
#[derive(Debug, Clone, Default)]
pub(in crate::sync) struct Meter(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    calls: AtomicI64,
    bytes: AtomicI64,
}

impl Meter {
    /// Wraps a quota tracker so that this meter counts what passes.
    pub fn before(&self, book: Arc<dyn QuotaTracker>) -> Arc<dyn QuotaTracker> {
        Arc::new(Metered { meter: self.clone(), book })
    }

    /// Counts bytes that the quota tracker doesn't see.
    pub fn received(&self, bytes: usize) {
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

struct Metered {
    meter: Meter,
    book: Arc<dyn QuotaTracker>,
}

impl QuotaTracker for Metered {
    fn admit(&self, max_wait: Duration) -> BoxFuture<'_, Result<CallPermit, QuotaExhausted>> {
        Box::pin(async move {
            let permit = self.book.admit(max_wait).await?;
            self.meter.add(VendorUsage { calls: 1, bytes: 0 });
            Ok(permit)
        })
    }

    fn admit_export(&self) -> BoxFuture<'_, Result<(), QuotaExhausted>> {
        self.book.admit_export()
    }

    fn failed(&self, failure: CallFailure) {
        self.book.failed(failure);
    }

    fn told_usage(&self, used: u64, allowed: u64) {
        self.book.told_usage(used, allowed);
    }

    fn refused(&self, quota: Quota, reset: Duration) {
        self.book.refused(quota, reset);
    }

    fn exported(&self, bytes: u64) {
        self.meter.add(VendorUsage { calls: 0, bytes: i64::try_from(bytes).unwrap_or(i64::MAX) });
        self.book.exported(bytes);
    }
}
