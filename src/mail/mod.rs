//! Messages to people. Whoever has something to write queues a [`MailTemplate`] with [`queue`], in the transaction of the change that is
//! told about. It leaves by SMTP or, when no server is set, into a directory.
//!
//! What is promised: a message that is queued leaves at least once, unless the server refuses it for good, it is canceled, or the
//! time is over in which it is useful. It leaves a second time only when it can't be known whether the server took the first: the
//! process died, or the connection broke, between the end of the message and the server's answer. Then it is handed over once more,
//! with the same `Message-ID` and the same link, and never a third time.

mod error;
mod forget;
pub mod http;
mod mailer;
mod outbox;
mod queued_mail;
mod send_job;
mod smtp;
pub mod store;
mod templates;
mod wiring;

use time::OffsetDateTime;
use uuid::Uuid;

use crate::language::Language;

pub use error::MailError;
pub use mailer::Mailer;
pub use outbox::{MailProgress, MailWatcher, QueueError, SEALED_COLUMNS, queue, queue_all};
pub use queued_mail::{MailState, NewMail, QueuedMail};
pub use send_job::MailSubject;
pub use store::cancel;
pub use templates::{InvitationMail, Inviter, MailTemplate, PasswordResetMail, SyncCounts, SyncFailureText, SyncNoticeMail};
pub use wiring::wire;

/// A message to one person.
#[derive(Clone)]
pub struct Message {
    /// Becomes the `Message-ID` (RFC 5322, section 3.6.4). A second try of the same message has the same one, so that the
    /// receiving side can tell a repeated message from another.
    pub id: Uuid,
    /// When it was written; the `Date` header.
    pub date: OffsetDateTime,
    /// The one address it goes to.
    pub to: String,
    /// The language it is written in; the `Content-Language` header (RFC 3282).
    pub language: Language,
    /// The subject, in whatever script; control characters are dropped.
    pub subject: String,
    /// The HTML alternative.
    pub html: String,
    /// The plain text alternative.
    pub text: String,
}

impl std::fmt::Debug for Message {
    /// The id only: address and content belong to the person.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Message").field("id", &self.id).finish_non_exhaustive()
    }
}
