use crate::clock::Timestamp;
use crate::connections::{ConnectionState, TestResult, stored_state};
use crate::db::{self, Db, DbError, Tx, execute, on, on_tx};
use crate::ids::{ConnectionId, InstanceId, MemberId};

/// A Salesforce connection as stored.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct SalesforceRow {
    pub id: ConnectionId,
    /// Whose own connection it is; none for the instance's.
    pub member_id: Option<MemberId>,
    pub state: ConnectionState,
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
    /// When the access token ends, as far as is known.
    pub token_expires_at: Option<Timestamp>,
    /// When a caller's report that this token is refused was last looked into.
    pub token_reported_at: Option<Timestamp>,
    /// Set before a refresh is sent, cleared with its answer.
    pub refresh_began_at: Option<Timestamp>,
    /// When the process that waits for the answer last said so.
    pub refresh_seen_at: Option<Timestamp>,
    /// Consumer key of the app whose certificate belongs to the key below; ours unless given.
    pub jwt_client_id: Option<String>,
    /// The private key for assertions of the JWT bearer flow.
    pub sealed_jwt_key: Option<Vec<u8>>,
    pub last_tested_at: Option<Timestamp>,
    pub last_error_code: Option<String>,
    pub last_error: Option<String>,
    pub created_at: Timestamp,
}

impl SalesforceRow {
    /// What the audit keeps of it.
    #[must_use]
    pub fn audited(&self) -> serde_json::Value {
        serde_json::json!({
            "member": self.member_id, "instance_url": self.instance_url, "organization_id": self.organization_id,
            "user_id": self.user_id, "username": self.username, "scopes": self.scopes,
        })
    }
}

/// The instance's own connection, or with `member` that member's.
pub async fn find_salesforce(db: &Db, instance: InstanceId, member: Option<MemberId>) -> Result<Option<SalesforceRow>, DbError> {
    match member {
        None => {
            const SQL: &str = "SELECT * FROM salesforce_connections WHERE instance_id = $1 AND member_id IS NULL";
            on!(db, c => db::query_as(SQL).bind(instance).fetch_optional(c))
        }
        Some(member) => {
            const SQL: &str = "SELECT * FROM salesforce_connections WHERE instance_id = $1 AND member_id = $2";
            on!(db, c => db::query_as(SQL).bind(instance).bind(member).fetch_optional(c))
        }
    }
}

/// [`find_salesforce`], as the transaction sees it.
pub async fn find_salesforce_in(tx: &mut Tx, instance: InstanceId, member: Option<MemberId>) -> Result<Option<SalesforceRow>, DbError> {
    const SQL: &str = "SELECT * FROM salesforce_connections WHERE instance_id = $1 \
         AND ((member_id IS NULL AND $2 IS NULL) OR member_id = $2)";
    on_tx!(tx, c => db::query_as(SQL).bind(instance).bind(member).fetch_optional(c))
}

/// Puts a connection in the place of the one that the instance (or the member) had.
pub async fn replace_salesforce(tx: &mut Tx, instance: InstanceId, row: &SalesforceRow) -> Result<(), DbError> {
    match row.member_id {
        Some(member) => delete_salesforce_of_member(tx, instance, member).await?,
        None => {
            const SQL: &str = "DELETE FROM salesforce_connections WHERE instance_id = $1 AND member_id IS NULL";
            execute!(tx, db::query(SQL).bind(instance))?;
        }
    }
    const SQL: &str = "INSERT INTO salesforce_connections (instance_id, id, member_id, state, login_base, instance_url, identity_url, \
         organization_id, user_id, username, email, scopes, sealed_access_token, sealed_refresh_token, token_issued_at, token_expires_at, \
         jwt_client_id, sealed_jwt_key, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $19)";
    execute!(
        tx,
        db::query(SQL)
            .bind(instance)
            .bind(row.id)
            .bind(row.member_id)
            .bind(row.state)
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
            .bind(row.token_expires_at)
            .bind(&row.jwt_client_id)
            .bind(&row.sealed_jwt_key)
            .bind(row.created_at)
    )
    .map(drop)
}

/// Records a test call; `is_usable` says whether the connection is still to be used.
pub async fn record_salesforce_test(
    tx: &mut Tx,
    instance: InstanceId,
    id: ConnectionId,
    is_usable: bool,
    result: &TestResult,
) -> Result<(), DbError> {
    const SQL: &str = "UPDATE salesforce_connections SET state = $3, last_tested_at = $4, last_error_code = $5, last_error = $6, updated_at = $4 \
         WHERE instance_id = $1 AND id = $2";
    stored_state::record_test(tx, SQL, (instance, id), is_usable, result).await
}

/// Marks that the access token sealed as `access` is about to be refreshed, and gives the row as it is then; none when another
/// process was faster, whether it is still at it or done. What is sent must come from this row, never from one read
/// before: the refresh token of that one may be spent.
pub async fn mark_refresh_started(
    tx: &mut Tx,
    instance: InstanceId,
    id: ConnectionId,
    access: &[u8],
    at: Timestamp,
) -> Result<Option<SalesforceRow>, DbError> {
    const SQL: &str = "UPDATE salesforce_connections SET refresh_began_at = $4, refresh_seen_at = $4 \
         WHERE instance_id = $1 AND id = $2 AND sealed_access_token = $3 AND refresh_began_at IS NULL RETURNING *";
    on_tx!(tx, c => db::query_as(SQL).bind(instance).bind(id).bind(access).bind(at).fetch_optional(c))
}

/// Takes over a marker that its process did not clear in time. Only for refreshes that may be made twice.
pub async fn take_over_refresh(
    tx: &mut Tx,
    instance: InstanceId,
    id: ConnectionId,
    began_at: Timestamp,
    at: Timestamp,
) -> Result<Option<SalesforceRow>, DbError> {
    const SQL: &str = "UPDATE salesforce_connections SET refresh_began_at = $4, refresh_seen_at = $4 \
         WHERE instance_id = $1 AND id = $2 AND refresh_began_at = $3 RETURNING *";
    on_tx!(tx, c => db::query_as(SQL).bind(instance).bind(id).bind(began_at).bind(at).fetch_optional(c))
}

/// Says that the refresh marked at `began_at` is still waited for.
pub async fn record_refresh_heartbeat(
    tx: &mut Tx,
    instance: InstanceId,
    id: ConnectionId,
    began_at: Timestamp,
    at: Timestamp,
) -> Result<(), DbError> {
    const SQL: &str = "UPDATE salesforce_connections SET refresh_seen_at = $4 WHERE instance_id = $1 AND id = $2 AND refresh_began_at = $3";
    execute!(tx, db::query(SQL).bind(instance).bind(id).bind(began_at).bind(at)).map(drop)
}

/// Removes our marker of `began_at` away: the token was certainly not used.
pub async fn clear_refresh_marker(tx: &mut Tx, instance: InstanceId, id: ConnectionId, began_at: Timestamp) -> Result<(), DbError> {
    const SQL: &str =
        "UPDATE salesforce_connections SET refresh_began_at = NULL WHERE instance_id = $1 AND id = $2 AND refresh_began_at = $3";
    execute!(tx, db::query(SQL).bind(instance).bind(id).bind(began_at)).map(drop)
}

/// The tokens that a refresh brought, sealed.
#[derive(Debug)]
pub struct RefreshedTokens<'a> {
    pub access: &'a [u8],
    pub refresh: Option<&'a [u8]>,
    pub instance_url: &'a str,
    pub issued_at: Timestamp,
    pub expires_at: Timestamp,
}

/// Stores what the refresh marked at `began_at` brought and removes the marker, in one. The connection works again, whatever
/// was thought of it while the answer was waited for. `false` when the marker is no longer ours.
pub async fn store_refreshed_tokens(
    tx: &mut Tx,
    instance: InstanceId,
    id: ConnectionId,
    began_at: Timestamp,
    tokens: &RefreshedTokens<'_>,
) -> Result<bool, DbError> {
    const SQL: &str = "UPDATE salesforce_connections SET state = 'active', last_error_code = NULL, last_error = NULL, \
         sealed_access_token = $4, sealed_refresh_token = $5, instance_url = $6, token_issued_at = $7, token_expires_at = $8, \
         token_reported_at = NULL, refresh_began_at = NULL WHERE instance_id = $1 AND id = $2 AND refresh_began_at = $3";
    let touched = execute!(
        tx,
        db::query(SQL)
            .bind(instance)
            .bind(id)
            .bind(began_at)
            .bind(tokens.access)
            .bind(tokens.refresh)
            .bind(tokens.instance_url)
            .bind(tokens.issued_at)
            .bind(tokens.expires_at)
    )?;
    Ok(touched == 1)
}

/// Records when the access token sealed as `access` ends.
pub async fn record_token_expiry(
    tx: &mut Tx,
    instance: InstanceId,
    id: ConnectionId,
    access: &[u8],
    ends: Timestamp,
) -> Result<(), DbError> {
    const SQL: &str =
        "UPDATE salesforce_connections SET token_expires_at = $4 WHERE instance_id = $1 AND id = $2 AND sealed_access_token = $3";
    execute!(tx, db::query(SQL).bind(instance).bind(id).bind(access).bind(ends)).map(drop)
}

/// Records that a report about the token sealed as `access` was looked into.
pub async fn record_token_report(tx: &mut Tx, instance: InstanceId, id: ConnectionId, access: &[u8], at: Timestamp) -> Result<(), DbError> {
    const SQL: &str =
        "UPDATE salesforce_connections SET token_reported_at = $4 WHERE instance_id = $1 AND id = $2 AND sealed_access_token = $3";
    execute!(tx, db::query(SQL).bind(instance).bind(id).bind(access).bind(at)).map(drop)
}

/// Suspends a connection until somebody acts. The marker of a refresh stays: its token must not be sent again.
pub async fn suspend_salesforce(
    tx: &mut Tx,
    instance: InstanceId,
    id: ConnectionId,
    code: &str,
    reason: &str,
    at: Timestamp,
) -> Result<(), DbError> {
    const SQL: &str = "UPDATE salesforce_connections SET state = 'needs_attention', last_error_code = $3, last_error = $4, updated_at = $5 \
         WHERE instance_id = $1 AND id = $2";
    stored_state::suspend(tx, SQL, (instance, id), (code, reason), at).await
}

/// Suspends every connection whose refresh was under way before `at`; returns how many. For a database that only one process
/// uses: what it finds at its start, nobody is waiting for any more.
pub async fn suspend_lost_refreshes(tx: &mut Tx, code: &str, reason: &str, at: Timestamp) -> Result<u64, DbError> {
    const SQL: &str = "UPDATE salesforce_connections SET state = 'needs_attention', last_error_code = $1, last_error = $2, updated_at = $3 \
         WHERE refresh_began_at < $3 AND state = 'active' AND sealed_jwt_key IS NULL";
    execute!(tx, db::query(SQL).bind(code).bind(reason).bind(at))
}

/// Gives a connection the key for assertions; `false` when it is gone. Its refresh token is not used any more, so a marker left by a
/// refresh is void.
pub async fn set_jwt_key(
    tx: &mut Tx,
    instance: InstanceId,
    id: ConnectionId,
    client_id: Option<&str>,
    key: &[u8],
) -> Result<bool, DbError> {
    const SQL: &str = "UPDATE salesforce_connections SET jwt_client_id = $3, sealed_jwt_key = $4, refresh_began_at = NULL \
         WHERE instance_id = $1 AND id = $2";
    Ok(execute!(tx, db::query(SQL).bind(instance).bind(id).bind(client_id).bind(key))? == 1)
}

/// Deletes a connection.
pub async fn delete_salesforce(tx: &mut Tx, instance: InstanceId, id: ConnectionId) -> Result<(), DbError> {
    const SQL: &str = "DELETE FROM salesforce_connections WHERE instance_id = $1 AND id = $2";
    execute!(tx, db::query(SQL).bind(instance).bind(id)).map(drop)
}

/// Deletes a member's own connection.
pub async fn delete_salesforce_of_member(tx: &mut Tx, instance: InstanceId, member: MemberId) -> Result<(), DbError> {
    const SQL: &str = "DELETE FROM salesforce_connections WHERE instance_id = $1 AND member_id = $2";
    execute!(tx, db::query(SQL).bind(instance).bind(member)).map(drop)
}
