//! Members of an instance: who they are, what they may do, and the teams they are in. Everyone is in the team Everyone.

mod auto_login;
mod email;
pub mod http;
pub mod store;
mod teams;

use crate::auth::Role;
use crate::clock::{Clock, Timestamp};
use crate::db::{DbError, Tx};
use crate::ids::{InstanceId, MemberId, TeamId};

pub use auto_login::AutoLogin;
pub use email::{EmailAddress, LONGEST_ADDRESS, NoEmailAddress};
pub(crate) use http::MemberView;
pub use store::{activate, count, find, has_original, holder_of, teams, teams_of};
pub use teams::{EVERYONE, Team, TeamName, Teams, create_team, ensure_everyone};

/// Most characters of a first or last name.
pub const LONGEST_NAME: usize = 100;

/// How far a member has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MemberStatus {
    /// Invited, and has not activated yet.
    Invited,
    /// Has activated and can log in.
    Active,
}

impl MemberStatus {
    /// The name as stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invited => "invited",
            Self::Active => "active",
        }
    }

    /// The status of this name.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        [Self::Invited, Self::Active].into_iter().find(|status| status.as_str() == text)
    }
}

/// The name of a role as stored and shown.
#[must_use]
pub fn role_text(role: Role) -> &'static str {
    match role {
        Role::Admin => "admin",
        Role::User => "user",
    }
}

/// The role of this name.
#[must_use]
pub fn role_of(text: &str) -> Option<Role> {
    [Role::Admin, Role::User].into_iter().find(|role| role_text(*role) == text)
}

/// A member.
#[derive(Debug, Clone)]
pub struct Member {
    pub id: MemberId,
    pub email: EmailAddress,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub role: Role,
    pub status: MemberStatus,
    /// The very first person invited, who must not be removed once data sync has started.
    pub is_original: bool,
    pub created_at: Timestamp,
    pub activated_at: Option<Timestamp>,
}

impl Member {
    /// What to call the member in a message: the name if one is known, else the address.
    #[must_use]
    pub fn display_name(&self) -> String {
        let names: Vec<_> = [&self.first_name, &self.last_name].into_iter().flatten().map(String::as_str).collect();
        if names.is_empty() { self.email.as_str().to_owned() } else { names.join(" ") }
    }
}

/// A person to become a member, with status invited.
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
pub enum Proof {
    /// The hash of the password chosen, a PHC string.
    Password(String),
    /// The Salesforce user who logged in.
    Salesforce { username: String },
}

/// Who has an address. Addresses are unique across instances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holder {
    pub instance: InstanceId,
    pub member: MemberId,
    pub status: MemberStatus,
}

/// Why a member or team can't be made.
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
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Adds a member, invited, to the instance, to Everyone and to the teams named. `None` when another transaction has taken the
/// address meanwhile; nothing is changed then.
///
/// Call [`ensure_everyone`] before, which also makes those who add members to one instance wait for each other. Whoever adds
/// several in one transaction does so in the order of their keys, so that two instances that claim the same addresses wait for
/// each other and never both ways.
///
/// # Errors
/// When the database can't be written; a conflict when there is an original member already and this should be one.
pub async fn add(
    tx: &mut Tx,
    clock: &dyn Clock,
    instance: InstanceId,
    everyone: TeamId,
    new: &NewMember,
) -> Result<Option<MemberId>, DbError> {
    let id = MemberId(clock.new_id());
    store::insert(tx, instance, id, new, clock.timestamp()).await?;
    if !store::claim_email(tx, instance, id, &new.email).await? {
        store::delete(tx, instance, id).await?;
        return Ok(None);
    }
    store::join_team(tx, instance, everyone, id).await?;
    for team in &new.teams {
        store::join_team(tx, instance, *team, id).await?;
    }
    Ok(Some(id))
}
