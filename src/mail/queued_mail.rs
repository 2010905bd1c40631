use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::MailTemplate;
use crate::clock::Timestamp;
use crate::ids::{InstanceId, MailId};
use crate::language::Language;

/// How far a message has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MailStatus {
    /// To be handed to the mail server, or to be tried again.
    Queued,
    /// Being handed to the mail server. After a crash: it is not known whether the server has taken it.
    Sending,
    /// The mail server has taken it.
    Sent,
    /// It was handed over twice, and the server confirmed neither; it is not tried a third time.
    Unconfirmed,
    /// The mail server refuses it for good.
    Refused,
    /// The time was over in which it is useful.
    RanOut,
    /// What it told about was undone before it left.
    Cancelled,
    /// This service failed to send it, again and again; its job is a dead letter.
    Failed,
}

impl MailStatus {
    /// Every status.
    pub const ALL: [Self; 8] =
        [Self::Queued, Self::Sending, Self::Sent, Self::Unconfirmed, Self::Refused, Self::RanOut, Self::Cancelled, Self::Failed];

    /// The name as stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Unconfirmed => "unconfirmed",
            Self::Refused => "refused",
            Self::RanOut => "ran_out",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
        }
    }

    /// The status of this name.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
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
    pub status: MailStatus,
}
