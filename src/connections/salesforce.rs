//! The instance's own Salesforce connection: kept, tested, ended.

use std::sync::Arc;

use secrecy::ExposeSecret;
use url::Url;

use super::authorization::Authorized;
use super::salesforce_tokens::SalesforceTokens;
use super::store::{self, SalesforceRow};
use super::{ConnectionError, Connections, Purpose, SalesforceHost, TestResult, Vendor, VendorLimits};
use crate::clock::Timestamp;
use crate::ids::{ConnectionId, InstanceId, MemberId};
use crate::salesforce::{SalesforceClient, SalesforceError, revoke};

const NOT_CONNECTED: ConnectionError = ConnectionError::NotConnected { vendor: "Salesforce", link: "/v1/connections/salesforce" };

pub(super) fn access_context(instance: InstanceId, id: ConnectionId) -> String {
    format!("salesforce_connections/{instance}/{id}/access_token")
}

pub(super) fn refresh_context(instance: InstanceId, id: ConnectionId) -> String {
    format!("salesforce_connections/{instance}/{id}/refresh_token")
}

impl Connections {
    /// Begins connecting the instance; gives the address to send the admin to.
    ///
    /// # Errors
    /// [`ConnectionError::AlreadyConnected`] while a working connection exists.
    pub async fn begin_salesforce(
        &self,
        instance: InstanceId,
        host: &SalesforceHost,
        begun_by: String,
    ) -> Result<(Url, Timestamp), ConnectionError> {
        let existing = store::find_salesforce(&self.db, instance).await?;
        if existing.is_some_and(|row| row.state == "active") {
            return Err(ConnectionError::AlreadyConnected("Salesforce"));
        }
        self.begin(instance, Purpose::Instance { begun_by }, host, None).await
    }

    /// Keeps what an authorization brought, as the instance's connection or, with `member`, as that member's own, and makes a
    /// test call with it.
    pub(super) async fn keep_salesforce(&self, authorized: &Authorized, member: Option<MemberId>) -> Result<TestResult, ConnectionError> {
        let instance = authorized.instance;
        let id = ConnectionId(self.clock.new_id());
        let (grant, identity) = (&authorized.grant, &authorized.identity);
        let now = self.clock.timestamp();
        let access = grant.access_token.expose_secret().as_bytes();
        let refresh =
            grant.refresh_token.as_ref().map(|token| self.vault.seal(&refresh_context(instance, id), token.expose_secret().as_bytes()));
        let row = SalesforceRow {
            id,
            member_id: member,
            state: "active".into(),
            login_base: authorized.login_base.to_string(),
            instance_url: grant.instance_url.to_string(),
            identity_url: grant.id_url.to_string(),
            organization_id: identity.organization_id.clone(),
            user_id: identity.user_id.clone(),
            username: identity.username.clone(),
            email: identity.email.clone(),
            scopes: grant.scope.clone(),
            sealed_access_token: self.vault.seal(&access_context(instance, id), access)?,
            sealed_refresh_token: refresh.transpose()?,
            token_issued_at: grant.issued_at.into(),
            refresh_began_at: None,
            last_tested_at: None,
            last_error_code: None,
            last_error: None,
            created_at: now,
        };
        let mut tx = self.db.begin().await?;
        store::replace_salesforce(&mut tx, instance, &row).await?;
        tx.commit().await?;
        self.try_salesforce(instance, &row).await
    }

    /// The client for the instance's connection.
    ///
    /// # Errors
    /// [`ConnectionError::NotConnected`]; [`ConnectionError::NeedsAttention`] with what to do.
    pub async fn salesforce(&self, instance: InstanceId) -> Result<SalesforceClient, ConnectionError> {
        let row = store::find_salesforce(&self.db, instance).await?.ok_or(NOT_CONNECTED)?;
        if row.state != "active" {
            let reason = row.last_error.clone().unwrap_or_else(|| "it was refused".into());
            return Err(ConnectionError::NeedsAttention(format!("the Salesforce connection needs attention: {reason}")));
        }
        self.salesforce_client(instance, &row)
    }

    fn salesforce_client(&self, instance: InstanceId, row: &SalesforceRow) -> Result<SalesforceClient, ConnectionError> {
        let base = Url::parse(&row.instance_url)
            .map_err(|_| ConnectionError::AddressNotAllowed("the stored Salesforce address can't be read".into()))?;
        self.addresses.check_salesforce(&base)?;
        let tokens = Arc::new(SalesforceTokens { connections: self.clone(), instance, id: row.id });
        let ledger = self.ledger(instance, Vendor::Salesforce, &row.organization_id, Some(row.id));
        Ok(SalesforceClient::new(self.http.clone(), base, &self.salesforce.api_version, tokens, ledger))
    }

    /// How much of the organisation's calls is used.
    ///
    /// # Errors
    /// [`ConnectionError::NotConnected`].
    pub async fn salesforce_limits(&self, instance: InstanceId) -> Result<VendorLimits, ConnectionError> {
        let row = store::find_salesforce(&self.db, instance).await?.ok_or(NOT_CONNECTED)?;
        Ok(self.quotas.show(Vendor::Salesforce, &row.organization_id).await?)
    }

    /// Makes a test call with the instance's connection and records what it found.
    ///
    /// # Errors
    /// [`ConnectionError::NotConnected`]. What the vendor answers is the result, not an error.
    pub async fn test_salesforce(&self, instance: InstanceId) -> Result<TestResult, ConnectionError> {
        let row = store::find_salesforce(&self.db, instance).await?.ok_or(NOT_CONNECTED)?;
        self.try_salesforce(instance, &row).await
    }

    async fn try_salesforce(&self, instance: InstanceId, row: &SalesforceRow) -> Result<TestResult, ConnectionError> {
        // The limits need the permission "API Enabled", as all that follows does, and cost one call.
        let outcome = self.salesforce_client(instance, row)?.limits().await;
        let now = self.clock.timestamp();
        let result = match &outcome {
            Ok(_) => TestResult::fine(now),
            Err(error) => TestResult::salesforce(now, error),
        };
        let usable = !matches!(outcome, Err(ref error) if needs_attention(error));
        let mut tx = self.db.begin().await?;
        store::record_salesforce_test(&mut tx, instance, row.id, usable, &result).await?;
        tx.commit().await?;
        Ok(result)
    }

    /// Revokes the grant at Salesforce, then forgets it. When Salesforce can't be reached nothing is forgotten, so that it can
    /// be tried again.
    ///
    /// # Errors
    /// [`ConnectionError::NotConnected`], [`ConnectionError::Salesforce`].
    pub async fn disconnect_salesforce(&self, instance: InstanceId) -> Result<(), ConnectionError> {
        let row = store::find_salesforce(&self.db, instance).await?.ok_or(NOT_CONNECTED)?;
        // Revoking the refresh token ends the whole grant; without one the access token is all there is.
        let token = match &row.sealed_refresh_token {
            Some(sealed) => self.vault.open_text(&refresh_context(instance, row.id), sealed)?,
            None => self.vault.open_text(&access_context(instance, row.id), &row.sealed_access_token)?,
        };
        let login_base =
            Url::parse(&row.login_base).map_err(|_| ConnectionError::AddressNotAllowed("the stored login address can't be read".into()))?;
        match revoke(&self.http, &login_base, &token).await {
            // A token that Salesforce doesn't know any more is as good as revoked.
            Ok(()) | Err(SalesforceError::OAuth(_)) => {}
            Err(error) => {
                self.salesforce_failed(instance, Some(row.id), &error);
                return Err(error.into());
            }
        }
        let mut tx = self.db.begin().await?;
        store::delete_salesforce(&mut tx, instance, row.id).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// Whether an error stays until somebody acts, unlike one that passes by itself.
fn needs_attention(error: &SalesforceError) -> bool {
    use crate::salesforce::Category;
    let passing = matches!(
        error,
        SalesforceError::Unreachable { .. } | SalesforceError::RequestLimitExceeded(_) | SalesforceError::UnexpectedAnswer { .. }
    );
    !passing && error.category() != Category::Intermittent
}
