use serde::{Deserialize, Serialize};

use super::MailContent;
use crate::language::Language;
use crate::locales::LocalizedText;

/// What is said of a sync that has ended. Figures only: no person is named.
#[derive(Clone, Serialize, Deserialize)]
pub struct SyncNoticeMail {
    /// What the instance is called.
    pub instance: String,
    /// The run's id.
    pub run: String,
    /// Why it failed; none when it is complete.
    pub failure: Option<SyncFailureText>,
    /// How many people were what.
    pub counts: SyncCounts,
}

/// Why a sync failed, as the API tells it: in English, since much of it is the vendors' own words.
#[derive(Clone, Serialize, Deserialize)]
pub struct SyncFailureText {
    /// What happened.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
}

/// How many people a sync did what with.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
pub struct SyncCounts {
    /// Read from Marketo.
    pub read: i64,
    /// Have an owner in Salesforce.
    pub qualified: i64,
    /// Were not here before.
    pub added: i64,
    /// Have a changed field or owner.
    pub changed: i64,
    /// Were here already, just so.
    pub unchanged: i64,
    /// Don't qualify any more.
    pub removed: i64,
    /// Rows that can't be used.
    pub rejected: i64,
}

impl SyncNoticeMail {
    pub(super) fn content(&self, language: Language) -> MailContent {
        let instance = self.instance.as_str();
        let (subject, paragraphs) = match &self.failure {
            None => (LocalizedText::SyncCompleteMailSubject { instance }, vec![LocalizedText::SyncCompleteMailEnding { instance }]),
            Some(SyncFailureText { what, remedy }) => (
                LocalizedText::SyncFailedMailSubject { instance },
                vec![
                    LocalizedText::SyncFailedMailEnding { instance },
                    LocalizedText::SyncFailedMailWhat { what },
                    LocalizedText::SyncFailedMailRemedy { remedy },
                ],
            ),
        };
        let text = |text: LocalizedText<'_>| text.render(language);
        MailContent {
            subject: text(subject),
            greeting: text(LocalizedText::MailGreeting),
            before: paragraphs.into_iter().chain(self.counts.lines()).map(text).collect(),
            note: Some(text(LocalizedText::SyncNoticeMailRun { run: &self.run })),
            ..MailContent::default()
        }
    }
}

impl SyncCounts {
    /// A line for each figure.
    fn lines(self) -> [LocalizedText<'static>; 7] {
        [
            LocalizedText::SyncNoticeMailRead { count: self.read },
            LocalizedText::SyncNoticeMailQualified { count: self.qualified },
            LocalizedText::SyncNoticeMailAdded { count: self.added },
            LocalizedText::SyncNoticeMailChanged { count: self.changed },
            LocalizedText::SyncNoticeMailUnchanged { count: self.unchanged },
            LocalizedText::SyncNoticeMailRemoved { count: self.removed },
            LocalizedText::SyncNoticeMailRejected { count: self.rejected },
        ]
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use time::macros::datetime;
    use uuid::Uuid;

    use super::*;
    use crate::mail::{MailTemplate, Message};

    fn written(language: Language, failure: Option<SyncFailureText>) -> Message {
        let counts = SyncCounts { read: 1201, qualified: 1302, added: 1403, changed: 1504, unchanged: 1605, removed: 1706, rejected: 1807 };
        let template = SyncNoticeMail { instance: "Acme & Söhne".into(), run: "run-17".into(), failure, counts };
        MailTemplate::SyncNotice(template).message(Uuid::nil(), "a@example.com", language, datetime!(2026-03-09 07:05 UTC)).unwrap()
    }

    fn failure() -> SyncFailureText {
        SyncFailureText { what: "Marketo's day is used up.".into(), remedy: "Wait until midnight.".into() }
    }

    #[test]
    fn each_language_names_the_instance_the_run_and_every_figure() {
        let mut subjects = HashSet::new();
        for (language, failure) in Language::ALL.into_iter().flat_map(|one| [(one, None), (one, Some(failure()))]) {
            let failed = failure.is_some();
            let message = written(language, failure);
            for part in ["Acme & Söhne", "run-17", "1201", "1302", "1403", "1504", "1605", "1706", "1807"] {
                assert!(message.text.contains(part), "{part:?} is missing in {}", message.text);
            }
            for part in ["Marketo's day is used up.", "Wait until midnight."] {
                assert_eq!(message.text.contains(part), failed, "{}", message.text);
            }
            assert!(!message.text.contains(['{', '}']) && !message.html.contains("{{"), "{}", message.text);
            assert!(subjects.insert(message.subject), "{language:?} has subjects of its own");
        }
    }

    #[test]
    fn a_language_is_told_that_the_reason_is_in_english() {
        let german = written(Language::De, Some(failure()));
        assert_eq!(german.subject, "Die Personensynchronisierung von Acme & Söhne ist fehlgeschlagen");
        for line in ["Was geschehen ist (auf Englisch): Marketo's day is used up.", "Hinzugefügt: 1403", "Unverändert: 1605", "Lauf run-17"]
        {
            assert!(german.text.contains(line), "{line:?} is missing in {}", german.text);
        }
        let english = written(Language::En, Some(failure()));
        assert!(english.text.contains("What to do: Wait until midnight."), "{}", english.text);
    }
}
