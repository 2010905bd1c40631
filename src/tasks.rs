//! Background tasks and how they end: a token tells them to stop, a tracker waits for them.

use std::future::Future;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long tasks that are aborted may take to write down where they were.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// The background tasks of one part of the process. Cheap to clone; all clones are the same tasks.
#[derive(Debug, Clone, Default)]
pub struct BackgroundTasks {
    stopping: CancellationToken,
    aborting: CancellationToken,
    tracker: TaskTracker,
}

impl BackgroundTasks {
    /// No task yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Cancelled when the tasks are to come to their end by themselves.
    #[must_use]
    pub fn stopping(&self) -> &CancellationToken {
        &self.stopping
    }

    /// Cancelled when they were given time to end and have not.
    #[must_use]
    pub fn aborting(&self) -> &CancellationToken {
        &self.aborting
    }

    /// What waits for the tasks, for one that is spawned on another runtime than the current one.
    #[must_use]
    pub fn tracker(&self) -> &TaskTracker {
        &self.tracker
    }

    /// Runs a task, which ends when it is told to stop; it is dropped where it stands when it doesn't in time.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let aborting = self.aborting.clone();
        self.tracker.spawn(async move {
            tokio::select! {
                () = task => {}
                () = aborting.cancelled() => {}
            }
        });
    }

    /// Runs a task that looks at both tokens itself, since it has something to write down when it is aborted.
    pub fn spawn_with_last_words(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tracker.spawn(task);
    }

    /// Tells the tasks to stop, and waits for none.
    pub fn begin_to_stop(&self) {
        self.stopping.cancel();
    }

    /// Tells the tasks to stop and waits for them, at most `patience`; aborts those that are left then. `false` when some were.
    pub async fn stop(&self, patience: Duration) -> bool {
        self.stopping.cancel();
        self.tracker.close();
        if tokio::time::timeout(patience, self.tracker.wait()).await.is_ok() {
            return true;
        }
        self.aborting.cancel();
        // One that blocks its thread can't be aborted; it ends with the process.
        let _ = tokio::time::timeout(LAST_WORDS, self.tracker.wait()).await;
        false
    }
}

/// How long tasks that keep something up may take for their last words.
const UPKEEP_PATIENCE: Duration = Duration::from_secs(5);

/// Every background task of the process, in the order in which they stop.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    /// Jobs and event streams: told first, so that none begins any more, and waited for once no request is under way.
    pub jobs: BackgroundTasks,
    /// Tokens being refreshed for requests and jobs: an answer that nobody takes is a connection lost.
    pub renewals: BackgroundTasks,
    /// What keeps keys, revocations, quotas and diagnostics up, until nobody needs them.
    pub upkeep: BackgroundTasks,
}

impl Shutdown {
    /// No task yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Has no job and no event stream begin any more.
    pub fn begin(&self) {
        self.jobs.begin_to_stop();
    }

    /// Stops everything in order, once no request is under way; waits at most `patience` for jobs, and as long again for renewals.
    pub async fn finish(&self, patience: Duration) {
        if !self.jobs.stop(patience).await {
            tracing::warn!("jobs were still under way at shutdown; they go on where the next process takes them");
        }
        if !self.renewals.stop(patience).await {
            tracing::warn!("stopped while tokens were being renewed");
        }
        if !self.upkeep.stop(UPKEEP_PATIENCE).await {
            tracing::warn!("stopped before quotas were given back and diagnostics written");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[tokio::test]
    async fn tasks_are_waited_for_until_they_have_ended() {
        let (tasks, ended) = (BackgroundTasks::new(), Arc::new(AtomicBool::new(false)));
        let (stopping, seen) = (tasks.stopping().clone(), ended.clone());
        tasks.spawn(async move {
            stopping.cancelled().await;
            tokio::task::yield_now().await;
            seen.store(true, Ordering::SeqCst);
        });
        assert!(tasks.stop(Duration::from_secs(60)).await);
        assert!(ended.load(Ordering::SeqCst));
    }

    #[tokio::test]
    async fn a_task_that_does_not_stop_in_time_is_aborted() {
        let tasks = BackgroundTasks::new();
        tasks.spawn(std::future::pending());
        assert!(!tasks.stop(Duration::from_millis(1)).await);
        assert!(tasks.tracker().is_empty());
    }
}
