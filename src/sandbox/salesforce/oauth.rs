//! `/services/oauth2/authorize` and `/services/oauth2/token`: the web-server flow with PKCE, and refresh with rotation.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::{Digest, Sha256};
use url::{Url, form_urlencoded};

use super::authorization::{AuthorizeRequest, refusal};
use super::errors::{INACTIVE_USER, OauthError, UNKNOWN_CLIENT, WRONG_REDIRECT, WRONG_SECRET};
use super::grants::Issued;
use super::oauth_parameters::{Pairs, value};
use super::tokens::{access_token, refresh_token};
use super::users::organization_id;
use super::{base, login};
use crate::sandbox::state::SandboxState;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/services/oauth2/authorize", web::get().to(authorize))
        .service(web::resource("/services/oauth2/token").route(web::post().to(token)).default_service(web::to(token_by_other_method)));
}

async fn authorize(request: HttpRequest, sandbox: web::Data<SandboxState>) -> HttpResponse {
    let pairs: Pairs = form_urlencoded::parse(request.query_string().as_bytes()).into_owned().collect();
    let asked = match AuthorizeRequest::read(&sandbox, &pairs) {
        Ok(asked) => asked,
        Err(response) => return response,
    };
    let user = login::logged_in(&request, &sandbox).filter(|_| asked.prompt.as_deref() != Some("login"));
    match user {
        Some(user) => asked.grant(&sandbox, &user),
        None if value(&pairs, "immediate") == Some("true") => {
            refusal(asked.redirect, asked.state.as_deref(), OauthError::new("immediate_unsuccessful", "immediate unsuccessful"))
        }
        None => login::page(&pairs, asked.login_hint.as_deref(), None),
    }
}

async fn token_by_other_method() -> HttpResponse {
    OauthError::new("invalid_request", "must use HTTP POST").response()
}

/// Client id and secret from the form, or from HTTP Basic.
fn check_client(request: &HttpRequest, sandbox: &SandboxState, pairs: &[(String, String)]) -> Result<(), OauthError> {
    let basic =
        request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Basic ")).and_then(|text| {
            let text = String::from_utf8(STANDARD.decode(text.trim()).ok()?).ok()?;
            text.split_once(':').map(|(id, secret)| (id.to_owned(), secret.to_owned()))
        });
    let (id, secret) = match &basic {
        Some((id, secret)) => (Some(id.as_str()), Some(secret.as_str())),
        None => (value(pairs, "client_id"), value(pairs, "client_secret")),
    };
    if id != Some(sandbox.settings.salesforce_client_id.as_str()) {
        return Err(UNKNOWN_CLIENT);
    }
    if secret != Some(sandbox.settings.salesforce_client_secret.as_str()) {
        return Err(WRONG_SECRET);
    }
    Ok(())
}

async fn token(request: HttpRequest, body: web::Bytes, sandbox: web::Data<SandboxState>) -> HttpResponse {
    let pairs: Pairs = form_urlencoded::parse(&body).into_owned().collect();
    let kind = value(&pairs, "grant_type").unwrap_or("none");
    sandbox.count_call(&format!("salesforce token {kind}"));
    let outcome = match kind {
        // An assertion proves the app by its signature.
        super::assertion::GRANT_TYPE => super::assertion::by_assertion(&sandbox, &pairs),
        _ => check_client(&request, &sandbox, &pairs).and_then(|()| by_client(&sandbox, &pairs, kind)),
    };
    match outcome {
        Ok(issued) => answer(&request, &sandbox, &issued, kind != super::assertion::GRANT_TYPE),
        Err(error) => error.response(),
    }
}

fn by_client(sandbox: &SandboxState, pairs: &[(String, String)], kind: &str) -> Result<Issued, OauthError> {
    match kind {
        "authorization_code" => by_code(sandbox, pairs),
        "refresh_token" => by_refresh_token(sandbox, pairs),
        "client_credentials" => by_client_credentials(sandbox),
        _ => Err(OauthError::new("unsupported_grant_type", "grant type not supported")),
    }
}

fn by_code(sandbox: &SandboxState, pairs: &[(String, String)]) -> Result<Issued, OauthError> {
    let text = value(pairs, "code").ok_or(OauthError::new("invalid_request", "missing required parameter: code"))?;
    let now = sandbox.now();
    let (access, refresh) = (access_token(sandbox), refresh_token(sandbox));
    let mut salesforce = sandbox.salesforce();
    let code = salesforce.grants.redeem(text, now)?;
    let same_redirect =
        value(pairs, "redirect_uri").and_then(|uri| Url::parse(uri).ok()).is_some_and(|uri| uri.as_str() == code.redirect_uri);
    if !same_redirect {
        return Err(WRONG_REDIRECT);
    }
    // RFC 7636 ends a verifier at 128 characters; Salesforce asks for 128 random bytes, which are 171 characters in base64url, and those
    // are what jsforce and Salesforce's own command line send. So its length is not looked at, only its hash.
    let proven =
        value(pairs, "code_verifier").is_some_and(|verifier| URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes())) == code.challenge);
    if !proven {
        return Err(OauthError::new("invalid_grant", "invalid code verifier"));
    }
    if !salesforce.user(&code.user_id).is_some_and(|user| user.active) {
        return Err(INACTIVE_USER);
    }
    Ok(salesforce.grants.open(&code.user_id, &code.scope, access, refresh, now))
}

/// The session of the user whom an administrator chose to run the flow as. There is no refresh token.
fn by_client_credentials(sandbox: &SandboxState) -> Result<Issued, OauthError> {
    let (now, access) = (sandbox.now(), access_token(sandbox));
    let mut salesforce = sandbox.salesforce();
    let user = salesforce.client_credentials_user.clone();
    let user = user.ok_or(OauthError::new("invalid_grant", "no client credentials user enabled"))?;
    if !salesforce.user(&user).is_some_and(|user| user.active) {
        return Err(INACTIVE_USER);
    }
    Ok(salesforce.grants.open(&user, "api id", access, String::new(), now))
}

fn by_refresh_token(sandbox: &SandboxState, pairs: &[(String, String)]) -> Result<Issued, OauthError> {
    let text = value(pairs, "refresh_token").ok_or(OauthError::new("invalid_request", "missing required parameter: refresh_token"))?;
    let now = sandbox.now();
    let (access, next) = (access_token(sandbox), refresh_token(sandbox));
    let mut salesforce = sandbox.salesforce();
    let owner = salesforce.grants.user_of_refresh(text).map(|(user, _)| user.to_owned());
    if owner.is_some_and(|owner| !salesforce.user(&owner).is_some_and(|user| user.active)) {
        return Err(INACTIVE_USER);
    }
    salesforce.grants.refresh(text, access, next, now)
}

/// The token answer; the one to an assertion has neither signature nor time of issue.
fn answer(request: &HttpRequest, sandbox: &SandboxState, issued: &Issued, signed: bool) -> HttpResponse {
    let base = base(request);
    let id = format!("{base}/id/{}/{}", organization_id(), issued.user_id);
    let issued_at = (sandbox.clock.now().unix_timestamp_nanos() / 1_000_000).to_string();
    let mut body = json!({
        "access_token": issued.access_token,
        "scope": issued.scope,
        "instance_url": base,
        "id": id,
        "token_type": "Bearer",
    });
    if signed {
        body["signature"] = json!(signature(&sandbox.settings.salesforce_client_secret, &id, &issued_at));
        body["issued_at"] = json!(issued_at);
    }
    if let Some(refresh) = &issued.refresh_token {
        body["refresh_token"] = json!(refresh);
    }
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-cache, no-store")).json(body)
}

/// `base64(HMAC-SHA256(consumer secret, id ‖ issued_at))`.
fn signature(secret: &str, id: &str, issued_at: &str) -> String {
    // HMAC takes a key of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return String::new() };
    mac.update(id.as_bytes());
    mac.update(issued_at.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}
