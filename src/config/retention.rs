use serde::Deserialize;
use time::Duration;

use super::{SettingError, require};

/// `[retention]`: how many days personal data is kept that has served its purpose.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetentionSettings {
    /// The rows of an import, after it ended.
    pub import_days: u16,
    /// Invitations of people who are no members any more, after they ended.
    pub invite_days: u16,
    /// Messages in the outbox, after they left or were given up.
    pub mail_days: u16,
}

impl RetentionSettings {
    /// How long the rows of an import are kept after its end.
    #[must_use]
    pub fn imports(self) -> Duration {
        Duration::days(self.import_days.into())
    }

    /// How long an invitation of somebody who is no member any more is kept after its end.
    #[must_use]
    pub fn invites(self) -> Duration {
        Duration::days(self.invite_days.into())
    }

    /// How long a message is kept after its end.
    #[must_use]
    pub fn mail(self) -> Duration {
        Duration::days(self.mail_days.into())
    }

    pub(super) fn check(self, errors: &mut Vec<SettingError>) {
        let named = [
            ("retention.import_days", self.import_days),
            ("retention.invite_days", self.invite_days),
            ("retention.mail_days", self.mail_days),
        ];
        for (name, days) in named {
            require(errors, (1..=3650).contains(&days), name, "must be between 1 and 3650", "30");
        }
    }
}
