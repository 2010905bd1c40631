//! What a run costs at the vendors, counted on the way.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::sync::VendorUsage;
use crate::upstream::{BoxFuture, CallFailure, CallLedger, Quota, QuotaExhausted, Turn};

/// Calls and bytes that aren't in the run's report yet.
#[derive(Debug, Clone, Default)]
pub(super) struct Meter(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    calls: AtomicU64,
    bytes: AtomicU64,
}

impl Meter {
    /// `book`, with this meter before it.
    pub fn before(&self, book: Arc<dyn CallLedger>) -> Arc<dyn CallLedger> {
        Arc::new(Metered { meter: self.clone(), book })
    }

    /// Counts bytes that the book isn't told of.
    pub fn received(&self, bytes: usize) {
        self.0.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Moves what was counted into `usage`.
    pub fn settle(&self, usage: &mut VendorUsage) {
        let taken = |count: &AtomicU64| i64::try_from(count.swap(0, Ordering::Relaxed)).unwrap_or(i64::MAX);
        usage.calls = usage.calls.saturating_add(taken(&self.0.calls));
        usage.bytes = usage.bytes.saturating_add(taken(&self.0.bytes));
    }
}

struct Metered {
    meter: Meter,
    book: Arc<dyn CallLedger>,
}

impl CallLedger for Metered {
    fn admit(&self, patience: Duration) -> BoxFuture<'_, Result<Turn, QuotaExhausted>> {
        Box::pin(async move {
            let turn = self.book.admit(patience).await?;
            self.meter.0.calls.fetch_add(1, Ordering::Relaxed);
            Ok(turn)
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
        self.meter.0.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.book.exported(bytes);
    }
}
