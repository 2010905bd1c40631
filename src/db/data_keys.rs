//! The data keys, each sealed by a master key. Global: they belong to no instance.

use uuid::Uuid;

use super::{Db, DbError, Tx, execute, on};
use crate::clock::Timestamp;

/// A data key as stored.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct StoredDataKey {
    /// Written in front of everything the key seals.
    pub id: Uuid,
    /// Counts up from 1; the highest one seals.
    pub generation: i64,
    /// Id of the master key that seals it.
    pub master_key_id: String,
    /// The key itself, sealed.
    pub sealed_key: Vec<u8>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// All data keys, oldest first.
///
/// # Errors
/// When the database can't be asked.
pub async fn list(db: &Db) -> Result<Vec<StoredDataKey>, DbError> {
    on!(db, c => sqlx::query_as("SELECT id, generation, master_key_id, sealed_key, created_at FROM data_keys ORDER BY generation").fetch_all(c))
}

/// Keeps a new data key, unless another process has made this generation already.
///
/// # Errors
/// When the database refuses it.
pub async fn insert(tx: &mut Tx, key: &StoredDataKey) -> Result<(), DbError> {
    execute!(
        tx,
        sqlx::query("INSERT INTO data_keys (id, generation, master_key_id, sealed_key, created_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (generation) DO NOTHING")
            .bind(key.id)
            .bind(key.generation)
            .bind(&key.master_key_id)
            .bind(&key.sealed_key)
            .bind(key.created_at)
    )
    .map(drop)
}

/// Replaces the sealed form of a data key, after it was sealed by another master key.
///
/// # Errors
/// When the database refuses it.
pub async fn reseal(tx: &mut Tx, key: &StoredDataKey) -> Result<(), DbError> {
    execute!(
        tx,
        sqlx::query("UPDATE data_keys SET master_key_id = $2, sealed_key = $3 WHERE id = $1")
            .bind(key.id)
            .bind(&key.master_key_id)
            .bind(&key.sealed_key)
    )
    .map(drop)
}
