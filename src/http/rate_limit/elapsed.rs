use std::sync::{Arc, Mutex, PoisonError};

use governor::clock::Clock;
use governor::nanos::Nanos;
use time::OffsetDateTime;

use crate::clock::SharedClock;

/// The time that has passed by a clock, which never goes back: while the clock is set back, it stands still.
#[derive(Debug, Clone)]
pub(super) struct ElapsedTime {
    clock: SharedClock,
    /// What the clock showed the last time, and how much had passed then.
    last: Arc<Mutex<(OffsetDateTime, u64)>>,
}

impl ElapsedTime {
    pub(super) fn new(clock: SharedClock) -> Self {
        let last = Arc::new(Mutex::new((clock.now(), 0)));
        Self { clock, last }
    }
}

impl Clock for ElapsedTime {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        let passed = u64::try_from((now - last.0).whole_nanoseconds()).unwrap_or(0);
        *last = (now, last.1.saturating_add(passed));
        Nanos::new(last.1)
    }
}
