use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::MailContent;
use super::dates::date_and_time;
use crate::language::Language;
use crate::locales::LocalizedText;

/// What an invitation says.
#[derive(Clone, Serialize, Deserialize)]
pub struct InvitationMail {
    /// What the instance is called.
    pub instance: String,
    /// Who invited.
    pub invited_by: Inviter,
    /// The activation link.
    pub link: String,
    /// Until when the link works.
    #[serde(with = "time::serde::timestamp")]
    pub expires_at: OffsetDateTime,
}

/// Who invited, as the invited person knows them.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Inviter {
    /// A person's name or address.
    Named(String),
    /// Somebody in Marketo, of whom no more is known.
    MarketoAdmin,
    /// A program of the instance's.
    Admin,
}

impl Inviter {
    fn named(&self, language: Language) -> String {
        let text = match self {
            Self::Named(name) => LocalizedText::InviterNamed { name },
            Self::MarketoAdmin => LocalizedText::InviterMarketoAdmin,
            Self::Admin => LocalizedText::InviterAdmin,
        };
        text.render(language)
    }
}

impl InvitationMail {
    pub(super) fn content(&self, language: Language) -> MailContent {
        let (instance, inviter) = (self.instance.as_str(), &self.invited_by.named(language));
        let until = &date_and_time(language, self.expires_at);
        let text = |text: LocalizedText<'_>| text.render(language);
        MailContent {
            subject: text(LocalizedText::InvitationMailSubject { instance }),
            greeting: text(LocalizedText::MailGreeting),
            before: vec![text(LocalizedText::InvitationMailInvited { inviter, instance }), text(LocalizedText::InvitationMailOpenLink)],
            link: Some(self.link.clone()),
            after: vec![text(LocalizedText::LinkWorksUntil { until })],
            note: Some(text(LocalizedText::InvitationMailUnexpected)),
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

    fn template(instance: &str) -> InvitationMail {
        InvitationMail {
            instance: instance.into(),
            invited_by: Inviter::Named("Ann <Lee>".into()),
            link: "https://actions.example.com/activate/abcDEF-_123".into(),
            expires_at: datetime!(2026-03-09 08:05 UTC),
        }
    }

    #[test]
    fn each_language_names_instance_inviter_link_and_expiry() {
        let mut subjects = HashSet::new();
        for language in Language::ALL {
            let date = datetime!(2026-03-02 08:05 UTC);
            let message = MailTemplate::Invitation(template("Acme & Söhne")).message(Uuid::nil(), "a@example.com", language, date).unwrap();
            for part in ["Acme & Söhne", "Ann <Lee>", "\n\nhttps://actions.example.com/activate/abcDEF-_123\n\n", "08:05 UTC", "2026"] {
                assert!(message.text.contains(part), "{part:?} is missing in {}", message.text);
            }
            assert!(message.html.contains("<html lang=\"") && message.html.contains("Acme &#38; Söhne"), "{}", message.html);
            assert!(message.html.contains("Ann &#60;Lee&#62;"), "{}", message.html);
            assert!(message.subject.contains("Acme & Söhne"));
            assert!(subjects.insert(message.subject), "{language:?} has a subject of its own");
        }
    }

    #[test]
    fn a_name_can_not_add_a_line_to_the_message() {
        let named = template("Acme\r\n\r\nOpen http://evil.example");
        let content = MailTemplate::Invitation(named).content(Language::En).one_line_each();
        assert!(content.before.iter().all(|text| !text.contains(['\r', '\n'])), "{content:?}");
    }
}
