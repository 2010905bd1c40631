use serde::Deserialize;
use url::Url;

use super::{SettingError, require};

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
    /// PEM file with further certificate authorities that the server's certificate may come from; empty for none.
    pub ca_file: String,
    /// Longest wait for each answer of the server but the last.
    pub answer_timeout_seconds: u64,
    /// Most messages handed to the server in a minute, by all processes together; 0 for any number.
    pub messages_per_minute: u32,
}

impl std::fmt::Debug for MailSettings {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("MailSettings").field("from", &self.from).field("smtp_url", &"[may hold a password]").finish_non_exhaustive()
    }
}

impl MailSettings {
    pub(super) fn check(&self, errors: &mut Vec<SettingError>) {
        let sender = self.from.parse::<lettre::message::Mailbox>();
        require(errors, sender.is_ok(), "mail.from", format!("{:?} is no mailbox", self.from), "\"MSI Actions <no-reply@example.com>\"");
        let usable = self.smtp_url.is_empty()
            || Url::parse(&self.smtp_url).is_ok_and(|url| matches!(url.scheme(), "smtp" | "smtps") && url.host().is_some());
        require(
            errors,
            usable,
            "mail.smtp_url",
            "must start with smtp:// or smtps:// and name a host",
            "\"smtp://user:password@mail.example.com:587?tls=required\"",
        );
        let patient = (1..=600).contains(&self.answer_timeout_seconds);
        require(errors, patient, "mail.answer_timeout_seconds", "must be between 1 and 600", "30");
    }
}
