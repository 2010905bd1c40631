use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::Vendor;
use super::failure_count::FailureCount;
use crate::clock::SharedClock;
use crate::connections::store;
use crate::db::{Db, DbError};
use crate::ids::{ConnectionId, InstanceId};
use crate::tasks::BackgroundTasks;
use crate::telemetry::error_chain;
use crate::upstream::CallFailure;

/// Reports that may wait for the writing task; more are dropped, so that a storm of failures costs no memory.
const WAITING: usize = 1_024;
/// Kinds of failure that may wait for a database that is away.
const MOST_KINDS: usize = 1_024;
/// How long to leave a database alone that did not take what was written.
const PAUSE: Duration = Duration::from_secs(1);

/// Whose failure it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Kind {
    instance: InstanceId,
    vendor: Vendor,
    connection: Option<ConnectionId>,
    code: String,
}

/// Takes reports of failures; never waits and never fails. Cheap to clone.
#[derive(Debug, Clone)]
pub(in crate::connections) struct Recorder {
    reports: mpsc::Sender<FailureCount>,
    clock: SharedClock,
}

impl Recorder {
    /// Starts the writing task, which writes down what was reported so far when it is told to stop.
    pub(in crate::connections) fn start(db: Db, clock: SharedClock, tasks: &BackgroundTasks) -> Self {
        let (reports, arriving) = mpsc::channel(WAITING);
        tasks.spawn(write_down(db, arriving, tasks.stopping().clone()));
        Self { reports, clock }
    }

    /// Notes a failure of a call made for `instance`; `connection` is none before there is one.
    pub(in crate::connections) fn note(
        &self,
        instance: InstanceId,
        vendor: Vendor,
        connection: Option<ConnectionId>,
        failure: CallFailure,
    ) {
        let now = self.clock.timestamp();
        let id = self.clock.new_id();
        let report = FailureCount { id, instance, vendor, connection, failure, occurrences: 1, first_seen_at: now, last_seen_at: now };
        if self.reports.try_send(report).is_err() {
            tracing::warn!(vendor = vendor.as_str(), "too many failures at once: one was not recorded in the diagnostics");
        }
    }
}

/// Merges reports by their kind and writes them; what the database does not take is kept and tried again.
async fn write_down(db: Db, mut arriving: mpsc::Receiver<FailureCount>, stopping: CancellationToken) {
    let mut kept: HashMap<Kind, FailureCount> = HashMap::new();
    loop {
        let last = tokio::select! {
            report = arriving.recv() => match report {
                Some(report) => {
                    merge(&mut kept, report);
                    false
                }
                None => true,
            },
            () = stopping.cancelled() => true,
            () = tokio::time::sleep(PAUSE), if !kept.is_empty() => false,
        };
        while let Ok(report) = arriving.try_recv() {
            merge(&mut kept, report);
        }
        match write(&db, kept.values()).await {
            Ok(()) => kept.clear(),
            Err(error) => {
                tracing::warn!(error = %error_chain(&error), kinds = kept.len(), "the diagnostics can't be written; they are kept and tried again");
                // Not at once again, however many reports arrive meanwhile.
                tokio::select! {
                    () = tokio::time::sleep(PAUSE), if !last => {}
                    () = stopping.cancelled() => {}
                }
            }
        }
        if last {
            return;
        }
    }
}

fn merge(kept: &mut HashMap<Kind, FailureCount>, report: FailureCount) {
    let kind = Kind { instance: report.instance, vendor: report.vendor, connection: report.connection, code: report.failure.code.clone() };
    let room = kept.len() < MOST_KINDS;
    match kept.entry(kind) {
        Entry::Occupied(mut found) => {
            let counted = found.get_mut();
            counted.occurrences += 1;
            counted.last_seen_at = report.last_seen_at;
            counted.failure.request_id = report.failure.request_id.or(counted.failure.request_id.take());
        }
        Entry::Vacant(place) if room => {
            place.insert(report);
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
