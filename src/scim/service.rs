//! What a directory does to users and groups. Each change is one transaction and obeys the rules of `members` and `invites`.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::groups::{Group, ProvisionedGroup};
use super::protocol::ScimRefusal;
use super::store::{self, GroupRow, ScimUserRow};
use super::users::{ProvisionedUser, ScimUser};
use super::{ScimError, version_matches};
use crate::audit::{self, Entry};
use crate::auth::Role;
use crate::connections::Connections;
use crate::context::Context;
use crate::db::Tx;
use crate::http::InstanceCaller;
use crate::ids::{InstanceId, MemberId, TeamId};
use crate::invites::{self, Provisioning};
use crate::members::{self, ActingCaller, MemberFilter, MemberState, Names, NewMember, TeamMemberOutcome};

/// Members read at once while all are listed.
const PAGE: i64 = 500;

/// A directory at work in an instance.
#[derive(Debug)]
pub(super) struct Directory {
    pub context: Context,
    pub caller: InstanceCaller,
    /// Address of `/scim/v2`.
    pub base: String,
}

/// What a change does with `active` and `roles` when they are absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AbsentAttributes {
    /// They stay: directories that never send them must not undo what an admin did here.
    Stays,
    /// They were taken away: the usual holds.
    IsUsual,
}

impl Directory {
    fn instance(&self) -> InstanceId {
        self.caller.instance
    }

    fn acting(&self) -> ActingCaller<'_> {
        ActingCaller { clock: self.context.clock.as_ref(), instance: self.caller.instance, origin: &self.caller.origin }
    }

    fn provisioning(&self) -> Provisioning<'_> {
        Provisioning { context: &self.context, instance: self.caller.instance, origin: &self.caller.origin }
    }

    /// Every user, in the order they were added. An instance has no more than its seats.
    ///
    /// # Errors
    /// [`ScimError::Db`].
    pub(super) async fn users(&self) -> Result<Vec<ScimUser>, ScimError> {
        let (db, instance) = (&self.context.db, self.instance());
        let names: HashMap<_, _> = members::teams(db, instance).await?.0.into_iter().map(|team| (team.id, team.name)).collect();
        let mut teams: HashMap<MemberId, Vec<(TeamId, String)>> = HashMap::new();
        for (team, member) in members::memberships(db, instance).await? {
            if let Some(name) = names.get(&team) {
                teams.entry(member).or_default().push((team, name.clone()));
            }
        }
        let mut rows: HashMap<_, _> = store::users(db, instance).await?.into_iter().map(|row| (row.member_id, row)).collect();
        let mut users = Vec::new();
        loop {
            let after = users.last().map(|user: &ScimUser| user.member.id);
            let page = members::list(db, instance, &MemberFilter::default(), after, PAGE).await?;
            if page.is_empty() {
                return Ok(users);
            }
            users.extend(page.into_iter().map(|member| ScimUser {
                teams: teams.remove(&member.id).unwrap_or_default(),
                row: rows.remove(&member.id),
                member,
            }));
        }
    }

    /// A user.
    ///
    /// # Errors
    /// [`ScimError::NotFound`], [`ScimError::Db`].
    pub(super) async fn user(&self, id: MemberId) -> Result<ScimUser, ScimError> {
        let (db, instance) = (&self.context.db, self.instance());
        let member = members::find(db, instance, id).await?.ok_or(ScimError::NotFound)?;
        Ok(ScimUser { member, teams: members::named_teams_of(db, instance, id).await?, row: store::find_user(db, instance, id).await? })
    }

    /// A user, as the transaction sees it.
    async fn user_in(&self, tx: &mut Tx, id: MemberId) -> Result<ScimUser, ScimError> {
        let instance = self.instance();
        let member = members::find_in(tx, instance, id).await?.ok_or(ScimError::NotFound)?;
        let teams = members::named_teams_of_in(tx, instance, id).await?;
        Ok(ScimUser { member, teams, row: store::find_user_in(tx, instance, id).await? })
    }

    /// Makes a member. Who is to be active gets an invitation by mail, as everybody who is invited.
    ///
    /// # Errors
    /// [`ScimError::UserNameTaken`]; [`ScimError::Invite`] when the address or a seat can't be had; [`ScimError::Db`].
    pub(super) async fn create_user(&self, wanted: ProvisionedUser) -> Result<ScimUser, ScimError> {
        let mut tx = self.context.db.begin().await?;
        let person = NewMember {
            email: wanted.email.clone(),
            first_name: wanted.first_name.clone().map(String::from),
            last_name: wanted.last_name.clone().map(String::from),
            role: wanted.role.unwrap_or(Role::User),
            is_original: false,
            teams: Vec::new(),
        };
        let active = wanted.active.unwrap_or(true);
        let id = invites::provision(&mut tx, &self.provisioning(), person, active).await?;
        self.save_user(&mut tx, id, wanted, !active, None).await?;
        let made = self.user_in(&mut tx, id).await?;
        tx.commit().await?;
        Ok(made)
    }

    /// Makes a member what is wanted of the resource as it is, all or nothing. `known` is what the caller has seen (`If-Match`).
    ///
    /// # Errors
    /// [`ScimError::NotFound`], [`ScimError::VersionMismatch`], [`ScimError::UserNameTaken`], what `wish` and the rules of members
    /// refuse.
    pub(super) async fn change_user(
        &self,
        id: MemberId,
        absent: AbsentAttributes,
        known: Option<&str>,
        wish: impl FnOnce(&Value) -> Result<ProvisionedUser, ScimRefusal>,
    ) -> Result<ScimUser, ScimError> {
        let acting = self.acting();
        let mut tx = self.context.db.begin().await?;
        // From here on nobody else changes members of the instance.
        members::ensure_everyone(&mut tx, acting.clock, acting.instance).await?;
        let before = self.user_in(&mut tx, id).await?;
        let resource = before.resource(&self.base);
        if !version_matches(known, &resource) {
            return Err(ScimError::VersionMismatch);
        }
        let mut wanted = wish(&resource)?;
        let names = Names { first_name: wanted.first_name.clone().into(), last_name: wanted.last_name.clone().into() };
        members::change_names(&mut tx, &acting, id, names).await?;
        let role = match absent {
            AbsentAttributes::Stays => wanted.role.unwrap_or(before.member.role),
            AbsentAttributes::IsUsual => wanted.role.unwrap_or(Role::User),
        };
        members::change_role(&mut tx, &acting, id, role).await?;
        if wanted.email != before.member.email {
            members::change_email(&mut tx, &acting, id, &wanted.email).await?;
        }
        let moved = wanted.email.key() != before.member.email.key();
        let active = wanted.active.unwrap_or(absent == AbsentAttributes::IsUsual || before.is_active());
        let held = self.make_active(&mut tx, &before, active, moved).await?;
        if let (AbsentAttributes::Stays, Some(row)) = (absent, &before.row) {
            wanted.given.active |= row.given.active;
            wanted.given.roles |= row.given.roles;
        }
        self.save_user(&mut tx, id, wanted, held, before.row).await?;
        let after = self.user_in(&mut tx, id).await?;
        tx.commit().await?;
        Ok(after)
    }

    /// Activates or deactivates; gives whether the member is held back before activation.
    async fn make_active(&self, tx: &mut Tx, before: &ScimUser, active: bool, moved: bool) -> Result<bool, ScimError> {
        let (acting, id) = (self.acting(), before.member.id);
        match (before.member.state, active) {
            (MemberState::Invited, true) => {
                if !before.is_active() || moved {
                    invites::invite_anew(tx, &self.provisioning(), id).await?;
                }
                return Ok(false);
            }
            (MemberState::Invited, false) => {
                if before.is_active() {
                    members::check_deactivatable(tx, &acting, id).await?;
                    invites::withdraw(tx, &self.provisioning(), id).await?;
                }
                return Ok(true);
            }
            (_, true) => drop(members::reactivate(tx, &acting, id).await?),
            (_, false) => drop(members::deactivate(tx, &acting, id).await?),
        }
        Ok(false)
    }

    /// Removes a member; what they owned passes to the directory's token. `known` is what the caller has seen (`If-Match`).
    ///
    /// # Errors
    /// [`ScimError::NotFound`], [`ScimError::VersionMismatch`]; [`ScimError::Member`] when the rules of members forbid it, or Salesforce
    /// can't be reached to revoke a connection of the member's own.
    pub(super) async fn delete_user(&self, connections: &Connections, id: MemberId, known: Option<&str>) -> Result<(), ScimError> {
        // Looked at before anything is revoked at Salesforce, which no transaction may wait for, and once more when the member goes.
        let mut looking = self.context.db.begin().await?;
        self.lock_version(&mut looking, id, known).await?;
        members::check_removable(&mut looking, &self.acting(), id).await?;
        drop(looking);
        members::revoke_own_salesforce(connections, &self.acting(), id).await?;
        let mut tx = self.context.db.begin().await?;
        self.lock_version(&mut tx, id, known).await?;
        members::remove(&mut tx, &self.acting(), id).await?;
        Ok(tx.commit().await?)
    }

    /// Makes this transaction wait for others that change members of the instance, and checks what the caller has seen of one.
    async fn lock_version(&self, tx: &mut Tx, id: MemberId, known: Option<&str>) -> Result<(), ScimError> {
        members::ensure_everyone(tx, self.acting().clock, self.instance()).await?;
        if version_matches(known, &self.user_in(tx, id).await?.resource(&self.base)) { Ok(()) } else { Err(ScimError::VersionMismatch) }
    }

    async fn save_user(
        &self,
        tx: &mut Tx,
        id: MemberId,
        wanted: ProvisionedUser,
        held: bool,
        before: Option<ScimUserRow>,
    ) -> Result<(), ScimError> {
        if store::is_user_name_taken(tx, self.instance(), id, &wanted.user_name).await? {
            return Err(ScimError::UserNameTaken);
        }
        let row = ScimUserRow {
            member_id: id,
            user_name: wanted.user_name,
            external_id: wanted.external_id,
            given: sqlx::types::Json(wanted.given),
            held,
            updated_at: self.context.clock.timestamp(),
        };
        if before.as_ref().is_some_and(|before| ScimUserRow { updated_at: row.updated_at, ..before.clone() } == row) {
            return Ok(());
        }
        store::save_user(tx, self.instance(), &row).await?;
        let shown = |row: &ScimUserRow| json!({ "user_name": row.user_name, "external_id": row.external_id });
        let entry = Entry::new("scim_user.changed", "member", id);
        let entry = before.iter().fold(entry, |entry, before| entry.before(shown(before))).after(shown(&row));
        Ok(audit::record(tx, self.context.clock.as_ref(), self.instance(), &self.caller.origin, entry).await?)
    }

    /// Every group, in the order they were made.
    ///
    /// # Errors
    /// [`ScimError::Db`].
    pub(super) async fn groups(&self) -> Result<Vec<Group>, ScimError> {
        let (db, instance) = (&self.context.db, self.instance());
        let mut members: HashMap<TeamId, Vec<MemberId>> = HashMap::new();
        for (team, member) in members::memberships(db, instance).await? {
            members.entry(team).or_default().push(member);
        }
        let mut rows: HashMap<_, _> = store::groups(db, instance).await?.into_iter().map(|row| (row.team_id, row)).collect();
        let teams = members::teams(db, instance).await?.0;
        let group = |team: members::Team| Group { members: members.remove(&team.id).unwrap_or_default(), row: rows.remove(&team.id), team };
        Ok(teams.into_iter().map(group).collect())
    }

    /// A group.
    ///
    /// # Errors
    /// [`ScimError::NotFound`], [`ScimError::Db`].
    pub(super) async fn group(&self, id: TeamId) -> Result<Group, ScimError> {
        // There are few teams.
        self.groups().await?.into_iter().find(|group| group.team.id == id).ok_or(ScimError::NotFound)
    }

    /// A group, as the transaction sees it.
    async fn group_in(&self, tx: &mut Tx, id: TeamId) -> Result<Group, ScimError> {
        let instance = self.instance();
        let team = members::find_team_in(tx, instance, id).await?.ok_or(ScimError::NotFound)?;
        let members = members::team_members_in(tx, instance, id).await?;
        Ok(Group { team, members, row: store::find_group_in(tx, instance, id).await? })
    }

    /// Makes a team.
    ///
    /// # Errors
    /// [`ScimError::Member`] when the name is taken or there are too many; [`ScimError::Refused`] for unknown members.
    pub(super) async fn create_group(&self, wanted: ProvisionedGroup) -> Result<Group, ScimError> {
        let mut tx = self.context.db.begin().await?;
        let team = members::create_team(&mut tx, &self.acting(), &wanted.name, self.context.limits.teams).await?;
        self.set_members(&mut tx, team.id, &wanted.members, &[]).await?;
        self.save_group(&mut tx, team.id, wanted.external_id, None).await?;
        let made = self.group_in(&mut tx, team.id).await?;
        tx.commit().await?;
        Ok(made)
    }

    /// Makes a team what is wanted of the resource as it is, all or nothing.
    ///
    /// # Errors
    /// [`ScimError::NotFound`], [`ScimError::VersionMismatch`], [`ScimError::Member`]; [`ScimError::Refused`] for unknown members and
    /// what `wish` refuses.
    pub(super) async fn change_group(
        &self,
        id: TeamId,
        known: Option<&str>,
        wish: impl FnOnce(&Value) -> Result<ProvisionedGroup, ScimRefusal>,
    ) -> Result<Group, ScimError> {
        let acting = self.acting();
        let mut tx = self.context.db.begin().await?;
        members::ensure_everyone(&mut tx, acting.clock, acting.instance).await?;
        let before = self.group_in(&mut tx, id).await?;
        let resource = before.resource(&self.base);
        if !version_matches(known, &resource) {
            return Err(ScimError::VersionMismatch);
        }
        let wanted = wish(&resource)?;
        if before.team.name != wanted.name.as_str() {
            members::rename_team(&mut tx, &acting, id, &wanted.name).await?;
        }
        self.set_members(&mut tx, id, &wanted.members, &before.members).await?;
        self.save_group(&mut tx, id, wanted.external_id, before.row).await?;
        let after = self.group_in(&mut tx, id).await?;
        tx.commit().await?;
        Ok(after)
    }

    async fn set_members(&self, tx: &mut Tx, id: TeamId, wanted: &[MemberId], present: &[MemberId]) -> Result<(), ScimError> {
        let missing = |of: &[MemberId], from: &[MemberId]| -> Vec<MemberId> {
            let there: std::collections::HashSet<_> = from.iter().collect();
            of.iter().filter(|one| !there.contains(one)).copied().collect()
        };
        let (add, remove) = (missing(wanted, present), missing(present, wanted));
        if add.is_empty() && remove.is_empty() {
            return Ok(());
        }
        let outcomes = members::change_team_members(tx, &self.acting(), id, &add, &remove).await?;
        let unknown: Vec<_> = outcomes
            .iter()
            .filter(|(_, outcome)| *outcome == TeamMemberOutcome::UnknownMember)
            .map(|(member, _)| member.to_string())
            .collect();
        match unknown.is_empty() {
            true => Ok(()),
            false => Err(ScimRefusal::InvalidValue(format!("there are no users {}", unknown.join(", "))).into()),
        }
    }

    async fn save_group(&self, tx: &mut Tx, id: TeamId, external_id: Option<String>, before: Option<GroupRow>) -> Result<(), ScimError> {
        if before.as_ref().is_some_and(|before| before.external_id == external_id) {
            return Ok(());
        }
        let row = GroupRow { team_id: id, external_id, updated_at: self.context.clock.timestamp() };
        store::save_group(tx, self.instance(), &row).await?;
        let shown = |row: &GroupRow| json!({ "external_id": row.external_id });
        let entry = Entry::new("scim_group.changed", "team", id);
        let entry = before.iter().fold(entry, |entry, before| entry.before(shown(before))).after(shown(&row));
        Ok(audit::record(tx, self.context.clock.as_ref(), self.instance(), &self.caller.origin, entry).await?)
    }

    /// Removes a team.
    ///
    /// # Errors
    /// [`ScimError::NotFound`], [`ScimError::VersionMismatch`], [`ScimError::Member`].
    pub(super) async fn delete_group(&self, id: TeamId, known: Option<&str>) -> Result<(), ScimError> {
        let mut tx = self.context.db.begin().await?;
        members::ensure_everyone(&mut tx, self.acting().clock, self.instance()).await?;
        let before = self.group_in(&mut tx, id).await?.resource(&self.base);
        if !version_matches(known, &before) {
            return Err(ScimError::VersionMismatch);
        }
        members::delete_team(&mut tx, &self.acting(), id).await?;
        Ok(tx.commit().await?)
    }
}
