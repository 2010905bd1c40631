use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::time::Duration;

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

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { attempts: 5, first_delay: Duration::from_secs(1), longest_delay: Duration::from_secs(30) }
    }
}

impl RetryPolicy {
    /// The wait after failure number `failures` (from 1): exponential, the upper half of it random, so that clients that
    /// failed together don't come back together.
    #[must_use]
    pub fn back_off(&self, failures: u32) -> Duration {
        let doubled = 2_u32.saturating_pow(failures.saturating_sub(1));
        let whole = self.first_delay.saturating_mul(doubled).min(self.longest_delay);
        whole.mul_f64(0.5 + chance() / 2.0)
    }
}

/// A number in 0..1. Spreading waits needs no secrecy, so the standard library's randomly keyed hasher is enough.
fn chance() -> f64 {
    let bits = RandomState::new().build_hasher().finish() >> 32;
    bits as f64 / 4_294_967_296.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_with_jitter_and_are_bounded() {
        let policy = RetryPolicy::default();
        for (failures, whole) in [(1, 1.0), (2, 2.0), (3, 4.0), (6, 30.0), (u32::MAX, 30.0)] {
            let wait = policy.back_off(failures).as_secs_f64();
            assert!((whole / 2.0..=whole).contains(&wait), "{failures}: {wait}");
        }
    }
}
