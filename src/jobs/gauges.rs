use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use std::time::Instant;
use tokio::sync::Mutex;

use super::JobKind;
use super::store::{self, QueueState};
use crate::clock::{SharedClock, monotonic_now};
use crate::db::{Db, DbError};
use crate::telemetry::{JobCount, JobMetrics};

/// The queue is counted at most once in this time, however often the metrics are scraped.
const MIN_REFRESH_INTERVAL: Duration = Duration::from_secs(5);

/// Counts the queue when the metrics are scraped. Cheap to clone.
#[derive(Debug, Clone)]
pub struct QueueGauges {
    db: Db,
    clock: SharedClock,
    metrics: JobMetrics,
    kinds: Arc<HashMap<&'static str, JobKind>>,
    counted_at: Arc<Mutex<Option<Instant>>>,
}

impl QueueGauges {
    pub(super) fn new(db: Db, clock: SharedClock, metrics: JobMetrics, kinds: HashMap<&'static str, JobKind>) -> Self {
        Self { db, clock, metrics, kinds: Arc::new(kinds), counted_at: Arc::default() }
    }

    /// Counts the queue, unless it was counted within the last five seconds.
    ///
    /// # Errors
    /// When the database can't be reached; the previous figures stay.
    pub async fn refresh(&self) -> Result<(), DbError> {
        let mut counted_at = self.counted_at.lock().await;
        if counted_at.is_some_and(|counted_at| counted_at.elapsed() < MIN_REFRESH_INTERVAL) {
            return Ok(());
        }
        let now = self.clock.timestamp();
        let mut counts: HashMap<_, JobCount> = HashMap::new();
        for row in store::count_queue(&self.db).await? {
            // The names of kinds that this version doesn't know are not shown, so that labels stay few.
            let (kind, lane) = self.kinds.get(row.kind.as_str()).map_or(("other", "other"), |kind| (kind.name, kind.lane.as_str()));
            let state = row.state.as_str();
            let age = row.oldest.filter(|_| row.state == QueueState::Waiting).map(|oldest| (now - oldest).whole_seconds().max(0));
            let count = counts.entry((kind, state)).or_insert(JobCount { lane, kind, state, count: 0, oldest_age_seconds: None });
            count.count += row.count;
            count.oldest_age_seconds = count.oldest_age_seconds.max(age);
        }
        self.metrics.show_queue(&counts.into_values().collect::<Vec<_>>());
        *counted_at = Some(monotonic_now());
        Ok(())
    }
}
