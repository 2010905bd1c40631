//! The route that a request is for, and the rows of the permission table about it. Found once a request.

use std::collections::HashMap;
use std::sync::LazyLock;

use actix_web::HttpMessage;
use actix_web::dev::ServiceRequest;
use actix_web::http::Method;

use crate::auth::permissions::{METHODS, RULES, Rule};
use crate::telemetry::Operation;

/// A route of the permission table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Route {
    /// Its pattern, as the router knows it.
    pub(super) pattern: &'static str,
    /// A rule for each method, with its number in the table.
    rules: &'static [(usize, &'static Rule)],
}

impl Route {
    /// The rule for a method.
    pub(super) fn rule(&self, method: &Method) -> Option<&'static Rule> {
        self.numbered(method).map(|(_, rule)| rule)
    }

    fn numbered(&self, method: &Method) -> Option<(usize, &'static Rule)> {
        self.rules.iter().copied().find(|(_, rule)| rule.methods().contains(&method.as_str()))
    }

    /// The methods that there are rules for.
    pub(super) fn methods(&self) -> impl Iterator<Item = &'static str> {
        self.rules.iter().flat_map(|(_, rule)| rule.methods()).copied()
    }
}

/// What a request of `method` for a route is counted as.
pub(super) fn operation(route: Option<Route>, method: &Method) -> Operation {
    let rule = route.and_then(|route| route.numbered(method));
    // A rule for several methods counts each on its own.
    let number = rule.filter(|(_, rule)| rule.methods().len() == 1).map(|(number, _)| number);
    Operation { method: name_of(method), route: route.map_or("(none)", |route| route.pattern), number }
}

/// The rows of the permission table by pattern.
static ROUTES: LazyLock<HashMap<&'static str, Vec<(usize, &'static Rule)>>> = LazyLock::new(|| {
    let mut routes: HashMap<&'static str, Vec<(usize, &'static Rule)>> = HashMap::new();
    for (number, rule) in RULES.iter().enumerate() {
        routes.entry(rule.path).or_default().push((number, rule));
    }
    routes
});

fn listed(pattern: &str) -> Option<Route> {
    ROUTES.get_key_value(pattern).map(|(pattern, rules)| Route { pattern, rules })
}

/// The route of a request, if there is one; remembered with the request.
pub(super) fn route_of(request: &ServiceRequest) -> Option<Route> {
    if let Some(known) = request.extensions().get::<Option<Route>>() {
        return *known;
    }
    // A path that is a pattern without parameters is that route (a test says so); the router would try all patterns in turn.
    let plain = Some(request.path()).filter(|path| !path.contains('{')).and_then(listed);
    let found = plain.or_else(|| listed(&request.match_pattern()?));
    request.extensions_mut().insert(found);
    found
}

/// The name of a method that a route can have; one name for all others, which callers may make up.
pub(super) fn name_of(method: &Method) -> &'static str {
    METHODS.iter().copied().find(|known| *known == method.as_str()).unwrap_or("OTHER")
}
