use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;

use super::client::{Failure, endpoint, read};
use super::error::{SalesforceError, not_understood};

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

/// Asks an organisation whose access token this is. Check the host of `instance_url` before.
///
/// # Errors
/// [`SalesforceError::SessionInvalid`] and the like for a refused token, [`SalesforceError::Unreachable`].
pub async fn token_user(http: &reqwest::Client, instance_url: &Url, access_token: &SecretString) -> Result<TokenUser, SalesforceError> {
    let url = endpoint(instance_url, &["services", "oauth2", "userinfo"])?;
    let request = http.get(url).bearer_auth(access_token.expose_secret()).header("accept", "application/json");
    let response = request.timeout(TIMEOUT).send().await.map_err(SalesforceError::unreachable)?;
    if !response.status().is_success() {
        return Err(Failure::read(response).await.into_error());
    }
    serde_json::from_slice(&read(response).await?).map_err(not_understood)
}
