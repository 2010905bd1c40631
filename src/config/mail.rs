use serde::Deserialize;
use url::Url;

use super::{SettingFault, require};

/// `[mail]`: how messages leave.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailSettings {
    /// Sender of every message, an RFC 5322 mailbox.
    pub from: String,
    /// SMTP server with credentials; empty to write `.eml` files instead.
    pub smtp_url: String,
    /// Where `.eml` files go; empty for `mail/` in the data directory.
    pub directory: String,
}

impl std::fmt::Debug for MailSettings {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("MailSettings").field("from", &self.from).field("smtp_url", &"[may hold a password]").finish_non_exhaustive()
    }
}

impl MailSettings {
    pub(super) fn check(&self, faults: &mut Vec<SettingFault>) {
        let sender = self.from.parse::<lettre::message::Mailbox>();
        require(faults, sender.is_ok(), "mail.from", format!("{:?} is no mailbox", self.from), "\"MSI Actions <no-reply@example.com>\"");
        let usable = self.smtp_url.is_empty()
            || Url::parse(&self.smtp_url).is_ok_and(|url| matches!(url.scheme(), "smtp" | "smtps") && url.host().is_some());
        require(
            faults,
            usable,
            "mail.smtp_url",
            "must start with smtp:// or smtps:// and name a host",
            "\"smtp://user:password@mail.example.com:587?tls=required\"",
        );
    }
}
