use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use url::Url;

use super::client::{Failure, endpoint, read};
use super::error::{OAuthRefusal, SalesforceError, not_understood};
use super::wire::{IntrospectionAnswer, OAuthFault, SalesforceTokenResponse};
use crate::upstream::shortened;

/// Longest time for the OAuth endpoints. Giving up on a refresh may cost the connection, so it is generous; but it is shorter
/// than callers wait.
pub(super) const TIMEOUT: Duration = Duration::from_secs(20);

/// This service's External Client App.
#[derive(Debug, Clone)]
pub struct OAuthApp {
    /// Consumer key.
    pub client_id: String,
    /// Consumer secret; it also signs the token answers.
    pub client_secret: SecretString,
    /// Where Salesforce sends people back to; must be one of the app's callback addresses.
    pub redirect_uri: String,
    /// Scopes asked for, space separated; `refresh_token` among them brings a refresh token.
    pub scopes: String,
}

/// What the token endpoint hands out.
#[derive(Debug, Clone)]
pub struct TokenGrant {
    /// The access token; how long it lives is the organization's session policy and not said.
    pub access_token: SecretString,
    /// The refresh token. With rotation every refresh brings a new one and ends the old one at once, so it must be
    /// stored before the access token is used.
    pub refresh_token: Option<SecretString>,
    /// Base of the organization's APIs. The signature doesn't cover it: check its host before sending a token there.
    pub instance_url: Url,
    /// Address of the [`identity`] of the user.
    pub id_url: Url,
    /// Id of the organization, 18 characters.
    pub organization_id: String,
    /// Id of the user, 18 characters.
    pub user_id: String,
    /// When the tokens were issued, by Salesforce's clock.
    pub issued_at: OffsetDateTime,
    /// Scopes granted, space separated.
    pub scope: String,
}

/// A user, as the identity address describes them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Identity {
    /// Id of the user, 18 characters.
    pub user_id: String,
    /// Id of the organization, 18 characters.
    pub organization_id: String,
    /// Login name; it has the form of an e-mail address but needn't be one.
    pub username: String,
    /// Name shown to people.
    #[serde(default)]
    pub display_name: String,
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// E-mail address.
    pub email: String,
    /// Whether the user has shown that the address is theirs, if Salesforce says.
    pub email_verified: Option<bool>,
    /// Whether the user may log in.
    #[serde(default)]
    pub active: bool,
    /// `STANDARD` for users of the organization itself.
    pub user_type: Option<String>,
}

/// Where to send a person for authorization: the web-server flow with PKCE (RFC 7636, S256). `code_verifier` has 43 to 128
/// characters and is kept until [`exchange_code`]; `login_hint` fills in the user name.
#[must_use]
pub fn authorize_url(app: &OAuthApp, login_base: &Url, state: &str, code_verifier: &SecretString, login_hint: Option<&str>) -> Url {
    let mut url = login_base.clone();
    url.set_path(&format!("{}/services/oauth2/authorize", login_base.path().trim_end_matches('/')));
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(code_verifier.expose_secret()));
    {
        let mut query = url.query_pairs_mut();
        query
            .append_pair("response_type", "code")
            .append_pair("client_id", &app.client_id)
            .append_pair("redirect_uri", &app.redirect_uri)
            .append_pair("scope", &app.scopes)
            .append_pair("state", state)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        if let Some(hint) = login_hint {
            query.append_pair("login_hint", hint);
        }
    }
    url
}

/// Exchanges the code of an authorization for tokens. A code works once, so nothing is repeated here.
///
/// # Errors
/// [`SalesforceError::OAuth`] for a refusal, [`SalesforceError::BadSignature`], [`SalesforceError::AnswerLost`].
pub async fn exchange_code(
    http: &reqwest::Client,
    app: &OAuthApp,
    login_base: &Url,
    code: &str,
    code_verifier: &SecretString,
) -> Result<TokenGrant, SalesforceError> {
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("client_id", &app.client_id),
        ("client_secret", app.client_secret.expose_secret()),
        ("redirect_uri", &app.redirect_uri),
        ("code_verifier", code_verifier.expose_secret()),
    ];
    ask_for_tokens(http, app, login_base, &form).await
}

/// Exchanges a refresh token for an access token, and with rotation for a new refresh token.
///
/// Nothing is repeated here: presenting a refresh token that was used already ends the whole grant. Let only one task at
/// a time refresh one connection.
///
/// # Errors
/// [`SalesforceError::Unreachable`]: no connection came about, the token is untouched.
/// [`SalesforceError::AnswerLost`]: the token may have been used up; don't present it again.
/// [`SalesforceError::OAuth`]: an answer was received; [`SalesforceError::code`] says whether the connection is dead.
/// [`SalesforceError::Api`]: an answer of HTTP 4xx or 5xx without an OAuth error.
pub async fn refresh(
    http: &reqwest::Client,
    app: &OAuthApp,
    login_base: &Url,
    refresh_token: &SecretString,
) -> Result<TokenGrant, SalesforceError> {
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh_token.expose_secret()),
        ("client_id", &app.client_id),
        ("client_secret", app.client_secret.expose_secret()),
    ];
    ask_for_tokens(http, app, login_base, &form).await
}

/// Revokes an access or refresh token. One that isn't valid any more counts as revoked.
///
/// # Errors
/// [`SalesforceError::OAuth`] for a refusal, [`SalesforceError::Unreachable`]; repeating does no harm.
pub async fn revoke(http: &reqwest::Client, login_base: &Url, token: &SecretString) -> Result<(), SalesforceError> {
    let url = endpoint(login_base, &["services", "oauth2", "revoke"])?;
    let request = http.post(url).form(&[("token", token.expose_secret())]).timeout(TIMEOUT);
    let response = request.send().await.map_err(SalesforceError::unreachable)?;
    if response.status().is_success() {
        return Ok(());
    }
    match oauth_refusal(response).await {
        SalesforceError::OAuth(refusal) if refusal.error == "invalid_token" => Ok(()),
        error => Err(error),
    }
}

/// Asks who the user of a grant is.
///
/// # Errors
/// [`SalesforceError::SessionInvalid`] for a refused token; see [`SalesforceError`] for the rest.
pub async fn identity(http: &reqwest::Client, id_url: &Url, access_token: &SecretString) -> Result<Identity, SalesforceError> {
    let request = http.get(id_url.clone()).bearer_auth(access_token.expose_secret()).header("accept", "application/json");
    let response = request.timeout(TIMEOUT).send().await.map_err(SalesforceError::unreachable)?;
    if !response.status().is_success() {
        return Err(Failure::read(response).await.into_error());
    }
    serde_json::from_slice(&read(response).await?).map_err(not_understood)
}

async fn ask_for_tokens(
    http: &reqwest::Client,
    app: &OAuthApp,
    login_base: &Url,
    form: &[(&str, &str)],
) -> Result<TokenGrant, SalesforceError> {
    let answer = post_for_tokens(http, login_base, form).await?;
    let issued_at = check_signature(&answer, &app.client_secret)?;
    grant(answer, issued_at)
}

/// Posts a form to the token endpoint; what comes of it beyond the status is the caller's to judge.
pub(super) async fn post_for_tokens(
    http: &reqwest::Client,
    login_base: &Url,
    form: &[(&str, &str)],
) -> Result<SalesforceTokenResponse, SalesforceError> {
    let url = endpoint(login_base, &["services", "oauth2", "token"])?;
    let response = http.post(url).form(form).timeout(TIMEOUT).send().await.map_err(SalesforceError::lost)?;
    if !response.status().is_success() {
        return Err(oauth_refusal(response).await);
    }
    let lost = |message: String| SalesforceError::AnswerLost { message };
    let body = read(response).await.map_err(|error| lost(error.to_string()))?;
    serde_json::from_slice(&body).map_err(|error| lost(not_understood(error).to_string()))
}

/// What is known of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenIntrospection {
    /// Whether Salesforce would take it now.
    pub active: bool,
    /// When it ends, if Salesforce says.
    pub expires_at: Option<OffsetDateTime>,
}

/// Asks about an access token (RFC 7662; Salesforce Help "OpenID Connect Token TokenIntrospection"): a token answer doesn't say how
/// long its token lives.
///
/// # Errors
/// [`SalesforceError::OAuth`] when the app may not ask; [`SalesforceError::Unreachable`]. Repeating does no harm.
pub async fn introspect(
    http: &reqwest::Client,
    app: &OAuthApp,
    login_base: &Url,
    access_token: &SecretString,
) -> Result<TokenIntrospection, SalesforceError> {
    let url = endpoint(login_base, &["services", "oauth2", "introspect"])?;
    let form = [
        ("token", access_token.expose_secret()),
        ("token_type_hint", "access_token"),
        ("client_id", &app.client_id),
        ("client_secret", app.client_secret.expose_secret()),
    ];
    let response = http.post(url).form(&form).timeout(TIMEOUT).send().await.map_err(SalesforceError::unreachable)?;
    if !response.status().is_success() {
        return Err(oauth_refusal(response).await);
    }
    let answer: IntrospectionAnswer = serde_json::from_slice(&read(response).await?).map_err(not_understood)?;
    let expires_at = answer.exp.and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
    Ok(TokenIntrospection { active: answer.active, expires_at })
}

/// The error in an answer that isn't of status 2xx.
async fn oauth_refusal(response: reqwest::Response) -> SalesforceError {
    let failure = Failure::read(response).await;
    match serde_json::from_slice(&failure.body) {
        Ok(OAuthFault { error, error_description }) => {
            SalesforceError::OAuth(OAuthRefusal { status: failure.status, error, description: shortened(&error_description) })
        }
        Err(_) => failure.into_error(),
    }
}

fn unusable(what: &str) -> SalesforceError {
    SalesforceError::UnexpectedAnswer { message: format!("the token answer's {what} is unusable") }
}

/// The grant that an answer describes.
pub(super) fn grant(answer: SalesforceTokenResponse, issued_at: OffsetDateTime) -> Result<TokenGrant, SalesforceError> {
    let instance_url = Url::parse(&answer.instance_url).map_err(|_| unusable("instance_url"))?;
    let id_url = Url::parse(&answer.id).map_err(|_| unusable("id"))?;
    // …/id/ORGANISATION/USER
    let path: Vec<&str> = id_url.path().rsplit('/').collect();
    let [user, organization, "id", ..] = path[..] else { return Err(unusable("id")) };
    if !is_id(user) || !is_id(organization) {
        return Err(unusable("id"));
    }
    Ok(TokenGrant {
        access_token: answer.access_token,
        refresh_token: answer.refresh_token,
        organization_id: organization.to_owned(),
        user_id: user.to_owned(),
        instance_url,
        id_url,
        issued_at,
        scope: answer.scope,
    })
}

fn is_id(text: &str) -> bool {
    text.len() == 18 && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// `signature` is the Base64 of HMAC-SHA256 with the client secret over `id` followed by `issued_at`, which is given back.
fn check_signature(answer: &SalesforceTokenResponse, client_secret: &SecretString) -> Result<OffsetDateTime, SalesforceError> {
    let (Some(signature), Some(issued_at)) = (&answer.signature, &answer.issued_at) else { return Err(SalesforceError::BadSignature) };
    let claimed = STANDARD.decode(signature).map_err(|_| SalesforceError::BadSignature)?;
    let mut mac = Hmac::<Sha256>::new_from_slice(client_secret.expose_secret().as_bytes()).map_err(|_| SalesforceError::BadSignature)?;
    mac.update(answer.id.as_bytes());
    mac.update(issued_at.as_bytes());
    // Compares in constant time.
    mac.verify_slice(&claimed).map_err(|_| SalesforceError::BadSignature)?;
    let milliseconds: i128 = issued_at.parse::<i64>().map_err(|_| unusable("issued_at"))?.into();
    OffsetDateTime::from_unix_timestamp_nanos(milliseconds * 1_000_000).map_err(|_| unusable("issued_at"))
}
