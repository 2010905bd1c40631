//! How many calls and errors there were each day, in US Central time as the quotas.

use std::collections::BTreeMap;

use time::OffsetDateTime;

use super::quota::central_day;

/// Days that are remembered.
pub const DAYS: i64 = 7;

/// What one day saw.
#[derive(Debug, Default, Clone)]
pub struct Day {
    pub calls: u64,
    /// How often each code was answered.
    pub errors: BTreeMap<String, u64>,
}

/// Calls and errors by the number of the day, in US Central time as the quotas.
#[derive(Debug, Default)]
pub struct Usage(BTreeMap<i64, Day>);

impl Usage {
    /// Counts a call at `now` (Unix seconds).
    pub fn count_call(&mut self, now: i64) {
        self.day(now).calls += 1;
    }

    /// Counts an error that was answered.
    pub fn count_error(&mut self, now: i64, code: &str) {
        *self.day(now).errors.entry(code.to_owned()).or_default() += 1;
    }

    fn day(&mut self, now: i64) -> &mut Day {
        let today = central_day(now);
        self.0.retain(|&day, _| day > today - DAYS);
        self.0.entry(today).or_default()
    }

    /// The last `days` days, today first, also those on which nothing happened.
    pub fn last(&self, days: i64, now: i64) -> Vec<(String, Day)> {
        let today = central_day(now);
        (0..days)
            .map(|back| {
                let at = OffsetDateTime::from_unix_timestamp((today - back) * 86_400).unwrap_or(OffsetDateTime::UNIX_EPOCH);
                (at.date().to_string(), self.0.get(&(today - back)).cloned().unwrap_or_default())
            })
            .collect()
    }
}
