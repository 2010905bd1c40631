use std::time::Duration;

use bytes::BytesMut;
use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::client::{endpoint, read};
use super::error::MarketoError;
use super::wire::IdentityAnswer;
use crate::upstream::{shortened, without_body};

/// Longest time for the identity service; somebody may be waiting for the outcome.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A token as the identity service hands it out.
#[derive(Debug, Clone)]
pub struct IssuedToken {
    /// The token.
    pub access_token: SecretString,
    /// Seconds it has left. Asking before it ends brings the same token with what it has left then.
    pub expires_in: u64,
    /// The API user who owns the credentials.
    pub scope: String,
}

/// Asks the identity service at `base` for a token, by client credentials. Asking counts towards no quota.
///
/// The vendor describes the parameters of both GET and POST as parts of the query; POST is used because fewer programs
/// on the way write down its address. <https://developer.adobe.com/marketo-apis/api/identity/>
///
/// # Errors
/// [`MarketoError::Unreachable`], [`MarketoError::NotMarketo`], [`MarketoError::UnknownClient`], [`MarketoError::WrongSecret`]
/// tell what is wrong with address, id and secret; [`MarketoError::ClientRefused`] if Marketo doesn't say which;
/// [`MarketoError::Temporary`] on HTTP 5xx. Nothing is repeated here.
pub async fn request_token(
    http: &reqwest::Client,
    base: &Url,
    client_id: &str,
    client_secret: &SecretString,
) -> Result<IssuedToken, MarketoError> {
    let mut url = endpoint(base, &["identity", "oauth", "token"])?;
    url.query_pairs_mut()
        .append_pair("grant_type", "client_credentials")
        .append_pair("client_id", client_id)
        .append_pair("client_secret", client_secret.expose_secret());
    let mut response = without_body(http.post(url), &Method::POST).timeout(TIMEOUT).send().await.map_err(MarketoError::unreachable)?;
    let status = response.status();
    let body = read(&mut response, BytesMut::new()).await?;
    match serde_json::from_slice::<IdentityAnswer>(&body) {
        Ok(IdentityAnswer::Token { access_token, expires_in, scope }) if status.is_success() => {
            Ok(IssuedToken { access_token, expires_in, scope })
        }
        Ok(IdentityAnswer::Refused { error, error_description }) if status.is_client_error() => Err(refused(&error, &error_description)),
        _ if status.is_server_error() => Err(MarketoError::from_status(status.as_u16(), "the identity service is in trouble".into(), None)),
        // Neither a token nor an OAuth error: some other web server.
        _ => Err(MarketoError::NotMarketo { message: format!("HTTP {status} and no OAuth answer") }),
    }
}

/// Marketo gives the same code, `invalid_client`, for both; the description tells which: "No client with requested id: …" or
/// "Bad client credentials".
fn refused(code: &str, description: &str) -> MarketoError {
    let message = shortened(if description.is_empty() { code } else { description });
    let about = description.to_lowercase();
    if about.contains("no client with requested id") {
        MarketoError::UnknownClient { message }
    } else if about.contains("bad client credentials") {
        MarketoError::WrongSecret { message }
    } else {
        MarketoError::ClientRefused { message }
    }
}
