use crate::clock::Timestamp;
use crate::crypto::SecretHash;
use crate::db::{Db, DbError, Tx, execute, on, on_tx};

/// Failed authentications in a row.
#[derive(Debug, Clone, Copy, sqlx::FromRow)]
pub struct StoredLockout {
    pub failures: i64,
    pub locked_until: Option<Timestamp>,
}

/// What is kept about a client id, known or not.
///
/// # Errors
/// When the database can't be asked.
pub async fn find_lockout(db: &Db, client: &SecretHash) -> Result<Option<StoredLockout>, DbError> {
    const SQL: &str = "SELECT failures, locked_until FROM client_lockouts WHERE client_hash = $1";
    on!(db, c => sqlx::query_as(SQL).bind(client).fetch_optional(c))
}

/// Counts a failure; gives how many there are now. Those before `forgotten_before` don't count any more.
///
/// # Errors
/// When the database can't be written.
pub async fn count_failure(tx: &mut Tx, client: &SecretHash, at: Timestamp, forgotten_before: Timestamp) -> Result<i64, DbError> {
    const SQL: &str = "INSERT INTO client_lockouts (client_hash, failures, failed_at) VALUES ($1, 1, $2) \
         ON CONFLICT (client_hash) DO UPDATE SET failed_at = excluded.failed_at, \
         failures = CASE WHEN client_lockouts.failed_at < $3 THEN 1 ELSE client_lockouts.failures + 1 END RETURNING failures";
    on_tx!(tx, c => sqlx::query_scalar(SQL).bind(client).bind(at).bind(forgotten_before).fetch_one(c))
}

/// Refuses the client id until then.
///
/// # Errors
/// When the database can't be written.
pub async fn lock_out(tx: &mut Tx, client: &SecretHash, until: Timestamp) -> Result<(), DbError> {
    execute!(tx, sqlx::query("UPDATE client_lockouts SET locked_until = $2 WHERE client_hash = $1").bind(client).bind(until)).map(drop)
}

/// Forgets the failures of a client id.
///
/// # Errors
/// When the database can't be written.
pub async fn delete_lockout(tx: &mut Tx, client: &SecretHash) -> Result<(), DbError> {
    execute!(tx, sqlx::query("DELETE FROM client_lockouts WHERE client_hash = $1").bind(client)).map(drop)
}

/// When the failure happened after which `kept` others followed; none when there are fewer.
///
/// # Errors
/// When the database can't be asked.
pub async fn oldest_lockout_kept(db: &Db, kept: i64) -> Result<Option<Timestamp>, DbError> {
    const SQL: &str = "SELECT failed_at FROM client_lockouts ORDER BY failed_at DESC LIMIT 1 OFFSET $1";
    on!(db, c => sqlx::query_scalar(SQL).bind(kept).fetch_optional(c))
}

/// Forgets failures up to then.
///
/// # Errors
/// When the database can't be written.
pub async fn delete_lockouts_up_to(tx: &mut Tx, at: Timestamp) -> Result<u64, DbError> {
    execute!(tx, sqlx::query("DELETE FROM client_lockouts WHERE failed_at <= $1").bind(at))
}
