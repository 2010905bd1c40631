use crate::clock::Timestamp;
use crate::connections::{ConnectionState, TestResult, stored_state};
use crate::db::{self, Db, DbError, Tx, execute, on, on_tx};
use crate::ids::{ConnectionId, InstanceId};

/// The Marketo connection as stored.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct MarketoRow {
    pub id: ConnectionId,
    /// Whether it waits to follow the one in use.
    pub is_successor: bool,
    pub state: ConnectionState,
    pub base_url: String,
    pub client_id: String,
    /// Whether the credentials are those that the operator provisioned.
    pub provisioned: bool,
    pub sealed_client_secret: Vec<u8>,
    pub sealed_access_token: Option<Vec<u8>>,
    pub token_expires_at: Option<Timestamp>,
    /// When a caller's report that this token is refused was last looked into.
    pub token_reported_at: Option<Timestamp>,
    /// Set while a process asks for a token.
    pub renewal_began_at: Option<Timestamp>,
    /// The API user who owns the credentials.
    pub api_user: Option<String>,
    /// The owner: who connected, `client:ID` or `member:ID`.
    pub connected_by: String,
    pub last_tested_at: Option<Timestamp>,
    pub last_error_code: Option<String>,
    pub last_error: Option<String>,
    pub created_at: Timestamp,
}

impl MarketoRow {
    /// What the audit keeps of it.
    #[must_use]
    pub fn audited(&self) -> serde_json::Value {
        serde_json::json!({
            "base_url": self.base_url, "client_id": self.client_id, "provisioned": self.provisioned, "owner": self.connected_by,
            "waits_to_follow": self.is_successor,
        })
    }
}

const FIND_MARKETO: &str = "SELECT * FROM marketo_connections WHERE instance_id = $1 ORDER BY is_successor LIMIT 1";

/// The instance's connection that is in use; one that waits alone, because it was made while the other was ended, counts.
pub async fn find_marketo(db: &Db, instance: InstanceId) -> Result<Option<MarketoRow>, DbError> {
    on!(db, c => db::query_as(FIND_MARKETO).bind(instance).fetch_optional(c))
}

/// [`find_marketo`], as the transaction sees it.
pub async fn find_marketo_in(tx: &mut Tx, instance: InstanceId) -> Result<Option<MarketoRow>, DbError> {
    on_tx!(tx, c => db::query_as(FIND_MARKETO).bind(instance).fetch_optional(c))
}

/// The connection that waits to follow the one in use.
pub async fn find_marketo_successor(tx: &mut Tx, instance: InstanceId) -> Result<Option<MarketoRow>, DbError> {
    const SQL: &str = "SELECT * FROM marketo_connections WHERE instance_id = $1 AND is_successor";
    on_tx!(tx, c => db::query_as(SQL).bind(instance).fetch_optional(c))
}

/// Puts a connection in the place, in use or to follow, of the one that was there.
pub async fn replace_marketo(tx: &mut Tx, instance: InstanceId, row: &MarketoRow) -> Result<(), DbError> {
    const REMOVE: &str = "DELETE FROM marketo_connections WHERE instance_id = $1 AND is_successor = $2";
    execute!(tx, db::query(REMOVE).bind(instance).bind(row.is_successor))?;
    const SQL: &str = "INSERT INTO marketo_connections (instance_id, id, is_successor, state, base_url, client_id, provisioned, \
         sealed_client_secret, sealed_access_token, token_expires_at, api_user, connected_by, last_tested_at, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14)";
    execute!(
        tx,
        db::query(SQL)
            .bind(instance)
            .bind(row.id)
            .bind(row.is_successor)
            .bind(row.state)
            .bind(&row.base_url)
            .bind(&row.client_id)
            .bind(row.provisioned)
            .bind(&row.sealed_client_secret)
            .bind(&row.sealed_access_token)
            .bind(row.token_expires_at)
            .bind(&row.api_user)
            .bind(&row.connected_by)
            .bind(row.last_tested_at)
            .bind(row.created_at)
    )
    .map(drop)
}

/// Marks that this process asks for a token. `false` when another one is at it since after `abandoned_before`, or has put another
/// token in the place of the one sealed as `known`. Asking twice does no harm, so a marker that is too old counts for nothing.
pub async fn mark_token_request_started(
    tx: &mut Tx,
    instance: InstanceId,
    row: &MarketoRow,
    at: Timestamp,
    abandoned_before: Timestamp,
) -> Result<bool, DbError> {
    const SQL: &str = "UPDATE marketo_connections SET renewal_began_at = $4 WHERE instance_id = $1 AND id = $2 \
         AND (sealed_access_token = $3 OR sealed_access_token IS NULL) AND (renewal_began_at IS NULL OR renewal_began_at < $5)";
    let touched = execute!(tx, db::query(SQL).bind(instance).bind(row.id).bind(&row.sealed_access_token).bind(at).bind(abandoned_before))?;
    Ok(touched == 1)
}

/// Removes the marker after a request that brought no token.
pub async fn clear_token_request_marker(tx: &mut Tx, instance: InstanceId, id: ConnectionId) -> Result<(), DbError> {
    const SQL: &str = "UPDATE marketo_connections SET renewal_began_at = NULL WHERE instance_id = $1 AND id = $2";
    execute!(tx, db::query(SQL).bind(instance).bind(id)).map(drop)
}

/// Stores the token in use; `reported_at` is when a report about it was looked into.
pub async fn store_marketo_token(
    tx: &mut Tx,
    instance: InstanceId,
    id: ConnectionId,
    token: &[u8],
    expires_at: Timestamp,
    reported_at: Option<Timestamp>,
) -> Result<(), DbError> {
    const SQL: &str = "UPDATE marketo_connections SET sealed_access_token = $3, token_expires_at = $4, token_reported_at = $5, \
         renewal_began_at = NULL WHERE instance_id = $1 AND id = $2";
    execute!(tx, db::query(SQL).bind(instance).bind(id).bind(token).bind(expires_at).bind(reported_at)).map(drop)
}

/// Records a test call; `is_usable` says whether the connection is still to be used.
pub async fn record_marketo_test(
    tx: &mut Tx,
    instance: InstanceId,
    id: ConnectionId,
    is_usable: bool,
    result: &TestResult,
) -> Result<(), DbError> {
    const SQL: &str = "UPDATE marketo_connections SET state = $3, last_tested_at = $4, last_error_code = $5, last_error = $6, updated_at = $4 \
         WHERE instance_id = $1 AND id = $2";
    stored_state::record_test(tx, SQL, (instance, id), is_usable, result).await
}

/// Suspends a connection until somebody acts.
pub async fn suspend_marketo(
    tx: &mut Tx,
    instance: InstanceId,
    id: ConnectionId,
    code: &str,
    reason: &str,
    at: Timestamp,
) -> Result<(), DbError> {
    const SQL: &str = "UPDATE marketo_connections SET state = 'needs_attention', last_error_code = $3, last_error = $4, updated_at = $5, \
         renewal_began_at = NULL WHERE instance_id = $1 AND id = $2";
    stored_state::suspend(tx, SQL, (instance, id), (code, reason), at).await
}

/// Deletes a connection and, when it was the one in use, lets the one that waits follow it, in one.
pub async fn delete_marketo(tx: &mut Tx, instance: InstanceId, id: ConnectionId) -> Result<(), DbError> {
    const REMOVE: &str = "DELETE FROM marketo_connections WHERE instance_id = $1 AND id = $2";
    execute!(tx, db::query(REMOVE).bind(instance).bind(id))?;
    const FOLLOW: &str = "UPDATE marketo_connections SET is_successor = $2 WHERE instance_id = $1 \
         AND NOT EXISTS (SELECT 1 FROM marketo_connections other WHERE other.instance_id = $1 AND NOT other.is_successor)";
    execute!(tx, db::query(FOLLOW).bind(instance).bind(false)).map(drop)
}
