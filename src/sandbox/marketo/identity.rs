//! `/identity/oauth/token`: client credentials, and the same token until it expires.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;

use super::params::Params;
use super::users::API_USER;
use crate::sandbox::state::SandboxState;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.service(web::resource("/identity/oauth/token").route(web::get().to(token)).route(web::post().to(token)));
}

fn refused(status: StatusCode, error: &str, description: &str) -> HttpResponse {
    HttpResponse::build(status)
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(json!({"error": error, "error_description": description}))
}

async fn token(request: HttpRequest, body: web::Bytes, sandbox: web::Data<SandboxState>) -> HttpResponse {
    let params = Params::of_query_and_body(&request, &body);
    let (id, secret) = (params.one("client_id").unwrap_or_default(), params.one("client_secret").unwrap_or_default());
    if id != sandbox.settings.marketo_client_id {
        return refused(StatusCode::UNAUTHORIZED, "invalid_client", &format!("No client with requested id: {id}"));
    }
    if secret != sandbox.settings.marketo_client_secret {
        return refused(StatusCode::UNAUTHORIZED, "invalid_client", "Bad client credentials");
    }
    match params.one("grant_type") {
        None => return refused(StatusCode::BAD_REQUEST, "invalid_request", "Missing grant type"),
        Some("client_credentials") => {}
        Some(other) => return refused(StatusCode::BAD_REQUEST, "unsupported_grant_type", &format!("Unsupported grant type: {other}")),
    }
    let (token, expires_in) = sandbox.marketo().tokens.current(sandbox.now(), || format!("{}:sj", sandbox.clock.new_id()));
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(json!({"access_token": token, "token_type": "bearer", "expires_in": expires_in, "scope": API_USER}))
}
