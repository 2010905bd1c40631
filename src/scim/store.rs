//! What directories say of members and teams, beside what members and teams are.

use sqlx::types::Json;

use super::directory_attributes::DirectoryAttributes;
use crate::clock::Timestamp;
use crate::db::{self, Db, DbError, Tx, execute, on, on_tx};
use crate::ids::{InstanceId, MemberId, TeamId};

/// What a directory says of a member.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub(super) struct ScimUserRow {
    pub member_id: MemberId,
    pub user_name: String,
    pub external_id: Option<String>,
    pub given: Json<DirectoryAttributes>,
    /// Made inactive before activation: no invitation holds.
    pub held: bool,
    pub updated_at: Timestamp,
}

/// What a directory says of a team.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub(super) struct GroupRow {
    pub team_id: TeamId,
    pub external_id: Option<String>,
    pub updated_at: Timestamp,
}

/// What is said of the instance's members.
pub(super) async fn users(db: &Db, instance: InstanceId) -> Result<Vec<ScimUserRow>, DbError> {
    const SQL: &str = "SELECT member_id, user_name, external_id, given, held, updated_at FROM scim_users WHERE instance_id = $1";
    on!(db, c => db::query_as(SQL).bind(instance).fetch_all(c))
}

const FIND_USER: &str = "SELECT member_id, user_name, external_id, given, held, updated_at FROM scim_users \
     WHERE instance_id = $1 AND member_id = $2";

/// What is said of one.
pub(super) async fn find_user(db: &Db, instance: InstanceId, member: MemberId) -> Result<Option<ScimUserRow>, DbError> {
    on!(db, c => db::query_as(FIND_USER).bind(instance).bind(member).fetch_optional(c))
}

/// The same, as the transaction sees it.
pub(super) async fn find_user_in(tx: &mut Tx, instance: InstanceId, member: MemberId) -> Result<Option<ScimUserRow>, DbError> {
    on_tx!(tx, c => db::query_as(FIND_USER).bind(instance).bind(member).fetch_optional(c))
}

/// What is said of the instance's teams.
pub(super) async fn groups(db: &Db, instance: InstanceId) -> Result<Vec<GroupRow>, DbError> {
    const SQL: &str = "SELECT team_id, external_id, updated_at FROM scim_groups WHERE instance_id = $1";
    on!(db, c => db::query_as(SQL).bind(instance).fetch_all(c))
}

/// What is said of one, as the transaction sees it.
pub(super) async fn find_group_in(tx: &mut Tx, instance: InstanceId, team: TeamId) -> Result<Option<GroupRow>, DbError> {
    const SQL: &str = "SELECT team_id, external_id, updated_at FROM scim_groups WHERE instance_id = $1 AND team_id = $2";
    on_tx!(tx, c => db::query_as(SQL).bind(instance).bind(team).fetch_optional(c))
}

/// What a user name is compared by, as addresses are.
fn user_name_key(user_name: &str) -> String {
    user_name.trim().to_lowercase()
}

/// Whether a member other than `member` has this user name. Who was not made by a directory has the e-mail address as one, so both
/// are looked at at once.
pub(super) async fn is_user_name_taken(tx: &mut Tx, instance: InstanceId, member: MemberId, user_name: &str) -> Result<bool, DbError> {
    const SQL: &str = "SELECT COUNT(*) FROM member_emails e \
         LEFT JOIN scim_users u ON u.instance_id = e.instance_id AND u.member_id = e.member_id \
         WHERE e.instance_id = $1 AND e.member_id <> $2 AND COALESCE(u.user_name_key, e.email_key) = $3";
    let key = user_name_key(user_name);
    let found: i64 = on_tx!(tx, c => db::query_scalar(SQL).bind(instance).bind(member).bind(&key).fetch_one(c))?;
    Ok(found > 0)
}

/// Keeps what is said of a member.
pub(super) async fn save_user(tx: &mut Tx, instance: InstanceId, row: &ScimUserRow) -> Result<(), DbError> {
    const SQL: &str = "INSERT INTO scim_users (instance_id, member_id, user_name, user_name_key, external_id, given, held, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (instance_id, member_id) DO UPDATE SET user_name = excluded.user_name, \
         user_name_key = excluded.user_name_key, external_id = excluded.external_id, given = excluded.given, held = excluded.held, \
         updated_at = excluded.updated_at";
    execute!(
        tx,
        db::query(SQL)
            .bind(instance)
            .bind(row.member_id)
            .bind(&row.user_name)
            .bind(user_name_key(&row.user_name))
            .bind(&row.external_id)
            .bind(&row.given)
            .bind(row.held)
            .bind(row.updated_at)
    )
    .map(drop)
}

/// Keeps what is said of a team.
pub(super) async fn save_group(tx: &mut Tx, instance: InstanceId, row: &GroupRow) -> Result<(), DbError> {
    const SQL: &str = "INSERT INTO scim_groups (instance_id, team_id, external_id, updated_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (instance_id, team_id) DO UPDATE SET external_id = excluded.external_id, updated_at = excluded.updated_at";
    execute!(tx, db::query(SQL).bind(instance).bind(row.team_id).bind(&row.external_id).bind(row.updated_at)).map(drop)
}
