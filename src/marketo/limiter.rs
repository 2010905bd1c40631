use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// Keeps a client within its share of the subscription: so many calls at once, so many calls in any `span`.
#[derive(Debug)]
pub(super) struct Limiter {
    at_once: Arc<Semaphore>,
    per_span: usize,
    span: Duration,
    /// Start times of the last `per_span` calls, oldest first; those in the future are waiting for their turn.
    starts: Mutex<VecDeque<Instant>>,
}

impl Limiter {
    pub(super) fn new(at_once: u32, per_span: u32, span: Duration) -> Self {
        Self {
            at_once: Arc::new(Semaphore::new(at_once.max(1) as usize)),
            per_span: per_span.max(1) as usize,
            span,
            starts: Mutex::new(VecDeque::new()),
        }
    }

    /// Waits for a turn; the call is under way until the permit is dropped.
    pub(super) async fn enter(&self) -> OwnedSemaphorePermit {
        let permit = self.at_once.clone().acquire_owned().await.expect("the semaphore is never closed");
        tokio::time::sleep_until(self.reserve(Instant::now())).await;
        permit
    }

    /// The instant at which the next call may start, taken by the caller.
    fn reserve(&self, now: Instant) -> Instant {
        let mut starts = self.starts.lock().unwrap_or_else(PoisonError::into_inner);
        let start = match starts.front() {
            Some(&oldest) if starts.len() == self.per_span => now.max(oldest + self.span),
            _ => now,
        };
        if starts.len() == self.per_span {
            starts.pop_front();
        }
        starts.push_back(start);
        start
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPAN: Duration = Duration::from_secs(20);

    #[test]
    fn no_span_of_time_holds_more_calls_than_agreed() {
        let limiter = Limiter::new(1, 3, SPAN);
        let now = Instant::now();
        let starts: Vec<_> = (0..8).map(|_| limiter.reserve(now) - now).collect();
        assert_eq!(starts, [0, 0, 0, 20, 20, 20, 40, 40].map(Duration::from_secs));
    }

    #[test]
    fn calls_that_come_slowly_wait_for_nothing() {
        let limiter = Limiter::new(1, 2, SPAN);
        let now = Instant::now();
        for call in 0..5 {
            let at = now + SPAN / 2 * call;
            assert_eq!(limiter.reserve(at), at);
        }
    }

    #[tokio::test]
    async fn calls_over_the_concurrency_wait_for_one_to_end() {
        let limiter = Limiter::new(2, 100, SPAN);
        let (first, _second) = (limiter.enter().await, limiter.enter().await);
        let mut third = Box::pin(limiter.enter());
        assert!(tokio::time::timeout(Duration::ZERO, &mut third).await.is_err());
        drop(first);
        drop(third.await);
    }
}
