use futures_util::future::BoxFuture;
use serde_json::json;

use super::store::{self, SealedMail};
use super::{NewMail, QueuedMail};
use crate::clock::Clock;
use crate::db::{DbError, Tx};
use crate::ids::{InstanceId, MailId};
use crate::jobs::{JobKind, Lane, NewJob, enqueue, enqueue_all};
use crate::vault::{SealError, SealedColumn, SealedRowKey, Vault};

/// The jobs that send the messages of the outbox.
pub(super) const SEND_MAIL: JobKind = JobKind::new("send_mail", Lane::Mail);

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

/// The content of a message.
const CONTENT: SealedColumn = SealedColumn::new("mail_messages", "sealed_content", SealedRowKey::InstanceAndId);

/// What is sealed in the tables of this room.
pub const SEALED_COLUMNS: &[SealedColumn] = &[CONTENT];

/// What the sealed content of a message is bound to.
pub(super) fn content_context(instance: InstanceId, id: MailId) -> String {
    CONTENT.context(format_args!("{instance}/{id}"))
}

/// Queues a message, in the transaction of the change that it tells about.
///
/// # Errors
/// [`QueueError`].
pub async fn queue(tx: &mut Tx, clock: &dyn Clock, vault: &Vault, mail: NewMail<'_>) -> Result<MailId, QueueError> {
    let instance = mail.instance;
    let sealed = seal(clock, vault, mail)?;
    store::insert_all(tx, instance, std::slice::from_ref(&sealed), clock.timestamp()).await?;
    let job = NewJob { kind: SEND_MAIL, instance: Some(instance), payload: payload(&sealed) };
    enqueue(tx, clock, job).await?;
    Ok(sealed.id)
}

/// [`queue`] for several messages of one instance; returns their ids in the same order.
///
/// # Errors
/// [`QueueError`].
pub async fn queue_all(
    tx: &mut Tx,
    clock: &dyn Clock,
    vault: &Vault,
    instance: InstanceId,
    mails: Vec<NewMail<'_>>,
) -> Result<Vec<MailId>, QueueError> {
    let sealed = mails.into_iter().map(|mail| seal(clock, vault, mail)).collect::<Result<Vec<_>, _>>()?;
    store::insert_all(tx, instance, &sealed, clock.timestamp()).await?;
    let payloads: Vec<_> = sealed.iter().map(payload).collect();
    enqueue_all(tx, clock, SEND_MAIL, instance, &payloads).await?;
    Ok(sealed.iter().map(|mail| mail.id).collect())
}

fn payload(sealed: &SealedMail<'_>) -> serde_json::Value {
    json!({ "mail_id": sealed.id })
}

fn seal<'a>(clock: &dyn Clock, vault: &Vault, mail: NewMail<'a>) -> Result<SealedMail<'a>, SealError> {
    let id = MailId(clock.new_id());
    let written = serde_json::to_vec(mail.template).expect("a template is made of texts and times, which JSON can hold");
    let content = vault.seal(&content_context(mail.instance, id), &written)?;
    Ok(SealedMail { id, mail, content })
}
