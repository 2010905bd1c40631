use uuid::Uuid;

use crate::clock::Timestamp;
use crate::db::{self, Db, DbError, Tx, execute, on, on_tx};

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
    /// From when it seals; from the start when none.
    pub seals_from: Option<Timestamp>,
}

/// A data key as every version of the schema has it: enough to see whether a master key opens it.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct SealedDataKey {
    pub id: Uuid,
    pub master_key_id: String,
    pub sealed_key: Vec<u8>,
}

/// The data keys of a database whose schema may be older than this build, or not there at all.
pub async fn list_before_migration(db: &Db) -> Result<Vec<SealedDataKey>, DbError> {
    // The engines differ in where they keep their list of tables.
    let found: i64 = match db {
        Db::Sqlite { readers, .. } => {
            db::query_scalar("SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = 'data_keys'").fetch_one(readers).await?
        }
        Db::Postgres { pool, .. } => db::query_scalar("SELECT COUNT(to_regclass('data_keys')::text)").fetch_one(pool).await?,
    };
    if found == 0 {
        return Ok(Vec::new());
    }
    on!(db, c => db::query_as("SELECT id, master_key_id, sealed_key FROM data_keys").fetch_all(c))
}

const LIST: &str = "SELECT id, generation, master_key_id, sealed_key, created_at, seals_from FROM data_keys ORDER BY generation";

/// All data keys, oldest first.
pub async fn list(db: &Db) -> Result<Vec<StoredDataKey>, DbError> {
    on!(db, c => db::query_as(LIST).fetch_all(c))
}

/// The same within a transaction.
pub async fn list_in(tx: &mut Tx) -> Result<Vec<StoredDataKey>, DbError> {
    on_tx!(tx, c => db::query_as(LIST).fetch_all(c))
}

/// Stores a new data key; `false` when another process has made this generation already.
pub async fn insert(tx: &mut Tx, key: &StoredDataKey) -> Result<bool, DbError> {
    const SQL: &str = "INSERT INTO data_keys (id, generation, master_key_id, sealed_key, created_at, seals_from) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (generation) DO NOTHING";
    let made = execute!(
        tx,
        db::query(SQL)
            .bind(key.id)
            .bind(key.generation)
            .bind(&key.master_key_id)
            .bind(&key.sealed_key)
            .bind(key.created_at)
            .bind(key.seals_from)
    )?;
    Ok(made == 1)
}

/// Deletes the data keys before a generation.
pub async fn delete_before(tx: &mut Tx, generation: i64) -> Result<(), DbError> {
    execute!(tx, db::query("DELETE FROM data_keys WHERE generation < $1").bind(generation)).map(drop)
}

/// Replaces the sealed form of a data key, after it was sealed by another master key.
pub async fn update_sealed_key(tx: &mut Tx, key: &StoredDataKey) -> Result<(), DbError> {
    execute!(
        tx,
        db::query("UPDATE data_keys SET master_key_id = $2, sealed_key = $3 WHERE id = $1")
            .bind(key.id)
            .bind(&key.master_key_id)
            .bind(&key.sealed_key)
    )
    .map(drop)
}
