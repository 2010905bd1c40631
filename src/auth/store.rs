//! SQL of clients, signing keys and sessions. These tables are global: who calls is found before the instance is known.

use sqlx::types::Json;

use super::clients::Client;
use super::permissions::{Role, Scopes};
use crate::clock::Timestamp;
use crate::crypto::SecretHash;
use crate::db::{Db, DbError, Tx, execute, on};
use crate::ids::{InstanceId, MemberId};

#[derive(sqlx::FromRow)]
struct ClientRow {
    client_id: String,
    instance_id: Option<InstanceId>,
    name: String,
    scopes: String,
    secret_hash: SecretHash,
    created_at: Timestamp,
    revoked_at: Option<Timestamp>,
}

impl ClientRow {
    fn into_client(self) -> (Client, SecretHash) {
        // A scope that a later version took away is simply not granted any more.
        let scopes = Scopes(self.scopes.split_ascii_whitespace().filter_map(|scope| scope.parse().ok()).collect());
        let client = Client {
            client_id: self.client_id,
            instance: self.instance_id,
            name: self.name,
            scopes,
            created_at: self.created_at,
            revoked_at: self.revoked_at,
        };
        (client, self.secret_hash)
    }
}

/// Keeps a new client.
///
/// # Errors
/// When the database refuses it.
pub async fn insert_client(tx: &mut Tx, client: &Client, hash: &SecretHash) -> Result<(), DbError> {
    const SQL: &str =
        "INSERT INTO api_clients (client_id, instance_id, name, scopes, secret_hash, created_at) VALUES ($1, $2, $3, $4, $5, $6)";
    execute!(
        tx,
        sqlx::query(SQL)
            .bind(&client.client_id)
            .bind(client.instance)
            .bind(&client.name)
            .bind(client.scopes.to_string())
            .bind(hash)
            .bind(client.created_at)
    )
    .map(drop)
}

/// The client with this id, revoked ones too, and the hash of its secret.
///
/// # Errors
/// When the database can't be asked.
pub async fn find_client(db: &Db, client_id: &str) -> Result<Option<(Client, SecretHash)>, DbError> {
    const SQL: &str =
        "SELECT client_id, instance_id, name, scopes, secret_hash, created_at, revoked_at FROM api_clients WHERE client_id = $1";
    let row: Option<ClientRow> = on!(db, c => sqlx::query_as(SQL).bind(client_id).fetch_optional(c))?;
    Ok(row.map(ClientRow::into_client))
}

/// All clients, in the order they were made.
///
/// # Errors
/// When the database can't be asked.
pub async fn list_clients(db: &Db) -> Result<Vec<Client>, DbError> {
    const SQL: &str =
        "SELECT client_id, instance_id, name, scopes, secret_hash, created_at, revoked_at FROM api_clients ORDER BY created_at, client_id";
    let rows: Vec<ClientRow> = on!(db, c => sqlx::query_as(SQL).fetch_all(c))?;
    Ok(rows.into_iter().map(|row| row.into_client().0).collect())
}

/// Replaces the hash of a client's secret. `false` when there is no such client in force.
///
/// # Errors
/// When the database can't be written.
pub async fn update_client_secret(tx: &mut Tx, client_id: &str, hash: &SecretHash) -> Result<bool, DbError> {
    const SQL: &str = "UPDATE api_clients SET secret_hash = $2 WHERE client_id = $1 AND revoked_at IS NULL";
    Ok(execute!(tx, sqlx::query(SQL).bind(client_id).bind(hash))? == 1)
}

/// Marks a client as revoked. `false` when there is no such client in force.
///
/// # Errors
/// When the database can't be written.
pub async fn revoke_client(tx: &mut Tx, client_id: &str, at: Timestamp) -> Result<bool, DbError> {
    const SQL: &str = "UPDATE api_clients SET revoked_at = $2 WHERE client_id = $1 AND revoked_at IS NULL";
    Ok(execute!(tx, sqlx::query(SQL).bind(client_id).bind(at))? == 1)
}

/// A signing key as stored.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct StoredSigningKey {
    pub kid: String,
    /// Counts up from 1; the highest one signs.
    pub generation: i64,
    pub sealed_private_key: Vec<u8>,
    pub public_jwk: Json<serde_json::Value>,
    pub created_at: Timestamp,
    pub retired_at: Option<Timestamp>,
}

/// Every signing key, oldest first.
///
/// # Errors
/// When the database can't be asked.
pub async fn list_signing_keys(db: &Db) -> Result<Vec<StoredSigningKey>, DbError> {
    const SQL: &str =
        "SELECT kid, generation, sealed_private_key, public_jwk, created_at, retired_at FROM signing_keys ORDER BY generation";
    on!(db, c => sqlx::query_as(SQL).fetch_all(c))
}

/// Keeps a new signing key, unless another process has made this generation already.
///
/// # Errors
/// When the database refuses it.
pub async fn insert_signing_key(tx: &mut Tx, key: &StoredSigningKey) -> Result<(), DbError> {
    const SQL: &str = "INSERT INTO signing_keys (kid, generation, sealed_private_key, public_jwk, created_at) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (generation) DO NOTHING";
    execute!(
        tx,
        sqlx::query(SQL).bind(&key.kid).bind(key.generation).bind(&key.sealed_private_key).bind(&key.public_jwk).bind(key.created_at)
    )
    .map(drop)
}

/// Keeps a new session.
///
/// # Errors
/// When the database refuses it.
pub async fn insert_session(
    tx: &mut Tx,
    instance: InstanceId,
    member: MemberId,
    hash: &SecretHash,
    created_at: Timestamp,
    expires_at: Timestamp,
) -> Result<(), DbError> {
    const SQL: &str = "INSERT INTO sessions (token_hash, instance_id, member_id, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)";
    execute!(tx, sqlx::query(SQL).bind(hash).bind(instance).bind(member).bind(created_at).bind(expires_at)).map(drop)
}

/// Whose session this is, with the role of today; none once it has run out or the member is no longer active.
///
/// # Errors
/// When the database can't be asked.
pub async fn find_session(db: &Db, hash: &SecretHash, now: Timestamp) -> Result<Option<(InstanceId, MemberId, Role)>, DbError> {
    const SQL: &str = "SELECT m.instance_id, m.id, m.role FROM sessions s \
         JOIN members m ON m.instance_id = s.instance_id AND m.id = s.member_id \
         WHERE s.token_hash = $1 AND s.expires_at > $2 AND m.status = 'active'";
    let row: Option<(InstanceId, MemberId, String)> = on!(db, c => sqlx::query_as(SQL).bind(hash).bind(now).fetch_optional(c))?;
    Ok(row.map(|(instance, member, role)| (instance, member, if role == "admin" { Role::Admin } else { Role::User })))
}

/// Whether there is such an instance. Read here, because `instances` builds on `auth`.
///
/// # Errors
/// When the database can't be asked.
pub async fn instance_exists(db: &Db, instance: InstanceId) -> Result<bool, DbError> {
    const SQL: &str = "SELECT id FROM instances WHERE id = $1";
    let found: Option<InstanceId> = on!(db, c => sqlx::query_scalar(SQL).bind(instance).fetch_optional(c))?;
    Ok(found.is_some())
}
