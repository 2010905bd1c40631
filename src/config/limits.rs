use serde::Deserialize;

use super::{SettingError, require};

/// `[limits]`: how much an instance may have.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitSettings {
    /// People synced.
    pub people: u64,
    /// Members, invited and deactivated ones included.
    pub seats: i64,
    /// Teams, Everyone included.
    pub teams: i64,
}

impl LimitSettings {
    pub(super) fn check(self, errors: &mut Vec<SettingError>) {
        require(errors, (1..=100_000_000).contains(&self.people), "limits.people", "must be between 1 and 100000000", "1500000");
        require(errors, (1..=10_000).contains(&self.seats), "limits.seats", "must be between 1 and 10000", "100");
        require(errors, (1..=1_000).contains(&self.teams), "limits.teams", "must be between 1 and 1000", "20");
    }
}
