//! The simulated Salesforce: OAuth with a login page, the REST API and Bulk API 2.0 queries.

mod apex;
mod api_call;
mod api_request;
mod assertion;
mod authorization;
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
mod org_snapshot;
mod query_job_routes;
pub mod query_jobs;
mod query_pages;
mod query_plan;
mod query_routes;
mod record_json;
mod record_reads;
mod record_routes;
mod record_writer;
mod replication;
mod schema;
mod soql;
pub mod state;
mod stored_records;
mod tokens;
pub mod users;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, Resource, web};

use errors::SalesforceApiError;

/// Registers every route.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .configure(oauth::routes)
        .configure(login::routes)
        .configure(identity::routes)
        .configure(query_routes::routes)
        .configure(replication::routes)
        .configure(record_routes::routes)
        .configure(query_job_routes::routes)
        .configure(apex::routes)
        .default_service(web::to(respond_unknown));
}

/// 404 for an unknown path, 405 for a wrong method.
async fn respond_unknown(request: HttpRequest) -> HttpResponse {
    match request.match_pattern() {
        Some(_) => {
            let message = format!("HTTP Method '{}' not allowed.", request.method());
            SalesforceApiError::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", message).to_response()
        }
        None => SalesforceApiError::not_found().to_response(),
    }
}

/// A resource that answers wrong methods in Salesforce's form.
fn resource<const N: usize>(paths: [&str; N]) -> Resource {
    web::resource(paths.to_vec()).default_service(web::to(respond_unknown))
}

/// The origin by which a caller reached Salesforce: login host and `instance_url` in one.
fn origin(request: &HttpRequest) -> String {
    let connection = request.connection_info();
    format!("{}://{}", connection.scheme(), connection.host())
}
