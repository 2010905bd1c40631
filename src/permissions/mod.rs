//! Roles, scopes, callers, and whom a route lets in. Which route lets in whom stands in the signature of its handler (`http/callers.rs`).

mod scopes;

use std::fmt;

use crate::db::text_enum;
use crate::ids::{InstanceId, MemberId};

pub use scopes::{RequiredScope, Scope, Scopes, UnknownScope, scope};

text_enum! {
    /// What a member is in the instance.
    pub enum Role {
        /// Sets up, connects, syncs and invites.
        Admin = "admin",
        /// Uses what admins set up.
        User = "user",
    }
}

/// Who is calling.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Actor {
    /// A program, by its client id.
    Client(String),
    /// A person, by a session of the console or a token exchanged for one.
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
    /// A caller with the scope whose token is bound to no instance: what is done here is not one instance's.
    Operator(Scope),
    /// A caller with the scope, whose token may be bound to an instance: the handler answers with nothing but what is within its reach.
    OperatorWithin(Scope),
    /// A caller with the scope whose token is bound to an instance.
    Instance(Scope),
}

impl Access {
    /// The scope a caller needs, if any.
    #[must_use]
    pub fn scope(self) -> Option<Scope> {
        match self {
            Self::Public => None,
            Self::Operator(scope) | Self::OperatorWithin(scope) | Self::Instance(scope) => Some(scope),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_member_and_no_instance_client_can_hold_an_operators_scope() {
        for scopes in [Scopes::of_role(Role::Admin), Scopes::of_role(Role::User), Scopes::of_an_instance()] {
            for scope in [Scope::InstancesManage, Scope::JobsRead, Scope::JobsManage, Scope::MetricsRead] {
                assert!(!scopes.0.contains(&scope), "{scope}");
            }
        }
    }

    #[test]
    fn no_role_brings_the_right_to_call_a_vendor() {
        for role in [Role::Admin, Role::User] {
            let scopes = Scopes::of_role(role);
            assert!(!scopes.0.contains(&Scope::SalesforceCall) && !scopes.0.contains(&Scope::MarketoCall), "{role:?}");
        }
    }
}
