//! What a page inside Salesforce has at hand: the session of the user who looks at it, and the signed request that Salesforce posts
//! to a Canvas app. A control route makes either for a user.

use actix_web::{HttpRequest, HttpResponse, web};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use serde_json::json;
use sha2::Sha256;

use super::tokens::{access_token, refresh_token};
use super::users::{SalesforceUser, organization_id};
use crate::sandbox::listeners::SandboxVendor;
use crate::sandbox::state::SandboxState;

#[derive(Debug, Deserialize)]
struct Wanted {
    username: String,
    /// What to claim as algorithm.
    #[serde(default)]
    algorithm: Option<String>,
    /// Whom to name, if not the session's user.
    #[serde(default)]
    user_id: Option<String>,
    /// What to sign with, if not the app's consumer secret.
    #[serde(default)]
    consumer_secret: Option<String>,
}

fn read(body: &[u8], sandbox: &SandboxState) -> Result<(Wanted, SalesforceUser), HttpResponse> {
    let wrong = |message: String| HttpResponse::BadRequest().json(json!({ "error": message }));
    let wanted: Wanted = serde_json::from_slice(body).map_err(|error| wrong(error.to_string()))?;
    let user = sandbox.salesforce().users.iter().find(|user| user.username.eq_ignore_ascii_case(&wanted.username)).cloned();
    match user {
        Some(user) => Ok((wanted, user)),
        None => Err(wrong(format!("there is no user {}", wanted.username))),
    }
}

fn session(sandbox: &SandboxState, user: &SalesforceUser) -> String {
    let (access, refresh) = (access_token(sandbox), refresh_token(sandbox));
    sandbox.salesforce().grants.open(&user.id, "api", access, refresh, sandbox.now()).access_token
}

/// Opens a session, as a login to the user interface does.
pub async fn open_session(request: HttpRequest, body: web::Bytes, sandbox: web::Data<SandboxState>) -> HttpResponse {
    match read(&body, &sandbox) {
        Ok((_, user)) => HttpResponse::Created().json(json!({
            "access_token": session(&sandbox, &user), "instance_url": sandbox.ports.origin(SandboxVendor::Salesforce, &request), "user_id": user.id,
        })),
        Err(response) => response,
    }
}

/// Makes a signed request.
pub async fn sign_request(request: HttpRequest, body: web::Bytes, sandbox: web::Data<SandboxState>) -> HttpResponse {
    let (wanted, user) = match read(&body, &sandbox) {
        Ok(read) => read,
        Err(response) => return response,
    };
    let base = sandbox.ports.origin(SandboxVendor::Salesforce, &request);
    let envelope = json!({
        "algorithm": wanted.algorithm.as_deref().unwrap_or("HMACSHA256"),
        "issuedAt": sandbox.now(),
        "userId": wanted.user_id.as_deref().unwrap_or(&user.id),
        "client": {
            "refreshToken": null,
            "instanceId": "_:MSI_Actions:j_id0:canvasapp",
            "targetOrigin": base,
            "instanceUrl": base,
            "oauthToken": session(&sandbox, &user),
        },
        "context": {
            "user": {"userId": user.id, "userName": user.username, "email": user.email, "fullName": user.name()},
            "organization": {"organizationId": organization_id()},
            "environment": {}, "links": {}, "application": {"developerName": "MSI_Actions", "authType": "SIGNED_REQUEST"},
        },
    });
    let envelope = STANDARD.encode(envelope.to_string());
    let secret = wanted.consumer_secret.as_ref().unwrap_or(&sandbox.settings.salesforce_client_secret);
    // HMAC takes a key of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        return HttpResponse::InternalServerError().finish();
    };
    mac.update(envelope.as_bytes());
    let signature = STANDARD.encode(mac.finalize().into_bytes());
    HttpResponse::Created().json(json!({ "signed_request": format!("{signature}.{envelope}") }))
}
