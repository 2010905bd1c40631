//! The messages to people. A new kind of message is a variant of [`MailTemplate`] with a file beside this one that puts its
//! [`MailContent`] together from texts of `locales`; the layout is the same for all.

mod dates;
mod invitation;
mod password_reset;
mod sync_notice;

use askama::Template;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{MailError, Message};
use crate::language::Language;

pub use invitation::{InvitationMail, Inviter};
pub use password_reset::PasswordResetMail;
pub use sync_notice::{SyncCounts, SyncFailureText, SyncNoticeMail};

/// A message to a person, by its kind. Stored sealed until it is sent: it may hold a one-time link.
#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum MailTemplate {
    /// An invitation with its activation link.
    Invitation(InvitationMail),
    /// A link for a new password.
    PasswordReset(PasswordResetMail),
    /// How a sync has ended.
    SyncNotice(SyncNoticeMail),
    /// Tells that messages arrive.
    Test,
}

impl std::fmt::Debug for MailTemplate {
    /// The kind only: the rest is a secret or personal.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_tuple("MailTemplate").field(&self.kind()).finish()
    }
}

/// The text of a message in one language, before it is rendered. Rendering replaces control characters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct MailContent {
    pub(super) subject: String,
    pub(super) greeting: String,
    /// Paragraphs before the link.
    pub(super) before: Vec<String>,
    /// An address to open, on a line of its own.
    pub(super) link: Option<String>,
    /// Paragraphs after the link.
    pub(super) after: Vec<String>,
    /// Small print.
    pub(super) note: Option<String>,
}

impl MailContent {
    fn one_line_each(mut self) -> Self {
        let texts = [&mut self.subject, &mut self.greeting].into_iter().chain(&mut self.before).chain(&mut self.after);
        for text in texts.chain(&mut self.link).chain(&mut self.note) {
            if text.contains(char::is_control) {
                *text = text.chars().map(|one| if one.is_control() { ' ' } else { one }).collect();
            }
        }
        self
    }
}

#[derive(Template)]
#[template(path = "mail/templates/mail.html")]
struct HtmlMail<'a> {
    language: &'a str,
    content: &'a MailContent,
}

#[derive(Template)]
#[template(path = "mail/templates/mail.txt")]
struct PlainTextMail<'a> {
    content: &'a MailContent,
}

impl MailTemplate {
    /// The kind of message, as the outbox shows it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Invitation(_) => "invitation",
            Self::PasswordReset(_) => "password_reset",
            Self::SyncNotice(_) => "sync_notice",
            Self::Test => "test",
        }
    }

    fn content(&self, language: Language) -> MailContent {
        match self {
            Self::Invitation(template) => template.content(language),
            Self::PasswordReset(template) => template.content(language),
            Self::SyncNotice(template) => template.content(language),
            // Only operators see it, who read the settings in English, too.
            Self::Test => MailContent {
                subject: "Test message from MSI Actions".into(),
                greeting: "Hello,".into(),
                before: vec!["this is a test message from MSI Actions. Since you can read it, invitations arrive, too.".into()],
                ..MailContent::default()
            },
        }
    }

    /// The message with this id to one address, written at `date`.
    ///
    /// # Errors
    /// [`MailError::Permanent`] when a template can't be filled in.
    pub fn message(&self, id: Uuid, to: &str, language: Language, date: OffsetDateTime) -> Result<Message, MailError> {
        let content = self.content(language).one_line_each();
        let unfilled = |_| MailError::permanent("the template can't be filled in");
        Ok(Message {
            id,
            date,
            to: to.to_owned(),
            language,
            html: HtmlMail { language: language.as_str(), content: &content }.render().map_err(unfilled)?,
            text: PlainTextMail { content: &content }.render().map_err(unfilled)?,
            subject: content.subject,
        })
    }
}
