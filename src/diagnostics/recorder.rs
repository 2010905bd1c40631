use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::failure_count::FailureCount;
use super::store;
use crate::clock::SharedClock;
use crate::db::{Db, DbError};
use crate::ids::{ConnectionId, InstanceId};
use crate::tasks::BackgroundTasks;
use crate::telemetry::error_chain;
use crate::upstream::{CallFailure, Vendor};

/// Reports that may wait for the writing task; more are dropped, so that a storm of failures costs no memory.
const MAX_PENDING_REPORTS: usize = 1_024;
/// Kinds of failure that may wait for a database that is away.
const MAX_PENDING_KINDS: usize = 1_024;
/// How long a database that refused a write is left alone.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// What failures are counted together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct FailureKind {
    instance: InstanceId,
    vendor: Vendor,
    connection: Option<ConnectionId>,
    code: String,
}

/// Takes reports of failures; never waits and never fails. Cheap to clone.
#[derive(Debug, Clone)]
pub struct DiagnosticRecorder {
    reports: mpsc::Sender<FailureCount>,
    clock: SharedClock,
}

impl DiagnosticRecorder {
    /// Starts the writing task, which writes down what was reported so far when it is told to stop.
    #[must_use]
    pub fn start(db: Db, clock: SharedClock, tasks: &BackgroundTasks) -> Self {
        let (sender, reports) = mpsc::channel(MAX_PENDING_REPORTS);
        tasks.spawn(write_reports(db, reports, tasks.stopping().clone()));
        Self { reports: sender, clock }
    }

    /// Records a failure of a call made for `instance`; `connection` is none before there is one.
    pub fn record(&self, instance: InstanceId, vendor: Vendor, connection: Option<ConnectionId>, failure: CallFailure) {
        let now = self.clock.timestamp();
        let id = self.clock.new_id();
        let report = FailureCount { id, instance, vendor, connection, failure, occurrences: 1, first_seen_at: now, last_seen_at: now };
        if self.reports.try_send(report).is_err() {
            tracing::warn!(vendor = vendor.as_str(), "too many failures at once: one was not recorded in the diagnostics");
        }
    }
}

/// Merges reports by their kind and writes them; what the database refuses stays pending and is tried again.
async fn write_reports(db: Db, mut reports: mpsc::Receiver<FailureCount>, stopping: CancellationToken) {
    let mut pending: HashMap<FailureKind, FailureCount> = HashMap::new();
    loop {
        let is_last = tokio::select! {
            report = reports.recv() => match report {
                Some(report) => {
                    merge(&mut pending, report);
                    false
                }
                None => true,
            },
            () = stopping.cancelled() => true,
            () = tokio::time::sleep(RETRY_PAUSE), if !pending.is_empty() => false,
        };
        while let Ok(report) = reports.try_recv() {
            merge(&mut pending, report);
        }
        match write(&db, pending.values()).await {
            Ok(()) => pending.clear(),
            Err(error) => {
                tracing::warn!(error = %error_chain(&error), kinds = pending.len(), "the diagnostics can't be written; they are kept and tried again");
                // Not at once again, however many reports arrive meanwhile.
                tokio::select! {
                    () = tokio::time::sleep(RETRY_PAUSE), if !is_last => {}
                    () = stopping.cancelled() => {}
                }
            }
        }
        if is_last {
            return;
        }
    }
}

fn merge(pending: &mut HashMap<FailureKind, FailureCount>, report: FailureCount) {
    let kind =
        FailureKind { instance: report.instance, vendor: report.vendor, connection: report.connection, code: report.failure.code.clone() };
    let room = pending.len() < MAX_PENDING_KINDS;
    match pending.entry(kind) {
        Entry::Occupied(mut found) => {
            let counted = found.get_mut();
            counted.occurrences += 1;
            counted.last_seen_at = report.last_seen_at;
            counted.failure.request_id = report.failure.request_id.or(counted.failure.request_id.take());
        }
        Entry::Vacant(vacant) if room => {
            vacant.insert(report);
        }
        Entry::Vacant(_) => tracing::warn!("too many kinds of failure wait for the database: one was not recorded"),
    }
}

async fn write(db: &Db, counted: impl Iterator<Item = &FailureCount>) -> Result<(), DbError> {
    let mut tx = db.begin().await?;
    for one in counted {
        store::count_failures(&mut tx, one.instance, one).await?;
    }
    tx.commit().await
}
