//! Each function fails with [`DbError`] when the database can't be reached, and only then unless it says more.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Instance, LoginManagement, MunchkinId, Prerequisites, SettingsChange};
use crate::clock::Timestamp;
use crate::db::{self, Db, DbError, Tx, execute, on, on_tx};
use crate::display_name::DisplayName;
use crate::ids::InstanceId;

#[derive(sqlx::FromRow)]
struct InstanceRow {
    id: InstanceId,
    munchkin_id: String,
    name: String,
    environment: String,
    login_management: String,
    language: String,
    msi_actions_enabled: bool,
    salesforce_sync_configured: bool,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// The text under which a unit variant is stored: the one that the API shows.
fn text_of(value: impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(text)) => text,
        _ => String::new(),
    }
}

fn value_of<T: DeserializeOwned>(text: String) -> Result<T, DbError> {
    serde_json::from_value(serde_json::Value::String(text)).map_err(|error| DbError::Statement(sqlx::Error::Decode(error.into())))
}

impl TryFrom<InstanceRow> for Instance {
    type Error = DbError;

    fn try_from(row: InstanceRow) -> Result<Self, DbError> {
        let munchkin_id = row.munchkin_id.parse::<MunchkinId>().map_err(|error| DbError::Statement(sqlx::Error::Decode(error.into())))?;
        Ok(Self {
            id: row.id,
            munchkin_id,
            name: row.name,
            environment: value_of(row.environment)?,
            login_management: value_of(row.login_management)?,
            language: value_of(row.language)?,
            prerequisites: Prerequisites {
                msi_actions_enabled: row.msi_actions_enabled,
                salesforce_sync_configured: row.salesforce_sync_configured,
            },
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// The instance with this id.
pub async fn find(db: &Db, instance: InstanceId) -> Result<Option<Instance>, DbError> {
    const SQL: &str = "SELECT id, munchkin_id, name, environment, login_management, language, msi_actions_enabled, \
         salesforce_sync_configured, created_at, updated_at FROM instances WHERE id = $1";
    let row: Option<InstanceRow> = on!(db, c => db::query_as(SQL).bind(instance).fetch_optional(c))?;
    row.map(Instance::try_from).transpose()
}

/// The id of the instance of this subscription. Global: only operators ask.
pub async fn find_by_munchkin_id(tx: &mut Tx, munchkin_id: &MunchkinId) -> Result<Option<InstanceId>, DbError> {
    const SQL: &str = "SELECT id FROM instances WHERE munchkin_id = $1";
    on_tx!(tx, c => db::query_scalar(SQL).bind(munchkin_id.as_str()).fetch_optional(c))
}

/// A page of all instances after `after`, in the order they were made. Global: only operators ask.
pub async fn list(db: &Db, after: Option<InstanceId>, rows: i64) -> Result<Vec<Instance>, DbError> {
    const SQL: &str = "SELECT id, munchkin_id, name, environment, login_management, language, msi_actions_enabled, \
         salesforce_sync_configured, created_at, updated_at FROM instances WHERE id > $1 ORDER BY id LIMIT $2";
    let after = after.unwrap_or(InstanceId(uuid::Uuid::nil()));
    let rows: Vec<InstanceRow> = on!(db, c => db::query_as(SQL).bind(after).bind(rows).fetch_all(c))?;
    rows.into_iter().map(Instance::try_from).collect()
}

/// Keeps a new instance.
///
/// # Errors
/// A conflict when the subscription has one already.
pub async fn insert(tx: &mut Tx, instance: &Instance) -> Result<(), DbError> {
    const SQL: &str = "INSERT INTO instances (id, munchkin_id, name, environment, login_management, language, msi_actions_enabled, \
         salesforce_sync_configured, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)";
    execute!(
        tx,
        db::query(SQL)
            .bind(instance.id)
            .bind(instance.munchkin_id.as_str())
            .bind(&instance.name)
            .bind(text_of(instance.environment))
            .bind(text_of(instance.login_management))
            .bind(text_of(instance.language))
            .bind(instance.prerequisites.msi_actions_enabled)
            .bind(instance.prerequisites.salesforce_sync_configured)
            .bind(instance.created_at)
    )
    .map(drop)
}

/// The instance with this id, its row locked until the transaction ends: an update that changes nothing locks it on both engines.
pub async fn lock_instance(tx: &mut Tx, instance: InstanceId) -> Result<Option<Instance>, DbError> {
    const SQL: &str = "UPDATE instances SET name = name WHERE id = $1 RETURNING id, munchkin_id, name, environment, login_management, \
         language, msi_actions_enabled, salesforce_sync_configured, created_at, updated_at";
    let row: Option<InstanceRow> = on_tx!(tx, c => db::query_as(SQL).bind(instance).fetch_optional(c))?;
    row.map(Instance::try_from).transpose()
}

/// Writes the settings that are given; the others stay as they are in the row.
pub async fn update(tx: &mut Tx, instance: InstanceId, change: &SettingsChange, at: Timestamp) -> Result<(), DbError> {
    const SQL: &str = "UPDATE instances SET name = COALESCE($2, name), login_management = COALESCE($3, login_management), \
         language = COALESCE($4, language), msi_actions_enabled = COALESCE($5, msi_actions_enabled), \
         salesforce_sync_configured = COALESCE($6, salesforce_sync_configured), updated_at = $7 WHERE id = $1";
    execute!(
        tx,
        db::query(SQL)
            .bind(instance)
            .bind(change.name.as_ref().map(DisplayName::as_str))
            .bind(change.login_management.map(text_of))
            .bind(change.language.map(text_of))
            .bind(change.prerequisites.map(|prerequisites| prerequisites.msi_actions_enabled))
            .bind(change.prerequisites.map(|prerequisites| prerequisites.salesforce_sync_configured))
            .bind(at)
    )
    .map(drop)
}

/// How members of the instance log in, with its row locked until the transaction ends: an update that changes nothing locks it on
/// both engines. None when there is no such instance.
pub async fn lock_login_management(tx: &mut Tx, instance: InstanceId) -> Result<Option<LoginManagement>, DbError> {
    const SQL: &str = "UPDATE instances SET name = name WHERE id = $1 RETURNING login_management";
    let found: Option<String> = on_tx!(tx, c => db::query_scalar(SQL).bind(instance).fetch_optional(c))?;
    found.map(value_of).transpose()
}

/// The row behind the Integration Information card.
#[derive(Debug, sqlx::FromRow)]
pub struct IntegrationRow {
    pub client_id: String,
    pub sealed_secret: Option<Vec<u8>>,
    pub created_at: Timestamp,
    pub revealed_at: Option<Timestamp>,
}

/// The integration client of an instance, once there is one.
pub async fn find_integration(tx: &mut Tx, instance: InstanceId) -> Result<Option<IntegrationRow>, DbError> {
    const SQL: &str =
        "SELECT client_id, sealed_secret, created_at, shown_at AS revealed_at FROM integration_clients WHERE instance_id = $1";
    on_tx!(tx, c => db::query_as(SQL).bind(instance).fetch_optional(c))
}

/// Keeps the integration client of an instance.
///
/// # Errors
/// A conflict when there is one already.
pub async fn insert_integration(tx: &mut Tx, instance: InstanceId, client_id: &str, sealed: &[u8], at: Timestamp) -> Result<(), DbError> {
    const SQL: &str = "INSERT INTO integration_clients (instance_id, client_id, sealed_secret, created_at) VALUES ($1, $2, $3, $4)";
    execute!(tx, db::query(SQL).bind(instance).bind(client_id).bind(sealed).bind(at)).map(drop)
}

/// Takes the secret out of the card and gives it to the one caller who gets to show it: with two callers at once, one row is
/// touched by one of them only.
pub async fn mark_integration_shown(tx: &mut Tx, instance: InstanceId, at: Timestamp) -> Result<bool, DbError> {
    const SQL: &str =
        "UPDATE integration_clients SET sealed_secret = NULL, shown_at = $2 WHERE instance_id = $1 AND sealed_secret IS NOT NULL";
    Ok(execute!(tx, db::query(SQL).bind(instance).bind(at))? == 1)
}

/// Keeps the provisioned credentials of an instance.
pub async fn insert_marketo_credentials(
    tx: &mut Tx,
    instance: InstanceId,
    client_id: &str,
    secret: &[u8],
    at: Timestamp,
) -> Result<(), DbError> {
    const SQL: &str = "INSERT INTO marketo_credentials (instance_id, client_id, sealed_client_secret, updated_at) VALUES ($1, $2, $3, $4)";
    execute!(tx, db::query(SQL).bind(instance).bind(client_id).bind(secret).bind(at)).map(drop)
}

/// The provisioned client id and sealed secret.
pub async fn find_marketo_credentials(db: &Db, instance: InstanceId) -> Result<Option<(String, Vec<u8>)>, DbError> {
    const SQL: &str = "SELECT client_id, sealed_client_secret FROM marketo_credentials WHERE instance_id = $1";
    on!(db, c => db::query_as(SQL).bind(instance).fetch_optional(c))
}
