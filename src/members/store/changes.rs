use super::search_key;
use crate::auth::Role;
use crate::clock::Timestamp;
use crate::db::{self, DbError, Tx, execute, on_tx};
use crate::ids::{InstanceId, InviteId, MemberId, TeamId};
use crate::members::Member;

/// How many admins can act: active, and not deactivated.
pub async fn count_active_admins(tx: &mut Tx, instance: InstanceId) -> Result<i64, DbError> {
    const SQL: &str =
        "SELECT COUNT(*) FROM members WHERE instance_id = $1 AND role = 'admin' AND status = 'active' AND deactivated_at IS NULL";
    on_tx!(tx, c => db::query_scalar(SQL).bind(instance).fetch_one(c))
}

/// Writes a member's names.
pub async fn set_names(tx: &mut Tx, instance: InstanceId, member: &Member) -> Result<(), DbError> {
    const SQL: &str = "UPDATE members SET first_name = $3, last_name = $4, search_key = $5 WHERE instance_id = $1 AND id = $2";
    let key = search_key(member.first_name.as_deref(), member.last_name.as_deref(), &member.email);
    execute!(tx, db::query(SQL).bind(instance).bind(member.id).bind(&member.first_name).bind(&member.last_name).bind(key)).map(drop)
}

/// Writes a member's address.
pub async fn set_email(tx: &mut Tx, instance: InstanceId, member: &Member) -> Result<(), DbError> {
    const SQL: &str = "UPDATE members SET email = $3, search_key = $4 WHERE instance_id = $1 AND id = $2";
    let key = search_key(member.first_name.as_deref(), member.last_name.as_deref(), &member.email);
    execute!(tx, db::query(SQL).bind(instance).bind(member.id).bind(member.email.as_str()).bind(key)).map(drop)
}

/// Writes a member's role.
pub async fn set_role(tx: &mut Tx, instance: InstanceId, member: MemberId, role: Role) -> Result<(), DbError> {
    const SQL: &str = "UPDATE members SET role = $3 WHERE instance_id = $1 AND id = $2";
    execute!(tx, db::query(SQL).bind(instance).bind(member).bind(role)).map(drop)
}

/// Writes since when a member is deactivated; none when they are not.
pub async fn set_deactivated(tx: &mut Tx, instance: InstanceId, member: MemberId, at: Option<Timestamp>) -> Result<(), DbError> {
    const SQL: &str = "UPDATE members SET deactivated_at = $3 WHERE instance_id = $1 AND id = $2";
    execute!(tx, db::query(SQL).bind(instance).bind(member).bind(at)).map(drop)
}

/// The teams that a member is in.
pub async fn teams_of_member(tx: &mut Tx, instance: InstanceId, member: MemberId) -> Result<Vec<TeamId>, DbError> {
    const SQL: &str = "SELECT team_id FROM team_members WHERE instance_id = $1 AND member_id = $2 ORDER BY team_id";
    on_tx!(tx, c => db::query_scalar(SQL).bind(instance).bind(member).fetch_all(c))
}

/// Makes `to` the one who invited where it was `from`; returns how many invitations and imports that were. Invitations build on
/// members, so that asking them would run in a circle.
pub async fn pass_invitations_on(tx: &mut Tx, instance: InstanceId, from: &str, to: &str) -> Result<(u64, u64), DbError> {
    const INVITES: &str = "UPDATE invites SET invited_by = $3 WHERE instance_id = $1 AND invited_by = $2";
    const IMPORTS: &str = "UPDATE invite_imports SET invited_by = $3 WHERE instance_id = $1 AND invited_by = $2";
    let invites = execute!(tx, db::query(INVITES).bind(instance).bind(from).bind(to))?;
    let imports = execute!(tx, db::query(IMPORTS).bind(instance).bind(from).bind(to))?;
    Ok((invites, imports))
}

/// Revokes what is still open of a member's invitations, which outlive the member; returns their ids. As with passing on, asking
/// `invites` would run in a circle.
pub async fn revoke_invitations(
    tx: &mut Tx,
    instance: InstanceId,
    member: MemberId,
    by: &str,
    at: Timestamp,
) -> Result<Vec<InviteId>, DbError> {
    const SQL: &str = "UPDATE invites SET status = 'revoked', revoked_at = $4, revoked_by = $3 \
         WHERE instance_id = $1 AND member_id = $2 AND status IN ('pending', 'sent', 'bounced') RETURNING id";
    on_tx!(tx, c => db::query_scalar(SQL).bind(instance).bind(member).bind(by).bind(at).fetch_all(c))
}
