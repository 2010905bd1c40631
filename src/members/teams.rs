use serde_json::json;

use super::team::{Team, TeamName};
use super::{ActingCaller, MemberError, store};
use crate::audit::{self, Entry};
use crate::clock::Clock;
use crate::db::{DbError, Tx};
use crate::display_name::DisplayName;
use crate::ids::{InstanceId, MemberId, TeamId};

/// The name of the team that every member is in.
pub const EVERYONE: &str = "Everyone";

/// Makes the team Everyone if the instance has none yet, and makes this transaction wait for others that did the same, so
/// that seats are counted and given out by one at a time.
pub async fn ensure_everyone(tx: &mut Tx, clock: &dyn Clock, instance: InstanceId) -> Result<TeamId, DbError> {
    if let Some(team) = store::lock_everyone(tx, instance).await? {
        return Ok(team);
    }
    let new = TeamId(clock.new_id());
    let name = TeamName(DisplayName::of_ours(EVERYONE));
    // Two at once: the second waits here for the first, makes nothing, and then finds the first one's team.
    if store::insert_team(tx, instance, new, &name, true, clock.timestamp()).await? {
        return Ok(new);
    }
    store::lock_everyone_again(tx, instance).await
}

/// Makes a team, unless there are `most` already.
///
/// # Errors
/// [`MemberError::TeamExists`], [`MemberError::TeamLimit`].
pub async fn create_team(tx: &mut Tx, acting: &ActingCaller<'_>, name: &TeamName, most: i64) -> Result<Team, MemberError> {
    // Also the lock that makes the count right when several are made at once.
    ensure_everyone(tx, acting.clock, acting.instance).await?;
    let id = TeamId(acting.clock.new_id());
    let created_at = acting.clock.timestamp();
    if !store::insert_team(tx, acting.instance, id, name, false, created_at).await? {
        return Err(MemberError::TeamExists);
    }
    if store::count_teams(tx, acting.instance).await? > most {
        return Err(MemberError::TeamLimit(most));
    }
    let entry = Entry::new("team.created", "team", id).after(json!({ "name": name.as_str() }));
    audit::record(tx, acting.clock, acting.instance, acting.origin, entry).await?;
    Ok(Team { id, name: name.as_str().to_owned(), is_everyone: false, members: 0, created_at })
}

/// A team that may be changed, locked with all that changes members and teams of the instance.
async fn own_team(tx: &mut Tx, acting: &ActingCaller<'_>, id: TeamId, done: &'static str) -> Result<Team, MemberError> {
    ensure_everyone(tx, acting.clock, acting.instance).await?;
    let team = store::find_team_in(tx, acting.instance, id).await?.ok_or(MemberError::NoSuchTeam)?;
    if team.is_everyone { Err(MemberError::EveryoneIsFixed(done)) } else { Ok(team) }
}

/// Gives a team another name.
///
/// # Errors
/// [`MemberError::NoSuchTeam`]; [`MemberError::EveryoneIsFixed`]; [`MemberError::TeamExists`].
pub async fn rename_team(tx: &mut Tx, acting: &ActingCaller<'_>, id: TeamId, name: &TeamName) -> Result<Team, MemberError> {
    let team = own_team(tx, acting, id, "renamed").await?;
    if team.name == name.as_str() {
        return Ok(team);
    }
    if store::is_name_taken(tx, acting.instance, id, name).await? {
        return Err(MemberError::TeamExists);
    }
    store::rename_team(tx, acting.instance, id, name).await?;
    let entry = Entry::new("team.renamed", "team", id).before(json!({ "name": team.name })).after(json!({ "name": name.as_str() }));
    audit::record(tx, acting.clock, acting.instance, acting.origin, entry).await?;
    Ok(Team { name: name.as_str().to_owned(), ..team })
}

/// Removes a team; its members stay members.
///
/// # Errors
/// [`MemberError::NoSuchTeam`]; [`MemberError::EveryoneIsFixed`].
pub async fn delete_team(tx: &mut Tx, acting: &ActingCaller<'_>, id: TeamId) -> Result<(), MemberError> {
    let team = own_team(tx, acting, id, "removed").await?;
    store::delete_team(tx, acting.instance, id).await?;
    let entry = Entry::new("team.removed", "team", id).before(json!({ "name": team.name, "members": team.members }));
    audit::record(tx, acting.clock, acting.instance, acting.origin, entry).await?;
    Ok(())
}

/// What became of one member of a change to a team.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TeamMemberOutcome {
    /// Is in the team now.
    Added,
    /// Was in the team before.
    AlreadyIn,
    /// Is not in the team any more.
    Removed,
    /// Was not in the team.
    NotIn,
    /// There is no such member in this instance.
    UnknownMember,
}

/// Puts members into a team and takes others out; the result has one outcome for each, first for `add`, then for `remove`.
///
/// # Errors
/// [`MemberError::NoSuchTeam`]; [`MemberError::EveryoneIsFixed`] when somebody is to leave Everyone, in which all are.
pub async fn change_team_members(
    tx: &mut Tx,
    acting: &ActingCaller<'_>,
    id: TeamId,
    add: &[MemberId],
    remove: &[MemberId],
) -> Result<Vec<(MemberId, TeamMemberOutcome)>, MemberError> {
    let instance = acting.instance;
    ensure_everyone(tx, acting.clock, instance).await?;
    let team = store::find_team_in(tx, instance, id).await?.ok_or(MemberError::NoSuchTeam)?;
    if team.is_everyone && !remove.is_empty() {
        return Err(MemberError::EveryoneIsFixed("left"));
    }
    let mut outcomes = Vec::with_capacity(add.len() + remove.len());
    for (member, joins) in add.iter().map(|member| (*member, true)).chain(remove.iter().map(|member| (*member, false))) {
        let outcome = if store::find_in(tx, instance, member).await?.is_none() {
            TeamMemberOutcome::UnknownMember
        } else if !joins {
            if store::leave_team(tx, instance, id, member).await? { TeamMemberOutcome::Removed } else { TeamMemberOutcome::NotIn }
        } else if store::is_in_team(tx, instance, id, member).await? {
            TeamMemberOutcome::AlreadyIn
        } else {
            store::join_team(tx, instance, id, member).await?;
            TeamMemberOutcome::Added
        };
        outcomes.push((member, outcome));
    }
    let of = |wanted| outcomes.iter().filter(|(_, outcome)| *outcome == wanted).map(|(member, _)| *member).collect::<Vec<_>>();
    let (added, removed) = (of(TeamMemberOutcome::Added), of(TeamMemberOutcome::Removed));
    if !added.is_empty() || !removed.is_empty() {
        let entry = Entry::new("team.members_changed", "team", id).after(json!({ "added": added, "removed": removed }));
        audit::record(tx, acting.clock, instance, acting.origin, entry).await?;
    }
    Ok(outcomes)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::clock::Timestamp;
    use crate::members::team::Teams;

    fn teams(names: &[&str]) -> Teams {
        let created_at = Timestamp::parse("2026-03-02T08:05:00Z").unwrap();
        let team = |(at, name): (usize, &&str)| Team {
            id: TeamId(Uuid::from_u128(at as u128 + 1)),
            name: (*name).to_owned(),
            is_everyone: false,
            members: 0,
            created_at,
        };
        Teams(names.iter().enumerate().map(team).collect())
    }

    #[test]
    fn a_team_is_found_by_name_in_any_case_or_by_id() {
        let teams = teams(&["Sales", "Straße"]);
        assert_eq!(teams.named(" sALES "), Some(TeamId(Uuid::from_u128(1))));
        assert_eq!(teams.named("STRAßE"), Some(TeamId(Uuid::from_u128(2))));
        assert_eq!(teams.named("00000000-0000-0000-0000-000000000002"), Some(TeamId(Uuid::from_u128(2))));
        assert_eq!(teams.named("Support"), None);
    }

    #[test]
    fn a_cell_names_several_teams_or_one_whose_name_has_a_comma() {
        let teams = teams(&["Sales", "Support", "West, North"]);
        let ids = |cell| teams.in_cell(cell).map(|found| found.iter().map(|team| team.0.as_u128()).collect::<Vec<_>>());
        assert_eq!(ids("Sales; support"), Ok(vec![1, 2]));
        assert_eq!(ids("west, north"), Ok(vec![3]));
        assert_eq!(ids("Sales|Marketing"), Err("Marketing"));
        assert_eq!(ids(" "), Ok(vec![]));
    }

    #[test]
    fn a_team_name_has_something_to_read_and_no_control_character() {
        for wrong in ["", "   ", "a\0b", "a\nb", &"x".repeat(101)] {
            assert!(TeamName::parse(wrong).is_err(), "{wrong:?}");
        }
        assert_eq!(TeamName::parse(" West, North ").unwrap().as_str(), "West, North");
    }
}
