use askama::Template;
use time::OffsetDateTime;
use time::macros::format_description;
use uuid::Uuid;

use super::{MailError, Message};

/// What an invitation says.
#[derive(Clone)]
pub struct Invitation {
    /// Becomes the message's id.
    pub id: Uuid,
    /// The invited address.
    pub to: String,
    /// What the instance is called.
    pub instance: String,
    /// Who invited: a person's name or address, or what they are.
    pub invited_by: String,
    /// The activation link.
    pub link: String,
    /// Until when the link works.
    pub expires_at: OffsetDateTime,
}

impl std::fmt::Debug for Invitation {
    /// The id only: the link is a secret and the address personal.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Invitation").field("id", &self.id).finish_non_exhaustive()
    }
}

#[derive(Template)]
#[template(path = "mail/invitation.html")]
struct Html<'a> {
    instance: &'a str,
    invited_by: &'a str,
    link: &'a str,
    expires: &'a str,
}

#[derive(Template)]
#[template(path = "mail/invitation.txt")]
struct Text<'a> {
    instance: &'a str,
    invited_by: &'a str,
    link: &'a str,
    expires: &'a str,
}

impl Invitation {
    /// The message, written at `date`.
    ///
    /// # Errors
    /// [`MailError::Permanent`] when a template can't be filled in.
    pub fn message(&self, date: OffsetDateTime) -> Result<Message, MailError> {
        let layout = format_description!("[day padding:none] [month repr:long] [year], [hour]:[minute] UTC");
        let expires = self.expires_at.format(layout).map_err(|_| MailError::permanent("the date can't be written"))?;
        let (instance, invited_by, link) = (self.instance.as_str(), self.invited_by.as_str(), self.link.as_str());
        let unfilled = |_| MailError::permanent("the template can't be filled in");
        Ok(Message {
            id: self.id,
            date,
            to: self.to.clone(),
            subject: format!("You are invited to {instance} in Sales Insight Actions"),
            html: Html { instance, invited_by, link, expires: &expires }.render().map_err(unfilled)?,
            text: Text { instance, invited_by, link, expires: &expires }.render().map_err(unfilled)?,
        })
    }
}
