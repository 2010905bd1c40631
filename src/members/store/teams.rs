use crate::clock::Timestamp;
use crate::db::{self, Db, DbError, Tx, execute, on, on_tx};
use crate::ids::{InstanceId, MemberId, TeamId};
use crate::members::{Team, TeamName, Teams};

/// Teams of the instance `$1`, as a [`TeamRow`] has them.
macro_rules! select_teams {
    () => {
        "SELECT t.id, t.name, t.is_everyone, \
         (SELECT COUNT(*) FROM team_members m WHERE m.instance_id = t.instance_id AND m.team_id = t.id), t.created_at \
         FROM teams t WHERE t.instance_id = $1"
    };
}

/// The teams of an instance, in the order they were made.
pub async fn teams(db: &Db, instance: InstanceId) -> Result<Teams, DbError> {
    list_teams(db, instance, None, i64::MAX).await.map(Teams)
}

/// [`teams`], as the transaction sees it.
pub async fn teams_in(tx: &mut Tx, instance: InstanceId) -> Result<Teams, DbError> {
    const SQL: &str = concat!(select_teams!(), " ORDER BY t.id");
    let rows: Vec<TeamRow> = on_tx!(tx, c => db::query_as(SQL).bind(instance).fetch_all(c))?;
    Ok(Teams(rows.into_iter().map(team).collect()))
}

type TeamRow = (TeamId, String, bool, i64, Timestamp);

fn team((id, name, is_everyone, members, created_at): TeamRow) -> Team {
    Team { id, name, is_everyone, members, created_at }
}

/// A page of teams after `after`.
pub async fn list_teams(db: &Db, instance: InstanceId, after: Option<TeamId>, rows: i64) -> Result<Vec<Team>, DbError> {
    const SQL: &str = concat!(select_teams!(), " AND t.id > $2 ORDER BY t.id LIMIT $3");
    let after = after.unwrap_or(TeamId(uuid::Uuid::nil()));
    let rows: Vec<TeamRow> = on!(db, c => db::query_as(SQL).bind(instance).bind(after).bind(rows).fetch_all(c))?;
    Ok(rows.into_iter().map(team).collect())
}

const FIND_TEAM: &str = concat!(select_teams!(), " AND t.id = $2");

/// The team with this id.
pub async fn find_team(db: &Db, instance: InstanceId, id: TeamId) -> Result<Option<Team>, DbError> {
    let row: Option<TeamRow> = on!(db, c => db::query_as(FIND_TEAM).bind(instance).bind(id).fetch_optional(c))?;
    Ok(row.map(team))
}

/// How many teams the instance has.
pub async fn count_teams(tx: &mut Tx, instance: InstanceId) -> Result<i64, DbError> {
    on_tx!(tx, c => db::query_scalar("SELECT COUNT(*) FROM teams WHERE instance_id = $1").bind(instance).fetch_one(c))
}

const LOCK_EVERYONE: &str = "UPDATE teams SET name = name WHERE instance_id = $1 AND is_everyone RETURNING id";

/// The team Everyone, locked until the transaction ends; none before the first member. An update that changes nothing locks
/// the row on both engines.
pub async fn lock_everyone(tx: &mut Tx, instance: InstanceId) -> Result<Option<TeamId>, DbError> {
    on_tx!(tx, c => db::query_scalar(LOCK_EVERYONE).bind(instance).fetch_optional(c))
}

/// [`lock_everyone`] when the team is known to exist.
pub async fn lock_everyone_again(tx: &mut Tx, instance: InstanceId) -> Result<TeamId, DbError> {
    on_tx!(tx, c => db::query_scalar(LOCK_EVERYONE).bind(instance).fetch_one(c))
}

/// Keeps a new team; `false` when one of this name exists.
pub async fn insert_team(
    tx: &mut Tx,
    instance: InstanceId,
    id: TeamId,
    name: &TeamName,
    is_everyone: bool,
    at: Timestamp,
) -> Result<bool, DbError> {
    const SQL: &str = "INSERT INTO teams (instance_id, id, name, name_key, is_everyone, created_at) VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT (instance_id, name_key) DO NOTHING";
    let done = execute!(tx, db::query(SQL).bind(instance).bind(id).bind(name.as_str()).bind(name.key()).bind(is_everyone).bind(at))?;
    Ok(done == 1)
}

/// Puts a member into a team; nothing happens when they are in it.
///
/// # Errors
/// A conflict when there is no such team or member.
pub async fn join_team(tx: &mut Tx, instance: InstanceId, team: TeamId, member: MemberId) -> Result<(), DbError> {
    const SQL: &str = "INSERT INTO team_members (instance_id, team_id, member_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    execute!(tx, db::query(SQL).bind(instance).bind(team).bind(member)).map(drop)
}

/// The team with this id, as the transaction sees it.
pub async fn find_team_in(tx: &mut Tx, instance: InstanceId, id: TeamId) -> Result<Option<Team>, DbError> {
    let row: Option<TeamRow> = on_tx!(tx, c => db::query_as(FIND_TEAM).bind(instance).bind(id).fetch_optional(c))?;
    Ok(row.map(team))
}

/// Whether another team than `id` has the name.
pub async fn is_name_taken(tx: &mut Tx, instance: InstanceId, id: TeamId, name: &TeamName) -> Result<bool, DbError> {
    const SQL: &str = "SELECT COUNT(*) FROM teams WHERE instance_id = $1 AND name_key = $2 AND id <> $3";
    let found: i64 = on_tx!(tx, c => db::query_scalar(SQL).bind(instance).bind(name.key()).bind(id).fetch_one(c))?;
    Ok(found > 0)
}

/// Gives a team another name.
///
/// # Errors
/// A conflict when another team has it.
pub async fn rename_team(tx: &mut Tx, instance: InstanceId, id: TeamId, name: &TeamName) -> Result<(), DbError> {
    const SQL: &str = "UPDATE teams SET name = $3, name_key = $4 WHERE instance_id = $1 AND id = $2";
    execute!(tx, db::query(SQL).bind(instance).bind(id).bind(name.as_str()).bind(name.key())).map(drop)
}

/// Removes a team; its members stay.
pub async fn delete_team(tx: &mut Tx, instance: InstanceId, id: TeamId) -> Result<(), DbError> {
    execute!(tx, db::query("DELETE FROM teams WHERE instance_id = $1 AND id = $2").bind(instance).bind(id)).map(drop)
}

/// Whether a member is in a team.
pub async fn is_in_team(tx: &mut Tx, instance: InstanceId, team: TeamId, member: MemberId) -> Result<bool, DbError> {
    const SQL: &str = "SELECT COUNT(*) FROM team_members WHERE instance_id = $1 AND team_id = $2 AND member_id = $3";
    let found: i64 = on_tx!(tx, c => db::query_scalar(SQL).bind(instance).bind(team).bind(member).fetch_one(c))?;
    Ok(found > 0)
}

/// Takes a member out of a team; `false` when they are not in it.
pub async fn leave_team(tx: &mut Tx, instance: InstanceId, team: TeamId, member: MemberId) -> Result<bool, DbError> {
    const SQL: &str = "DELETE FROM team_members WHERE instance_id = $1 AND team_id = $2 AND member_id = $3";
    Ok(execute!(tx, db::query(SQL).bind(instance).bind(team).bind(member))? == 1)
}

/// Who is in which team of the instance.
pub async fn memberships(db: &Db, instance: InstanceId) -> Result<Vec<(TeamId, MemberId)>, DbError> {
    const SQL: &str = "SELECT team_id, member_id FROM team_members WHERE instance_id = $1 ORDER BY team_id, member_id";
    on!(db, c => db::query_as(SQL).bind(instance).fetch_all(c))
}

/// Who is in a team, as the transaction sees it.
pub async fn team_members_in(tx: &mut Tx, instance: InstanceId, team: TeamId) -> Result<Vec<MemberId>, DbError> {
    const SQL: &str = "SELECT member_id FROM team_members WHERE instance_id = $1 AND team_id = $2 ORDER BY member_id";
    on_tx!(tx, c => db::query_scalar(SQL).bind(instance).bind(team).fetch_all(c))
}

const NAMED_TEAMS_OF: &str = "SELECT t.id, t.name FROM team_members m JOIN teams t ON t.instance_id = m.instance_id AND t.id = m.team_id \
     WHERE m.instance_id = $1 AND m.member_id = $2 ORDER BY t.id";

/// The teams that a member is in, with their names.
pub async fn named_teams_of(db: &Db, instance: InstanceId, member: MemberId) -> Result<Vec<(TeamId, String)>, DbError> {
    on!(db, c => db::query_as(NAMED_TEAMS_OF).bind(instance).bind(member).fetch_all(c))
}

/// [`named_teams_of`], as the transaction sees it.
pub async fn named_teams_of_in(tx: &mut Tx, instance: InstanceId, member: MemberId) -> Result<Vec<(TeamId, String)>, DbError> {
    on_tx!(tx, c => db::query_as(NAMED_TEAMS_OF).bind(instance).bind(member).fetch_all(c))
}
