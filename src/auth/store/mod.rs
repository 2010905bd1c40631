//! SQL of clients, tokens, signing keys and sessions. These tables are global: who calls is found before the instance is known.

mod assertions;
mod clients;
mod lockouts;
mod revocations;
mod signing_keys;

use super::permissions::Role;
use crate::clock::Timestamp;
use crate::crypto::SecretHash;
use crate::db::{Db, DbError, Tx, execute, on};
use crate::ids::{InstanceId, MemberId};

pub use assertions::*;
pub use clients::*;
pub use lockouts::*;
pub use revocations::*;
pub use signing_keys::*;

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

/// The instance of a Marketo subscription, by its Munchkin id; read here for the same reason.
///
/// # Errors
/// When the database can't be asked.
pub async fn instance_of_subscription(db: &Db, munchkin_id: &str) -> Result<Option<InstanceId>, DbError> {
    on!(db, c => sqlx::query_scalar("SELECT id FROM instances WHERE munchkin_id = $1").bind(munchkin_id).fetch_optional(c))
}
