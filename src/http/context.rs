use std::future::{Ready, ready};
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use futures_util::future::BoxFuture;
use secrecy::SecretString;

use super::{Code, Problem};
use crate::auth::permissions::{Actor, Caller, Scope, Scopes};
use crate::clock::SharedClock;
use crate::crypto::Vault;
use crate::db::Db;
use crate::ids::InstanceId;

/// The address callers and browsers use, without a trailing slash.
#[derive(Debug, Clone)]
pub struct PublicUrl(pub Arc<str>);

impl PublicUrl {
    /// The address of `path`, which begins with a slash.
    #[must_use]
    pub fn of(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }
}

/// What nearly every handler needs. An extractor; cheap to clone.
#[derive(Debug, Clone)]
pub struct Context {
    /// The database.
    pub db: Db,
    /// The clock.
    pub clock: SharedClock,
    /// Seals and opens secrets.
    pub vault: Vault,
    /// Our own address.
    pub public_url: PublicUrl,
}

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

/// How a caller says who it is.
#[derive(Debug)]
pub enum Credentials {
    /// `Authorization: Bearer …` (RFC 6750).
    Bearer(SecretString),
    /// The console's session cookie.
    Session(SecretString),
}

/// Tells who is behind the credentials. `auth` implements it; the edge knows only this.
pub trait Authenticate: Send + Sync {
    /// The caller, or [`Code::InvalidToken`].
    fn authenticate(&self, credentials: Credentials) -> BoxFuture<'_, Result<Caller, Problem>>;
}

/// A caller bound to an instance; the way into every query of a tenant. Only routes whose rule is `Access::Instance` can have
/// one: the gate has checked scope and binding before.
#[derive(Debug, Clone)]
pub struct InstanceCaller {
    /// The instance.
    pub instance: InstanceId,
    /// Who acts in it.
    pub actor: Actor,
    /// What it may do.
    pub scopes: Scopes,
}

impl InstanceCaller {
    /// Whether the caller may do more than the route itself asks for.
    #[must_use]
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.0.contains(&scope)
    }
}

impl FromRequest for InstanceCaller {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let caller = request.extensions().get::<Caller>().cloned();
        ready(match caller {
            Some(Caller { instance: Some(instance), actor, scopes }) => Ok(Self { instance, actor, scopes }),
            Some(_) => Err(Problem::new(Code::InstanceRequired, "Ask for a token with resource=urn:msi-actions:instance:ID.")),
            None => Err(Problem::new(Code::Unauthenticated, "Send an access token.")),
        })
    }
}
