//! Who calls, as handlers extract it.

use std::future::{Ready, ready};
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpMessage, HttpRequest};

use super::{ChangeOrigin, Code, Problem, origin};
use crate::auth::permissions::{Actor, Caller, Scope, Scopes};
use crate::context::Context;
use crate::ids::{InstanceId, MemberId};

impl FromRequest for Context {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(request.app_data::<Data<Self>>().map(|context| context.get_ref().clone()).ok_or_else(not_wired))
    }
}

fn not_wired() -> Problem {
    Problem::new(Code::Internal, "Something went wrong on our side. Quote the request id when you ask for help.")
}

/// A caller bound to an instance; the way into every query of a tenant. Only routes whose rule is `Access::Instance` can have
/// one: the middleware has checked scope and binding before.
#[derive(Debug, Clone)]
pub struct InstanceCaller {
    /// The instance.
    pub instance: InstanceId,
    /// Who acts in it.
    pub actor: Actor,
    /// What it may do.
    pub scopes: Scopes,
    /// The same caller, and where it calls from, for the audit.
    pub origin: ChangeOrigin,
}

impl InstanceCaller {
    /// The person who calls.
    ///
    /// # Errors
    /// [`Code::MemberRequired`] for a program.
    pub fn member(&self) -> Result<MemberId, Problem> {
        match self.actor {
            Actor::Member(member) => Ok(member),
            Actor::Client(_) => Err(Problem::new(Code::MemberRequired, "This is a person's own; a program has none. Call as a member.")),
        }
    }

    /// Whether the caller may do more than the route itself asks for.
    #[must_use]
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.0.contains(&scope)
    }
}

/// The caller of a request and the instance it is bound to.
fn bound<T>(request: &HttpRequest, use_it: impl FnOnce(InstanceId, &Caller) -> T) -> Result<T, Problem> {
    let extensions = request.extensions();
    let Some(caller) = extensions.get::<Arc<Caller>>() else {
        return Err(Problem::new(Code::Unauthenticated, "Send an access token."));
    };
    match caller.instance {
        Some(instance) => Ok(use_it(instance, caller)),
        None => Err(Problem::new(Code::InstanceRequired, "Ask for a token with resource=urn:msi-actions:instance:ID.")),
    }
}

impl FromRequest for InstanceCaller {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(bound(request, |instance, Caller { actor, scopes, .. }| Self {
            instance,
            actor: actor.clone(),
            scopes: scopes.clone(),
            origin: origin::of_request(request),
        }))
    }
}

/// An operator, for routes whose rule is `Access::OperatorWithin`: with a token narrowed to an instance (RFC 8707), nothing of another
/// instance is there.
#[derive(Debug, Clone, Copy)]
pub struct OperatorCaller {
    /// The only instance within reach; none for all of them.
    pub narrowed_to: Option<InstanceId>,
}

impl OperatorCaller {
    /// Whether an instance is within reach.
    #[must_use]
    pub fn reaches(self, instance: InstanceId) -> bool {
        self.narrowed_to.is_none_or(|only| only == instance)
    }
}

impl FromRequest for OperatorCaller {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let extensions = request.extensions();
        let caller = extensions.get::<Arc<Caller>>().map(|caller| Self { narrowed_to: caller.instance });
        ready(caller.ok_or_else(|| Problem::new(Code::Unauthenticated, "Send an access token.")))
    }
}

/// The instance of an [`InstanceCaller`], for routes to which it doesn't matter who acts in it.
#[derive(Debug)]
pub struct BoundInstance(pub InstanceId);

impl FromRequest for BoundInstance {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(bound(request, |instance, _| Self(instance)))
    }
}
