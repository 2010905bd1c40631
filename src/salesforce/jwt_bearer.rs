//! The JWT bearer flow (RFC 7523; Salesforce Help "OAuth 2.0 JWT Bearer Flow for Server-to-Server Integration"): an assertion signed
//! with a key whose certificate the app holds takes the place of a person. It brings no refresh token, so there is none to lose.

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use time::OffsetDateTime;
use url::Url;

use super::error::SalesforceError;
use super::oauth::{TokenGrant, grant, post_for_tokens};

const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// How long an assertion is good. Sources name three and five minutes as Salesforce's bound.
const LIFETIME_SECONDS: i64 = 120;

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    exp: i64,
}

/// A key that signs assertions.
#[derive(Clone)]
pub struct AssertionKey(EncodingKey);

impl std::fmt::Debug for AssertionKey {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("AssertionKey(…)")
    }
}

/// A text that holds no RSA private key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no RSA private key in PEM form (\"-----BEGIN PRIVATE KEY-----\" or \"-----BEGIN RSA PRIVATE KEY-----\", not encrypted)")]
pub struct InvalidPrivateKey;

impl AssertionKey {
    /// Reads an RSA private key, PKCS #8 or PKCS #1, in PEM form (RFC 7468).
    ///
    /// # Errors
    /// [`InvalidPrivateKey`], which doesn't repeat the text; also for a key that can't sign.
    pub fn from_pem(pem: &SecretString) -> Result<Self, InvalidPrivateKey> {
        let key = Self(EncodingKey::from_rsa_pem(pem.expose_secret().as_bytes()).map_err(|_| InvalidPrivateKey)?);
        // A key can be well-formed and still be unusable, for example because its parts don't belong together.
        jsonwebtoken::encode(&Header::new(Algorithm::RS256), &Claims { iss: "", sub: "", aud: "", exp: 0 }, &key.0)
            .map(|_| key)
            .map_err(|_| InvalidPrivateKey)
    }
}

/// Whom an assertion speaks for.
#[derive(Debug, Clone, Copy)]
pub struct Assertion<'a> {
    /// Consumer key of the app that holds the certificate.
    pub client_id: &'a str,
    /// Login name of the user to act as, approved for the app beforehand.
    pub username: &'a str,
    /// `https://login.salesforce.com` for production, `https://test.salesforce.com` for a sandbox.
    pub audience: &'a str,
}

/// Asks for an access token with an assertion that is good for two minutes from `now`. Repeating does no harm.
///
/// # Errors
/// [`SalesforceError::OAuth`], among them `invalid_grant` with "user hasn't approved this consumer"; see [`SalesforceError`].
pub async fn request_token_with_assertion(
    http: &reqwest::Client,
    login_base: &Url,
    assertion: Assertion<'_>,
    key: &AssertionKey,
    now: OffsetDateTime,
) -> Result<TokenGrant, SalesforceError> {
    let claims =
        Claims { iss: assertion.client_id, sub: assertion.username, aud: assertion.audience, exp: now.unix_timestamp() + LIFETIME_SECONDS };
    let signed = jsonwebtoken::encode(&Header::new(Algorithm::RS256), &claims, &key.0)
        .map_err(|_| SalesforceError::InvalidRequest { message: "the assertion can't be signed".into() })?;
    let answer = post_for_tokens(http, login_base, &[("grant_type", GRANT_TYPE), ("assertion", &signed)]).await?;
    grant(answer, now)
}
