//! How many calls and errors there were on each day. Days are of US Central time, as those of the quotas.

use std::collections::BTreeMap;

use time::OffsetDateTime;

use super::call_quota::central_day;

/// How many days are remembered.
pub const REMEMBERED_DAYS: i64 = 7;

/// The calls and errors of one day.
#[derive(Debug, Default, Clone)]
pub struct DayUsage {
    pub calls: u64,
    /// How often each code was answered.
    pub errors: BTreeMap<String, u64>,
}

/// Calls and errors by the number of the day.
#[derive(Debug, Default)]
pub struct UsageStatistics(BTreeMap<i64, DayUsage>);

impl UsageStatistics {
    /// Counts a call at `now` (Unix seconds).
    pub fn count_call(&mut self, now: i64) {
        self.day(now).calls += 1;
    }

    /// Counts an error that was answered at `now` (Unix seconds).
    pub fn count_error(&mut self, now: i64, code: &str) {
        *self.day(now).errors.entry(code.to_owned()).or_default() += 1;
    }

    fn day(&mut self, now: i64) -> &mut DayUsage {
        let today = central_day(now);
        self.0.retain(|&day, _| day > today - REMEMBERED_DAYS);
        self.0.entry(today).or_default()
    }

    /// The last `days` days with their dates, today first, including those on which nothing happened.
    pub fn last_days(&self, days: i64, now: i64) -> Vec<(String, DayUsage)> {
        let today = central_day(now);
        (0..days)
            .map(|days_ago| {
                let at = OffsetDateTime::from_unix_timestamp((today - days_ago) * 86_400).unwrap_or(OffsetDateTime::UNIX_EPOCH);
                (at.date().to_string(), self.0.get(&(today - days_ago)).cloned().unwrap_or_default())
            })
            .collect()
    }
}
