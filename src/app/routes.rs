use actix_web::web::{self, Data};
use actix_web::{App, HttpResponse};
use utoipa::openapi::OpenApi;
use utoipa_actix_web::AppExt;
use utoipa_actix_web::service_config::ServiceConfig;
use utoipa_swagger_ui::SwaggerUi;

use super::health;

/// Every documented route.
pub(super) fn configure(config: &mut ServiceConfig) {
    health::routes(config);
    crate::auth::http::routes(config);
    crate::instances::http::routes(config);
    crate::connections::http::routes(config);
    crate::members::http::routes(config);
    crate::invites::http::routes(config);
    crate::package::http::routes(config);
    crate::sync::http::routes(config);
    crate::people::http::routes(config);
    crate::passage::http::routes(config);
}

/// The document and its page, which don't document themselves.
pub(super) fn configure_unlisted(config: &mut web::ServiceConfig, document: OpenApi) {
    let served = Data::new(document.clone());
    config.app_data(served).route("/openapi.json", web::get().to(document_json));
    config.service(SwaggerUi::new("/docs/{_:.*}").url("/openapi.json", document));
    config.route("/", web::get().to(front_page));
}

async fn document_json(document: Data<OpenApi>) -> HttpResponse {
    HttpResponse::Ok().json(document.get_ref())
}

async fn front_page() -> HttpResponse {
    HttpResponse::SeeOther().insert_header(("location", "/docs/")).finish()
}

/// The OpenAPI document, as the code says it.
#[must_use]
pub fn openapi_document() -> OpenApi {
    let (_, mut document) = App::new().into_utoipa_app().openapi(crate::http::openapi::base()).configure(configure).split_for_parts();
    crate::http::openapi::complete(&mut document);
    document
}
