use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::{MailTemplate, store};
use crate::clock::{Clock, Timestamp};
use crate::crypto::{SealError, Vault};
use crate::db::{DbError, Tx};
use crate::ids::{InstanceId, MailId};
use crate::jobs::{JobKind, Lane, NewJob, enqueue};
use crate::language::Language;

/// The jobs that send the messages of the outbox.
pub(super) const SEND_MAIL: JobKind = JobKind::new("send_mail", Lane::Mail);

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

/// What has become of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MailProgress {
    /// The mail server has taken it.
    Sent,
    /// It was handed over twice, and the server confirmed neither.
    Unconfirmed,
    /// It is tried again later.
    Delayed {
        /// What the server said; may quote the address.
        why: String,
    },
    /// It will never leave.
    Refused {
        /// What the server said; may quote the address.
        why: String,
    },
    /// The time was over in which it is useful.
    RanOut,
    /// This service failed to send it, again and again.
    Failed,
}

/// Is told what becomes of messages of one kind, so that whoever wrote them can show it. A kind needs none.
pub trait MailWatcher: Send + Sync {
    /// See [`MailTemplate::kind`].
    fn kind(&self) -> &'static str;

    /// Records the progress, in the transaction that records it in the outbox.
    fn record<'a>(&'a self, tx: &'a mut Tx, mail: &'a QueuedMail, progress: &'a MailProgress) -> BoxFuture<'a, Result<(), DbError>>;
}

/// Why a message can't be queued.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    #[error(transparent)]
    Db(#[from] DbError),
    #[error(transparent)]
    Seal(#[from] SealError),
}

/// What the sealed content of a message is bound to.
pub(super) fn content_context(instance: InstanceId, id: MailId) -> String {
    format!("mail_messages/{instance}/{id}/content")
}

/// Queues a message, in the transaction of the change that it tells about.
///
/// # Errors
/// [`QueueError`].
pub async fn queue(tx: &mut Tx, clock: &dyn Clock, vault: &Vault, mail: NewMail<'_>) -> Result<MailId, QueueError> {
    let id = MailId(clock.new_id());
    let written = serde_json::to_vec(mail.template).expect("a template is made of texts and times, which JSON can hold");
    let sealed = vault.seal(&content_context(mail.instance, id), &written)?;
    store::insert(tx, mail.instance, id, &mail, &sealed, clock.timestamp()).await?;
    let job = NewJob { kind: SEND_MAIL, instance: Some(mail.instance), payload: json!({ "mail_id": id }) };
    enqueue(tx, clock, job).await?;
    Ok(id)
}
