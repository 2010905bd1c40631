//! The JWT bearer flow (RFC 7523): an assertion signed with the key whose certificate the app has.

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;

use super::errors::{INACTIVE_USER, OauthError, UNKNOWN_CLIENT};
use super::grants::IssuedTokens;
use super::oauth_parameters::find_value;
use super::tokens::new_access_token;
use crate::sandbox::state::SandboxState;

/// The grant type (RFC 7523, section 2.1).
pub const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// The audiences of assertions: the login hosts.
const AUDIENCES: [&str; 2] = ["https://login.salesforce.com", "https://test.salesforce.com"];
/// How far ahead an assertion may expire, with some allowance.
const MAX_LIFETIME_SECONDS: i64 = 300;

const NOT_APPROVED: OauthError = OauthError::new("invalid_grant", "user hasn't approved this consumer");
const INVALID: OauthError = OauthError::new("invalid_grant", "invalid assertion");
const EXPIRED: OauthError = OauthError::new("invalid_grant", "expired authorization code");
const WRONG_AUDIENCE: OauthError = OauthError::new("invalid_grant", "Audience validation failed");

#[derive(Deserialize)]
struct JwtBearerClaims {
    iss: String,
    sub: String,
    aud: String,
    exp: i64,
}

/// Exchanges an assertion for a session, without a refresh token.
///
/// # Errors
/// Those of the token endpoint.
pub fn exchange_assertion(sandbox: &SandboxState, parameters: &[(String, String)]) -> Result<IssuedTokens, OauthError> {
    let text = find_value(parameters, "assertion").ok_or(OauthError::new("invalid_request", "missing required parameter: assertion"))?;
    let now = sandbox.now();
    let access = new_access_token(sandbox);
    let mut salesforce = sandbox.salesforce();
    // Without a certificate the app accepts no assertions.
    let pem = salesforce.app_public_key.clone().ok_or(NOT_APPROVED)?;
    let key = DecodingKey::from_rsa_pem(pem.as_bytes()).map_err(|_| INVALID)?;
    let mut validation = Validation::new(Algorithm::RS256);
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims = ["iss", "sub", "aud", "exp"].map(str::to_owned).into();
    let claims = jsonwebtoken::decode::<JwtBearerClaims>(text, &key, &validation).map_err(|_| INVALID)?.claims;
    if claims.iss != sandbox.settings.salesforce_client_id {
        return Err(UNKNOWN_CLIENT);
    }
    if !AUDIENCES.contains(&claims.aud.as_str()) {
        return Err(WRONG_AUDIENCE);
    }
    if !(now..=now + MAX_LIFETIME_SECONDS).contains(&claims.exp) {
        return Err(EXPIRED);
    }
    let user = salesforce.users.iter().find(|user| user.username.eq_ignore_ascii_case(&claims.sub)).cloned().ok_or(NOT_APPROVED)?;
    if !user.active {
        return Err(INACTIVE_USER);
    }
    Ok(salesforce.grants.open(&user.id, "api id", access, String::new(), now))
}
