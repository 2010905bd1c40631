use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};

/// How often, and after which waits, a call is repeated.
#[derive(Debug, Clone, Copy)]
pub struct RetryPolicy {
    /// Calls made in all, the first one included.
    pub attempts: u32,
    /// Wait before the first repetition; doubled for each further one.
    pub first_delay: Duration,
    /// No wait between two calls is longer.
    pub longest_delay: Duration,
}

/// The waits between the attempts at one call; there is none after the last attempt.
pub type RetryDelays = <ExponentialBuilder as BackoffBuilder>::Backoff;

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { attempts: 5, first_delay: Duration::from_secs(1), longest_delay: Duration::from_secs(30) }
    }
}

impl RetryPolicy {
    /// The waits of one call: exponential, the upper half of each random, so that clients that failed together don't come back together.
    #[must_use]
    pub fn delays(&self) -> RetryDelays {
        // Jitter adds up to as much again.
        let (shortest, longest) = (self.first_delay.min(self.longest_delay) / 2, self.longest_delay / 2);
        let repetitions = self.attempts.saturating_sub(1) as usize;
        ExponentialBuilder::new().with_min_delay(shortest).with_max_delay(longest).with_max_times(repetitions).with_jitter().build()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_with_jitter_and_are_bounded() {
        let policy = RetryPolicy { attempts: 8, ..RetryPolicy::default() };
        let delays: Vec<_> = policy.delays().map(|delay| delay.as_secs_f64()).collect();
        assert_eq!(delays.len(), 7, "one between each two attempts");
        for (delay, whole) in delays.into_iter().zip([1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]) {
            assert!((whole / 2.0..=whole).contains(&delay), "{delay} of {whole}");
        }
    }
}
