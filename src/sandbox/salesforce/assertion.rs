//! The JWT bearer flow: an assertion signed with the key whose certificate the app holds.

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;

use super::errors::{INACTIVE_USER, OauthError, UNKNOWN_CLIENT};
use super::grants::Issued;
use super::oauth_parameters::value;
use super::tokens::access_token;
use crate::sandbox::state::SandboxState;

/// The grant type (RFC 7523, section 2.1).
pub const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// Whom assertions are for: the login hosts.
const AUDIENCES: [&str; 2] = ["https://login.salesforce.com", "https://test.salesforce.com"];
/// Longest time ahead that an assertion may be good for, with some allowance.
const LONGEST_SECONDS: i64 = 300;

const NOT_APPROVED: OauthError = OauthError::new("invalid_grant", "user hasn't approved this consumer");
const INVALID: OauthError = OauthError::new("invalid_grant", "invalid assertion");
const EXPIRED: OauthError = OauthError::new("invalid_grant", "expired authorization code");
const WRONG_AUDIENCE: OauthError = OauthError::new("invalid_grant", "Audience validation failed");

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: String,
    exp: i64,
}

/// Exchanges an assertion for a session; there is no refresh token.
///
/// # Errors
/// As the token endpoint answers them.
pub fn by_assertion(sandbox: &SandboxState, pairs: &[(String, String)]) -> Result<Issued, OauthError> {
    let text = value(pairs, "assertion").ok_or(OauthError::new("invalid_request", "missing required parameter: assertion"))?;
    let now = sandbox.now();
    let access = access_token(sandbox);
    let mut salesforce = sandbox.salesforce();
    // Without a certificate the app knows no assertions.
    let pem = salesforce.app_public_key.clone().ok_or(NOT_APPROVED)?;
    let key = DecodingKey::from_rsa_pem(pem.as_bytes()).map_err(|_| INVALID)?;
    let mut validation = Validation::new(Algorithm::RS256);
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims = ["iss", "sub", "aud", "exp"].map(str::to_owned).into();
    let claims = jsonwebtoken::decode::<Claims>(text, &key, &validation).map_err(|_| INVALID)?.claims;
    if claims.iss != sandbox.settings.salesforce_client_id {
        return Err(UNKNOWN_CLIENT);
    }
    if !AUDIENCES.contains(&claims.aud.as_str()) {
        return Err(WRONG_AUDIENCE);
    }
    if !(now..=now + LONGEST_SECONDS).contains(&claims.exp) {
        return Err(EXPIRED);
    }
    let user = salesforce.users.iter().find(|user| user.username.eq_ignore_ascii_case(&claims.sub)).cloned().ok_or(NOT_APPROVED)?;
    if !user.active {
        return Err(INACTIVE_USER);
    }
    Ok(salesforce.grants.open(&user.id, "api id", access, String::new(), now))
}
