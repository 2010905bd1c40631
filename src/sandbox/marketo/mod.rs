//! Marketo as a caller sees it: identity, leads, bulk lead extract, activities, user management.

mod activities;
mod assets;
mod call;
mod envelope;
pub mod error;
mod export;
mod export_file;
mod export_http;
pub mod export_job;
mod fields;
mod identity;
mod leads;
mod lists;
mod params;
pub mod paths;
mod quota;
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
use error::Refusal;

/// Registers every route.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .configure(identity::routes)
        .configure(leads::routes)
        .configure(lists::routes)
        .configure(assets::routes)
        .configure(stats::routes)
        .configure(export_http::routes)
        .configure(activities::routes)
        .configure(user_management::routes)
        .default_service(web::to(unknown));
}

/// 610 for an unknown path, 605 for a wrong method, in the usual envelope; under user management a bare HTTP status.
async fn unknown(request: HttpRequest, sandbox: web::Data<SandboxState>) -> HttpResponse {
    let (refusal, status) = match request.match_pattern() {
        Some(_) => (Refusal::new("605", "HTTP Method not supported"), StatusCode::METHOD_NOT_ALLOWED),
        None => (Refusal::new("610", "Requested resource not found"), StatusCode::NOT_FOUND),
    };
    if request.path().contains("/userservice/") { refusal.user_management(&sandbox, status) } else { refusal.envelope(&sandbox) }
}
