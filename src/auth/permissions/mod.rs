//! The one permission table. A route that is not in it is not served, and the service does not start (see
//! `http/openapi.rs::unlisted_routes`).

mod scopes;
mod table;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ids::{InstanceId, MemberId};

pub use scopes::{Scope, Scopes, UnknownScope};
pub use table::RULES;

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
    /// A caller with the scope, whose token may be bound to an instance: the handler takes an `OperatorCaller` and answers with nothing
    /// but what is within its reach.
    OperatorWithin(Scope),
    /// A caller with the scope whose token is bound to an instance.
    Instance(Scope),
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// HTTP method, or [`ANY`].
    pub method: &'static str,
    /// Route pattern, as the router knows it.
    pub path: &'static str,
    /// Whom it lets in.
    pub access: Access,
}

/// The method of a rule for all methods that a route can have.
pub const ANY: &str = "ANY";
/// Those methods.
pub const METHODS: &[&str] = &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];
/// Makes the last parameter of a pattern match the rest of the path, slashes included. The OpenAPI document can't say so.
const TAIL: &str = ":.*";

impl Rule {
    /// The methods it is for.
    #[must_use]
    pub fn methods(&self) -> &[&'static str] {
        if self.method == ANY { METHODS } else { std::slice::from_ref(&self.method) }
    }

    /// The pattern as the OpenAPI document writes it.
    #[must_use]
    pub fn document_path(&self) -> String {
        self.path.replace(TAIL, "")
    }

    /// Whether it is the rule of an operation of the OpenAPI document.
    #[must_use]
    pub fn is_of_operation(&self, method: &str, path: &str) -> bool {
        self.methods().contains(&method) && self.document_path() == path
    }
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

    #[test]
    fn a_rule_for_any_method_is_that_of_each_operation_of_its_path() {
        let of = |method, path| RULES.iter().find(|rule| rule.is_of_operation(method, path)).map(|rule| rule.access);
        for method in METHODS {
            assert_eq!(of(method, "/v1/salesforce/{path}"), Some(Access::Instance(Scope::SalesforceCall)), "{method}");
        }
        assert_eq!(of("TRACE", "/v1/salesforce/{path}"), None);
        assert_eq!(of("DELETE", "/v1/people"), None);
    }
}
