//! Control routes for what a page inside Salesforce has: the session of its user, and the signed request that Salesforce posts to a Canvas
//! app.

use actix_web::{HttpRequest, HttpResponse, web};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use serde_json::json;
use sha2::Sha256;

use super::tokens::{new_access_token, new_refresh_token};
use super::users::{SalesforceUser, organization_id};
use crate::sandbox::listeners::SandboxVendor;
use crate::sandbox::state::SandboxState;

#[derive(Debug, Deserialize)]
struct SignedRequestOptions {
    username: String,
    /// The algorithm to claim, when not the real one.
    #[serde(default)]
    algorithm: Option<String>,
    /// The user id to claim, when not that of the session's user.
    #[serde(default)]
    user_id: Option<String>,
    /// The key to sign with, when not the app's consumer secret.
    #[serde(default)]
    consumer_secret: Option<String>,
}

fn read_request(body: &[u8], sandbox: &SandboxState) -> Result<(SignedRequestOptions, SalesforceUser), HttpResponse> {
    let bad_request = |message: String| HttpResponse::BadRequest().json(json!({ "error": message }));
    let options: SignedRequestOptions = serde_json::from_slice(body).map_err(|error| bad_request(error.to_string()))?;
    let user = sandbox.salesforce().users.iter().find(|user| user.username.eq_ignore_ascii_case(&options.username)).cloned();
    match user {
        Some(user) => Ok((options, user)),
        None => Err(bad_request(format!("there is no user {}", options.username))),
    }
}

fn open_user_session(sandbox: &SandboxState, user: &SalesforceUser) -> String {
    let (access, refresh) = (new_access_token(sandbox), new_refresh_token(sandbox));
    sandbox.salesforce().grants.open(&user.id, "api", access, refresh, sandbox.now()).access_token
}

/// Opens a session, as a login to the user interface does.
pub async fn open_session(request: HttpRequest, body: web::Bytes, sandbox: web::Data<SandboxState>) -> HttpResponse {
    match read_request(&body, &sandbox) {
        Ok((_, user)) => HttpResponse::Created().json(json!({
            "access_token": open_user_session(&sandbox, &user), "instance_url": sandbox.ports.origin(SandboxVendor::Salesforce, &request), "user_id": user.id,
        })),
        Err(response) => response,
    }
}

/// Creates a signed request.
pub async fn sign_request(request: HttpRequest, body: web::Bytes, sandbox: web::Data<SandboxState>) -> HttpResponse {
    let (options, user) = match read_request(&body, &sandbox) {
        Ok(read) => read,
        Err(response) => return response,
    };
    let base = sandbox.ports.origin(SandboxVendor::Salesforce, &request);
    let envelope = json!({
        "algorithm": options.algorithm.as_deref().unwrap_or("HMACSHA256"),
        "issuedAt": sandbox.now(),
        "userId": options.user_id.as_deref().unwrap_or(&user.id),
        "client": {
            "refreshToken": null,
            "instanceId": "_:MSI_Actions:j_id0:canvasapp",
            "targetOrigin": base,
            "instanceUrl": base,
            "oauthToken": open_user_session(&sandbox, &user),
        },
        "context": {
            "user": {"userId": user.id, "userName": user.username, "email": user.email, "fullName": user.name()},
            "organization": {"organizationId": organization_id()},
            "environment": {}, "links": {}, "application": {"developerName": "MSI_Actions", "authType": "SIGNED_REQUEST"},
        },
    });
    let envelope = STANDARD.encode(envelope.to_string());
    let secret = options.consumer_secret.as_ref().unwrap_or(&sandbox.settings.salesforce_client_secret);
    // HMAC takes a key of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        return HttpResponse::InternalServerError().finish();
    };
    mac.update(envelope.as_bytes());
    let signature = STANDARD.encode(mac.finalize().into_bytes());
    HttpResponse::Created().json(json!({ "signed_request": format!("{signature}.{envelope}") }))
}
