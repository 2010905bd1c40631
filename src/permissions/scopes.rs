//! What a client may be allowed to do.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use super::Role;

/// A scope that a handler's signature asks for.
pub trait RequiredScope: 'static {
    /// The scope.
    const SCOPE: Scope;
}

macro_rules! scopes {
    ($(#[doc = $doc:literal] $name:ident = $text:literal;)+) => {
        /// What a client may be allowed to do (RFC 6749, section 3.3).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Scope { $(#[doc = $doc] $name,)+ }

        /// Each scope as a type, for the signature of a handler: `Authorized<scope::MembersWrite>`.
        pub mod scope {
            $(
                #[doc = $doc]
                #[derive(Debug, Clone, Copy)]
                pub struct $name;

                impl super::RequiredScope for $name {
                    const SCOPE: super::Scope = super::Scope::$name;
                }
            )+
        }

        impl Scope {
            /// Every scope.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The scope as it is written in tokens.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }

            /// What it allows.
            #[must_use]
            pub fn description(self) -> &'static str {
                match self { $(Self::$name => $doc.trim_ascii(),)+ }
            }
        }
    };
}

scopes! {
    /// Create instances and list them all. For operators only.
    InstancesManage = "instances:manage";
    /// See jobs that nobody tries again by itself. For operators only.
    JobsRead = "jobs:read";
    /// Have such jobs tried again, or forgotten. For operators only.
    JobsManage = "jobs:manage";
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
    /// See and change one's own profile and sessions.
    MembersOwn = "members:own";
    /// Provision members and teams by SCIM.
    Scim = "scim";
    /// See the preview and the runs.
    SyncRead = "sync:read";
    /// Start, pause, cancel and retry runs.
    SyncWrite = "sync:write";
    /// Read synced people.
    PeopleRead = "people:read";
    /// Read the package's configuration and report its state.
    Package = "package";
    /// Read who did what.
    AuditRead = "audit:read";
    /// Read the metrics of the service, which are about every instance. For operators only.
    MetricsRead = "metrics:read";
    /// Call Salesforce through this service, as far as the client's rules allow.
    SalesforceCall = "salesforce:call";
    /// Call Marketo through this service, as far as the client's rules allow.
    MarketoCall = "marketo:call";
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
    /// What a client bound to one instance gets unless told otherwise: everything but the operator's scopes, and those that hand
    /// out the vendors' tokens, which are named one by one.
    #[must_use]
    pub fn of_an_instance() -> Self {
        let operators = [Scope::InstancesManage, Scope::JobsRead, Scope::JobsManage, Scope::MetricsRead];
        let vendors_tokens = [Scope::TokensSalesforce, Scope::TokensMarketo];
        let is_withheld = |scope: &Scope| operators.contains(scope) || vendors_tokens.contains(scope);
        Self(Scope::ALL.iter().copied().filter(|scope| !is_withheld(scope)).collect())
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
            Role::Admin => {
                let mut scopes = Self::of_an_instance();
                // Rules say what a client may call; people have none. Nor is a person a directory.
                scopes.0.retain(|scope| !matches!(scope, Scope::SalesforceCall | Scope::MarketoCall | Scope::Scim));
                scopes
            }
            Role::User => Self(
                [Scope::InstanceRead, Scope::MembersRead, Scope::PeopleRead, Scope::SyncRead, Scope::ConnectionsOwn, Scope::MembersOwn]
                    .into(),
            ),
        }
    }
}

impl Scopes {
    /// Reads the scopes of a token. One that this version doesn't know is left out: a newer replica may have issued the token.
    #[must_use]
    pub fn parse_known(text: &str) -> Self {
        Self(text.split_ascii_whitespace().filter_map(|scope| scope.parse().ok()).collect())
    }

    /// The scopes that both have.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        Self(self.0.intersection(&other.0).copied().collect())
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
