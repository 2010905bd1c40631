//! Background tasks and how they end: a token asks them to stop, a tracker waits for them.

use std::future::Future;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long aborted tasks may take to record where they stopped.
const ABORT_TIMEOUT: Duration = Duration::from_secs(2);

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

    /// Canceled when the tasks are to end by themselves.
    #[must_use]
    pub fn stopping(&self) -> &CancellationToken {
        &self.stopping
    }

    /// Canceled when the tasks have not ended in the time they were given.
    #[must_use]
    pub fn aborting(&self) -> &CancellationToken {
        &self.aborting
    }

    /// The tracker that waits for the tasks, to spawn one on another runtime than the current one.
    #[must_use]
    pub fn tracker(&self) -> &TaskTracker {
        &self.tracker
    }

    /// Spawns a task that ends when [`Self::stopping`] is canceled; it is dropped when it doesn't in time.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let aborting = self.aborting.clone();
        self.tracker.spawn(async move {
            tokio::select! {
                () = task => {}
                () = aborting.cancelled() => {}
            }
        });
    }

    /// Spawns a task that watches both tokens itself, because it has something to record when it is aborted.
    pub fn spawn_handling_abort(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tracker.spawn(task);
    }

    /// Asks the tasks to stop, without waiting.
    pub fn request_stop(&self) {
        self.stopping.cancel();
    }

    /// Asks the tasks to stop and waits at most `timeout`; then aborts those that are left. `false` when some were.
    pub async fn stop(&self, timeout: Duration) -> bool {
        self.stopping.cancel();
        self.tracker.close();
        if tokio::time::timeout(timeout, self.tracker.wait()).await.is_ok() {
            return true;
        }
        self.aborting.cancel();
        // One that blocks its thread can't be aborted; it ends with the process.
        let _ = tokio::time::timeout(ABORT_TIMEOUT, self.tracker.wait()).await;
        false
    }
}

/// How long maintenance tasks may take to end.
const MAINTENANCE_TIMEOUT: Duration = Duration::from_secs(5);

/// Every background task of the process, in the order in which they stop.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    /// Jobs and event streams: asked to stop first, so that no new one starts, and waited for once the last request has ended.
    pub jobs: BackgroundTasks,
    /// Token refreshes for requests and jobs: an answer that nobody stores loses the connection.
    pub token_refreshes: BackgroundTasks,
    /// Tasks that maintain keys, revocations, quotas and diagnostics, needed until the end.
    pub maintenance: BackgroundTasks,
}

impl Shutdown {
    /// No task yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks jobs and event streams to stop, so that no new one starts.
    pub fn begin(&self) {
        self.jobs.request_stop();
    }

    /// Stops everything in order, once the last request has ended; waits at most `timeout` for jobs, and as long again for token
    /// refreshes.
    pub async fn finish(&self, timeout: Duration) {
        if !self.jobs.stop(timeout).await {
            tracing::warn!("jobs were still running at shutdown; the next process resumes them");
        }
        if !self.token_refreshes.stop(timeout).await {
            tracing::warn!("stopped while tokens were being refreshed");
        }
        if !self.maintenance.stop(MAINTENANCE_TIMEOUT).await {
            tracing::warn!("stopped before quotas were returned and diagnostics written");
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
