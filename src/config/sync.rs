use serde::Deserialize;
use time::Date;
use time::macros::format_description;

use super::{SettingError, require};

/// `[sync]`: how the people sync reads and writes.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SyncSettings {
    /// Width of one Marketo export window in days, at most the 31 that Marketo allows.
    pub window_days: u16,
    /// The earliest creation date looked for, `YYYY-MM-DD`.
    pub earliest: String,
    /// Marketo exports queued or running at once; Marketo runs 2 and queues 10 for all integrations of a subscription.
    pub exports_at_once: usize,
    /// Rows written in one transaction while loading.
    pub batch_rows: usize,
    /// Seconds between two incremental runs of an instance; 0 for none but those on demand.
    pub incremental_interval_seconds: u32,
}

impl SyncSettings {
    /// The earliest creation date looked for.
    #[must_use]
    pub fn earliest(&self) -> Date {
        // `check` has refused any other text before the settings can be used.
        Self::parse(&self.earliest).unwrap_or(Date::MIN)
    }

    /// The time between two incremental runs of an instance; none when they are begun on demand only.
    #[must_use]
    pub fn incremental_interval(&self) -> Option<time::Duration> {
        let seconds = i64::from(self.incremental_interval_seconds);
        (seconds > 0).then(|| time::Duration::seconds(seconds))
    }

    fn parse(text: &str) -> Option<Date> {
        Date::parse(text, format_description!("[year]-[month]-[day]")).ok()
    }

    pub(super) fn check(&self, errors: &mut Vec<SettingError>) {
        require(errors, (1..=31).contains(&self.window_days), "sync.window_days", "must be between 1 and 31", "31");
        require(
            errors,
            Self::parse(&self.earliest).is_some(),
            "sync.earliest",
            format!("{:?} is no date", self.earliest),
            "\"2006-01-01\"",
        );
        require(errors, (1..=10).contains(&self.exports_at_once), "sync.exports_at_once", "must be between 1 and 10", "2");
        let fine = self.incremental_interval_seconds == 0 || (5..=86_400).contains(&self.incremental_interval_seconds);
        require(errors, fine, "sync.incremental_interval_seconds", "must be 0 or between 5 and 86400", "60");
        require(errors, (1..=50_000).contains(&self.batch_rows), "sync.batch_rows", "must be between 1 and 50000", "2000");
    }
}
