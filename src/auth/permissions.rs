//! The one permission table. A route that is not in it is not served, and the service does not start (see
//! `http/openapi.rs::unlisted_routes`).

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::ids::{InstanceId, MemberId};

macro_rules! scopes {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)+) => {
        /// What a client may be allowed to do (RFC 6749, section 3.3).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Scope { $($(#[$doc])* $name,)+ }

        impl Scope {
            /// Every scope.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The scope as it is written in tokens.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }
        }
    };
}

scopes! {
    /// Create instances and list them all. For operators only.
    InstancesManage = "instances:manage";
    /// See the instance, its set-up and its integration information.
    InstanceRead = "instance:read";
    /// Change the instance's settings.
    InstanceWrite = "instance:write";
    /// See connections and their state.
    ConnectionsRead = "connections:read";
    /// Connect, test and disconnect.
    ConnectionsWrite = "connections:write";
    /// Connect, test and disconnect one's own Salesforce user.
    ConnectionsOwn = "connections:own";
    /// Get Salesforce access tokens.
    TokensSalesforce = "tokens:salesforce";
    /// Get Marketo access tokens.
    TokensMarketo = "tokens:marketo";
    /// See invitations, members and teams.
    MembersRead = "members:read";
    /// Invite people and make teams.
    MembersWrite = "members:write";
    /// See the preview and the runs.
    SyncRead = "sync:read";
    /// Start runs.
    SyncWrite = "sync:write";
    /// Read synced people.
    PeopleRead = "people:read";
    /// Read the package's configuration and report its state.
    Package = "package";
}

impl fmt::Display for Scope {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// A text that names no scope.
#[derive(Debug, thiserror::Error)]
#[error("there is no scope {0:?}")]
pub struct UnknownScope(pub String);

impl FromStr for Scope {
    type Err = UnknownScope;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.iter().copied().find(|scope| scope.as_str() == text).ok_or_else(|| UnknownScope(text.to_owned()))
    }
}

/// A set of scopes, written space separated.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scopes(pub BTreeSet<Scope>);

impl Scopes {
    /// What a client bound to one instance gets unless told otherwise: everything but the operator's scope, and those that hand
    /// out the vendors' tokens, which are named one by one.
    #[must_use]
    pub fn of_an_instance() -> Self {
        let withheld = [Scope::InstancesManage, Scope::TokensSalesforce, Scope::TokensMarketo];
        Self(Scope::ALL.iter().copied().filter(|scope| !withheld.contains(scope)).collect())
    }

    /// What an operator may hold: everything.
    #[must_use]
    pub fn of_an_operator() -> Self {
        Self(Scope::ALL.iter().copied().collect())
    }

    /// The scopes of a member with `role`.
    #[must_use]
    pub fn of_role(role: Role) -> Self {
        match role {
            Role::Admin => Self::of_an_instance(),
            Role::User => Self([Scope::InstanceRead, Scope::MembersRead, Scope::PeopleRead, Scope::SyncRead, Scope::ConnectionsOwn].into()),
        }
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<_> = self.0.iter().map(|scope| scope.as_str()).collect();
        out.write_str(&texts.join(" "))
    }
}

impl FromStr for Scopes {
    type Err = UnknownScope;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.split_ascii_whitespace().map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}

/// What a member is in the instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Sets up, connects, syncs and invites.
    Admin,
    /// Uses what admins set up.
    User,
}

/// Who is calling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// A program, by its client id.
    Client(String),
    /// A person, by a session of the console.
    Member(MemberId),
}

impl fmt::Display for Actor {
    /// As who did something is written: `client:ID` or `member:ID`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Client(client) => write!(out, "client:{client}"),
            Self::Member(member) => write!(out, "member:{member}"),
        }
    }
}

/// An authenticated caller.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Who it is.
    pub actor: Actor,
    /// The instance it acts in; none for an operator's token that was not narrowed to one.
    pub instance: Option<InstanceId>,
    /// What it may do.
    pub scopes: Scopes,
}

/// Whom a route lets in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody: the route authenticates by itself or says nothing worth protecting.
    Public,
    /// A caller with the scope, in whatever instance or none.
    Operator(Scope),
    /// A caller with the scope whose token is bound to an instance.
    Instance(Scope),
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// HTTP method.
    pub method: &'static str,
    /// Route pattern, as in the OpenAPI document.
    pub path: &'static str,
    /// Whom it lets in.
    pub access: Access,
}

macro_rules! rules {
    ($($method:ident $path:literal => $access:expr;)+) => {
        &[$(Rule { method: stringify!($method), path: $path, access: $access },)+]
    };
}

use Access::{Instance, Operator, Public};
use Scope::{
    ConnectionsOwn, ConnectionsRead, ConnectionsWrite, InstanceRead, InstanceWrite, InstancesManage, MembersRead, MembersWrite, Package,
    PeopleRead, SyncRead, SyncWrite, TokensMarketo, TokensSalesforce,
};

/// Every route and whom it lets in.
pub const RULES: &[Rule] = rules! {
    GET "/livez" => Public;
    GET "/readyz" => Public;
    GET "/metrics" => Public;
    GET "/openapi.json" => Public;
    GET "/docs/{_:.*}" => Public;
    GET "/" => Public;

    POST "/oauth/token" => Public;
    GET "/.well-known/jwks.json" => Public;
    GET "/.well-known/oauth-authorization-server" => Public;
    GET "/oauth/salesforce/start" => Public;
    GET "/oauth/salesforce/callback" => Public;
    GET "/activate/{token}" => Public;
    POST "/activate/{token}" => Public;

    POST "/v1/instances" => Operator(InstancesManage);
    GET "/v1/instances" => Operator(InstancesManage);
    GET "/v1/instances/{instance_id}" => Operator(InstancesManage);
    GET "/v1/instance" => Instance(InstanceRead);
    PATCH "/v1/instance" => Instance(InstanceWrite);
    GET "/v1/instance/onboarding" => Instance(InstanceRead);
    GET "/v1/instance/integration-information" => Instance(InstanceWrite);
    POST "/v1/instance/integration-information/rotate" => Instance(InstanceWrite);

    GET "/v1/marketo/admins" => Instance(MembersRead);
    POST "/v1/invites/first" => Instance(MembersWrite);
    GET "/v1/invites/first" => Instance(MembersRead);
    POST "/v1/invites" => Instance(MembersWrite);
    GET "/v1/invites" => Instance(MembersRead);
    GET "/v1/invites/{invite_id}" => Instance(MembersRead);
    POST "/v1/invite-imports" => Instance(MembersWrite);
    GET "/v1/invite-imports/{import_id}" => Instance(MembersRead);
    POST "/v1/invite-imports/{import_id}/confirm" => Instance(MembersWrite);
    GET "/v1/members" => Instance(MembersRead);
    GET "/v1/teams" => Instance(MembersRead);
    GET "/v1/teams/{team_id}" => Instance(MembersRead);
    POST "/v1/teams" => Instance(MembersWrite);

    POST "/v1/connections/salesforce" => Instance(ConnectionsWrite);
    GET "/v1/connections/salesforce" => Instance(ConnectionsRead);
    POST "/v1/connections/salesforce/test" => Instance(ConnectionsWrite);
    DELETE "/v1/connections/salesforce" => Instance(ConnectionsWrite);
    POST "/v1/connections/marketo" => Instance(ConnectionsWrite);
    GET "/v1/connections/marketo" => Instance(ConnectionsRead);
    POST "/v1/connections/marketo/test" => Instance(ConnectionsWrite);
    DELETE "/v1/connections/marketo" => Instance(ConnectionsWrite);
    PUT "/v1/connections/salesforce/jwt-bearer" => Instance(ConnectionsWrite);
    POST "/v1/members/me/salesforce-connection" => Instance(ConnectionsOwn);
    GET "/v1/members/me/salesforce-connection" => Instance(ConnectionsOwn);
    POST "/v1/members/me/salesforce-connection/test" => Instance(ConnectionsOwn);
    DELETE "/v1/members/me/salesforce-connection" => Instance(ConnectionsOwn);
    GET "/v1/connections/marketo/access" => Instance(ConnectionsRead);
    PUT "/v1/connections/marketo/access/{member_id}" => Instance(ConnectionsWrite);
    DELETE "/v1/connections/marketo/access/{member_id}" => Instance(ConnectionsWrite);

    POST "/v1/tokens/salesforce" => Instance(TokensSalesforce);
    POST "/v1/tokens/salesforce/invalidate" => Instance(TokensSalesforce);
    POST "/v1/tokens/marketo" => Instance(TokensMarketo);
    POST "/v1/tokens/marketo/invalidate" => Instance(TokensMarketo);

    GET "/v1/sync/preview" => Instance(SyncRead);
    POST "/v1/sync/runs" => Instance(SyncWrite);
    GET "/v1/sync/runs" => Instance(SyncRead);
    GET "/v1/sync/runs/{run_id}" => Instance(SyncRead);
    GET "/v1/sync/runs/{run_id}/events" => Instance(SyncRead);
    GET "/v1/people" => Instance(PeopleRead);
    GET "/v1/people/{marketo_id}" => Instance(PeopleRead);

    POST "/v1/package/heartbeat" => Instance(Package);
    GET "/v1/package/configuration" => Instance(Package);
};

/// The rules of one route pattern, one for each method.
pub fn rules_of(path: &str) -> impl Iterator<Item = &'static Rule> + use<'_> {
    RULES.iter().filter(move |rule| rule.path == path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_is_listed_once() {
        for (at, rule) in RULES.iter().enumerate() {
            assert!(
                !RULES[..at].iter().any(|other| (other.method, other.path) == (rule.method, rule.path)),
                "{} {}",
                rule.method,
                rule.path
            );
        }
    }

    #[test]
    fn no_member_and_no_instance_client_can_hold_the_operators_scope() {
        for scopes in [Scopes::of_role(Role::Admin), Scopes::of_role(Role::User), Scopes::of_an_instance()] {
            assert!(!scopes.0.contains(&Scope::InstancesManage));
        }
    }
}
