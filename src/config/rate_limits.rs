use serde::Deserialize;

use super::{SettingError, require};

/// `[rate_limits]`: how often one caller may ask a process, in a minute; 0 for as often as it likes.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateLimitSettings {
    /// Requests for access tokens and token exchanges, by network.
    pub tokens_per_minute_by_address: u32,
    /// The same, by client.
    pub tokens_per_minute_by_client: u32,
    /// Wrong client secrets, by network.
    pub wrong_secrets_per_minute_by_address: u32,
    /// Requests with the secret of a link, by network.
    pub links_per_minute_by_address: u32,
    /// The same, by link.
    pub links_per_minute_by_link: u32,
    /// Logins by password and requests for a new one, by network.
    pub logins_per_minute_by_address: u32,
}

impl RateLimitSettings {
    pub(super) fn check(self, errors: &mut Vec<SettingError>) {
        let named = [
            ("rate_limits.tokens_per_minute_by_address", self.tokens_per_minute_by_address, "1200"),
            ("rate_limits.tokens_per_minute_by_client", self.tokens_per_minute_by_client, "600"),
            ("rate_limits.wrong_secrets_per_minute_by_address", self.wrong_secrets_per_minute_by_address, "600"),
            ("rate_limits.links_per_minute_by_address", self.links_per_minute_by_address, "300"),
            ("rate_limits.links_per_minute_by_link", self.links_per_minute_by_link, "60"),
            ("rate_limits.logins_per_minute_by_address", self.logins_per_minute_by_address, "300"),
        ];
        for (name, limit, example) in named {
            require(errors, limit <= 1_000_000, name, "must be between 0 and 1000000", example);
        }
    }
}
