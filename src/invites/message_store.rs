use uuid::Uuid;

use crate::clock::Timestamp;
use crate::db::{DbError, Tx, execute, on_tx};
use crate::ids::InstanceId;

/// A message of an invitation, as the limits count it.
#[derive(Debug)]
pub(super) struct InviteMessage<'a> {
    pub(super) id: Uuid,
    /// The address in lower case.
    pub(super) email_key: String,
    /// `client:ID` or `member:ID`.
    pub(super) invited_by: &'a str,
    pub(super) queued_at: Timestamp,
}

/// Records a message.
pub(super) async fn insert(tx: &mut Tx, instance: InstanceId, message: &InviteMessage<'_>) -> Result<(), DbError> {
    const SQL: &str = "INSERT INTO invite_messages (instance_id, id, email_key, invited_by, queued_at) VALUES ($1, $2, $3, $4, $5)";
    let InviteMessage { id, email_key, invited_by, queued_at } = message;
    execute!(tx, sqlx::query(SQL).bind(instance).bind(id).bind(email_key).bind(invited_by).bind(queued_at)).map(drop)
}

/// When messages to an address were queued after `since` and who invited, the newest first.
pub(super) async fn list_to_address(
    tx: &mut Tx,
    instance: InstanceId,
    email_key: &str,
    since: Timestamp,
    most: i64,
) -> Result<Vec<(Timestamp, String)>, DbError> {
    const SQL: &str = "SELECT queued_at, invited_by FROM invite_messages WHERE instance_id = $1 AND email_key = $2 AND queued_at > $3 \
         ORDER BY queued_at DESC LIMIT $4";
    on_tx!(tx, c => sqlx::query_as(SQL).bind(instance).bind(email_key).bind(since).bind(most).fetch_all(c))
}

/// How many messages an instance queued after `since`, and when the first of them was.
pub(super) async fn count_since(tx: &mut Tx, instance: InstanceId, since: Timestamp) -> Result<(i64, Option<Timestamp>), DbError> {
    const SQL: &str = "SELECT COUNT(*), MIN(queued_at) FROM invite_messages WHERE instance_id = $1 AND queued_at > $2";
    on_tx!(tx, c => sqlx::query_as(SQL).bind(instance).bind(since).fetch_one(c))
}

/// Deletes what no limit counts any more. Global: old data goes, whose it is.
pub(super) async fn delete_before(tx: &mut Tx, before: Timestamp) -> Result<(), DbError> {
    execute!(tx, sqlx::query("DELETE FROM invite_messages WHERE queued_at <= $1").bind(before)).map(drop)
}
