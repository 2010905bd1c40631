//! Messages to people: what is in them, and how they leave, by SMTP or, when no server is set, into a directory.

mod error;
mod invitation;
mod mailer;

use time::OffsetDateTime;
use uuid::Uuid;

pub use error::MailError;
pub use invitation::Invitation;
pub use mailer::Mailer;

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
