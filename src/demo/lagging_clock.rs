use std::sync::{Mutex, PoisonError};

use time::{Duration, OffsetDateTime};

use crate::clock::{Clock, IdSequence, SystemClock};

/// A clock that lags behind the machine's until it catches up: what was done before is then past.
#[derive(Debug)]
pub(super) struct LaggingClock {
    lag: Mutex<Duration>,
    ids: IdSequence,
}

impl LaggingClock {
    pub(super) const fn lagging_by(lag: Duration) -> Self {
        Self { lag: Mutex::new(lag), ids: IdSequence::new() }
    }

    /// From now on it shows the machine's time.
    pub(super) fn catch_up(&self) {
        *self.lag.lock().unwrap_or_else(PoisonError::into_inner) = Duration::ZERO;
    }
}

impl Clock for LaggingClock {
    fn now(&self) -> OffsetDateTime {
        SystemClock.now() - *self.lag.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ids(&self) -> &IdSequence {
        &self.ids
    }
}
