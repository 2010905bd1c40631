//! The declaration of one route.

use actix_web::middleware::{Compress, from_fn};
use actix_web::web::{self, ServiceConfig};
use actix_web::{FromRequest, Handler, Resource, Responder, guard};
use utoipa::openapi::path::HttpMethod;

use super::arguments::HandlerArguments;
use super::description::{ApiDescription, method_of};
use super::table::RouteRule;
use crate::http::rate_limit::{limit_links, limit_logins};

/// A limit that routes open to anybody share.
#[derive(Debug, Clone, Copy)]
pub enum SharedLimit {
    /// Addresses that hold a secret, counted by network and by link.
    Links,
    /// Logins by password and requests for a new one, counted by network.
    Logins,
}

/// A route: its handler, and what there is to know about it.
pub struct Route {
    rule: RouteRule,
    resource: Resource,
    limit: Option<SharedLimit>,
    is_compressed: bool,
    describe: fn(&mut ApiDescription, RouteRule),
}

impl std::fmt::Debug for Route {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Route").field("rule", &self.rule).finish_non_exhaustive()
    }
}

impl Route {
    /// The route of a handler whose `#[utoipa::path]` made `path`; [`route!`](super::route) writes the call.
    pub fn new<P, H, A>(_path: P, handler: H) -> Self
    where
        P: utoipa::Path + utoipa::__dev::SchemaReferences + for<'t> utoipa::__dev::Tags<'t>,
        H: Handler<A>,
        H::Output: Responder + 'static,
        A: FromRequest + HandlerArguments + 'static,
    {
        let method = name_of_method(&method_of::<P>());
        let rule = RouteRule::new(method, P::path(), const { A::ACCESS });
        let takes_head = method == "GET" && !rule.has_tail();
        let is_method = guard::fn_guard(move |context| match context.head().method.as_str() {
            "HEAD" if takes_head => true,
            asked => asked == method,
        });
        let resource = web::resource(rule.pattern.as_str()).guard(is_method).to(handler);
        Self { rule, resource, limit: None, is_compressed: false, describe: ApiDescription::add_operation::<P> }
    }

    /// Its requests may carry an `Idempotency-Key`: for POSTs that create something or can't be repeated without harm. Others have no
    /// need of it: uploads, whose files are too large to be looked at twice, and are harmless until they are confirmed; authorizations,
    /// which only begin and expire in minutes; tokens and sessions, which are cheap to get again and must not lie about for a day; and
    /// what comes to the same when it is done twice.
    #[must_use]
    pub fn idempotent(mut self) -> Self {
        self.rule.is_idempotent = true;
        self
    }

    /// Its requests carry a file. How long that may be on its way is a matter of the line; the handler gives up when nothing comes any
    /// more.
    #[must_use]
    pub fn upload(mut self) -> Self {
        self.rule.is_upload = true;
        self
    }

    /// Anybody may call it, as often as `limit` says.
    #[must_use]
    pub fn limited_by(mut self, limit: SharedLimit) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Its answers are compressed when the caller accepts that.
    #[must_use]
    pub fn compressed(mut self) -> Self {
        self.is_compressed = true;
        self
    }

    pub(super) fn register(self, config: &mut ServiceConfig) {
        let resource = self.resource;
        match (self.limit, self.is_compressed) {
            (None, false) => config.service(resource),
            (None, true) => config.service(resource.wrap(Compress::default())),
            (Some(SharedLimit::Links), _) => config.service(resource.wrap(from_fn(limit_links))),
            (Some(SharedLimit::Logins), _) => config.service(resource.wrap(from_fn(limit_logins))),
        };
    }

    pub(super) fn describe(self, description: &mut ApiDescription) {
        (self.describe)(description, self.rule);
    }
}

/// The method's name, as requests have it.
fn name_of_method(method: &HttpMethod) -> &'static str {
    match method {
        HttpMethod::Get => "GET",
        HttpMethod::Head => "HEAD",
        HttpMethod::Post => "POST",
        HttpMethod::Put => "PUT",
        HttpMethod::Patch => "PATCH",
        HttpMethod::Delete => "DELETE",
        HttpMethod::Options => "OPTIONS",
        HttpMethod::Trace => "TRACE",
    }
}
