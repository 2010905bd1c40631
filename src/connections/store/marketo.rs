use crate::clock::Timestamp;
use crate::connections::TestResult;
use crate::db::{Db, DbError, Tx, execute, on};
use crate::ids::{ConnectionId, InstanceId};

/// The Marketo connection as stored.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct MarketoRow {
    pub id: ConnectionId,
    /// `active` or `needs_attention`.
    pub state: String,
    pub base_url: String,
    pub client_id: String,
    /// Whether the credentials are those that the operator provisioned.
    pub provisioned: bool,
    pub sealed_client_secret: Vec<u8>,
    pub sealed_access_token: Option<Vec<u8>>,
    pub token_expires_at: Option<Timestamp>,
    /// The API user who owns the credentials.
    pub api_user: Option<String>,
    /// Who connected: `client:ID` or `member:ID`.
    pub connected_by: String,
    pub last_tested_at: Option<Timestamp>,
    pub last_error_code: Option<String>,
    pub last_error: Option<String>,
    pub created_at: Timestamp,
}

/// The instance's connection.
///
/// # Errors
/// When the database can't be asked.
pub async fn find_marketo(db: &Db, instance: InstanceId) -> Result<Option<MarketoRow>, DbError> {
    const SQL: &str = "SELECT * FROM marketo_connections WHERE instance_id = $1";
    on!(db, c => sqlx::query_as(SQL).bind(instance).fetch_optional(c))
}

/// Puts a connection in the place of the one that the instance had.
///
/// # Errors
/// When the database can't be written.
pub async fn replace_marketo(tx: &mut Tx, instance: InstanceId, row: &MarketoRow) -> Result<(), DbError> {
    delete_marketo(tx, instance).await?;
    const SQL: &str = "INSERT INTO marketo_connections (instance_id, id, state, base_url, client_id, provisioned, sealed_client_secret, \
         sealed_access_token, token_expires_at, api_user, connected_by, last_tested_at, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13)";
    execute!(
        tx,
        sqlx::query(SQL)
            .bind(instance)
            .bind(row.id)
            .bind(&row.state)
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

/// Keeps the token in use.
///
/// # Errors
/// When the database can't be written.
pub async fn keep_marketo_token(
    tx: &mut Tx,
    instance: InstanceId,
    id: ConnectionId,
    token: &[u8],
    expires_at: Timestamp,
) -> Result<(), DbError> {
    const SQL: &str = "UPDATE marketo_connections SET sealed_access_token = $3, token_expires_at = $4 WHERE instance_id = $1 AND id = $2";
    execute!(tx, sqlx::query(SQL).bind(instance).bind(id).bind(token).bind(expires_at)).map(drop)
}

/// Records a test call; `usable` says whether the connection is still to be used.
///
/// # Errors
/// When the database can't be written.
pub async fn record_marketo_test(tx: &mut Tx, instance: InstanceId, usable: bool, result: &TestResult) -> Result<(), DbError> {
    const SQL: &str = "UPDATE marketo_connections SET state = $2, last_tested_at = $3, last_error_code = $4, last_error = $5, updated_at = $3 \
         WHERE instance_id = $1";
    let state = if usable { "active" } else { "needs_attention" };
    execute!(tx, sqlx::query(SQL).bind(instance).bind(state).bind(result.tested_at).bind(&result.code).bind(&result.what_to_do)).map(drop)
}

/// Forgets the connection; `false` when there was none.
///
/// # Errors
/// When the database can't be written.
pub async fn delete_marketo(tx: &mut Tx, instance: InstanceId) -> Result<bool, DbError> {
    const SQL: &str = "DELETE FROM marketo_connections WHERE instance_id = $1";
    Ok(execute!(tx, sqlx::query(SQL).bind(instance))? == 1)
}
