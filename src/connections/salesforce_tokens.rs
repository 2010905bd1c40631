//! Access tokens of a Salesforce connection. Salesforce rotates refresh tokens and ends the whole grant when an old one is
//! presented again, so a refresh is marked in the database before its token is sent, and the mark is cleared together with
//! storing the answer. A mark without an answer means: never send that token again.

use secrecy::{ExposeSecret, SecretString};
use time::Duration;
use url::Url;

use super::salesforce::{access_context, refresh_context};
use super::store::{self, SalesforceRow};
use super::{ConnectionError, Connections};
use crate::ids::{ConnectionId, InstanceId};
use crate::salesforce::{Grant, SalesforceError, refresh};
use crate::upstream::{BoxFuture, TokenSource, TokenUnavailable};

/// How long another process may take for its refresh before we look upon its answer as lost. Longer than the client waits.
const REFRESH_PATIENCE: Duration = Duration::seconds(90);

const ANSWER_LOST: &str = "a token refresh was sent and its answer was lost; connect Salesforce again";

/// The tokens of one connection.
#[derive(Clone)]
pub(super) struct SalesforceTokens {
    pub(super) connections: Connections,
    pub(super) instance: InstanceId,
    pub(super) id: ConnectionId,
}

impl TokenSource for SalesforceTokens {
    fn token(&self) -> BoxFuture<'_, Result<SecretString, TokenUnavailable>> {
        Box::pin(async move { self.current().await.map(|(_, token)| token).map_err(unavailable) })
    }

    fn renew<'a>(&'a self, rejected: &'a SecretString) -> BoxFuture<'a, Result<SecretString, TokenUnavailable>> {
        Box::pin(async move { self.renewed(rejected).await.map_err(unavailable) })
    }
}

fn unavailable(error: ConnectionError) -> TokenUnavailable {
    TokenUnavailable(error.to_string())
}

impl SalesforceTokens {
    async fn current(&self) -> Result<(SalesforceRow, SecretString), ConnectionError> {
        let row = store::find_salesforce_by_id(&self.connections.db, self.instance, self.id)
            .await?
            .ok_or_else(|| ConnectionError::NeedsAttention("the Salesforce connection was ended".into()))?;
        let token = self.connections.vault.open_text(&access_context(self.instance, self.id), &row.sealed_access_token)?;
        Ok((row, token))
    }

    async fn renewed(&self, rejected: &SecretString) -> Result<SecretString, ConnectionError> {
        let lock = self.connections.renewal_lock(self.id.0);
        let _one_at_a_time = lock.lock().await;
        loop {
            let (row, token) = self.current().await?;
            if token.expose_secret() != rejected.expose_secret() {
                return Ok(token);
            }
            if row.state != "active" {
                return Err(ConnectionError::NeedsAttention(
                    row.last_error.unwrap_or_else(|| "the Salesforce connection needs attention".into()),
                ));
            }
            if let Some(began) = row.refresh_began_at {
                if self.connections.clock.timestamp() - began > REFRESH_PATIENCE {
                    self.give_up("ANSWER_LOST", ANSWER_LOST).await?;
                    continue;
                }
                // Another process is at it: wait for its answer instead of sending the same token again.
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                continue;
            }
            if self.mark(&row).await? {
                return self.refresh(&row).await;
            }
        }
    }

    /// Marks the refresh as begun; `false` when another process was faster.
    async fn mark(&self, row: &SalesforceRow) -> Result<bool, ConnectionError> {
        let mut tx = self.connections.db.begin().await?;
        let ours = store::begin_refresh(&mut tx, self.instance, row.id, self.connections.clock.timestamp()).await?;
        tx.commit().await?;
        Ok(ours)
    }

    async fn refresh(&self, row: &SalesforceRow) -> Result<SecretString, ConnectionError> {
        let Some(sealed) = &row.sealed_refresh_token else {
            self.give_up("EXPIRED_ACCESS", "the access has ended and there is no refresh token; connect Salesforce again").await?;
            return Err(ConnectionError::NeedsAttention("the Salesforce access has ended".into()));
        };
        let connections = &self.connections;
        let token = connections.vault.open_text(&refresh_context(self.instance, row.id), sealed)?;
        let login_base =
            Url::parse(&row.login_base).map_err(|_| ConnectionError::AddressNotAllowed("the stored login address can't be read".into()))?;
        let refreshed = refresh(&connections.http, &connections.salesforce_app()?, &login_base, &token).await;
        match refreshed.inspect_err(|error| connections.salesforce_failed(self.instance, Some(row.id), error)) {
            Ok(grant) => self.keep(row, grant).await,
            Err(SalesforceError::AnswerLost { .. }) => {
                self.give_up("ANSWER_LOST", ANSWER_LOST).await?;
                Err(ConnectionError::NeedsAttention(ANSWER_LOST.into()))
            }
            Err(error @ SalesforceError::OAuth(_)) => {
                let code = error.code().unwrap_or("AUTHENTICATION_FAILURE").to_owned();
                self.give_up(&code, error.what_to_do()).await?;
                Err(error.into())
            }
            Err(error) => {
                // The token was not presented, or the answer says so: it may be tried again.
                let mut tx = connections.db.begin().await?;
                store::clear_refresh(&mut tx, self.instance, row.id).await?;
                tx.commit().await?;
                Err(error.into())
            }
        }
    }

    async fn keep(&self, row: &SalesforceRow, grant: Grant) -> Result<SecretString, ConnectionError> {
        let vault = &self.connections.vault;
        let access = vault.seal(&access_context(self.instance, row.id), grant.access_token.expose_secret().as_bytes())?;
        let refresh = match &grant.refresh_token {
            Some(token) => Some(vault.seal(&refresh_context(self.instance, row.id), token.expose_secret().as_bytes())?),
            None => row.sealed_refresh_token.clone(),
        };
        // Durable before the access token is used: the old refresh token is dead already.
        let mut tx = self.connections.db.begin().await?;
        store::keep_refreshed(&mut tx, self.instance, row.id, &access, refresh.as_deref(), grant.issued_at.into()).await?;
        tx.commit().await?;
        Ok(grant.access_token)
    }

    async fn give_up(&self, code: &str, reason: &str) -> Result<(), ConnectionError> {
        let mut tx = self.connections.db.begin().await?;
        store::mark_salesforce(&mut tx, self.instance, self.id, code, reason, self.connections.clock.timestamp()).await?;
        tx.commit().await?;
        Ok(())
    }
}
