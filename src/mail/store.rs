//! Each function fails with [`DbError`] when the database can't be reached, and only then unless it says more.

use uuid::Uuid;

use super::{MailState, NewMail, QueuedMail};
use crate::clock::Timestamp;
use crate::db::{self, Db, DbError, Tx, execute, insert_rows, on, on_tx};
use crate::ids::{InstanceId, MailId};
use crate::language::Language;

/// A message to be sent, with what sending needs.
pub(super) struct Outgoing {
    pub(super) mail: QueuedMail,
    pub(super) recipient: String,
    pub(super) language: Language,
    pub(super) sealed_content: Option<Vec<u8>>,
    /// How often it was handed to the server.
    pub(super) tries: i64,
    /// How often it is not known whether the server has taken it.
    pub(super) doubts: i64,
    pub(super) slot_at: Option<Timestamp>,
    pub(super) useful_until: Timestamp,
    pub(super) created_at: Timestamp,
}

#[derive(sqlx::FromRow)]
struct OutgoingRow {
    kind: String,
    about: Uuid,
    status: MailState,
    recipient: String,
    language: String,
    sealed_content: Option<Vec<u8>>,
    tries: i64,
    doubts: i64,
    slot_at: Option<Timestamp>,
    useful_until: Timestamp,
    created_at: Timestamp,
}

fn unknown(what: &str) -> DbError {
    DbError::Statement(sqlx::Error::Decode(format!("mail_messages.{what} holds a value of no known form").into()))
}

/// The message with this id.
pub(super) async fn outgoing(db: &Db, instance: InstanceId, id: MailId) -> Result<Option<Outgoing>, DbError> {
    const SQL: &str = "SELECT kind, about, status, recipient, language, sealed_content, tries, doubts, slot_at, useful_until, created_at \
         FROM mail_messages WHERE instance_id = $1 AND id = $2";
    let row: Option<OutgoingRow> = on!(db, c => db::query_as(SQL).bind(instance).bind(id).fetch_optional(c))?;
    row.map(|row| {
        Ok(Outgoing {
            mail: QueuedMail { id, instance, kind: row.kind, about: row.about, state: row.status },
            recipient: row.recipient,
            language: Language::read(&row.language).ok_or_else(|| unknown("language"))?,
            sealed_content: row.sealed_content,
            tries: row.tries,
            doubts: row.doubts,
            slot_at: row.slot_at,
            useful_until: row.useful_until,
            created_at: row.created_at,
        })
    })
    .transpose()
}

/// A message to be queued, its content sealed.
pub(super) struct SealedMail<'a> {
    pub(super) id: MailId,
    pub(super) mail: NewMail<'a>,
    pub(super) content: Vec<u8>,
}

/// Keeps new messages, queued.
pub(super) async fn insert_all(tx: &mut Tx, instance: InstanceId, mails: &[SealedMail<'_>], at: Timestamp) -> Result<(), DbError> {
    insert_rows!(
        tx,
        "INSERT INTO mail_messages (instance_id, id, kind, about, recipient, language, sealed_content, status, tries, doubts, \
         useful_until, created_at, next_try_at)",
        mails,
        |SealedMail { id, mail, content }| [
            instance,
            id,
            mail.template.kind(),
            mail.about,
            mail.to,
            mail.language.as_str(),
            content,
            MailState::Queued,
            0_i64,
            0_i64,
            mail.useful_until,
            at,
            at,
        ]
    )
    .map(drop)
}

/// Cancels the messages about something that have not left yet. One that is being handed over right now still arrives.
pub async fn cancel(tx: &mut Tx, instance: InstanceId, about: Uuid, at: Timestamp) -> Result<(), DbError> {
    const SQL: &str = "UPDATE mail_messages SET status = 'cancelled', sealed_content = NULL, next_try_at = NULL, finished_at = $3 \
         WHERE instance_id = $1 AND about = $2 AND status = 'queued'";
    execute!(tx, db::query(SQL).bind(instance).bind(about).bind(at)).map(drop)
}

/// Marks a message as being handed over; `false` when it is not queued any more.
pub(super) async fn begin(tx: &mut Tx, instance: InstanceId, id: MailId) -> Result<bool, DbError> {
    const SQL: &str = "UPDATE mail_messages SET status = 'sending', tries = tries + 1, slot_at = NULL \
         WHERE instance_id = $1 AND id = $2 AND status = 'queued'";
    Ok(execute!(tx, db::query(SQL).bind(instance).bind(id))? == 1)
}

/// Gives a message back to be tried again at `next`. `doubts` is one when it is not known whether the server has taken it.
pub(super) async fn postpone(
    tx: &mut Tx,
    instance: InstanceId,
    id: MailId,
    doubts: i64,
    error: Option<&str>,
    next: Timestamp,
) -> Result<(), DbError> {
    const SQL: &str = "UPDATE mail_messages SET status = 'queued', doubts = doubts + $3, last_error = COALESCE($4, last_error), \
         next_try_at = $5 WHERE instance_id = $1 AND id = $2 AND status IN ('queued', 'sending')";
    execute!(tx, db::query(SQL).bind(instance).bind(id).bind(doubts).bind(error).bind(next)).map(drop)
}

/// Records the end of a message; what it says is forgotten, unless somebody may have it tried again.
pub(super) async fn finish(
    tx: &mut Tx,
    instance: InstanceId,
    id: MailId,
    state: MailState,
    error: Option<&str>,
    at: Timestamp,
) -> Result<(), DbError> {
    const SQL: &str = "UPDATE mail_messages SET status = $3, last_error = $4, \
         sealed_content = CASE WHEN $3 = 'failed' THEN sealed_content ELSE NULL END, slot_at = NULL, next_try_at = NULL, finished_at = $5 WHERE instance_id = $1 AND id = $2 AND status IN ('queued', 'sending')";
    execute!(tx, db::query(SQL).bind(instance).bind(id).bind(state).bind(error).bind(at)).map(drop)
}

/// What became of having a failed message tried again.
pub(super) enum MailRetryOutcome {
    /// It is queued, or was.
    Queued,
    /// It is there no longer, or its time is over, or it has left.
    Pointless,
}

/// Has a failed message tried again, unless its time is over.
pub(super) async fn revive(tx: &mut Tx, instance: InstanceId, id: MailId, now: Timestamp) -> Result<MailRetryOutcome, DbError> {
    const SQL: &str = "UPDATE mail_messages SET status = CASE status WHEN 'failed' THEN 'queued' ELSE status END, next_try_at = $3, \
         finished_at = NULL WHERE instance_id = $1 AND id = $2 AND status IN ('failed', 'queued', 'sending') AND useful_until > $3";
    let revived = execute!(tx, db::query(SQL).bind(instance).bind(id).bind(now))?;
    Ok(if revived == 1 { MailRetryOutcome::Queued } else { MailRetryOutcome::Pointless })
}

/// Reserves the next place in the stream of messages to a server, not before `now`; the one after it is free `apart` later.
/// Global: a server has one pace, whoever the messages are from.
pub(super) async fn reserve_slot(tx: &mut Tx, server: &str, now: Timestamp, apart: time::Duration) -> Result<Timestamp, DbError> {
    const MAKE: &str = "INSERT INTO mail_pace (server, next_at) VALUES ($1, $2) ON CONFLICT (server) DO NOTHING";
    // Writing the row locks it until the end of the transaction, on both engines.
    const LOCK: &str = "UPDATE mail_pace SET next_at = next_at WHERE server = $1 RETURNING next_at";
    const MOVE: &str = "UPDATE mail_pace SET next_at = $2 WHERE server = $1";
    execute!(tx, db::query(MAKE).bind(server).bind(now))?;
    let next: Timestamp = on_tx!(tx, c => db::query_scalar(LOCK).bind(server).fetch_one(c))?;
    let slot = next.max(now);
    execute!(tx, db::query(MOVE).bind(server).bind(slot + apart))?;
    Ok(slot)
}

/// Keeps the place reserved for a message.
pub(super) async fn keep_slot(tx: &mut Tx, instance: InstanceId, id: MailId, slot: Timestamp) -> Result<(), DbError> {
    const SQL: &str = "UPDATE mail_messages SET slot_at = $3, next_try_at = $3 WHERE instance_id = $1 AND id = $2 AND status = 'queued'";
    execute!(tx, db::query(SQL).bind(instance).bind(id).bind(slot)).map(drop)
}

/// A message as the outbox shows it.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct OutboxRow {
    pub id: MailId,
    pub instance_id: InstanceId,
    pub kind: String,
    pub recipient: String,
    pub language: String,
    pub status: MailState,
    pub tries: i64,
    pub last_error: Option<String>,
    pub created_at: Timestamp,
    pub next_try_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
}

/// Which messages the outbox shows.
#[derive(Debug, Clone, Default)]
pub struct OutboxFilter {
    pub instance: Option<InstanceId>,
    pub state: Option<MailState>,
    pub kind: Option<String>,
}

/// A page of the outbox, the newest first, from those older than `before`. Global: only operators ask.
pub async fn list(db: &Db, filter: &OutboxFilter, before: Option<MailId>, rows: i64) -> Result<Vec<OutboxRow>, DbError> {
    const SQL: &str = "SELECT id, instance_id, kind, recipient, language, status, tries, last_error, created_at, next_try_at, finished_at \
         FROM mail_messages WHERE id < $1 AND ($2 IS NULL OR instance_id = $2) AND ($3 IS NULL OR status = $3) \
         AND ($4 IS NULL OR kind = $4) ORDER BY id DESC LIMIT $5";
    let before = before.unwrap_or(MailId(Uuid::max()));
    let (instance, state, kind) = (filter.instance, filter.state, filter.kind.as_deref());
    on!(db, c => db::query_as(SQL).bind(before).bind(instance).bind(state).bind(kind).bind(rows).fetch_all(c))
}

/// Deletes messages that came to their end before `before`, a bounded number; returns how many. Global: old data goes, whose it is.
pub(super) async fn delete_finished(tx: &mut Tx, before: Timestamp) -> Result<u64, DbError> {
    const SQL: &str = "DELETE FROM mail_messages WHERE id IN (SELECT id FROM mail_messages WHERE finished_at < $1 LIMIT 1000)";
    execute!(tx, db::query(SQL).bind(before))
}
