//! Access tokens of Marketo. Asking again before expiry brings the same token, so a token is kept until shortly before its end.

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use time::Duration;
use tokio::sync::Mutex;
use url::Url;

use super::marketo::{secret_context, token_context};
use super::store::{self, MarketoRow};
use super::{ConnectionError, Connections};
use crate::ids::InstanceId;
use crate::marketo::{IssuedToken, request_token};
use crate::upstream::{BoxFuture, TokenSource, TokenUnavailable};

/// A token with less time left than this is not used for a new call.
const SPARE: Duration = Duration::seconds(60);

/// The tokens of an instance's connection.
#[derive(Clone)]
pub(super) struct MarketoTokens {
    pub(super) connections: Connections,
    pub(super) instance: InstanceId,
}

impl TokenSource for MarketoTokens {
    fn token(&self) -> BoxFuture<'_, Result<SecretString, TokenUnavailable>> {
        Box::pin(async move { self.get(None).await.map_err(|error| TokenUnavailable(error.to_string())) })
    }

    fn renew<'a>(&'a self, rejected: &'a SecretString) -> BoxFuture<'a, Result<SecretString, TokenUnavailable>> {
        Box::pin(async move { self.get(Some(rejected)).await.map_err(|error| TokenUnavailable(error.to_string())) })
    }
}

impl MarketoTokens {
    async fn get(&self, rejected: Option<&SecretString>) -> Result<SecretString, ConnectionError> {
        if let Some(token) = self.stored(&self.row().await?, rejected)? {
            return Ok(token);
        }
        let row = self.row().await?;
        let lock = self.connections.renewal_lock(row.id.0);
        let _one_at_a_time = lock.lock().await;
        let row = self.row().await?;
        match self.stored(&row, rejected)? {
            Some(token) => Ok(token),
            None => self.request(&row).await,
        }
    }

    async fn row(&self) -> Result<MarketoRow, ConnectionError> {
        let row = store::find_marketo(&self.connections.db, self.instance).await?;
        row.ok_or_else(|| ConnectionError::NeedsAttention("the Marketo connection was ended".into()))
    }

    /// The stored token, unless it is about to end or is the one that was refused.
    fn stored(&self, row: &MarketoRow, rejected: Option<&SecretString>) -> Result<Option<SecretString>, ConnectionError> {
        let fresh = row.token_expires_at.is_some_and(|end| end - self.connections.clock.timestamp() > SPARE);
        let Some(sealed) = row.sealed_access_token.as_deref().filter(|_| fresh) else { return Ok(None) };
        let token = self.connections.vault.open_text(&token_context(self.instance, row.id), sealed)?;
        let refused = rejected.is_some_and(|rejected| rejected.expose_secret() == token.expose_secret());
        Ok((!refused).then_some(token))
    }

    async fn request(&self, row: &MarketoRow) -> Result<SecretString, ConnectionError> {
        let connections = &self.connections;
        let base =
            Url::parse(&row.base_url).map_err(|_| ConnectionError::MarketoAddress("the stored Marketo address can't be read".into()))?;
        let secret = connections.vault.open_text(&secret_context(self.instance, row.id), &row.sealed_client_secret)?;
        let issued = request_token(&connections.http, &base, &row.client_id, &secret).await;
        let issued = issued.inspect_err(|error| connections.marketo_failed(self.instance, Some(row.id), error))?;
        let sealed = connections.vault.seal(&token_context(self.instance, row.id), issued.access_token.expose_secret().as_bytes())?;
        let expires_at = connections.clock.timestamp() + Duration::seconds(i64::try_from(issued.expires_in).unwrap_or(0));
        let mut tx = connections.db.begin().await?;
        store::keep_marketo_token(&mut tx, self.instance, row.id, &sealed, expires_at).await?;
        tx.commit().await?;
        Ok(issued.access_token)
    }
}

/// Tokens for credentials that no connection holds yet; kept in memory for as long as the client that uses them.
pub(super) struct ProvisionedTokens {
    http: reqwest::Client,
    base: Url,
    client_id: String,
    client_secret: SecretString,
    token: Arc<Mutex<Option<SecretString>>>,
}

impl ProvisionedTokens {
    pub(super) fn new(http: reqwest::Client, base: Url, client_id: String, client_secret: SecretString) -> Self {
        Self { http, base, client_id, client_secret, token: Arc::default() }
    }

    pub(super) fn having(http: reqwest::Client, base: Url, client_id: String, client_secret: SecretString, issued: &IssuedToken) -> Self {
        Self { http, base, client_id, client_secret, token: Arc::new(Mutex::new(Some(issued.access_token.clone()))) }
    }

    async fn get(&self, rejected: Option<&SecretString>) -> Result<SecretString, TokenUnavailable> {
        let mut token = self.token.lock().await;
        let refused = |one: &SecretString| rejected.is_some_and(|rejected| rejected.expose_secret() == one.expose_secret());
        if let Some(kept) = token.as_ref().filter(|kept| !refused(kept)) {
            return Ok(kept.clone());
        }
        let issued = request_token(&self.http, &self.base, &self.client_id, &self.client_secret).await;
        let issued = issued.map_err(|error| TokenUnavailable(error.to_string()))?;
        *token = Some(issued.access_token.clone());
        Ok(issued.access_token)
    }
}

impl TokenSource for ProvisionedTokens {
    fn token(&self) -> BoxFuture<'_, Result<SecretString, TokenUnavailable>> {
        Box::pin(self.get(None))
    }

    fn renew<'a>(&'a self, rejected: &'a SecretString) -> BoxFuture<'a, Result<SecretString, TokenUnavailable>> {
        Box::pin(self.get(Some(rejected)))
    }
}
