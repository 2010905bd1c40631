use std::error::Error;

use time::Duration;

use crate::telemetry::error_chain;

/// The outcome of an attempt at a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobOutcome {
    /// It is done. Its subject keeps the result, a failure included.
    Done,
    /// Run it again after this time: it is periodic, or waits for something. Resets the consecutive failures.
    RunAgain(Duration),
    /// The attempt failed; the next one follows after a back-off, up to the kind's limit. The reason, without personal data.
    Retry(String),
    /// No attempt can succeed: it becomes a dead letter at once. The reason, without personal data.
    GiveUp(String),
}

/// Time between two rounds of a cleanup job.
pub const CLEANUP_PERIOD: Duration = Duration::hours(1);

impl JobOutcome {
    /// A failed attempt; `error` must hold no personal data.
    #[must_use]
    pub fn retry(error: &(dyn Error + 'static)) -> Self {
        Self::Retry(error_chain(error).to_string())
    }

    /// The outcome of a cleanup round: the next one runs after [`CLEANUP_PERIOD`], or after the back-off when this one failed.
    #[must_use]
    pub fn after_cleanup<E: Error + 'static>(round: Result<(), E>) -> Self {
        match round {
            Ok(()) => Self::RunAgain(CLEANUP_PERIOD),
            Err(error) => Self::retry(&error),
        }
    }
}

/// Time until the next attempt after `failures` consecutive failures: doubles from 4 s to 15 min.
#[must_use]
pub fn back_off(failures: i64) -> Duration {
    let exponent = failures.clamp(0, 10);
    Duration::seconds(2_i64 << exponent.min(9)).min(Duration::minutes(15))
}

/// The back-off plus or minus a quarter, by `chance` from 0 to 255, so that jobs that failed together aren't all retried together.
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
