use sqlx::types::Json;

use crate::clock::Timestamp;
use crate::connections::AuthorizationPurpose;
use crate::crypto::SecretHash;
use crate::db::{self, Db, DbError, Tx, execute, on, on_tx};
use crate::ids::InstanceId;

/// An authorization under way, stored under the hash of its `state`.
#[derive(Debug, sqlx::FromRow)]
pub struct PendingAuthorization {
    pub state_hash: SecretHash,
    pub instance_id: InstanceId,
    pub purpose: Json<AuthorizationPurpose>,
    pub login_base: String,
    /// The user name to fill in at the login page.
    pub login_hint: Option<String>,
    pub sealed_verifier: Vec<u8>,
    /// The browser that goes through it; none until one has opened the address.
    pub browser_hash: Option<SecretHash>,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

/// Stores an authorization under way, and drops those that nobody came back from.
pub async fn insert_authorization(tx: &mut Tx, row: &PendingAuthorization) -> Result<(), DbError> {
    execute!(tx, db::query("DELETE FROM oauth_states WHERE expires_at < $1").bind(row.created_at))?;
    const SQL: &str = "INSERT INTO oauth_states (state_hash, instance_id, purpose, login_base, login_hint, sealed_verifier, browser_hash, \
         created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    execute!(
        tx,
        db::query(SQL)
            .bind(&row.state_hash)
            .bind(row.instance_id)
            .bind(&row.purpose)
            .bind(&row.login_base)
            .bind(&row.login_hint)
            .bind(&row.sealed_verifier)
            .bind(&row.browser_hash)
            .bind(row.created_at)
            .bind(row.expires_at)
    )
    .map(drop)
}

/// Takes an authorization out: whoever gets it is the only one. Global, because the callback knows only the state.
pub async fn take_authorization(tx: &mut Tx, state: &SecretHash) -> Result<Option<PendingAuthorization>, DbError> {
    const SQL: &str = "DELETE FROM oauth_states WHERE state_hash = $1 \
         RETURNING *";
    on_tx!(tx, c => db::query_as(SQL).bind(state).fetch_optional(c))
}

/// An authorization under way, left where it is.
pub async fn find_authorization(db: &Db, state: &SecretHash) -> Result<Option<PendingAuthorization>, DbError> {
    const SQL: &str = "SELECT * FROM oauth_states WHERE state_hash = $1";
    on!(db, c => db::query_as(SQL).bind(state).fetch_optional(c))
}

/// Binds an authorization to the browser that goes through it. `false` when another one was first.
pub async fn bind_authorization(tx: &mut Tx, state: &SecretHash, browser: &SecretHash) -> Result<bool, DbError> {
    const SQL: &str = "UPDATE oauth_states SET browser_hash = $2 WHERE state_hash = $1 AND (browser_hash IS NULL OR browser_hash = $2)";
    Ok(execute!(tx, db::query(SQL).bind(state).bind(browser))? == 1)
}
