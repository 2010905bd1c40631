use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::MailContent;
use super::dates::date_and_time;
use crate::language::Language;
use crate::locales::LocalizedText;

/// What the message with a link for a new password says.
#[derive(Clone, Serialize, Deserialize)]
pub struct PasswordResetMail {
    /// What the instance is called.
    pub instance: String,
    /// The link.
    pub link: String,
    /// Until when the link works.
    #[serde(with = "time::serde::timestamp")]
    pub expires_at: OffsetDateTime,
}

impl PasswordResetMail {
    pub(super) fn content(&self, language: Language) -> MailContent {
        let instance = self.instance.as_str();
        let until = &date_and_time(language, self.expires_at);
        let text = |text: LocalizedText<'_>| text.render(language);
        MailContent {
            subject: text(LocalizedText::PasswordResetMailSubject { instance }),
            greeting: text(LocalizedText::MailGreeting),
            before: vec![text(LocalizedText::PasswordResetMailRequested { instance }), text(LocalizedText::PasswordResetMailOpenLink)],
            link: Some(self.link.clone()),
            after: vec![text(LocalizedText::LinkWorksUntil { until })],
            note: Some(text(LocalizedText::PasswordResetMailUnexpected)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use time::macros::datetime;
    use uuid::Uuid;

    use super::*;
    use crate::mail::MailTemplate;

    #[test]
    fn each_language_names_the_instance_the_link_and_until_when_it_works() {
        let template = MailTemplate::PasswordReset(PasswordResetMail {
            instance: "Acme & Söhne".into(),
            link: "https://actions.example.com/reset-password/abcDEF-_123".into(),
            expires_at: datetime!(2026-03-09 08:05 UTC),
        });
        let mut subjects = HashSet::new();
        for language in Language::ALL {
            let message = template.message(Uuid::nil(), "a@example.com", language, datetime!(2026-03-09 07:05 UTC)).unwrap();
            for part in ["Acme & Söhne", "\n\nhttps://actions.example.com/reset-password/abcDEF-_123\n\n", "08:05 UTC", "2026"] {
                assert!(message.text.contains(part), "{part:?} is missing in {}", message.text);
            }
            assert!(subjects.insert(message.subject), "{language:?} has a subject of its own");
        }
    }
}
