use std::error::Error;

use time::Duration;

use crate::telemetry::error_chain;

/// What came of an attempt at a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobOutcome {
    /// It is done. What it was about keeps the record of what came of it, a failure included.
    Done,
    /// Run it again after this time: it is periodic, or waits for something that isn't there yet. That is no failure, and ends a row
    /// of failures.
    Again(Duration),
    /// The attempt failed; the next one comes after a back-off, unless it was one too many. The reason, without personal data.
    Retry(String),
    /// No attempt can succeed: it is a dead letter at once. The reason, without personal data.
    Failed(String),
}

/// Time between two rounds of a job that tidies up.
pub(super) const ROUNDS_APART: Duration = Duration::hours(1);

impl JobOutcome {
    /// The attempt failed by this error, which holds no personal data.
    #[must_use]
    pub fn retry(error: &(dyn Error + 'static)) -> Self {
        Self::Retry(error_chain(error).to_string())
    }

    /// For a job that tidies up again and again: the next round comes in an hour; sooner after one that failed.
    #[must_use]
    pub fn next_round<E: Error + 'static>(round: Result<(), E>) -> Self {
        match round {
            Ok(()) => Self::Again(ROUNDS_APART),
            Err(error) => Self::retry(&error),
        }
    }
}

/// Time until the next attempt after `failures` failures in a row: doubling from 4 s to 15 min.
#[must_use]
pub fn back_off(failures: i64) -> Duration {
    let exponent = failures.clamp(0, 10);
    Duration::seconds(2_i64 << exponent.min(9)).min(Duration::minutes(15))
}

/// The same give or take a quarter, by `chance` from 0 to 255: jobs that failed together, as when a server was away, don't all come
/// back together.
pub(super) fn back_off_with_jitter(failures: i64, chance: u8) -> Duration {
    back_off(failures) * (0.75 + f64::from(chance) / 512.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_back_off_doubles_up_to_a_quarter_of_an_hour() {
        let waits: Vec<_> = [1, 2, 3, 8, 9, 1_000].map(back_off).map(Duration::whole_seconds).into();
        assert_eq!(waits, [4, 8, 16, 512, 900, 900]);
    }

    #[test]
    fn jitter_moves_a_back_off_by_a_quarter_at_most() {
        for chance in [0, 1, 128, 255] {
            let wait = back_off_with_jitter(3, chance);
            assert!((Duration::seconds(12)..=Duration::seconds(20)).contains(&wait), "{wait}");
        }
        assert_ne!(back_off_with_jitter(3, 0), back_off_with_jitter(3, 255));
    }
}
