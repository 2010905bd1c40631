//! Salesforce as a caller sees it: OAuth with a login page, the REST API and Bulk API 2.0 queries.

mod apex;
mod api_request;
mod assertion;
mod authorization;
pub mod bulk;
mod bulk_http;
pub mod canvas;
mod collections;
mod composite;
mod cursors;
mod describe;
mod errors;
mod field_value;
mod grants;
mod identity;
pub mod ids;
mod login;
mod oauth;
mod oauth_parameters;
mod operations;
mod query;
mod query_pages;
mod record_json;
mod record_reads;
mod record_routes;
mod records;
mod replication;
mod rest;
mod schema;
mod session;
mod soql;
pub mod state;
mod tokens;
pub mod users;
mod write;
mod written;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, Resource, web};

use errors::ApiError;

/// Registers every route.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .configure(oauth::routes)
        .configure(login::routes)
        .configure(identity::routes)
        .configure(rest::routes)
        .configure(replication::routes)
        .configure(record_routes::routes)
        .configure(bulk_http::routes)
        .configure(apex::routes)
        .default_service(web::to(unknown));
}

/// 404 for an unknown path, 405 for a wrong method.
async fn unknown(request: HttpRequest) -> HttpResponse {
    match request.match_pattern() {
        Some(_) => {
            let message = format!("HTTP Method '{}' not allowed.", request.method());
            ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", message).response()
        }
        None => ApiError::not_found().response(),
    }
}

/// A resource whose wrong methods are answered in Salesforce's form.
fn resource<const N: usize>(paths: [&str; N]) -> Resource {
    web::resource(paths.to_vec()).default_service(web::to(unknown))
}

/// The origin under which a caller reached this Salesforce: login host and `instance_url` in one.
fn base(request: &HttpRequest) -> String {
    let connection = request.connection_info();
    format!("{}://{}", connection.scheme(), connection.host())
}
