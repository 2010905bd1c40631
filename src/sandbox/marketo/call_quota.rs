//! The subscription's call quotas: 100 calls in 20 seconds, 10 at once, 50,000 a day (US Central time).

use std::collections::VecDeque;

use time::{Date, Month, OffsetDateTime, Weekday};

use super::error::MarketoApiError;

const WINDOW_MILLIS: i64 = 20_000;
const WINDOW_CALLS: usize = 100;
const MAX_CONCURRENT: u32 = 10;
const MAX_A_DAY: u32 = 50_000;

/// Calls counted against the quotas.
#[derive(Debug, Clone)]
pub struct CallQuota {
    /// When the calls of the last 20 seconds began, in Unix milliseconds.
    recent: VecDeque<i64>,
    day: i64,
    today: u32,
    concurrent: u32,
    /// The most calls there were in any 20 seconds.
    pub peak: usize,
    /// Calls allowed a day; the control can set it.
    pub max_a_day: u32,
}

impl Default for CallQuota {
    fn default() -> Self {
        Self { recent: VecDeque::new(), day: 0, today: 0, concurrent: 0, peak: 0, max_a_day: MAX_A_DAY }
    }
}

impl CallQuota {
    /// Counts a call that begins at `now` (Unix milliseconds). Pair it with [`CallQuota::end_call`].
    ///
    /// # Errors
    /// 607, 606 or 615, in this order.
    pub fn begin_call(&mut self, now: i64) -> Result<(), MarketoApiError> {
        self.forget_old_calls(now);
        if self.today >= self.max_a_day {
            return Err(MarketoApiError::new("607", "Daily quota reached"));
        }
        if self.recent.len() >= WINDOW_CALLS {
            return Err(MarketoApiError::new("606", format!("Max rate limit '{WINDOW_CALLS}' exceeded with in '20' secs")));
        }
        if self.concurrent >= MAX_CONCURRENT {
            return Err(MarketoApiError::new("615", "Concurrent access limit reached"));
        }
        self.count(now);
        self.concurrent += 1;
        Ok(())
    }

    /// Counts a call that begins at `now` (Unix milliseconds) without checking any limit.
    pub fn record_call(&mut self, now: i64) {
        self.forget_old_calls(now);
        self.count(now);
    }

    fn forget_old_calls(&mut self, now: i64) {
        let day = central_day(now / 1000);
        if day != self.day {
            (self.day, self.today) = (day, 0);
        }
        while self.recent.front().is_some_and(|&at| at <= now - WINDOW_MILLIS) {
            self.recent.pop_front();
        }
    }

    fn count(&mut self, now: i64) {
        self.today += 1;
        self.recent.push_back(now);
        self.peak = self.peak.max(self.recent.len());
    }

    /// Ends a call that [`CallQuota::begin_call`] let in.
    pub fn end_call(&mut self) {
        self.concurrent = self.concurrent.saturating_sub(1);
    }

    /// Calls counted today.
    pub fn calls_today(&self) -> u32 {
        self.today
    }
}

/// The number of the day in US Central time, at whose midnight Marketo's quotas are reset. `seconds` is Unix time.
pub fn central_day(seconds: i64) -> i64 {
    let offset = if is_summer_time(seconds) { -5 } else { -6 };
    (seconds + offset * 3600).div_euclid(86_400)
}

/// Summer time runs from the second Sunday of March, 2:00 (8:00 UTC), to the first Sunday of November, 2:00 (7:00 UTC).
fn is_summer_time(seconds: i64) -> bool {
    let Ok(at) = OffsetDateTime::from_unix_timestamp(seconds) else { return false };
    let sunday = |month: Month, from_day: u8, hour: u8| {
        let mut date = Date::from_calendar_date(at.year(), month, from_day).ok()?;
        while date.weekday() != Weekday::Sunday {
            date = date.next_day()?;
        }
        date.with_hms(hour, 0, 0).ok().map(|moment| moment.assume_utc())
    };
    match (sunday(Month::March, 8, 8), sunday(Month::November, 1, 7)) {
        (Some(begin), Some(end)) => at >= begin && at < end,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::timestamps::parse_timestamp;

    fn codes(quota: &mut CallQuota, calls: u32, now: i64) -> Vec<String> {
        (0..calls)
            .filter_map(|_| {
                let refused = quota.begin_call(now).err().map(|error| error.code);
                quota.end_call();
                refused
            })
            .collect()
    }

    #[test]
    fn the_101st_call_in_20_seconds_is_refused() {
        let mut quota = CallQuota::default();
        assert!(codes(&mut quota, 100, 1_000_000).is_empty());
        assert_eq!(codes(&mut quota, 1, 1_019_999), ["606"]);
        assert!(codes(&mut quota, 1, 1_020_000).is_empty());
    }

    #[test]
    fn the_11th_concurrent_call_is_refused() {
        let mut quota = CallQuota::default();
        for _ in 0..10 {
            quota.begin_call(0).expect("ten calls fit");
        }
        assert_eq!(quota.begin_call(0).map_err(|error| error.code), Err("615".to_owned()));
        quota.end_call();
        assert!(quota.begin_call(0).is_ok());
    }

    #[test]
    fn the_day_begins_at_midnight_in_chicago() {
        let day = |text| central_day(parse_timestamp(text).expect("a valid time"));
        assert_eq!(day("2026-01-10T05:59:59Z") + 1, day("2026-01-10T06:00:00Z"));
        assert_eq!(day("2026-07-10T04:59:59Z") + 1, day("2026-07-10T05:00:00Z"));
        assert_eq!(day("2026-03-08T05:59:59Z") + 1, day("2026-03-08T06:00:00Z"));
        assert_eq!(day("2026-11-02T05:59:59Z") + 1, day("2026-11-02T06:00:00Z"));
    }

    #[test]
    fn the_daily_quota_is_reset_at_midnight() {
        let mut quota = CallQuota { max_a_day: 2, ..CallQuota::default() };
        let evening = parse_timestamp("2026-01-10T05:00:00Z").expect("a valid time") * 1000;
        assert_eq!(codes(&mut quota, 3, evening), ["607"]);
        assert!(codes(&mut quota, 1, evening + 3_600_000).is_empty());
    }
}
