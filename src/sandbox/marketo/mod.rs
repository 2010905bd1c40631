//! The simulated Marketo: identity, leads, static lists, activities, bulk extract, statistics, user management.

mod activities;
mod assets;
mod call_quota;
mod calls;
pub mod dot_segments;
mod envelope;
pub mod error;
pub mod export_job;
mod export_jobs;
mod export_routes;
mod export_writer;
mod fields;
mod identity;
mod leads;
mod lists;
mod request_parameters;
pub mod state;
mod static_lists;
mod stats;
mod tokens;
pub mod usage;
mod user_management;
pub mod users;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use super::state::SandboxState;
use error::MarketoApiError;

/// Registers every route.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .configure(identity::routes)
        .configure(leads::routes)
        .configure(lists::routes)
        .configure(assets::routes)
        .configure(stats::routes)
        .configure(export_routes::routes)
        .configure(activities::routes)
        .configure(user_management::routes)
        .default_service(web::to(respond_unknown));
}

/// 610 for an unknown path, 605 for a wrong method, in the usual envelope; under user management a bare HTTP status.
async fn respond_unknown(request: HttpRequest, sandbox: web::Data<SandboxState>) -> HttpResponse {
    let (error, status) = match request.match_pattern() {
        Some(_) => (MarketoApiError::new("605", "HTTP Method not supported"), StatusCode::METHOD_NOT_ALLOWED),
        None => (MarketoApiError::new("610", "Requested resource not found"), StatusCode::NOT_FOUND),
    };
    if request.path().contains("/userservice/") { error.to_user_management_response(&sandbox, status) } else { error.to_response(&sandbox) }
}
