use crate::auth::Role;
use crate::clock::Timestamp;
use crate::db::{self, Db, DbError, Tx, execute, on, on_tx};
use crate::ids::{InstanceId, MemberId};

/// An admin who may use a Marketo connection that another one owns.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct MarketoAccessRow {
    pub member_id: MemberId,
    pub email: String,
    /// Who granted it: `client:ID` or `member:ID`.
    pub granted_by: String,
    pub granted_at: Timestamp,
}

/// Everybody with access, by address.
pub async fn list_access(db: &Db, instance: InstanceId) -> Result<Vec<MarketoAccessRow>, DbError> {
    const SQL: &str = "SELECT a.member_id, m.email, a.granted_by, a.granted_at FROM marketo_access a \
         JOIN members m ON m.instance_id = a.instance_id AND m.id = a.member_id WHERE a.instance_id = $1 ORDER BY m.email";
    on!(db, c => db::query_as(SQL).bind(instance).fetch_all(c))
}

const FIND_ACCESS: &str = "SELECT member_id FROM marketo_access WHERE instance_id = $1 AND member_id = $2";

/// Whether this member has access.
pub async fn has_access(db: &Db, instance: InstanceId, member: MemberId) -> Result<bool, DbError> {
    let found: Option<MemberId> = on!(db, c => db::query_scalar(FIND_ACCESS).bind(instance).bind(member).fetch_optional(c))?;
    Ok(found.is_some())
}

/// Whether this member has access, as the transaction sees it.
pub async fn has_access_in(tx: &mut Tx, instance: InstanceId, member: MemberId) -> Result<bool, DbError> {
    let found: Option<MemberId> = on_tx!(tx, c => db::query_scalar(FIND_ACCESS).bind(instance).bind(member).fetch_optional(c))?;
    Ok(found.is_some())
}

/// Makes this transaction wait for others that change members of the instance, and them for it: the row is the one that `members`
/// locks, which builds on `connections`. Before the first invitation there is no member and no row.
pub async fn lock_members(tx: &mut Tx, instance: InstanceId) -> Result<(), DbError> {
    const SQL: &str = "UPDATE teams SET name = name WHERE instance_id = $1 AND is_everyone";
    execute!(tx, db::query(SQL).bind(instance)).map(drop)
}

/// The role of a member who is active; none for one who isn't or doesn't exist. Read here, because `members` builds on
/// `connections`.
pub async fn role_of_active_member(tx: &mut Tx, instance: InstanceId, member: MemberId) -> Result<Option<Role>, DbError> {
    const SQL: &str = "SELECT role FROM members WHERE instance_id = $1 AND id = $2 AND status = 'active' AND deactivated_at IS NULL";
    on_tx!(tx, c => db::query_scalar(SQL).bind(instance).bind(member).fetch_optional(c))
}

/// Grants access; once more does no harm.
pub async fn grant_access(tx: &mut Tx, instance: InstanceId, member: MemberId, by: &str, at: Timestamp) -> Result<(), DbError> {
    const SQL: &str = "INSERT INTO marketo_access (instance_id, member_id, granted_by, granted_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (instance_id, member_id) DO NOTHING";
    execute!(tx, db::query(SQL).bind(instance).bind(member).bind(by).bind(at)).map(drop)
}

/// Withdraws access; `false` when there was none.
pub async fn withdraw_access(tx: &mut Tx, instance: InstanceId, member: MemberId) -> Result<bool, DbError> {
    const SQL: &str = "DELETE FROM marketo_access WHERE instance_id = $1 AND member_id = $2";
    Ok(execute!(tx, db::query(SQL).bind(instance).bind(member))? == 1)
}

/// Makes `to` the owner of what `from` owns and granted (both `client:ID` or `member:ID`). Gives whether there was a connection.
pub async fn change_owner(tx: &mut Tx, instance: InstanceId, from: &str, to: &str) -> Result<bool, DbError> {
    const OWNED: &str = "UPDATE marketo_connections SET connected_by = $3 WHERE instance_id = $1 AND connected_by = $2";
    const GRANTED: &str = "UPDATE marketo_access SET granted_by = $3 WHERE instance_id = $1 AND granted_by = $2";
    execute!(tx, db::query(GRANTED).bind(instance).bind(from).bind(to))?;
    Ok(execute!(tx, db::query(OWNED).bind(instance).bind(from).bind(to))? > 0)
}
