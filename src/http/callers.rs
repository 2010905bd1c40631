//! Who calls, as handlers extract it: the argument says whom the route lets in.

use std::future::{Ready, ready};
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpMessage, HttpRequest};

use super::{ChangeOrigin, Code, HandlerArgument, Problem, origin};
use crate::context::Context;
use crate::ids::{InstanceId, MemberId};
use crate::permissions::{Access, Actor, Caller, RequiredScope, Scope, Scopes};

impl HandlerArgument for Context {}

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

/// A caller bound to an instance; the way into every query of a tenant. Handlers get one as [`Authorized`].
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

/// The caller of a request with the scope `S`. The middleware has checked that before; whoever extracts one without it is refused here.
fn authorized<S: RequiredScope, T>(request: &HttpRequest, use_it: impl FnOnce(&Caller) -> Result<T, Problem>) -> Result<T, Problem> {
    let extensions = request.extensions();
    match extensions.get::<Arc<Caller>>() {
        Some(caller) if caller.scopes.0.contains(&S::SCOPE) => use_it(caller),
        Some(_) => Err(Problem::new(Code::Forbidden, format!("This needs the scope {}.", S::SCOPE))),
        None => Err(Problem::new(Code::Unauthenticated, "Send an access token.")),
    }
}

fn instance_of(caller: &Caller) -> Result<InstanceId, Problem> {
    let required = || Problem::new(Code::InstanceRequired, "Ask for a token with resource=urn:msi-actions:instance:ID.");
    caller.instance.ok_or_else(required)
}

/// A caller with the scope `S` that is bound to an instance.
#[derive(Debug)]
pub struct Authorized<S>(InstanceCaller, PhantomData<S>);

impl<S> Authorized<S> {
    /// The caller, for what goes on after the handler.
    #[must_use]
    pub fn into_caller(self) -> InstanceCaller {
        self.0
    }
}

impl<S> Deref for Authorized<S> {
    type Target = InstanceCaller;
    fn deref(&self) -> &InstanceCaller {
        &self.0
    }
}

impl<S: RequiredScope> HandlerArgument for Authorized<S> {
    const ACCESS: Option<Access> = Some(Access::Instance(S::SCOPE));
}

impl<S: RequiredScope> FromRequest for Authorized<S> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(authorized::<S, _>(request, |caller| {
            let instance = instance_of(caller)?;
            let Caller { actor, scopes, .. } = caller;
            let (actor, scopes) = (actor.clone(), scopes.clone());
            Ok(Self(InstanceCaller { instance, actor, scopes, origin: origin::of_request(request) }, PhantomData))
        }))
    }
}

/// The instance of a caller with the scope `S`, for routes to which it doesn't matter who acts in it.
#[derive(Debug)]
pub struct AuthorizedInstance<S> {
    /// The instance.
    pub instance: InstanceId,
    scope: PhantomData<S>,
}

impl<S: RequiredScope> HandlerArgument for AuthorizedInstance<S> {
    const ACCESS: Option<Access> = Some(Access::Instance(S::SCOPE));
}

impl<S: RequiredScope> FromRequest for AuthorizedInstance<S> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(authorized::<S, _>(request, |caller| Ok(Self { instance: instance_of(caller)?, scope: PhantomData })))
    }
}

/// An operator with the scope `S`. With a token narrowed to an instance (RFC 8707), nothing of another instance is there.
#[derive(Debug)]
pub struct AuthorizedOperator<S> {
    /// The only instance within reach; none for all of them.
    pub narrowed_to: Option<InstanceId>,
    scope: PhantomData<S>,
}

impl<S> AuthorizedOperator<S> {
    /// Whether an instance is within reach.
    #[must_use]
    pub fn reaches(&self, instance: InstanceId) -> bool {
        self.narrowed_to.is_none_or(|only| only == instance)
    }
}

impl<S: RequiredScope> HandlerArgument for AuthorizedOperator<S> {
    const ACCESS: Option<Access> = Some(Access::OperatorWithin(S::SCOPE));
}

impl<S: RequiredScope> FromRequest for AuthorizedOperator<S> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(authorized::<S, _>(request, |caller| Ok(Self { narrowed_to: caller.instance, scope: PhantomData })))
    }
}

/// An operator with the scope `S` whose token is narrowed to no instance: for what is not one instance's.
#[derive(Debug)]
pub struct UnboundOperator<S>(PhantomData<S>);

impl<S: RequiredScope> HandlerArgument for UnboundOperator<S> {
    const ACCESS: Option<Access> = Some(Access::Operator(S::SCOPE));
}

impl<S: RequiredScope> FromRequest for UnboundOperator<S> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(authorized::<S, _>(request, |caller| match caller.instance {
            None => Ok(Self(PhantomData)),
            Some(_) => Err(Problem::new(Code::Forbidden, "The token is narrowed to an instance, and this is not within one.")),
        }))
    }
}

/// Anybody: the route authenticates by itself or says nothing worth protecting.
#[derive(Debug, Clone, Copy)]
pub struct AnyCaller;

impl HandlerArgument for AnyCaller {
    const ACCESS: Option<Access> = Some(Access::Public);
}

impl FromRequest for AnyCaller {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(_: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self))
    }
}
