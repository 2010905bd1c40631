use serde::Deserialize;
use time::Duration;

use super::{SettingError, require};

/// `[jobs]`: work outside requests.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobSettings {
    /// How long a job stays with a process that gives no sign of life.
    pub lease_seconds: u32,
    /// Jobs at once that somebody waits for at the screen.
    pub interactive_limit: usize,
    /// Messages at once.
    pub mail_limit: usize,
    /// Files of invitations at once.
    pub imports_limit: usize,
    /// Sync runs at once.
    pub sync_limit: usize,
    /// Schedules at once.
    pub schedule_limit: usize,
    /// Jobs at once that tidy up.
    pub maintenance_limit: usize,
}

impl JobSettings {
    /// How long a claimed job stays ours without a sign of life; another process takes it over after that.
    #[must_use]
    pub fn lease(&self) -> Duration {
        Duration::seconds(self.lease_seconds.into())
    }

    /// How often a sign of life is given.
    #[must_use]
    pub fn heartbeat(&self) -> std::time::Duration {
        self.lease().unsigned_abs() / 4
    }

    pub(super) fn check(&self, errors: &mut Vec<SettingError>) {
        require(errors, (1..=600).contains(&self.lease_seconds), "jobs.lease_seconds", "must be between 1 and 600", "20");
        for (limit, name, example) in [
            (self.interactive_limit, "jobs.interactive_limit", "2"),
            (self.mail_limit, "jobs.mail_limit", "4"),
            (self.imports_limit, "jobs.imports_limit", "2"),
            (self.sync_limit, "jobs.sync_limit", "4"),
            (self.schedule_limit, "jobs.schedule_limit", "2"),
            (self.maintenance_limit, "jobs.maintenance_limit", "2"),
        ] {
            require(errors, (1..=64).contains(&limit), name, "must be between 1 and 64", example);
        }
    }
}
