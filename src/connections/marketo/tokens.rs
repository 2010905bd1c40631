//! Access tokens of Marketo. Asking again before the end brings the same token, so a token is kept until then.

use secrecy::{ExposeSecret, SecretString};
use time::Duration;

use super::store::{self, MarketoRow};
use super::{NOT_CONNECTED, access_token_context, client_secret_context, parse_base_url};
use crate::clock::Timestamp;
use crate::connections::context::ConnectionContext;
use crate::connections::token_report::REPORT_INTERVAL;
use crate::connections::{ConnectionError, ConnectionState};
use crate::ids::InstanceId;
use crate::marketo::{MarketoError, request_token};
use crate::tokens::{AccessToken, AccessTokenRequest, TokenProvider};

/// How long another process may take for its request. Longer than the client waits.
const MAX_REQUEST_TIME: Duration = Duration::seconds(35);
/// How often the database is asked whether another process is done.
const POLL_INTERVAL: std::time::Duration = std::time::Duration::from_millis(50);
/// How often a token that is about to expire is waited for, before it is served as it is.
const MAX_WAITS: u32 = 2;

/// Gets the tokens of Marketo connections. Cheap to clone.
#[derive(Clone)]
pub(in crate::connections) struct MarketoTokenProvider {
    context: ConnectionContext,
}

impl TokenProvider for MarketoTokenProvider {
    type Key = InstanceId;
    type Error = ConnectionError;

    /// Short, because until its end there is no other.
    const MIN_REMAINING: Duration = Duration::seconds(5);

    async fn load(&self, instance: InstanceId, request: AccessTokenRequest) -> Result<AccessToken, ConnectionError> {
        let mut waits = 0;
        loop {
            let row = store::find_marketo(&self.context.db, instance).await?.ok_or(NOT_CONNECTED)?;
            if row.state != ConnectionState::Active && !request.include_suspended {
                return Err(needs_attention(row.last_error.as_deref()));
            }
            let now = self.context.clock.timestamp();
            if let Some(token) = self.open_access_token(instance, &row)? {
                // It was asked about a moment ago, and Marketo stood by it.
                let is_confirmed = row.token_reported_at.is_some_and(|at| now - at < REPORT_INTERVAL);
                let remaining = token.expires_at - now;
                if remaining > Self::MIN_REMAINING && (request.accepts(&token) || is_confirmed) || waits >= MAX_WAITS {
                    return Ok(token);
                }
            }
            let mut tx = self.context.db.begin().await?;
            let is_ours = store::mark_token_request_started(&mut tx, instance, &row, now, now + -MAX_REQUEST_TIME).await?;
            tx.commit().await?;
            if !is_ours {
                tokio::time::sleep(POLL_INTERVAL).await;
                continue;
            }
            let token = self.request_access_token(instance, &row, request.rejected.as_ref()).await?;
            let remaining = token.expires_at - self.context.clock.timestamp();
            if remaining > Self::MIN_REMAINING || waits >= MAX_WAITS {
                return Ok(token);
            }
            // Marketo has no other until this one has ended.
            waits += 1;
            tokio::time::sleep(remaining.max(Duration::ZERO).unsigned_abs() + POLL_INTERVAL).await;
        }
    }

    fn is_temporary(error: &ConnectionError) -> bool {
        matches!(error, ConnectionError::Unavailable { .. })
    }
}

impl MarketoTokenProvider {
    pub(in crate::connections) fn new(context: ConnectionContext) -> Self {
        Self { context }
    }

    fn open_access_token(&self, instance: InstanceId, row: &MarketoRow) -> Result<Option<AccessToken>, ConnectionError> {
        let (Some(sealed), Some(expires_at)) = (&row.sealed_access_token, row.token_expires_at) else { return Ok(None) };
        let token = self.context.vault.open_text(&access_token_context(instance, row.id), sealed)?;
        Ok(Some(access_token(row, token, expires_at)))
    }

    async fn request_access_token(
        &self,
        instance: InstanceId,
        row: &MarketoRow,
        rejected: Option<&SecretString>,
    ) -> Result<AccessToken, ConnectionError> {
        let base = parse_base_url(&row.base_url)?;
        let secret = self.context.vault.open_text(&client_secret_context(instance, row.id), &row.sealed_client_secret)?;
        let issued = match request_token(&self.context.http, &base, &row.client_id, &secret).await {
            Ok(issued) => issued,
            Err(error) => return Err(self.record_request_failure(instance, row, error).await?),
        };
        let sealed = self.context.vault.seal(&access_token_context(instance, row.id), issued.access_token.expose_secret().as_bytes())?;
        let now = self.context.clock.timestamp();
        let expires_at = now + Duration::seconds(i64::try_from(issued.expires_in).unwrap_or(0));
        let is_same = rejected.is_some_and(|rejected| rejected.expose_secret() == issued.access_token.expose_secret());
        let mut tx = self.context.db.begin().await?;
        store::store_marketo_token(&mut tx, instance, row.id, &sealed, expires_at, is_same.then_some(now)).await?;
        tx.commit().await?;
        Ok(access_token(row, issued.access_token, expires_at))
    }

    /// Records a request that brought no token; returns the error for the callers.
    async fn record_request_failure(
        &self,
        instance: InstanceId,
        row: &MarketoRow,
        error: MarketoError,
    ) -> Result<ConnectionError, ConnectionError> {
        self.context.record_marketo_failure(instance, Some(row.id), &error);
        let is_lasting =
            matches!(error, MarketoError::UnknownClient { .. } | MarketoError::WrongSecret { .. } | MarketoError::ClientRefused { .. });
        let mut tx = self.context.db.begin().await?;
        let shown = if is_lasting {
            let remedy = error.remedy();
            store::suspend_marketo(&mut tx, instance, row.id, "invalid_client", remedy, self.context.clock.timestamp()).await?;
            tracing::warn!(%instance, connection = %row.id, "a Marketo connection needs attention");
            needs_attention(Some(remedy))
        } else {
            store::clear_token_request_marker(&mut tx, instance, row.id).await?;
            ConnectionError::Unavailable { message: error.to_string() }
        };
        tx.commit().await?;
        Ok(shown)
    }
}

fn needs_attention(reason: Option<&str>) -> ConnectionError {
    ConnectionError::suspended("Marketo", reason)
}

/// A token as callers get it.
fn access_token(row: &MarketoRow, secret: SecretString, expires_at: Timestamp) -> AccessToken {
    let base_url = row.base_url.trim_end_matches('/').to_owned();
    // Refreshed before it expires it would come back the same.
    AccessToken { secret, expires_at, base_url, connection: row.id, refresh_margin: Duration::ZERO }
}
