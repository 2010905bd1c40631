//! The access tokens of an instance's connections, for callers that are allowed them.

use std::sync::Arc;

use secrecy::SecretString;

use super::salesforce::SalesforceConnectionKey;
use super::token_report::TokenInvalidationOutcome;
use super::{ConnectionError, Connections};
use crate::ids::InstanceId;
use crate::tokens::{AccessToken, AccessTokenRequest};

impl Connections {
    /// The access token of the instance's Salesforce connection.
    ///
    /// # Errors
    /// [`ConnectionError::NotConnected`]; [`ConnectionError::NeedsAttention`] with what to do; [`ConnectionError::Unavailable`]
    /// while Salesforce can't answer.
    pub async fn salesforce_token(&self, instance: InstanceId) -> Result<Arc<AccessToken>, ConnectionError> {
        Ok(self.salesforce_tokens.token(SalesforceConnectionKey::of_instance(instance), AccessTokenRequest::default()).await?)
    }

    /// The access token of the instance's Marketo connection.
    ///
    /// # Errors
    /// As [`Connections::salesforce_token`].
    pub async fn marketo_token(&self, instance: InstanceId) -> Result<Arc<AccessToken>, ConnectionError> {
        Ok(self.marketo_tokens.token(instance, AccessTokenRequest::default()).await?)
    }

    /// Looks into a report that Salesforce refuses `token`. Salesforce is asked before a refresh token is spent, and about one token
    /// at most once a minute, so that a caller who is mistaken can't wear the connection out.
    ///
    /// # Errors
    /// As [`Connections::salesforce_token`].
    pub async fn report_salesforce_token(
        &self,
        instance: InstanceId,
        token: &SecretString,
    ) -> Result<TokenInvalidationOutcome, ConnectionError> {
        let outcome = self.salesforce_tokens.provider().investigate_report(instance, token).await?;
        if outcome == TokenInvalidationOutcome::Refreshed {
            let request = AccessTokenRequest::replacing(token.clone());
            self.salesforce_tokens.token(SalesforceConnectionKey::of_instance(instance), request).await?;
        }
        Ok(outcome)
    }

    /// Looks into a report that Marketo refuses `token`. Marketo hands out the same token until it expires, so it is asked about
    /// one token at most once a minute.
    ///
    /// # Errors
    /// As [`Connections::salesforce_token`].
    pub async fn report_marketo_token(
        &self,
        instance: InstanceId,
        token: &SecretString,
    ) -> Result<TokenInvalidationOutcome, ConnectionError> {
        if !self.marketo_token(instance).await?.is(token) {
            return Ok(TokenInvalidationOutcome::NotCurrent);
        }
        let current = self.marketo_tokens.token(instance, AccessTokenRequest::replacing(token.clone())).await?;
        Ok(if current.is(token) { TokenInvalidationOutcome::StillValid } else { TokenInvalidationOutcome::Refreshed })
    }

    /// Suspends the connections whose refresh a process before us has left without an answer.
    ///
    /// # Errors
    /// [`ConnectionError::Db`].
    pub async fn suspend_lost_refreshes(&self) -> Result<(), ConnectionError> {
        self.salesforce_tokens.provider().suspend_lost_refreshes().await
    }
}
