use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;
use url::Url;

use crate::connections::context::ConnectionContext;
use crate::ids::InstanceId;
use crate::marketo::{IssuedToken, request_token};
use crate::upstream::{BoxFuture, TokenSource, TokenUnavailable};

/// Tokens for credentials that no connection holds yet; kept in memory for as long as the client that uses them.
pub(super) struct ProvisionedTokens {
    context: ConnectionContext,
    instance: InstanceId,
    base: Url,
    client_id: String,
    client_secret: SecretString,
    token: Arc<Mutex<Option<SecretString>>>,
}

impl ProvisionedTokens {
    pub(super) fn new(context: ConnectionContext, instance: InstanceId, base: Url, client_id: String, client_secret: SecretString) -> Self {
        Self { context, instance, base, client_id, client_secret, token: Arc::default() }
    }

    /// The same, with a token that was issued already.
    pub(super) fn with_token(self, issued: &IssuedToken) -> Self {
        Self { token: Arc::new(Mutex::new(Some(issued.access_token.clone()))), ..self }
    }

    async fn get(&self, rejected: Option<&SecretString>) -> Result<SecretString, TokenUnavailable> {
        let mut token = self.token.lock().await;
        let is_rejected = |one: &SecretString| rejected.is_some_and(|rejected| rejected.expose_secret() == one.expose_secret());
        if let Some(current) = token.as_ref().filter(|current| !is_rejected(current)) {
            return Ok(current.clone());
        }
        let issued = request_token(&self.context.http, &self.base, &self.client_id, &self.client_secret).await;
        let issued = issued.inspect_err(|error| self.context.record_marketo_failure(self.instance, None, error));
        let issued = issued.map_err(|error| TokenUnavailable(error.to_string()))?;
        *token = Some(issued.access_token.clone());
        Ok(issued.access_token)
    }
}

impl TokenSource for ProvisionedTokens {
    fn token(&self) -> BoxFuture<'_, Result<SecretString, TokenUnavailable>> {
        Box::pin(self.get(None))
    }

    fn replace_rejected<'a>(&'a self, rejected: &'a SecretString) -> BoxFuture<'a, Result<SecretString, TokenUnavailable>> {
        Box::pin(self.get(Some(rejected)))
    }
}
