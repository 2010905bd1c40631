use crate::auth::attempt_kind::AttemptKind;
use crate::clock::Timestamp;
use crate::crypto::SecretHash;
use crate::db::{self, Db, DbError, Tx, execute, on, on_tx};

/// Which attempts are counted together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptKey {
    pub kind: AttemptKind,
    pub subject: SecretHash,
    /// `None` counts all addresses together.
    pub address: Option<SecretHash>,
}

impl AttemptKey {
    fn address_bytes(&self) -> Vec<u8> {
        self.address.as_ref().map(|hash| hash.as_bytes().to_vec()).unwrap_or_default()
    }
}

/// Counts an attempt as failed and returns the failures in a row; `None` while attempts are locked. The count starts again when the
/// last attempt was before `counted_since`. The row stays locked until the transaction ends, so simultaneous attempts are counted one
/// after the other.
pub async fn count_attempt(tx: &mut Tx, key: &AttemptKey, now: Timestamp, counted_since: Timestamp) -> Result<Option<i64>, DbError> {
    const SQL: &str = "INSERT INTO failed_attempts (kind, subject_hash, address_hash, failures, attempted_at) VALUES ($1, $2, $3, 1, $4) \
         ON CONFLICT (kind, subject_hash, address_hash) DO UPDATE SET attempted_at = excluded.attempted_at, \
         failures = CASE WHEN failed_attempts.attempted_at < $5 THEN 1 ELSE failed_attempts.failures + 1 END \
         WHERE failed_attempts.locked_until IS NULL OR failed_attempts.locked_until <= excluded.attempted_at RETURNING failures";
    on_tx!(tx, c => db::query_scalar(SQL)
        .bind(key.kind.as_str())
        .bind(&key.subject)
        .bind(key.address_bytes())
        .bind(now)
        .bind(counted_since)
        .fetch_optional(c))
}

pub async fn find_attempt_lock(tx: &mut Tx, key: &AttemptKey) -> Result<Option<Timestamp>, DbError> {
    const SQL: &str = "SELECT locked_until FROM failed_attempts WHERE kind = $1 AND subject_hash = $2 AND address_hash = $3";
    let row: Option<(Option<Timestamp>,)> =
        on_tx!(tx, c => db::query_as(SQL).bind(key.kind.as_str()).bind(&key.subject).bind(key.address_bytes()).fetch_optional(c))?;
    Ok(row.and_then(|(until,)| until))
}

pub async fn lock_attempts(tx: &mut Tx, key: &AttemptKey, until: Timestamp) -> Result<(), DbError> {
    const SQL: &str = "UPDATE failed_attempts SET locked_until = $4 WHERE kind = $1 AND subject_hash = $2 AND address_hash = $3";
    execute!(tx, db::query(SQL).bind(key.kind.as_str()).bind(&key.subject).bind(key.address_bytes()).bind(until)).map(drop)
}

/// Takes back one counted attempt, and the lock that it set unless a later attempt has set another.
pub async fn uncount_attempt(tx: &mut Tx, key: &AttemptKey, locked_until: Option<Timestamp>) -> Result<(), DbError> {
    const SQL: &str = "UPDATE failed_attempts SET failures = failures - 1, \
         locked_until = CASE WHEN locked_until = $4 THEN NULL ELSE locked_until END \
         WHERE kind = $1 AND subject_hash = $2 AND address_hash = $3 AND failures > 0";
    execute!(tx, db::query(SQL).bind(key.kind.as_str()).bind(&key.subject).bind(key.address_bytes()).bind(locked_until)).map(drop)
}

pub async fn delete_attempts(tx: &mut Tx, key: &AttemptKey) -> Result<(), DbError> {
    const SQL: &str = "DELETE FROM failed_attempts WHERE kind = $1 AND subject_hash = $2 AND address_hash = $3";
    execute!(tx, db::query(SQL).bind(key.kind.as_str()).bind(&key.subject).bind(key.address_bytes())).map(drop)
}

/// From all addresses.
pub async fn delete_subject_attempts(tx: &mut Tx, kind: AttemptKind, subject: &SecretHash) -> Result<(), DbError> {
    const SQL: &str = "DELETE FROM failed_attempts WHERE kind = $1 AND subject_hash = $2";
    execute!(tx, db::query(SQL).bind(kind.as_str()).bind(subject)).map(drop)
}

/// When the newest attempt beyond the `kept_count` newest was made; `None` when there is none.
pub async fn find_newest_attempt_beyond(db: &Db, kept_count: i64) -> Result<Option<Timestamp>, DbError> {
    const SQL: &str = "SELECT attempted_at FROM failed_attempts ORDER BY attempted_at DESC LIMIT 1 OFFSET $1";
    on!(db, c => db::query_scalar(SQL).bind(kept_count).fetch_optional(c))
}

pub async fn delete_attempts_up_to(tx: &mut Tx, at: Timestamp) -> Result<(), DbError> {
    execute!(tx, db::query("DELETE FROM failed_attempts WHERE attempted_at <= $1").bind(at)).map(drop)
}

/// Whether the subject has logged in from this address before.
pub async fn is_known_address(tx: &mut Tx, subject: &SecretHash, address: &SecretHash) -> Result<bool, DbError> {
    const SQL: &str = "SELECT COUNT(*) FROM known_addresses WHERE subject_hash = $1 AND address_hash = $2";
    let count: i64 = on_tx!(tx, c => db::query_scalar(SQL).bind(subject).bind(address).fetch_one(c))?;
    Ok(count > 0)
}

/// Records from where somebody has logged in, and deletes all but the `kept_count` addresses used last.
pub async fn record_known_address(
    tx: &mut Tx,
    subject: &SecretHash,
    address: &SecretHash,
    now: Timestamp,
    kept_count: i64,
) -> Result<(), DbError> {
    const UPSERT: &str = "INSERT INTO known_addresses (subject_hash, address_hash, known_at) VALUES ($1, $2, $3) \
         ON CONFLICT (subject_hash, address_hash) DO UPDATE SET known_at = excluded.known_at";
    execute!(tx, db::query(UPSERT).bind(subject).bind(address).bind(now))?;
    const DELETE_OLDER: &str = "DELETE FROM known_addresses WHERE subject_hash = $1 AND address_hash NOT IN \
         (SELECT address_hash FROM known_addresses WHERE subject_hash = $1 ORDER BY known_at DESC, address_hash LIMIT $2)";
    execute!(tx, db::query(DELETE_OLDER).bind(subject).bind(kept_count)).map(drop)
}

pub async fn delete_known_addresses_up_to(tx: &mut Tx, at: Timestamp) -> Result<(), DbError> {
    execute!(tx, db::query("DELETE FROM known_addresses WHERE known_at <= $1").bind(at)).map(drop)
}
