use uuid::Uuid;

use crate::clock::Timestamp;
use crate::db::{self, Db, DbError, Tx, execute, on, on_tx};

/// An access token that was revoked.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct RevokedToken {
    pub jti: Uuid,
    /// The client that it was issued to.
    pub client_id: String,
    pub expires_at: Timestamp,
    pub revoked_at: Timestamp,
}

/// Keeps a revocation; nothing happens when it is kept already.
pub async fn insert_revoked_token(tx: &mut Tx, token: &RevokedToken) -> Result<(), DbError> {
    const SQL: &str =
        "INSERT INTO revoked_tokens (jti, client_id, expires_at, revoked_at) VALUES ($1, $2, $3, $4) ON CONFLICT (jti) DO NOTHING";
    execute!(tx, db::query(SQL).bind(token.jti).bind(&token.client_id).bind(token.expires_at).bind(token.revoked_at)).map(drop)
}

/// How many revoked tokens of a client have not expired.
pub async fn count_revoked_tokens(tx: &mut Tx, client_id: &str, now: Timestamp) -> Result<i64, DbError> {
    const SQL: &str = "SELECT COUNT(*) FROM revoked_tokens WHERE client_id = $1 AND expires_at > $2";
    on_tx!(tx, c => db::query_scalar(SQL).bind(client_id).bind(now).fetch_one(c))
}

/// The tokens revoked since then that have not expired.
pub async fn revoked_tokens(db: &Db, now: Timestamp, since: Timestamp) -> Result<Vec<RevokedToken>, DbError> {
    const SQL: &str = "SELECT jti, client_id, expires_at, revoked_at FROM revoked_tokens WHERE expires_at > $1 AND revoked_at >= $2";
    on!(db, c => db::query_as(SQL).bind(now).bind(since).fetch_all(c))
}

/// Deletes the revocations of tokens that have expired.
pub async fn delete_spent_revocations(tx: &mut Tx, now: Timestamp) -> Result<(), DbError> {
    execute!(tx, db::query("DELETE FROM revoked_tokens WHERE expires_at <= $1").bind(now)).map(drop)
}
