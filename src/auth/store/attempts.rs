use crate::auth::attempt_kind::AttemptKind;
use crate::clock::Timestamp;
use crate::crypto::SecretHash;
use crate::db::{self, Db, DbError, Tx, execute, on, on_tx};

/// Which attempts are counted together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptKey {
    pub kind: AttemptKind,
    pub subject: SecretHash,
    /// None for all addresses together.
    pub address: Option<SecretHash>,
}

impl AttemptKey {
    fn address(&self) -> Vec<u8> {
        self.address.as_ref().map(|hash| hash.as_bytes().to_vec()).unwrap_or_default()
    }
}

/// Counts an attempt as failed, unless attempts have to wait; gives how many there are now in a row. Those before `forgotten_before`
/// don't count any more. The row is this transaction's until its end: of attempts at the same time, each sees what the one before
/// has counted.
pub async fn count_attempt(tx: &mut Tx, key: &AttemptKey, now: Timestamp, forgotten_before: Timestamp) -> Result<Option<i64>, DbError> {
    const SQL: &str = "INSERT INTO failed_attempts (kind, subject_hash, address_hash, failures, attempted_at) VALUES ($1, $2, $3, 1, $4) \
         ON CONFLICT (kind, subject_hash, address_hash) DO UPDATE SET attempted_at = excluded.attempted_at, \
         failures = CASE WHEN failed_attempts.attempted_at < $5 THEN 1 ELSE failed_attempts.failures + 1 END \
         WHERE failed_attempts.locked_until IS NULL OR failed_attempts.locked_until <= excluded.attempted_at RETURNING failures";
    on_tx!(tx, c => db::query_scalar(SQL)
        .bind(key.kind.as_str())
        .bind(&key.subject)
        .bind(key.address())
        .bind(now)
        .bind(forgotten_before)
        .fetch_optional(c))
}

/// Until when attempts have to wait, if they have to.
pub async fn attempts_locked_until(tx: &mut Tx, key: &AttemptKey) -> Result<Option<Timestamp>, DbError> {
    const SQL: &str = "SELECT locked_until FROM failed_attempts WHERE kind = $1 AND subject_hash = $2 AND address_hash = $3";
    let row: Option<(Option<Timestamp>,)> =
        on_tx!(tx, c => db::query_as(SQL).bind(key.kind.as_str()).bind(&key.subject).bind(key.address()).fetch_optional(c))?;
    Ok(row.and_then(|(until,)| until))
}

/// Makes attempts wait until then.
pub async fn lock_attempts(tx: &mut Tx, key: &AttemptKey, until: Timestamp) -> Result<(), DbError> {
    const SQL: &str = "UPDATE failed_attempts SET locked_until = $4 WHERE kind = $1 AND subject_hash = $2 AND address_hash = $3";
    execute!(tx, db::query(SQL).bind(key.kind.as_str()).bind(&key.subject).bind(key.address()).bind(until)).map(drop)
}

/// Takes back one attempt, and the wait that it brought about unless a later one has made it longer.
pub async fn uncount_attempt(tx: &mut Tx, key: &AttemptKey, its_wait: Option<Timestamp>) -> Result<(), DbError> {
    const SQL: &str = "UPDATE failed_attempts SET failures = failures - 1, \
         locked_until = CASE WHEN locked_until = $4 THEN NULL ELSE locked_until END \
         WHERE kind = $1 AND subject_hash = $2 AND address_hash = $3 AND failures > 0";
    execute!(tx, db::query(SQL).bind(key.kind.as_str()).bind(&key.subject).bind(key.address()).bind(its_wait)).map(drop)
}

/// Forgets the failed attempts of one key.
pub async fn delete_attempts(tx: &mut Tx, key: &AttemptKey) -> Result<(), DbError> {
    const SQL: &str = "DELETE FROM failed_attempts WHERE kind = $1 AND subject_hash = $2 AND address_hash = $3";
    execute!(tx, db::query(SQL).bind(key.kind.as_str()).bind(&key.subject).bind(key.address())).map(drop)
}

/// Forgets the failed attempts for somebody, from wherever they came.
pub async fn delete_attempts_of(tx: &mut Tx, kind: AttemptKind, subject: &SecretHash) -> Result<(), DbError> {
    const SQL: &str = "DELETE FROM failed_attempts WHERE kind = $1 AND subject_hash = $2";
    execute!(tx, db::query(SQL).bind(kind.as_str()).bind(subject)).map(drop)
}

/// When the attempt was made after which `most` others followed; none when there are fewer.
pub async fn find_oldest_attempt_within(db: &Db, most: i64) -> Result<Option<Timestamp>, DbError> {
    const SQL: &str = "SELECT attempted_at FROM failed_attempts ORDER BY attempted_at DESC LIMIT 1 OFFSET $1";
    on!(db, c => db::query_scalar(SQL).bind(most).fetch_optional(c))
}

/// Forgets attempts up to then.
pub async fn delete_attempts_up_to(tx: &mut Tx, at: Timestamp) -> Result<u64, DbError> {
    execute!(tx, db::query("DELETE FROM failed_attempts WHERE attempted_at <= $1").bind(at))
}

/// Whether somebody has logged in from there before.
pub async fn is_known_address(tx: &mut Tx, subject: &SecretHash, address: &SecretHash) -> Result<bool, DbError> {
    const SQL: &str = "SELECT COUNT(*) FROM known_addresses WHERE subject_hash = $1 AND address_hash = $2";
    let found: i64 = on_tx!(tx, c => db::query_scalar(SQL).bind(subject).bind(address).fetch_one(c))?;
    Ok(found > 0)
}

/// Notes from where somebody has logged in, and forgets all but the `most` addresses used last.
pub async fn note_known_address(tx: &mut Tx, subject: &SecretHash, address: &SecretHash, now: Timestamp, most: i64) -> Result<(), DbError> {
    const NOTE: &str = "INSERT INTO known_addresses (subject_hash, address_hash, known_at) VALUES ($1, $2, $3) \
         ON CONFLICT (subject_hash, address_hash) DO UPDATE SET known_at = excluded.known_at";
    execute!(tx, db::query(NOTE).bind(subject).bind(address).bind(now))?;
    const FORGET: &str = "DELETE FROM known_addresses WHERE subject_hash = $1 AND address_hash NOT IN \
         (SELECT address_hash FROM known_addresses WHERE subject_hash = $1 ORDER BY known_at DESC, address_hash LIMIT $2)";
    execute!(tx, db::query(FORGET).bind(subject).bind(most)).map(drop)
}

/// Forgets addresses that nobody has logged in from since then.
pub async fn delete_known_addresses_up_to(tx: &mut Tx, at: Timestamp) -> Result<u64, DbError> {
    execute!(tx, db::query("DELETE FROM known_addresses WHERE known_at <= $1").bind(at))
}
