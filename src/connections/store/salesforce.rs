use crate::clock::Timestamp;
use crate::connections::TestResult;
use crate::db::{Db, DbError, Tx, execute, on};
use crate::ids::{ConnectionId, InstanceId, MemberId};

/// A Salesforce connection as stored.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct SalesforceRow {
    pub id: ConnectionId,
    /// Whose own connection it is; none for the instance's.
    pub member_id: Option<MemberId>,
    /// `active` or `needs_attention`.
    pub state: String,
    pub login_base: String,
    pub instance_url: String,
    pub identity_url: String,
    pub organization_id: String,
    pub user_id: String,
    pub username: String,
    pub email: String,
    pub scopes: String,
    pub sealed_access_token: Vec<u8>,
    pub sealed_refresh_token: Option<Vec<u8>>,
    pub token_issued_at: Timestamp,
    pub refresh_began_at: Option<Timestamp>,
    pub last_tested_at: Option<Timestamp>,
    pub last_error_code: Option<String>,
    pub last_error: Option<String>,
    pub created_at: Timestamp,
}

/// The instance's own connection.
///
/// # Errors
/// When the database can't be asked.
pub async fn find_salesforce(db: &Db, instance: InstanceId) -> Result<Option<SalesforceRow>, DbError> {
    const SQL: &str = "SELECT * FROM salesforce_connections WHERE instance_id = $1 AND member_id IS NULL";
    on!(db, c => sqlx::query_as(SQL).bind(instance).fetch_optional(c))
}

/// The connection with this id, the instance's or a member's.
///
/// # Errors
/// When the database can't be asked.
pub async fn find_salesforce_by_id(db: &Db, instance: InstanceId, id: ConnectionId) -> Result<Option<SalesforceRow>, DbError> {
    const SQL: &str = "SELECT * FROM salesforce_connections WHERE instance_id = $1 AND id = $2";
    on!(db, c => sqlx::query_as(SQL).bind(instance).bind(id).fetch_optional(c))
}

/// Puts a connection in the place of the one that the instance (or the member) had.
///
/// # Errors
/// When the database can't be written.
pub async fn replace_salesforce(tx: &mut Tx, instance: InstanceId, row: &SalesforceRow) -> Result<(), DbError> {
    match row.member_id {
        Some(member) => {
            const SQL: &str = "DELETE FROM salesforce_connections WHERE instance_id = $1 AND member_id = $2";
            execute!(tx, sqlx::query(SQL).bind(instance).bind(member))?;
        }
        None => {
            const SQL: &str = "DELETE FROM salesforce_connections WHERE instance_id = $1 AND member_id IS NULL";
            execute!(tx, sqlx::query(SQL).bind(instance))?;
        }
    }
    const SQL: &str = "INSERT INTO salesforce_connections (instance_id, id, member_id, state, login_base, instance_url, identity_url, \
         organization_id, user_id, username, email, scopes, sealed_access_token, sealed_refresh_token, token_issued_at, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $16)";
    execute!(
        tx,
        sqlx::query(SQL)
            .bind(instance)
            .bind(row.id)
            .bind(row.member_id)
            .bind(&row.state)
            .bind(&row.login_base)
            .bind(&row.instance_url)
            .bind(&row.identity_url)
            .bind(&row.organization_id)
            .bind(&row.user_id)
            .bind(&row.username)
            .bind(&row.email)
            .bind(&row.scopes)
            .bind(&row.sealed_access_token)
            .bind(&row.sealed_refresh_token)
            .bind(row.token_issued_at)
            .bind(row.created_at)
    )
    .map(drop)
}

/// Records a test call; `usable` says whether the connection is still to be used.
///
/// # Errors
/// When the database can't be written.
pub async fn record_salesforce_test(
    tx: &mut Tx,
    instance: InstanceId,
    id: ConnectionId,
    usable: bool,
    result: &TestResult,
) -> Result<(), DbError> {
    const SQL: &str = "UPDATE salesforce_connections SET state = $3, last_tested_at = $4, last_error_code = $5, last_error = $6, updated_at = $4 \
         WHERE instance_id = $1 AND id = $2";
    let state = if usable { "active" } else { "needs_attention" };
    execute!(tx, sqlx::query(SQL).bind(instance).bind(id).bind(state).bind(result.tested_at).bind(&result.code).bind(&result.what_to_do))
        .map(drop)
}

/// Marks that the stored refresh token is about to be sent. `false` when it was marked already.
///
/// # Errors
/// When the database can't be written.
pub async fn begin_refresh(tx: &mut Tx, instance: InstanceId, id: ConnectionId, at: Timestamp) -> Result<bool, DbError> {
    const SQL: &str =
        "UPDATE salesforce_connections SET refresh_began_at = $3 WHERE instance_id = $1 AND id = $2 AND refresh_began_at IS NULL";
    Ok(execute!(tx, sqlx::query(SQL).bind(instance).bind(id).bind(at))? == 1)
}

/// Takes the mark away: the token was certainly not used.
///
/// # Errors
/// When the database can't be written.
pub async fn clear_refresh(tx: &mut Tx, instance: InstanceId, id: ConnectionId) -> Result<(), DbError> {
    const SQL: &str = "UPDATE salesforce_connections SET refresh_began_at = NULL WHERE instance_id = $1 AND id = $2";
    execute!(tx, sqlx::query(SQL).bind(instance).bind(id)).map(drop)
}

/// Keeps what a refresh brought and takes the mark away, in one.
///
/// # Errors
/// When the database can't be written.
pub async fn keep_refreshed(
    tx: &mut Tx,
    instance: InstanceId,
    id: ConnectionId,
    access: &[u8],
    refresh: Option<&[u8]>,
    issued_at: Timestamp,
) -> Result<(), DbError> {
    const SQL: &str = "UPDATE salesforce_connections SET sealed_access_token = $3, sealed_refresh_token = $4, token_issued_at = $5, \
         refresh_began_at = NULL WHERE instance_id = $1 AND id = $2";
    execute!(tx, sqlx::query(SQL).bind(instance).bind(id).bind(access).bind(refresh).bind(issued_at)).map(drop)
}

/// Sets a connection aside until somebody acts. The mark of a refresh stays: its token must not be sent again.
///
/// # Errors
/// When the database can't be written.
pub async fn mark_salesforce(
    tx: &mut Tx,
    instance: InstanceId,
    id: ConnectionId,
    code: &str,
    reason: &str,
    at: Timestamp,
) -> Result<(), DbError> {
    const SQL: &str = "UPDATE salesforce_connections SET state = 'needs_attention', last_error_code = $3, last_error = $4, updated_at = $5 \
         WHERE instance_id = $1 AND id = $2";
    execute!(tx, sqlx::query(SQL).bind(instance).bind(id).bind(code).bind(reason).bind(at)).map(drop)
}

/// Forgets a connection.
///
/// # Errors
/// When the database can't be written.
pub async fn delete_salesforce(tx: &mut Tx, instance: InstanceId, id: ConnectionId) -> Result<(), DbError> {
    const SQL: &str = "DELETE FROM salesforce_connections WHERE instance_id = $1 AND id = $2";
    execute!(tx, sqlx::query(SQL).bind(instance).bind(id)).map(drop)
}
