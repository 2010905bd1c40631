use sqlx::types::Json;

use crate::clock::Timestamp;
use crate::db::{self, Db, DbError, Tx, execute, on, on_tx};

/// A signing key as stored.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct StoredSigningKey {
    pub kid: String,
    /// Counts up from 1; the highest one whose time has come signs.
    pub generation: i64,
    pub sealed_private_key: Vec<u8>,
    pub public_jwk: Json<serde_json::Value>,
    pub created_at: Timestamp,
    /// From when it signs; from the start when none.
    pub signs_from: Option<Timestamp>,
    /// From when it verifies nothing any more.
    pub retired_at: Option<Timestamp>,
}

/// Every signing key, oldest first.
pub async fn list_signing_keys(db: &Db) -> Result<Vec<StoredSigningKey>, DbError> {
    const SQL: &str = "SELECT kid, generation, sealed_private_key, public_jwk, created_at, signs_from, retired_at \
         FROM signing_keys ORDER BY generation";
    on!(db, c => db::query_as(SQL).fetch_all(c))
}

/// Keeps a new signing key; `false` when another process has made this generation already.
///
/// # Errors
/// When the database refuses it.
pub async fn insert_signing_key(tx: &mut Tx, key: &StoredSigningKey) -> Result<bool, DbError> {
    const SQL: &str = "INSERT INTO signing_keys (kid, generation, sealed_private_key, public_jwk, created_at, signs_from) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (generation) DO NOTHING";
    let made = execute!(
        tx,
        db::query(SQL)
            .bind(&key.kid)
            .bind(key.generation)
            .bind(&key.sealed_private_key)
            .bind(&key.public_jwk)
            .bind(key.created_at)
            .bind(key.signs_from)
    )?;
    Ok(made == 1)
}

/// The highest generation.
pub async fn newest_generation(tx: &mut Tx) -> Result<i64, DbError> {
    on_tx!(tx, c => db::query_scalar("SELECT COALESCE(MAX(generation), 0) FROM signing_keys").fetch_one(c))
}

/// Says when the keys before `generation` verify nothing any more, unless that is settled.
pub async fn retire_signing_keys_before(tx: &mut Tx, generation: i64, at: Timestamp) -> Result<(), DbError> {
    const SQL: &str = "UPDATE signing_keys SET retired_at = $2 WHERE generation < $1 AND retired_at IS NULL";
    execute!(tx, db::query(SQL).bind(generation).bind(at)).map(drop)
}

/// Deletes the keys that verify nothing any more.
pub async fn delete_retired_signing_keys(tx: &mut Tx, now: Timestamp) -> Result<(), DbError> {
    execute!(tx, db::query("DELETE FROM signing_keys WHERE retired_at <= $1").bind(now)).map(drop)
}
