use actix_web::dev::HttpServiceFactory;
use actix_web::web::ServiceConfig;
use utoipa::openapi::{Components, OpenApi};
use utoipa_actix_web::OpenApiFactory;

/// Takes the features' routes. Each worker registers them; the document is written once, for that takes longer than all the rest of a
/// start.
pub struct Routes<'a> {
    config: &'a mut ServiceConfig,
    document: Option<&'a mut OpenApi>,
}

impl<'a> Routes<'a> {
    /// Registers routes with a worker.
    pub fn registering(config: &'a mut ServiceConfig) -> Self {
        Self { config, document: None }
    }

    /// Describes routes in `document`.
    pub fn describing(config: &'a mut ServiceConfig, document: &'a mut OpenApi) -> Self {
        Self { config, document: Some(document) }
    }

    /// Takes a route.
    pub fn service<F: HttpServiceFactory + OpenApiFactory + 'static>(&mut self, route: F) -> &mut Self {
        if let Some(document) = &mut self.document {
            document.paths.merge(route.paths());
            let mut schemas = Vec::new();
            route.schemas(&mut schemas);
            document.components.get_or_insert_with(Components::new).schemas.extend(schemas);
        }
        self.config.service(route);
        self
    }
}
