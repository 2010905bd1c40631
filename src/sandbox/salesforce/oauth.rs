//! `/services/oauth2/authorize` and `/services/oauth2/token`: the web-server flow with PKCE, refresh with rotation, and the flows without a
//! user at hand.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::{Digest, Sha256};
use url::{Url, form_urlencoded};

use super::authorization::{AuthorizationRequest, redirect_with_error};
use super::errors::{INACTIVE_USER, OauthError, UNKNOWN_CLIENT, WRONG_REDIRECT, WRONG_SECRET};
use super::grants::IssuedTokens;
use super::oauth_parameters::{OauthParameters, find_value};
use super::tokens::{new_access_token, new_refresh_token};
use super::users::organization_id;
use super::{login, origin};
use crate::sandbox::state::SandboxState;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/services/oauth2/authorize", web::get().to(authorize))
        .service(web::resource("/services/oauth2/token").route(web::post().to(issue_tokens)).default_service(web::to(reject_method)));
}

async fn authorize(request: HttpRequest, sandbox: web::Data<SandboxState>) -> HttpResponse {
    let parameters: OauthParameters = form_urlencoded::parse(request.query_string().as_bytes()).into_owned().collect();
    let authorization = match AuthorizationRequest::from_parameters(&sandbox, &parameters) {
        Ok(authorization) => authorization,
        Err(response) => return response,
    };
    let user = login::find_logged_in_user(&request, &sandbox).filter(|_| authorization.prompt.as_deref() != Some("login"));
    match user {
        Some(user) => authorization.grant(&sandbox, &user),
        None if find_value(&parameters, "immediate") == Some("true") => redirect_with_error(
            authorization.redirect,
            authorization.state.as_deref(),
            OauthError::new("immediate_unsuccessful", "immediate unsuccessful"),
        ),
        None => login::render_page(&parameters, authorization.login_hint.as_deref(), None),
    }
}

async fn reject_method() -> HttpResponse {
    OauthError::new("invalid_request", "must use HTTP POST").to_response()
}

/// Client id and secret from the form, or from HTTP Basic.
fn check_client(request: &HttpRequest, sandbox: &SandboxState, parameters: &[(String, String)]) -> Result<(), OauthError> {
    let basic =
        request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Basic ")).and_then(|text| {
            let text = String::from_utf8(STANDARD.decode(text.trim()).ok()?).ok()?;
            text.split_once(':').map(|(id, secret)| (id.to_owned(), secret.to_owned()))
        });
    let (id, secret) = match &basic {
        Some((id, secret)) => (Some(id.as_str()), Some(secret.as_str())),
        None => (find_value(parameters, "client_id"), find_value(parameters, "client_secret")),
    };
    if id != Some(sandbox.settings.salesforce_client_id.as_str()) {
        return Err(UNKNOWN_CLIENT);
    }
    if secret != Some(sandbox.settings.salesforce_client_secret.as_str()) {
        return Err(WRONG_SECRET);
    }
    Ok(())
}

async fn issue_tokens(request: HttpRequest, body: web::Bytes, sandbox: web::Data<SandboxState>) -> HttpResponse {
    let parameters: OauthParameters = form_urlencoded::parse(&body).into_owned().collect();
    let grant_type = find_value(&parameters, "grant_type").unwrap_or("none");
    sandbox.count_call(&format!("salesforce token {grant_type}"));
    let outcome = match grant_type {
        // An assertion proves the app by its signature.
        super::assertion::JWT_BEARER => super::assertion::exchange_assertion(&sandbox, &parameters),
        _ => check_client(&request, &sandbox, &parameters).and_then(|()| exchange_with_client(&sandbox, &parameters, grant_type)),
    };
    match outcome {
        Ok(issued) => respond_tokens(&request, &sandbox, &issued, grant_type != super::assertion::JWT_BEARER),
        Err(error) => error.to_response(),
    }
}

fn exchange_with_client(sandbox: &SandboxState, parameters: &[(String, String)], grant_type: &str) -> Result<IssuedTokens, OauthError> {
    match grant_type {
        "authorization_code" => exchange_code(sandbox, parameters),
        "refresh_token" => exchange_refresh_token(sandbox, parameters),
        "client_credentials" => exchange_client_credentials(sandbox),
        _ => Err(OauthError::new("unsupported_grant_type", "grant type not supported")),
    }
}

fn exchange_code(sandbox: &SandboxState, parameters: &[(String, String)]) -> Result<IssuedTokens, OauthError> {
    let text = find_value(parameters, "code").ok_or(OauthError::new("invalid_request", "missing required parameter: code"))?;
    let now = sandbox.now();
    let (access, refresh) = (new_access_token(sandbox), new_refresh_token(sandbox));
    let mut salesforce = sandbox.salesforce();
    let code = salesforce.grants.redeem_code(text, now)?;
    let has_same_redirect =
        find_value(parameters, "redirect_uri").and_then(|uri| Url::parse(uri).ok()).is_some_and(|uri| uri.as_str() == code.redirect_uri);
    if !has_same_redirect {
        return Err(WRONG_REDIRECT);
    }
    // RFC 7636 ends a verifier at 128 characters; Salesforce asks for 128 random bytes, which are 171 characters in base64url, and those
    // are what jsforce and Salesforce's own command line send. So only its hash is checked, not its length.
    let is_proven = find_value(parameters, "code_verifier")
        .is_some_and(|verifier| URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes())) == code.challenge);
    if !is_proven {
        return Err(OauthError::new("invalid_grant", "invalid code verifier"));
    }
    if !salesforce.find_user(&code.user_id).is_some_and(|user| user.active) {
        return Err(INACTIVE_USER);
    }
    Ok(salesforce.grants.open(&code.user_id, &code.scope, access, refresh, now))
}

/// Opens a session of the user whom an administrator chose for the flow, without a refresh token.
fn exchange_client_credentials(sandbox: &SandboxState) -> Result<IssuedTokens, OauthError> {
    let (now, access) = (sandbox.now(), new_access_token(sandbox));
    let mut salesforce = sandbox.salesforce();
    let user = salesforce.client_credentials_user.clone();
    let user = user.ok_or(OauthError::new("invalid_grant", "no client credentials user enabled"))?;
    if !salesforce.find_user(&user).is_some_and(|user| user.active) {
        return Err(INACTIVE_USER);
    }
    Ok(salesforce.grants.open(&user, "api id", access, String::new(), now))
}

fn exchange_refresh_token(sandbox: &SandboxState, parameters: &[(String, String)]) -> Result<IssuedTokens, OauthError> {
    let text =
        find_value(parameters, "refresh_token").ok_or(OauthError::new("invalid_request", "missing required parameter: refresh_token"))?;
    let now = sandbox.now();
    let (access, next) = (new_access_token(sandbox), new_refresh_token(sandbox));
    let mut salesforce = sandbox.salesforce();
    let owner = salesforce.grants.find_by_refresh_token(text).map(|(user, _)| user.to_owned());
    if owner.is_some_and(|owner| !salesforce.find_user(&owner).is_some_and(|user| user.active)) {
        return Err(INACTIVE_USER);
    }
    salesforce.grants.refresh(text, access, next, now)
}

/// The answer with tokens; the one to an assertion has neither signature nor time of issue.
fn respond_tokens(request: &HttpRequest, sandbox: &SandboxState, issued: &IssuedTokens, is_signed: bool) -> HttpResponse {
    let base = origin(request);
    let id = format!("{base}/id/{}/{}", organization_id(), issued.user_id);
    let issued_at = (sandbox.clock.now().unix_timestamp_nanos() / 1_000_000).to_string();
    let mut body = json!({
        "access_token": issued.access_token,
        "scope": issued.scope,
        "instance_url": base,
        "id": id,
        "token_type": "Bearer",
    });
    if is_signed {
        body["signature"] = json!(sign_answer(&sandbox.settings.salesforce_client_secret, &id, &issued_at));
        body["issued_at"] = json!(issued_at);
    }
    if let Some(refresh) = &issued.refresh_token {
        body["refresh_token"] = json!(refresh);
    }
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-cache, no-store")).json(body)
}

/// `base64(HMAC-SHA256(consumer secret, id ‖ issued_at))`.
fn sign_answer(secret: &str, id: &str, issued_at: &str) -> String {
    // HMAC takes a key of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return String::new() };
    mac.update(id.as_bytes());
    mac.update(issued_at.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}
