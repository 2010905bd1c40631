//! Refreshing a Salesforce access token. Salesforce rotates refresh tokens and ends the whole grant when an old one is presented
//! again, so a refresh is marked in the database before its token is sent, and the mark is cleared together with storing the
//! answer. A mark without an answer means: never send that token again.
//!
//! With a key for assertions (JWT bearer flow) there is nothing to lose: the mark then only keeps processes from asking twice.

use secrecy::{ExposeSecret, SecretString};
use time::Duration;

use super::assertion::request_by_assertion;
use super::key::SalesforceConnectionKey;
use super::store::{self, RefreshedTokens, SalesforceRow};
use super::{NOT_CONNECTED, access_token_context, needs_attention, parse_login_base, refresh_token_context};
use crate::clock::Timestamp;
use crate::connections::context::ConnectionContext;
use crate::connections::token_report::{REPORT_INTERVAL, TokenInvalidationOutcome};
use crate::connections::{ConnectionError, ConnectionState};
use crate::db::Db;
use crate::ids::{ConnectionId, InstanceId};
use crate::salesforce::{self, SalesforceError, TokenGrant};
use crate::telemetry::error_chain;
use crate::tokens::{AccessToken, AccessTokenRequest, TokenProvider, random_refresh_margin};

/// A process that waits for the answer to a refresh says so this often.
const HEARTBEAT_INTERVAL: std::time::Duration = std::time::Duration::from_secs(1);
/// When it has not said so for this long, it has ended and its answer is lost. Should it merely have slept, its answer still
/// counts when it comes, and the connection works again.
const HEARTBEAT_TIMEOUT: Duration = Duration::seconds(10);
/// How often the database is asked whether another process's refresh is done.
const POLL_INTERVAL: std::time::Duration = std::time::Duration::from_millis(50);
/// Longest time for asking how long a token lives; it can do without.
const MAX_INTROSPECTION_WAIT: std::time::Duration = std::time::Duration::from_secs(5);

const ANSWER_LOST: &str = "ANSWER_LOST";
const ANSWER_LOST_REMEDY: &str =
    "A token refresh was sent to Salesforce and its answer was lost, so the token must not be used again: connect Salesforce again.";

/// What came of an attempt to refresh.
enum RefreshAttempt {
    Refreshed(AccessToken),
    /// Somebody else changes the row: it has to be read again.
    Superseded,
}

/// Refreshes the tokens of Salesforce connections. Cheap to clone.
#[derive(Clone)]
pub(in crate::connections) struct SalesforceTokenProvider {
    context: ConnectionContext,
}

impl TokenProvider for SalesforceTokenProvider {
    type Key = SalesforceConnectionKey;
    type Error = ConnectionError;

    const MIN_REMAINING: Duration = Duration::seconds(30);

    async fn load(&self, key: SalesforceConnectionKey, request: AccessTokenRequest) -> Result<AccessToken, ConnectionError> {
        let instance = key.instance;
        loop {
            let row = store::find_salesforce(&self.context.db, instance, key.member).await?.ok_or(NOT_CONNECTED)?;
            let is_suspended = row.state != ConnectionState::Active;
            if is_suspended && !request.include_suspended && !recovers_by_itself(&row) {
                return Err(needs_attention(row.last_error.as_deref()));
            }
            let token = self.open_access_token(instance, &row)?;
            let remaining = token.expires_at - self.context.clock.timestamp();
            let min_remaining = if request.is_ahead { token.refresh_margin } else { Self::MIN_REMAINING };
            if request.accepts(&token) && remaining > min_remaining && !(is_suspended && recovers_by_itself(&row)) {
                return Ok(token);
            }
            match self.try_refresh(instance, &row).await? {
                RefreshAttempt::Refreshed(token) => return Ok(token),
                RefreshAttempt::Superseded => {}
            }
        }
    }

    fn is_temporary(error: &ConnectionError) -> bool {
        matches!(error, ConnectionError::Unavailable { .. })
    }
}

impl SalesforceTokenProvider {
    pub(in crate::connections) fn new(context: ConnectionContext) -> Self {
        Self { context }
    }

    fn open_access_token(&self, instance: InstanceId, row: &SalesforceRow) -> Result<AccessToken, ConnectionError> {
        let expires_at = row.token_expires_at.unwrap_or(row.token_issued_at + self.context.salesforce.token_lifetime());
        let token = self.context.vault.open_text(&access_token_context(instance, row.id), &row.sealed_access_token)?;
        Ok(access_token(row.id, token, &row.instance_url, row.token_issued_at, expires_at))
    }

    async fn try_refresh(&self, instance: InstanceId, row: &SalesforceRow) -> Result<RefreshAttempt, ConnectionError> {
        let now = self.context.clock.timestamp();
        let mut tx = self.context.db.begin().await?;
        let marked = match row.refresh_began_at {
            None => store::mark_refresh_started(&mut tx, instance, row.id, &row.sealed_access_token, now).await?,
            // Its refresh token is spent, or nobody knows.
            Some(_) if row.state != ConnectionState::Active && row.sealed_jwt_key.is_none() => {
                return Err(needs_attention(row.last_error.as_deref()));
            }
            Some(began) if now - row.refresh_seen_at.unwrap_or(began) <= HEARTBEAT_TIMEOUT => {
                drop(tx);
                // Another process is at it: wait for its answer instead of sending the same token again.
                tokio::time::sleep(POLL_INTERVAL).await;
                return Ok(RefreshAttempt::Superseded);
            }
            Some(began) if row.sealed_jwt_key.is_some() => store::take_over_refresh(&mut tx, instance, row.id, began, now).await?,
            Some(_) => {
                store::suspend_salesforce(&mut tx, instance, row.id, ANSWER_LOST, ANSWER_LOST_REMEDY, now).await?;
                None
            }
        };
        tx.commit().await?;
        let Some(marked) = marked else { return Ok(RefreshAttempt::Superseded) };
        let began_at = marked.refresh_began_at.unwrap_or(now);
        let requested = async {
            match &marked.sealed_jwt_key {
                Some(key) => request_by_assertion(&self.context, instance, &marked, key).await,
                None => self.request_by_refresh_token(instance, &marked).await,
            }
        };
        match self.with_heartbeat(instance, &marked, began_at, requested).await {
            Ok(grant) => self.store_grant(instance, &marked, began_at, grant).await,
            Err(error) => Err(self.record_refresh_failure(instance, &marked, began_at, error).await?),
        }
    }

    /// Waits for an answer and writes heartbeats meanwhile, for the other processes.
    async fn with_heartbeat<T>(
        &self,
        instance: InstanceId,
        row: &SalesforceRow,
        began_at: Timestamp,
        answer: impl Future<Output = T>,
    ) -> T {
        let mut answer = std::pin::pin!(answer);
        loop {
            match tokio::time::timeout(HEARTBEAT_INTERVAL, &mut answer).await {
                Ok(answer) => return answer,
                Err(_) => {
                    let written = async {
                        let mut tx = self.context.db.begin().await?;
                        store::record_refresh_heartbeat(&mut tx, instance, row.id, began_at, self.context.clock.timestamp()).await?;
                        tx.commit().await
                    };
                    if let Err(error) = written.await {
                        tracing::warn!(error = %error_chain(&error), "the heartbeat of a token refresh could not be written");
                    }
                }
            }
        }
    }

    async fn request_by_refresh_token(&self, instance: InstanceId, row: &SalesforceRow) -> Result<TokenGrant, ConnectionError> {
        let Some(sealed) = &row.sealed_refresh_token else {
            return Err(ConnectionError::NeedsAttention(
                "the access has ended and there is no refresh token; connect Salesforce again".into(),
            ));
        };
        let token = self.context.vault.open_text(&refresh_token_context(instance, row.id), sealed)?;
        Ok(salesforce::refresh(&self.context.refresh_http, &self.context.salesforce_app()?, &parse_login_base(&row.login_base)?, &token)
            .await?)
    }

    /// Stores what a refresh brought. Durable before the access token is used: the old refresh token is dead already.
    async fn store_grant(
        &self,
        instance: InstanceId,
        row: &SalesforceRow,
        began_at: Timestamp,
        grant: TokenGrant,
    ) -> Result<RefreshAttempt, ConnectionError> {
        let access = self.context.vault.seal(&access_token_context(instance, row.id), grant.access_token.expose_secret().as_bytes())?;
        let refresh = match &grant.refresh_token {
            Some(token) => Some(self.context.vault.seal(&refresh_token_context(instance, row.id), token.expose_secret().as_bytes())?),
            None => row.sealed_refresh_token.clone(),
        };
        // An organization may move to another address; one outside of Salesforce is not followed.
        let is_allowed = self.context.addresses.salesforce_origin(grant.instance_url.as_str()).is_ok();
        let instance_url = if is_allowed { grant.instance_url.to_string() } else { row.instance_url.clone() };
        let issued_at = Timestamp::from(grant.issued_at);
        let tokens = RefreshedTokens {
            access: &access,
            refresh: refresh.as_deref(),
            instance_url: &instance_url,
            issued_at,
            expires_at: issued_at + self.context.salesforce.token_lifetime(),
        };
        let mut tx = self.context.db.begin().await?;
        let is_stored = store::store_refreshed_tokens(&mut tx, instance, row.id, began_at, &tokens).await?;
        tx.commit().await?;
        if !is_stored {
            // Disconnected, or connected anew, while we asked.
            return Ok(RefreshAttempt::Superseded);
        }
        let expires_at = self.store_token_expiry(instance, row, &access, &grant.access_token).await?.unwrap_or(tokens.expires_at);
        Ok(RefreshAttempt::Refreshed(access_token(row.id, grant.access_token, &instance_url, issued_at, expires_at)))
    }

    /// Asks when a new token ends, and records it. The token answer doesn't say, and the organization's session policy may be
    /// anything from fifteen minutes to a day.
    pub(super) async fn store_token_expiry(
        &self,
        instance: InstanceId,
        row: &SalesforceRow,
        sealed: &[u8],
        token: &SecretString,
    ) -> Result<Option<Timestamp>, ConnectionError> {
        let (app, base) = (self.context.salesforce_app()?, parse_login_base(&row.login_base)?);
        let introspected =
            tokio::time::timeout(MAX_INTROSPECTION_WAIT, salesforce::introspect(&self.context.http, &app, &base, token)).await;
        let Ok(Ok(salesforce::TokenIntrospection { active: true, expires_at: Some(ends) })) = introspected else { return Ok(None) };
        let ends = Timestamp::from(ends);
        let mut tx = self.context.db.begin().await?;
        store::record_token_expiry(&mut tx, instance, row.id, sealed, ends).await?;
        tx.commit().await?;
        Ok(Some(ends))
    }

    /// Records a refresh that brought nothing; returns the error for the callers.
    async fn record_refresh_failure(
        &self,
        instance: InstanceId,
        row: &SalesforceRow,
        began_at: Timestamp,
        error: ConnectionError,
    ) -> Result<ConnectionError, ConnectionError> {
        if let ConnectionError::Salesforce(error) = &error {
            self.context.record_salesforce_failure(instance, Some(row.id), error);
        }
        let now = self.context.clock.timestamp();
        let failure = match &error {
            ConnectionError::Salesforce(error) => RefreshFailure::from_error(error, row.sealed_jwt_key.is_some()),
            ConnectionError::NeedsAttention(_) => {
                RefreshFailure::NeedsAttention { code: "EXPIRED_ACCESS".into(), remedy: error.to_string(), token_consumed: true }
            }
            // Nothing was sent.
            _ => RefreshFailure::Temporary,
        };
        let mut tx = self.context.db.begin().await?;
        let shown = match failure {
            RefreshFailure::Temporary => {
                store::clear_refresh_marker(&mut tx, instance, row.id, began_at).await?;
                match error {
                    ConnectionError::Salesforce(error) => ConnectionError::Unavailable { message: error.to_string() },
                    other => other,
                }
            }
            RefreshFailure::NeedsAttention { code, remedy, token_consumed } => {
                if !token_consumed {
                    store::clear_refresh_marker(&mut tx, instance, row.id, began_at).await?;
                }
                store::suspend_salesforce(&mut tx, instance, row.id, &code, &remedy, now).await?;
                tracing::warn!(%instance, connection = %row.id, code, "a Salesforce connection needs attention");
                needs_attention(Some(&remedy))
            }
        };
        tx.commit().await?;
        Ok(shown)
    }

    /// Looks into a report about a token: [`TokenInvalidationOutcome::Refreshed`] says that it has to be.
    pub(in crate::connections) async fn investigate_report(
        &self,
        instance: InstanceId,
        token: &SecretString,
    ) -> Result<TokenInvalidationOutcome, ConnectionError> {
        let row = store::find_salesforce(&self.context.db, instance, None).await?.ok_or(NOT_CONNECTED)?;
        if row.state != ConnectionState::Active && !recovers_by_itself(&row) {
            return Err(needs_attention(row.last_error.as_deref()));
        }
        if !self.open_access_token(instance, &row)?.is(token) {
            return Ok(TokenInvalidationOutcome::NotCurrent);
        }
        let now = self.context.clock.timestamp();
        if row.token_reported_at.is_some_and(|at| now - at < REPORT_INTERVAL) {
            return Ok(TokenInvalidationOutcome::StillValid);
        }
        match salesforce::introspect(&self.context.http, &self.context.salesforce_app()?, &parse_login_base(&row.login_base)?, token).await
        {
            Ok(known) if known.active => {
                let mut tx = self.context.db.begin().await?;
                store::record_token_report(&mut tx, instance, row.id, &row.sealed_access_token, now).await?;
                tx.commit().await?;
                Ok(TokenInvalidationOutcome::StillValid)
            }
            // An app that may not introspect leaves us the caller's word.
            Ok(_) | Err(SalesforceError::OAuth(_)) => Ok(TokenInvalidationOutcome::Refreshed),
            Err(error) => {
                self.context.record_salesforce_failure(instance, Some(row.id), &error);
                Err(ConnectionError::Unavailable { message: error.to_string() })
            }
        }
    }

    /// Suspends the connections whose refresh a process before us has left without an answer. Only where one process uses the database:
    /// with several, one of the others may still be waiting.
    pub(in crate::connections) async fn suspend_lost_refreshes(&self) -> Result<(), ConnectionError> {
        if !matches!(self.context.db, Db::Sqlite { .. }) {
            return Ok(());
        }
        let mut tx = self.context.db.begin().await?;
        let lost = store::suspend_lost_refreshes(&mut tx, ANSWER_LOST, ANSWER_LOST_REMEDY, self.context.clock.timestamp()).await?;
        tx.commit().await?;
        if lost > 0 {
            tracing::warn!(connections = lost, "token refreshes were under way when the service ended; these connections need attention");
        }
        Ok(())
    }
}

/// What a failed refresh means for the connection.
enum RefreshFailure {
    /// It is as it was: the token was not presented, or Salesforce says that it didn't look at it.
    Temporary,
    /// Somebody has to act; `token_consumed` when its refresh token must never be sent again.
    NeedsAttention { code: String, remedy: String, token_consumed: bool },
}

impl RefreshFailure {
    fn from_error(error: &SalesforceError, by_assertion: bool) -> Self {
        let refused = |token_consumed| Self::NeedsAttention {
            code: error.code().unwrap_or("AUTHENTICATION_FAILURE").to_owned(),
            remedy: error.remedy().to_owned(),
            token_consumed,
        };
        let lost = || Self::NeedsAttention { code: ANSWER_LOST.into(), remedy: ANSWER_LOST_REMEDY.into(), token_consumed: true };
        match error {
            SalesforceError::Unreachable { .. } | SalesforceError::InvalidRequest { .. } => Self::Temporary,
            SalesforceError::OAuth(refusal) => match refusal.error.as_str() {
                "rate_limit_exceeded" => Self::Temporary,
                _ if matches!(refusal.status, 429 | 503) => Self::Temporary,
                // The app's settings are wrong: the grant is fine once they are mended.
                "invalid_client" | "invalid_client_id" | "unsupported_grant_type" | "invalid_request" => refused(false),
                _ => refused(!by_assertion),
            },
            _ if by_assertion => Self::Temporary,
            // RFC 9110, 15.6.4 and RFC 6585, 4: the server says that it did not take the request on.
            SalesforceError::Api(refusal) if matches!(refusal.status, 429 | 503) => Self::Temporary,
            // Whatever else came, nobody can say whether the token was spent: a gateway's 502 or 504 may hide a refresh that
            // was carried out.
            _ => lost(),
        }
    }
}

/// A connection whose refresh token is gone, but that has a key for assertions.
fn recovers_by_itself(row: &SalesforceRow) -> bool {
    row.sealed_jwt_key.is_some() && row.last_error_code.as_deref().is_some_and(|code| matches!(code, ANSWER_LOST | "EXPIRED_ACCESS"))
}

/// A token as callers get it.
fn access_token(
    connection: ConnectionId,
    secret: SecretString,
    instance_url: &str,
    issued_at: Timestamp,
    expires_at: Timestamp,
) -> AccessToken {
    let base_url = instance_url.trim_end_matches('/').to_owned();
    AccessToken { secret, expires_at, base_url, connection, refresh_margin: random_refresh_margin(issued_at, expires_at) }
}
