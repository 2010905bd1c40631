//! Members of an instance: who they are, what they may do, and the teams they are in. Everyone is in the team Everyone.

mod acting;
mod auto_login;
mod change;
mod email;
mod field_change;
pub mod http;
mod passwords;
mod reset_job;
mod sessions;
pub mod store;
mod team;
mod teams;
mod wiring;

use crate::auth::{Role, SessionMethod};
use crate::clock::{Clock, Timestamp};
use crate::db::{DbError, Tx, text_enum};
use crate::display_name::MAX_DISPLAY_NAME_LENGTH;
use crate::ids::{InstanceId, MemberId, TeamId};

pub use acting::ActingCaller;
pub use auto_login::AutoLogin;
pub use change::{
    MemberChange, Names, PassedOn, RefusedChange, change_email, change_member, change_names, change_role, check_deactivatable,
    check_removable, deactivate, reactivate, remove, revoke_and_remove, revoke_own_salesforce,
};
pub use email::{EmailAddress, MAX_ADDRESS_LENGTH, NoEmailAddress};
pub use field_change::FieldChange;
pub(crate) use http::MemberView;
pub use passwords::{
    LoggedIn, LoginError, MAX_PASSWORD_LENGTH, MIN_PASSWORD_LENGTH, PasswordChange, PasswordError, change_password, check_length,
    complete_reset, hash_new_password, log_in, open_reset,
};
pub use reset_job::PasswordResetSubject;
pub use sessions::{end_other_sessions, end_session, log_out, sign_out};
pub use store::{
    MemberFilter, activate, claim_login, count, find, find_in, find_team_in, has_original, has_original_in, holder_of, holders_of, list,
    memberships, named_teams_of, named_teams_of_in, remove_invited, revoke_invitations, team_members_in, teams, teams_in, teams_of,
};
pub use team::{Team, TeamName, Teams};
pub use teams::{EVERYONE, TeamMemberOutcome, change_team_members, create_team, delete_team, ensure_everyone, rename_team};
pub use wiring::wire;

/// Most characters of a first or last name.
pub const MAX_NAME_LENGTH: usize = MAX_DISPLAY_NAME_LENGTH;

text_enum! {
    /// How far a member has come.
    pub enum MemberState {
        /// Invited, and has not activated yet.
        Invited = "invited",
        /// Has activated and can log in.
        Active = "active",
        /// Has activated and is kept out until reactivated.
        Deactivated = "deactivated",
    }
}

/// A member.
#[derive(Debug, Clone)]
pub struct Member {
    pub id: MemberId,
    pub email: EmailAddress,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub role: Role,
    pub state: MemberState,
    /// The very first person invited, who must not be removed once data sync has started.
    pub is_original: bool,
    pub created_at: Timestamp,
    pub activated_at: Option<Timestamp>,
    pub deactivated_at: Option<Timestamp>,
}

impl Member {
    /// What to call the member in a message: the name if one is known, else the address.
    #[must_use]
    pub fn display_name(&self) -> String {
        let names: Vec<_> = [&self.first_name, &self.last_name].into_iter().flatten().map(String::as_str).collect();
        if names.is_empty() { self.email.as_str().to_owned() } else { names.join(" ") }
    }
}

/// A person to become a member, with state invited.
#[derive(Debug, Clone)]
pub struct NewMember {
    pub email: EmailAddress,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub role: Role,
    pub is_original: bool,
    /// Teams besides Everyone.
    pub teams: Vec<TeamId>,
}

/// How an activated member has proven who they are.
#[derive(Debug)]
pub enum IdentityProof {
    /// The hash of the password chosen, a PHC string.
    Password(String),
    /// The Salesforce user who logged in.
    Salesforce { username: String },
}

impl IdentityProof {
    /// How the session is begun that follows.
    #[must_use]
    pub fn method(&self) -> SessionMethod {
        match self {
            Self::Password(_) => SessionMethod::Password,
            Self::Salesforce { .. } => SessionMethod::Salesforce,
        }
    }
}

/// Who in an instance has an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressHolder {
    pub member: MemberId,
    pub state: MemberState,
}

/// Why a member or team can't be made or changed.
#[derive(Debug, thiserror::Error)]
pub enum MemberError {
    /// A team of this name exists; case doesn't matter.
    #[error("a team of this name exists; names are compared without regard to case")]
    TeamExists,
    /// The instance has as many teams as it may.
    #[error("an instance can have {0} teams, Everyone included")]
    TeamLimit(i64),
    /// No such team.
    #[error("there is no team {0:?}; GET /v1/teams lists them, POST /v1/teams makes one")]
    TeamUnknown(String),
    /// No such member.
    #[error("there is no such member in this instance")]
    Unknown,
    /// The instance's first user, on whom the sync rests.
    #[error(
        "the original user can't be {0} once the sync has started; leave this account in place, and make somebody else an admin \
         if another person is to take over"
    )]
    OriginalUser(RefusedChange),
    /// Nobody would be left to administer the instance.
    #[error("the last active admin can't be {0}; make another active member an admin first: PATCH /v1/members/ID with the role admin")]
    LastAdmin(RefusedChange),
    /// Nobody locks themselves out.
    #[error("you can't be {0} by yourself; ask another admin")]
    Oneself(RefusedChange),
    /// An admin who would become a user owns the Marketo connection.
    #[error("you own the Marketo connection, which users can't; ask another admin to change your role, and it passes to them")]
    OwnsMarketoConnection,
    /// There is nothing to deactivate yet.
    #[error("the person has not activated; remove them to withdraw the invitation")]
    NotActivated,
    /// No such team id.
    #[error("there is no such team in this instance")]
    NoSuchTeam,
    /// The team that every member is in.
    #[error("Everyone holds every member: it can't be {0}; make a team of your own with POST /v1/teams")]
    EveryoneIsFixed(&'static str),
    /// No such session.
    #[error("There is no such session; it may have ended already")]
    NoSuchSession,
    /// Somebody else in the instance has the address.
    #[error("another member of this instance has this address")]
    EmailTaken,
    #[error(transparent)]
    Connection(#[from] crate::connections::ConnectionError),
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Adds members, invited, to the instance, to Everyone and to the teams named; returns their ids in the same order. Several instances may
/// have invited the same person: the address logs in to the one where the person activates first ([`claim_login`]).
///
/// Call [`ensure_everyone`] before, which also makes those who add members to one instance wait for each other, and then look for the
/// addresses ([`holders_of`]).
///
/// # Errors
/// When the database can't be written; a conflict when a member of the instance has one of the addresses, or there is an original member
/// already and this should be one.
pub async fn add(
    tx: &mut Tx,
    clock: &dyn Clock,
    instance: InstanceId,
    everyone: TeamId,
    people: &[&NewMember],
) -> Result<Vec<MemberId>, DbError> {
    let members: Vec<_> = people.iter().map(|new| (MemberId(clock.new_id()), *new)).collect();
    store::insert_all(tx, instance, everyone, &members, clock.timestamp()).await?;
    Ok(members.into_iter().map(|(id, _)| id).collect())
}
