use std::time::Duration;

use super::client::{Failure, endpoint, read};
use super::error::{SalesforceError, not_understood};
use crate::upstream::WebOrigin;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

/// Somebody waits for this answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The user whom an access token stands for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct TokenUser {
    /// 18 characters.
    pub user_id: String,
    /// 18 characters.
    pub organization_id: String,
    /// Login name.
    pub preferred_username: String,
    /// E-mail address.
    pub email: String,
}

/// Asks an organization or a login host whose access token this is. Whoever names the address decides what is answered, so it must be
/// one of Salesforce that the caller of this service did not choose.
///
/// # Errors
/// [`SalesforceError::SessionInvalid`] and the like for a refused token, [`SalesforceError::Unreachable`].
pub async fn token_user(http: &reqwest::Client, address: &WebOrigin, access_token: &SecretString) -> Result<TokenUser, SalesforceError> {
    let url = endpoint(address.as_url(), &["services", "oauth2", "userinfo"])?;
    let request = http.get(url).bearer_auth(access_token.expose_secret()).header("accept", "application/json");
    let response = request.timeout(TIMEOUT).send().await.map_err(SalesforceError::unreachable)?;
    if !response.status().is_success() {
        return Err(Failure::read(response).await.into_error());
    }
    serde_json::from_slice(&read(response).await?).map_err(not_understood)
}
