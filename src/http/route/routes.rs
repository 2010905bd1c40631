use actix_web::dev::HttpServiceFactory;
use actix_web::web::ServiceConfig;

use super::declaration::Route;
use super::description::ApiDescription;
use super::table::RouteRule;
use crate::permissions::Access;

/// Takes the features' routes. Each worker registers them; they are described once a process, for that takes longer than all the rest
/// of a start.
pub struct Routes<'a>(Target<'a>);

enum Target<'a> {
    Worker(&'a mut ServiceConfig),
    Description(&'a mut ApiDescription),
}

impl<'a> Routes<'a> {
    /// Registers routes with a worker.
    pub fn registering(config: &'a mut ServiceConfig) -> Self {
        Self(Target::Worker(config))
    }

    /// Describes routes.
    pub fn describing(description: &'a mut ApiDescription) -> Self {
        Self(Target::Description(description))
    }

    /// Takes a route.
    pub fn add(&mut self, route: Route) -> &mut Self {
        match &mut self.0 {
            Target::Worker(config) => route.register(config),
            Target::Description(description) => route.describe(description),
        }
        self
    }

    /// Takes a GET that anybody may call and that doesn't stand in the document.
    pub fn add_undocumented<F: HttpServiceFactory + 'static>(&mut self, pattern: &str, service: F) -> &mut Self {
        match &mut self.0 {
            Target::Worker(config) => drop(config.service(service)),
            Target::Description(description) => {
                description.rules.push(RouteRule { is_documented: false, ..RouteRule::new("GET", pattern, Access::Public) });
            }
        }
        self
    }
}
