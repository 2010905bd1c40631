//! SQL of the keys.
//!
//! Each function fails with [`DbError`] when the database can't be reached, and only then unless it says more.

use uuid::Uuid;

use crate::clock::Timestamp;
use crate::db::{self, DbError, Tx, execute, on_tx, text_enum};
use crate::ids::InstanceId;

/// A key and the request it came with.
#[derive(Debug, Clone)]
pub(super) struct KeyedRequest {
    /// Of the row.
    pub(super) id: Uuid,
    /// Who called.
    pub(super) caller: String,
    /// SHA-256.
    pub(super) key_hash: Vec<u8>,
    /// SHA-256.
    pub(super) request_hash: Vec<u8>,
}

text_enum! {
    /// How far the request has come that took a key.
    pub(super) enum KeyState {
        /// It is under way.
        Begun = "begun",
        /// Its answer is kept.
        Answered = "answered",
        /// Its answer can't be kept.
        Lost = "lost",
    }
}

/// What is known of a key.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct StoredKey {
    pub(super) id: Uuid,
    pub(super) request_hash: Vec<u8>,
    pub(super) state: KeyState,
    pub(super) sealed_answer: Option<Vec<u8>>,
    pub(super) begun_at: Timestamp,
}

/// Takes a key that is free, or whose time is over; `false` when it is somebody's. Waits for whoever takes it right now.
pub(super) async fn take(
    tx: &mut Tx,
    instance: InstanceId,
    keyed: &KeyedRequest,
    now: Timestamp,
    until: Timestamp,
) -> Result<bool, DbError> {
    const OLD: &str = "DELETE FROM idempotency_keys WHERE instance_id = $1 AND caller = $2 AND key_hash = $3 AND expires_at <= $4";
    execute!(tx, db::query(OLD).bind(instance).bind(&keyed.caller).bind(&keyed.key_hash).bind(now))?;
    const SQL: &str = "INSERT INTO idempotency_keys (instance_id, id, caller, key_hash, request_hash, state, begun_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5, 'begun', $6, $7) ON CONFLICT (instance_id, caller, key_hash) DO NOTHING";
    let taken = execute!(
        tx,
        db::query(SQL)
            .bind(instance)
            .bind(keyed.id)
            .bind(&keyed.caller)
            .bind(&keyed.key_hash)
            .bind(&keyed.request_hash)
            .bind(now)
            .bind(until)
    )?;
    Ok(taken == 1)
}

/// What is known of a key; none when it has just been given back.
pub(super) async fn find(tx: &mut Tx, instance: InstanceId, keyed: &KeyedRequest) -> Result<Option<StoredKey>, DbError> {
    const SQL: &str = "SELECT id, request_hash, state, sealed_answer, begun_at FROM idempotency_keys \
         WHERE instance_id = $1 AND caller = $2 AND key_hash = $3";
    on_tx!(tx, c => db::query_as(SQL).bind(instance).bind(&keyed.caller).bind(&keyed.key_hash).fetch_optional(c))
}

/// Keeps the answer to a request; none when there is one that can't be kept.
pub(super) async fn settle(tx: &mut Tx, instance: InstanceId, id: Uuid, sealed_answer: Option<&[u8]>) -> Result<(), DbError> {
    const SQL: &str = "UPDATE idempotency_keys SET state = CASE WHEN $3 IS NULL THEN 'lost' ELSE 'answered' END, sealed_answer = $3 \
         WHERE instance_id = $1 AND id = $2";
    execute!(tx, db::query(SQL).bind(instance).bind(id).bind(sealed_answer)).map(drop)
}

/// Gives a key back.
pub(super) async fn release(tx: &mut Tx, instance: InstanceId, id: Uuid) -> Result<(), DbError> {
    const SQL: &str = "DELETE FROM idempotency_keys WHERE instance_id = $1 AND id = $2";
    execute!(tx, db::query(SQL).bind(instance).bind(id)).map(drop)
}

/// Deletes the expired keys of all instances.
pub(super) async fn forget_expired(tx: &mut Tx, now: Timestamp) -> Result<(), DbError> {
    execute!(tx, db::query("DELETE FROM idempotency_keys WHERE expires_at <= $1").bind(now)).map(drop)
}
