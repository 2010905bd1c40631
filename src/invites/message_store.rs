use uuid::Uuid;

use crate::clock::Timestamp;
use crate::db::{self, DbError, Tx, execute, fetch_by_keys, insert_rows, on_tx};
use crate::ids::InstanceId;

/// A message of an invitation, as the limits count it.
#[derive(Debug)]
pub(super) struct InviteMessage {
    pub(super) id: Uuid,
    /// The address in lower case.
    pub(super) email_key: String,
}

/// Records messages of invitations by `invited_by`: `client:ID` or `member:ID`.
pub(super) async fn insert_all(
    tx: &mut Tx,
    instance: InstanceId,
    invited_by: &str,
    messages: &[InviteMessage],
    queued_at: Timestamp,
) -> Result<(), DbError> {
    insert_rows!(
        tx,
        "INSERT INTO invite_messages (instance_id, id, email_key, invited_by, queued_at)",
        messages,
        |InviteMessage { id, email_key }| [instance, id, email_key, invited_by, queued_at]
    )
    .map(drop)
}

/// Which messages were queued to addresses after `since`: address, time and who invited, for each address the newest first.
pub(super) async fn list_to_addresses(
    tx: &mut Tx,
    instance: InstanceId,
    email_keys: &[&str],
    since: Timestamp,
) -> Result<Vec<(String, Timestamp, String)>, DbError> {
    fetch_by_keys!(
        tx,
        [instance, since],
        email_keys,
        "SELECT email_key, queued_at, invited_by FROM invite_messages WHERE instance_id = $1 AND queued_at > $2 AND email_key IN",
        "ORDER BY queued_at DESC"
    )
}

/// How many messages an instance queued after `since`, and when the first of them was.
pub(super) async fn count_since(tx: &mut Tx, instance: InstanceId, since: Timestamp) -> Result<(i64, Option<Timestamp>), DbError> {
    const SQL: &str = "SELECT COUNT(*), MIN(queued_at) FROM invite_messages WHERE instance_id = $1 AND queued_at > $2";
    on_tx!(tx, c => db::query_as(SQL).bind(instance).bind(since).fetch_one(c))
}

/// Deletes what no limit counts any more. Global: old data goes, whose it is.
pub(super) async fn delete_before(tx: &mut Tx, before: Timestamp) -> Result<(), DbError> {
    execute!(tx, db::query("DELETE FROM invite_messages WHERE queued_at <= $1").bind(before)).map(drop)
}
