//! The route that a request is for. Found once a request.

use actix_web::HttpMessage;
use actix_web::dev::ServiceRequest;
use actix_web::http::Method;
use actix_web::web::Data;

use super::table::{METHODS, RouteRule};
use crate::http::MiddlewareConfig;
use crate::telemetry::Operation;

/// The route that a request is for.
#[derive(Debug, Clone, Copy)]
pub(in crate::http) struct MatchedRoute {
    /// Its pattern, as the router knows it.
    pub(in crate::http) pattern: &'static str,
    /// A rule for each method, with its number in the table.
    rules: &'static [(usize, &'static RouteRule)],
}

impl MatchedRoute {
    /// The rule for a method.
    pub(in crate::http) fn rule(&self, method: &Method) -> Option<&'static RouteRule> {
        self.numbered(method).map(|(_, rule)| rule)
    }

    /// HEAD is answered like GET, without the body (RFC 9110, section 9.3.2), unless it has a rule of its own.
    fn numbered(&self, method: &Method) -> Option<(usize, &'static RouteRule)> {
        let of = |name: &str| self.rules.iter().copied().find(|(_, rule)| rule.method == name);
        of(method.as_str()).or_else(|| if method == Method::HEAD { of("GET") } else { None })
    }

    /// The methods that a request can have.
    pub(in crate::http) fn methods(&self) -> impl Iterator<Item = &'static str> {
        METHODS.iter().copied().filter(|name| Method::from_bytes(name.as_bytes()).is_ok_and(|method| self.rule(&method).is_some()))
    }
}

/// What a request of `method` for a route is counted as.
pub(in crate::http) fn operation(route: Option<MatchedRoute>, method: &Method) -> Operation {
    let number = route.and_then(|route| route.numbered(method)).map(|(number, _)| number);
    Operation { method: name_of(method), route: route.map_or("(none)", |route| route.pattern), number }
}

/// The route of a request, if there is one; remembered with the request.
pub(in crate::http) fn route_of(request: &ServiceRequest) -> Option<MatchedRoute> {
    if let Some(known) = request.extensions().get::<Option<MatchedRoute>>() {
        return *known;
    }
    let routes = request.app_data::<Data<MiddlewareConfig>>()?.routes;
    let listed = |pattern: &str| routes.rules_of_pattern(pattern).map(|(pattern, rules)| MatchedRoute { pattern, rules });
    // A path that is a pattern without parameters is that route (a test says so); the router would try all patterns in turn.
    let plain = Some(request.path()).filter(|path| !path.contains('{')).and_then(listed);
    let found = plain.or_else(|| listed(&request.match_pattern()?));
    request.extensions_mut().insert(found);
    found
}

/// The name of a method that a route can have; one name for all others, which callers may make up.
pub(in crate::http) fn name_of(method: &Method) -> &'static str {
    METHODS.iter().copied().find(|known| *known == method.as_str()).unwrap_or("OTHER")
}
