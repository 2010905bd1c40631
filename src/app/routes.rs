use std::sync::LazyLock;

use actix_web::web;
use actix_web::{App, HttpResponse};
use utoipa::openapi::OpenApi;
use utoipa_swagger_ui::{Config, SwaggerUi};

use super::health;
use crate::http::Routes;

/// Every documented route. The router asks one after the other, and each with a parameter costs it a search of the path: those that
/// are called most come first, the tokens and the people behind the panels in Salesforce.
pub(super) fn configure(config: &mut Routes<'_>) {
    crate::connections::http::token_routes(config);
    crate::people::http::routes(config);
    crate::connections::http::routes(config);
    crate::diagnostics::http::routes(config);
    crate::auth::http::routes(config);
    health::routes(config);
    crate::audit::http::routes(config);
    crate::instances::http::routes(config);
    crate::members::http::routes(config);
    crate::invites::http::routes(config);
    crate::scim::http::routes(config);
    crate::mail::http::routes(config);
    crate::dead_letters::http::routes(config);
    crate::package::http::routes(config);
    crate::sync::http::routes(config);
    crate::proxy::http::routes(config);
}

/// The document and its page, which don't document themselves.
pub(super) fn configure_unlisted(config: &mut web::ServiceConfig) {
    config.route("/openapi.json", web::get().to(document_json));
    config.service(SwaggerUi::new("/docs/{_:.*}").config(Config::from("/openapi.json")));
    config.route("/", web::get().to(front_page));
}

async fn document_json() -> HttpResponse {
    HttpResponse::Ok().json(openapi_document())
}

async fn front_page() -> HttpResponse {
    HttpResponse::SeeOther().insert_header(("location", "/docs/")).finish()
}

/// The OpenAPI document, as the code says it; written once a process.
#[must_use]
pub fn openapi_document() -> &'static OpenApi {
    static DOCUMENT: LazyLock<OpenApi> = LazyLock::new(|| {
        let mut document = crate::http::openapi::base();
        let _ = App::new().configure(|config| configure(&mut Routes::describing(config, &mut document)));
        crate::http::openapi::complete(&mut document);
        document
    });
    &DOCUMENT
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use actix_web::dev::Service;
    use actix_web::test;

    use super::*;
    use crate::auth::permissions::RULES;

    /// `http/route.rs` counts on it.
    #[::core::prelude::v1::test]
    fn a_path_without_parameters_is_a_route_of_its_own() {
        actix_web::rt::System::new().block_on(async {
            let looked_at = Arc::new(AtomicUsize::new(0));
            let counted = looked_at.clone();
            let app = App::new().configure(|config| configure(&mut Routes::registering(config)));
            let app = app.configure(configure_unlisted).wrap_fn(move |request, next| {
                assert_eq!(request.match_pattern().as_deref(), Some(request.path()));
                counted.fetch_add(1, Ordering::Relaxed);
                next.call(request)
            });
            let app = test::init_service(app).await;
            let plain: Vec<_> = RULES.iter().filter(|rule| !rule.path.contains('{')).collect();
            for rule in &plain {
                let method = rule.method.parse().unwrap();
                // Nothing is wired, so the answer is of no interest.
                let _ = test::try_call_service(&app, test::TestRequest::default().method(method).uri(rule.path).to_request()).await;
            }
            assert_eq!(looked_at.load(Ordering::Relaxed), plain.len());
        });
    }
}
