use crate::clock::Timestamp;
use crate::crypto::SecretHash;
use crate::db::{self, DbError, Tx, execute};

/// Marks an assertion as used; `false` when it was before.
pub async fn insert_used_assertion(tx: &mut Tx, hash: &SecretHash, expires_at: Timestamp) -> Result<bool, DbError> {
    const SQL: &str = "INSERT INTO used_assertions (assertion_hash, expires_at) VALUES ($1, $2) ON CONFLICT (assertion_hash) DO NOTHING";
    Ok(execute!(tx, db::query(SQL).bind(hash).bind(expires_at))? == 1)
}

/// Deletes the assertions that would be refused for their age.
pub async fn delete_spent_assertions(tx: &mut Tx, now: Timestamp) -> Result<(), DbError> {
    execute!(tx, db::query("DELETE FROM used_assertions WHERE expires_at <= $1").bind(now)).map(drop)
}
