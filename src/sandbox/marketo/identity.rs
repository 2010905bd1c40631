//! `/identity/oauth/token`: client credentials, and the same token until it expires.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;

use super::request_parameters::RequestParameters;
use super::users::API_USER;
use crate::sandbox::state::SandboxState;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.service(web::resource("/identity/oauth/token").route(web::get().to(issue_token)).route(web::post().to(issue_token)));
}

fn respond_error(status: StatusCode, error: &str, description: &str) -> HttpResponse {
    HttpResponse::build(status)
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(json!({"error": error, "error_description": description}))
}

async fn issue_token(request: HttpRequest, body: web::Bytes, sandbox: web::Data<SandboxState>) -> HttpResponse {
    let params = RequestParameters::from_query_and_body(&request, &body);
    let (id, secret) = (params.get("client_id").unwrap_or_default(), params.get("client_secret").unwrap_or_default());
    if id != sandbox.settings.marketo_client_id {
        return respond_error(StatusCode::UNAUTHORIZED, "invalid_client", &format!("No client with requested id: {id}"));
    }
    if secret != sandbox.settings.marketo_client_secret {
        return respond_error(StatusCode::UNAUTHORIZED, "invalid_client", "Bad client credentials");
    }
    match params.get("grant_type") {
        None => return respond_error(StatusCode::BAD_REQUEST, "invalid_request", "Missing grant type"),
        Some("client_credentials") => {}
        Some(other) => {
            return respond_error(StatusCode::BAD_REQUEST, "unsupported_grant_type", &format!("Unsupported grant type: {other}"));
        }
    }
    let (token, expires_in) = sandbox.marketo().tokens.get_or_issue(sandbox.now(), || format!("{}:sj", sandbox.clock.new_id()));
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(json!({"access_token": token, "token_type": "bearer", "expires_in": expires_in, "scope": API_USER}))
}
