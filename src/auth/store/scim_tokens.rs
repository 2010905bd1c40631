use crate::auth::ScimToken;
use crate::clock::Timestamp;
use crate::crypto::SecretHash;
use crate::db::{self, Db, DbError, Tx, execute, on, on_tx};
use crate::ids::{InstanceId, ScimTokenId};

pub async fn insert_scim_token(tx: &mut Tx, instance: InstanceId, token: &ScimToken, hash: &SecretHash) -> Result<(), DbError> {
    const SQL: &str = "INSERT INTO scim_tokens (instance_id, id, token_hash, name, created_by, created_at) VALUES ($1, $2, $3, $4, $5, $6)";
    execute!(tx, db::query(SQL).bind(instance).bind(token.id).bind(hash).bind(&token.name).bind(&token.created_by).bind(token.created_at))
        .map(drop)
}

pub async fn count_scim_tokens(tx: &mut Tx, instance: InstanceId) -> Result<i64, DbError> {
    on_tx!(tx, c => db::query_scalar("SELECT COUNT(*) FROM scim_tokens WHERE instance_id = $1").bind(instance).fetch_one(c))
}

/// Oldest first.
pub async fn list_scim_tokens(db: &Db, instance: InstanceId) -> Result<Vec<ScimToken>, DbError> {
    const SQL: &str = "SELECT id, name, created_by, created_at FROM scim_tokens WHERE instance_id = $1 ORDER BY id";
    let rows: Vec<(ScimTokenId, String, String, Timestamp)> = on!(db, c => db::query_as(SQL).bind(instance).fetch_all(c))?;
    Ok(rows.into_iter().map(|(id, name, created_by, created_at)| ScimToken { id, name, created_by, created_at }).collect())
}

/// `false` when there is no such token.
pub async fn delete_scim_token(tx: &mut Tx, instance: InstanceId, id: ScimTokenId) -> Result<bool, DbError> {
    const SQL: &str = "DELETE FROM scim_tokens WHERE instance_id = $1 AND id = $2";
    Ok(execute!(tx, db::query(SQL).bind(instance).bind(id))? == 1)
}

/// Global: the token tells which instance it belongs to.
pub async fn find_scim_token(db: &Db, hash: &SecretHash) -> Result<Option<(InstanceId, ScimTokenId)>, DbError> {
    on!(db, c => db::query_as("SELECT instance_id, id FROM scim_tokens WHERE token_hash = $1").bind(hash).fetch_optional(c))
}
