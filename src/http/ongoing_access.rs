use std::fmt;
use std::future::{Ready, ready};
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use secrecy::{ExposeSecret, SecretString};

use super::MiddlewareConfig;
use super::middleware::credentials;
use super::route::MatchedRoute;
use super::{Code, Credentials, HandlerArgument, Problem};
use crate::ids::InstanceId;
use crate::permissions::{Access, Actor, Caller, Scope};

/// Whether the caller of a request may still do what it asked for, for answers that go on for long: the middleware has looked once,
/// and a session, a token or a role may end while the answer is given. An extractor.
pub struct OngoingAccess {
    config: Data<MiddlewareConfig>,
    proof: RequestCredentials,
    scope: Scope,
    pub(super) instance: InstanceId,
    pub(super) actor: Actor,
}

/// The credentials of the request, kept to be looked at again.
enum RequestCredentials {
    Bearer(SecretString),
    Session(SecretString),
}

impl fmt::Debug for OngoingAccess {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "OngoingAccess({}, {})", self.actor, self.scope)
    }
}

impl OngoingAccess {
    fn of_request(request: &HttpRequest) -> Option<Self> {
        let route: MatchedRoute = (*request.extensions().get::<Option<MatchedRoute>>()?)?;
        let Access::Instance(scope) = route.rule(request.method())?.access else { return None };
        let caller = request.extensions().get::<Arc<Caller>>()?.clone();
        let proof = match credentials(request).ok()?? {
            Credentials::Bearer(token) => RequestCredentials::Bearer(token.into()),
            Credentials::Session(cookie) => RequestCredentials::Session(cookie),
        };
        let config = request.app_data::<Data<MiddlewareConfig>>()?.clone();
        Some(Self { config, proof, scope, instance: caller.instance?, actor: caller.actor.clone() })
    }

    /// Asks again who is behind the credentials. `false` when they are no longer good, or no longer for this.
    ///
    /// # Errors
    /// When it can't be told right now.
    pub(super) async fn holds(&self) -> Result<bool, Problem> {
        let credentials = match &self.proof {
            RequestCredentials::Bearer(token) => Credentials::Bearer(token.expose_secret()),
            RequestCredentials::Session(cookie) => Credentials::Session(cookie.clone()),
        };
        match self.config.authenticate.authenticate(credentials).await {
            Ok(caller) => {
                let is_same = caller.instance == Some(self.instance) && caller.actor == self.actor;
                Ok(is_same && caller.scopes.0.contains(&self.scope))
            }
            Err(problem) if matches!(problem.code().status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => Ok(false),
            Err(problem) => Err(problem),
        }
    }
}

impl HandlerArgument for OngoingAccess {}

impl FromRequest for OngoingAccess {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of_request(request).ok_or_else(|| Problem::new(Code::Internal, "The service is not wired up.")))
    }
}
