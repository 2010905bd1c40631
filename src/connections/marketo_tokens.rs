//! Access tokens of Marketo. Asking again before the end brings the same token, so a token is kept until then.

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use time::Duration;
use tokio::sync::Mutex;
use url::Url;

use super::broker::{REPORT_PAUSE, Want};
use super::marketo::{secret_context, token_context};
use super::slots::UpstreamToken;
use super::store::{self, MarketoRow};
use super::{ConnectionError, Connections};
use crate::ids::InstanceId;
use crate::marketo::{IssuedToken, MarketoError, request_token};
use crate::upstream::{BoxFuture, TokenSource, TokenUnavailable};

/// A token with less time left than this is not handed out. Short, because until its end there is no other.
pub(super) const LEAST_LEFT: Duration = Duration::seconds(5);
/// How long another process may take for asking. Longer than the client waits.
const RENEWAL_PATIENCE: Duration = Duration::seconds(35);
/// How often the database is asked whether another process is done.
const LOOK_AGAIN: std::time::Duration = std::time::Duration::from_millis(50);
/// How often a token that is about to end is waited for, before it is handed out as it is.
const MOST_WAITS: u32 = 2;

impl Connections {
    /// The current token from the database, or a new one when that has ended.
    pub(super) async fn load_marketo(&self, instance: InstanceId, want: Want) -> Result<UpstreamToken, ConnectionError> {
        let mut waits = 0;
        loop {
            let row = store::find_marketo(&self.db, instance).await?.ok_or(super::marketo::NOT_CONNECTED)?;
            if row.state != "active" && !want.even_if_set_aside {
                return Err(set_aside_error(&row));
            }
            let now = self.clock.timestamp();
            if let Some(token) = self.marketo_token_of(instance, &row)? {
                let refused = want.other_than.as_ref().is_some_and(|rejected| token.is(rejected));
                // It was asked about a moment ago, and Marketo stood by it.
                let settled = row.token_reported_at.is_some_and(|at| now - at < REPORT_PAUSE);
                let left = token.expires_at - now;
                if left > LEAST_LEFT && (!refused || settled) || waits >= MOST_WAITS {
                    return Ok(token);
                }
            }
            let mut tx = self.db.begin().await?;
            let ours = store::begin_marketo_renewal(&mut tx, instance, &row, now, now + -RENEWAL_PATIENCE).await?;
            tx.commit().await?;
            if !ours {
                tokio::time::sleep(LOOK_AGAIN).await;
                continue;
            }
            let token = self.request_marketo(instance, &row, want.other_than.as_ref()).await?;
            let left = token.expires_at - self.clock.timestamp();
            if left > LEAST_LEFT || waits >= MOST_WAITS {
                return Ok(token);
            }
            // Marketo has no other until this one has ended.
            waits += 1;
            tokio::time::sleep(left.max(Duration::ZERO).unsigned_abs() + LOOK_AGAIN).await;
        }
    }

    fn marketo_token_of(&self, instance: InstanceId, row: &MarketoRow) -> Result<Option<UpstreamToken>, ConnectionError> {
        let (Some(sealed), Some(expires_at)) = (&row.sealed_access_token, row.token_expires_at) else { return Ok(None) };
        let token = self.vault.open_text(&token_context(instance, row.id), sealed)?;
        Ok(Some(Self::served(row, token, expires_at)))
    }

    fn served(row: &MarketoRow, access_token: SecretString, expires_at: crate::clock::Timestamp) -> UpstreamToken {
        let base_url = row.base_url.trim_end_matches('/').to_owned();
        // Renewed ahead of its end it would come back the same.
        UpstreamToken { access_token, expires_at, base_url, connection: row.id, renew_ahead: Duration::ZERO }
    }

    async fn request_marketo(
        &self,
        instance: InstanceId,
        row: &MarketoRow,
        rejected: Option<&SecretString>,
    ) -> Result<UpstreamToken, ConnectionError> {
        let base = base_url(row)?;
        let secret = self.vault.open_text(&secret_context(instance, row.id), &row.sealed_client_secret)?;
        let issued = match request_token(&self.http, &base, &row.client_id, &secret).await {
            Ok(issued) => issued,
            Err(error) => return Err(self.request_failed(instance, row, error).await?),
        };
        let sealed = self.vault.seal(&token_context(instance, row.id), issued.access_token.expose_secret().as_bytes())?;
        let now = self.clock.timestamp();
        let expires_at = now + Duration::seconds(i64::try_from(issued.expires_in).unwrap_or(0));
        let same = rejected.is_some_and(|rejected| rejected.expose_secret() == issued.access_token.expose_secret());
        let mut tx = self.db.begin().await?;
        store::keep_marketo_token(&mut tx, instance, row.id, &sealed, expires_at, same.then_some(now)).await?;
        tx.commit().await?;
        Ok(Self::served(row, issued.access_token, expires_at))
    }

    /// Records a request that brought no token; gives the error for the callers.
    async fn request_failed(
        &self,
        instance: InstanceId,
        row: &MarketoRow,
        error: MarketoError,
    ) -> Result<ConnectionError, ConnectionError> {
        self.marketo_failed(instance, Some(row.id), &error);
        let stays =
            matches!(error, MarketoError::UnknownClient { .. } | MarketoError::WrongSecret { .. } | MarketoError::ClientRefused { .. });
        let mut tx = self.db.begin().await?;
        let told = if stays {
            let advice = error.what_to_do();
            store::mark_marketo(&mut tx, instance, row.id, "invalid_client", advice, self.clock.timestamp()).await?;
            tracing::warn!(%instance, connection = %row.id, "a Marketo connection needs attention");
            needs_attention(advice)
        } else {
            store::clear_marketo_renewal(&mut tx, instance, row.id).await?;
            ConnectionError::Unavailable { message: error.to_string() }
        };
        tx.commit().await?;
        Ok(told)
    }
}

fn set_aside_error(row: &MarketoRow) -> ConnectionError {
    needs_attention(row.last_error.as_deref().unwrap_or("it was refused"))
}

fn needs_attention(reason: &str) -> ConnectionError {
    ConnectionError::NeedsAttention(format!("the Marketo connection needs attention: {reason}"))
}

pub(super) fn base_url(row: &MarketoRow) -> Result<Url, ConnectionError> {
    Url::parse(&row.base_url).map_err(|_| ConnectionError::MarketoAddress("the stored Marketo address can't be read".into()))
}

/// Tokens for credentials that no connection holds yet; kept in memory for as long as the client that uses them.
pub(super) struct ProvisionedTokens {
    connections: Connections,
    instance: InstanceId,
    base: Url,
    client_id: String,
    client_secret: SecretString,
    token: Arc<Mutex<Option<SecretString>>>,
}

impl ProvisionedTokens {
    pub(super) fn new(connections: Connections, instance: InstanceId, base: Url, client_id: String, client_secret: SecretString) -> Self {
        Self { connections, instance, base, client_id, client_secret, token: Arc::default() }
    }

    /// The same, with a token that was issued already.
    pub(super) fn having(self, issued: &IssuedToken) -> Self {
        Self { token: Arc::new(Mutex::new(Some(issued.access_token.clone()))), ..self }
    }

    async fn get(&self, rejected: Option<&SecretString>) -> Result<SecretString, TokenUnavailable> {
        let mut token = self.token.lock().await;
        let refused = |one: &SecretString| rejected.is_some_and(|rejected| rejected.expose_secret() == one.expose_secret());
        if let Some(kept) = token.as_ref().filter(|kept| !refused(kept)) {
            return Ok(kept.clone());
        }
        let issued = request_token(&self.connections.http, &self.base, &self.client_id, &self.client_secret).await;
        let issued = issued.inspect_err(|error| self.connections.marketo_failed(self.instance, None, error));
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
