use std::sync::LazyLock;

use actix_web::{HttpResponse, Route, guard, web};
use serde_json::Value;
use utoipa::openapi::OpenApi;
use utoipa_swagger_ui::{Config, SwaggerUi};

use super::{health, problem_catalog};
use crate::http::{ApiDescription, RouteTable, Routes};

/// Every route. The router asks one after the other, and each with a parameter costs it a search of the path: those that
/// are called most come first, the tokens and the people behind the panels in Salesforce.
pub(super) fn configure(routes: &mut Routes<'_>) {
    crate::connections::http::token_routes(routes);
    crate::people::http::routes(routes);
    crate::connections::http::routes(routes);
    crate::diagnostics::http::routes(routes);
    crate::auth::http::routes(routes);
    health::routes(routes);
    problem_catalog::routes(routes);
    crate::audit::http::routes(routes);
    crate::instances::http::routes(routes);
    crate::onboarding::http::routes(routes);
    crate::members::http::routes(routes);
    crate::invites::http::routes(routes);
    crate::imports::http::routes(routes);
    crate::scim::http::routes(routes);
    crate::mail::http::routes(routes);
    crate::dead_letters::http::routes(routes);
    crate::package::http::routes(routes);
    crate::sync::http::routes(routes);
    crate::proxy::http::routes(routes);
    configure_undocumented(routes);
}

/// The document and its page, which don't document themselves.
fn configure_undocumented(routes: &mut Routes<'_>) {
    routes.add_undocumented("/openapi.json", web::resource("/openapi.json").route(get_or_head().to(document_json)));
    routes.add_undocumented("/docs/{_:.*}", SwaggerUi::new("/docs/{_:.*}").config(Config::from("/openapi.json")));
    routes.add_undocumented("/", web::resource("/").route(get_or_head().to(front_page)));
}

fn get_or_head() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

async fn document_json() -> HttpResponse {
    HttpResponse::Ok().json(openapi_document())
}

async fn front_page() -> HttpResponse {
    HttpResponse::SeeOther().insert_header(("location", "/docs/")).finish()
}

/// The document and the table, described once a process.
static API: LazyLock<(OpenApi, RouteTable)> = LazyLock::new(|| {
    let mut description = ApiDescription { document: crate::http::openapi::base(), ..ApiDescription::default() };
    configure(&mut Routes::describing(&mut description));
    let ApiDescription { document, rules } = description;
    let table = RouteTable::new(rules);
    (document, table)
});

/// The finished document. Apart, because the service starts without it.
static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| crate::http::openapi::complete(API.0.clone(), &API.1).expect("a document of names, texts and numbers is JSON"));

/// The OpenAPI document, as the code says it.
#[must_use]
pub fn openapi_document() -> &'static Value {
    &DOCUMENT
}

/// Every route, with whom it lets in.
#[must_use]
pub fn route_table() -> &'static RouteTable {
    &API.1
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use actix_web::dev::Service;
    use actix_web::{App, test};

    use super::*;

    /// `http/route` counts on it.
    #[::core::prelude::v1::test]
    fn a_path_without_parameters_is_a_route_of_its_own() {
        actix_web::rt::System::new().block_on(async {
            let looked_at = Arc::new(AtomicUsize::new(0));
            let counted = looked_at.clone();
            let app = App::new().configure(|config| configure(&mut Routes::registering(config))).wrap_fn(move |request, next| {
                assert_eq!(request.match_pattern().as_deref(), Some(request.path()));
                counted.fetch_add(1, Ordering::Relaxed);
                next.call(request)
            });
            let app = test::init_service(app).await;
            let plain: Vec<_> = route_table().rules().iter().filter(|rule| !rule.pattern.contains('{')).collect();
            for rule in &plain {
                let method = rule.method.parse().unwrap();
                // Nothing is wired, so the answer is of no interest.
                let _ = test::try_call_service(&app, test::TestRequest::default().method(method).uri(&rule.pattern).to_request()).await;
            }
            assert_eq!(looked_at.load(Ordering::Relaxed), plain.len());
        });
    }
}
