use uuid::Uuid;

use super::MailTemplate;
use crate::clock::Timestamp;
use crate::db::text_enum;
use crate::ids::{InstanceId, MailId};
use crate::language::Language;

text_enum! {
    /// How far a message has come.
    pub enum MailState {
        /// To be handed to the mail server, or to be tried again.
        Queued = "queued",
        /// Being handed to the mail server. After a crash: it is not known whether the server has taken it.
        Sending = "sending",
        /// The mail server has taken it.
        Sent = "sent",
        /// It was handed over twice, and the server confirmed neither; it is not tried a third time.
        Unconfirmed = "unconfirmed",
        /// The mail server refuses it for good.
        Refused = "refused",
        /// The time was over in which it is useful.
        RanOut = "ran_out",
        /// What it told about was undone before it left.
        Canceled = "cancelled",
        /// This service failed to send it, again and again; its job is a dead letter.
        Failed = "failed",
    }
}

/// A message to be queued.
#[derive(Debug)]
pub struct NewMail<'a> {
    /// On whose behalf.
    pub instance: InstanceId,
    /// The address it goes to.
    pub to: &'a str,
    pub language: Language,
    pub template: &'a MailTemplate,
    /// The id of what it is about: an invitation, a run, a member.
    pub about: Uuid,
    /// It is tried until then and not after.
    pub useful_until: Timestamp,
}

/// A message in the outbox.
#[derive(Debug, Clone)]
pub struct QueuedMail {
    pub id: MailId,
    pub instance: InstanceId,
    /// See [`MailTemplate::kind`].
    pub kind: String,
    /// See [`NewMail::about`].
    pub about: Uuid,
    pub state: MailState,
}
