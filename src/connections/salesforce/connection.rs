//! The instance's own Salesforce connection: made, tested, ended.

use std::sync::Arc;

use secrecy::ExposeSecret;
use url::Url;

use super::authorization::CompletedAuthorization;
use super::store::{self, SalesforceRow};
use super::{
    AuthorizationPurpose, NOT_CONNECTED, SalesforceConnectionKey, access_token_context, needs_attention, parse_login_base,
    refresh_token_context,
};
use crate::audit::{self, ChangeOrigin, Entry};
use crate::clock::Timestamp;
use crate::connections::{ConnectionError, ConnectionState, Connections, SalesforceHost, TestResult};
use crate::ids::{ConnectionId, InstanceId, MemberId};
use crate::instances;
use crate::quotas::VendorLimits;
use crate::salesforce::{Identity, SalesforceClient, SalesforceError, TokenGrant, revoke};
use crate::upstream::Vendor;

impl Connections {
    /// Begins connecting the instance; returns the address to send the admin to. `confirmed_organization` is the organization that
    /// the instance is to move to, if it belongs to another one.
    ///
    /// # Errors
    /// [`ConnectionError::AlreadyConnected`] while a working connection exists.
    pub async fn begin_salesforce(
        &self,
        instance: InstanceId,
        host: &SalesforceHost,
        begun_by: String,
        confirmed_organization: Option<String>,
    ) -> Result<(Url, Timestamp), ConnectionError> {
        let existing = store::find_salesforce(&self.context.db, instance, None).await?;
        if existing.is_some_and(|row| row.state == ConnectionState::Active) {
            return Err(ConnectionError::AlreadyConnected("Salesforce"));
        }
        self.begin_authorization(instance, AuthorizationPurpose::Instance { begun_by, confirmed_organization }, host, None).await
    }

    /// Begins connecting a member's own Salesforce user; returns the address to send the member to.
    ///
    /// # Errors
    /// As [`Connections::begin_salesforce`].
    pub async fn begin_own_salesforce(
        &self,
        instance: InstanceId,
        member: MemberId,
        host: &SalesforceHost,
    ) -> Result<(Url, Timestamp), ConnectionError> {
        let existing = store::find_salesforce(&self.context.db, instance, Some(member)).await?;
        if existing.is_some_and(|row| row.state == ConnectionState::Active) {
            return Err(ConnectionError::AlreadyConnected("Salesforce"));
        }
        self.begin_authorization(instance, AuthorizationPurpose::Member { member }, host, None).await
    }

    /// Refuses an organization that is not the instance's, unless it is the one `confirmed`.
    pub(super) async fn check_organization(
        &self,
        instance: InstanceId,
        found: &str,
        confirmed: Option<&str>,
    ) -> Result<(), ConnectionError> {
        same_organization(store::find_organization(&self.context.db, instance).await?, found, confirmed)
    }

    /// Refuses what another organization has authorized, and gives the grant back to it.
    pub(super) async fn check_authorized(&self, authorization: &CompletedAuthorization) -> Result<(), ConnectionError> {
        let confirmed = authorization.purpose.confirmed_organization();
        let checked = self.check_organization(authorization.instance, &authorization.identity.organization_id, confirmed).await;
        if checked.is_err() {
            let token = authorization.grant.refresh_token.as_ref().unwrap_or(&authorization.grant.access_token);
            if let Err(error) = revoke(&self.context.http, &authorization.login_base, token).await {
                tracing::warn!(code = error.code(), "a grant that was not wanted could not be revoked");
            }
        }
        checked
    }

    /// Stores what an authorization brought, as the instance's connection or, with `member`, as that member's own, and makes a
    /// test call with it.
    pub(in crate::connections) async fn adopt_authorization(
        &self,
        authorization: &CompletedAuthorization,
        member: Option<MemberId>,
        origin: &ChangeOrigin,
    ) -> Result<TestResult, ConnectionError> {
        let instance = authorization.instance;
        let (grant, identity) = (&authorization.grant, &authorization.identity);
        let row = self.new_salesforce_row(instance, member, &authorization.login_base, grant, identity)?;
        self.adopt_salesforce(instance, row, grant, authorization.purpose.confirmed_organization(), origin).await
    }

    /// The row of a connection that an authorization, by a person or by an assertion, brought.
    pub(super) fn new_salesforce_row(
        &self,
        instance: InstanceId,
        member: Option<MemberId>,
        login_base: &Url,
        grant: &TokenGrant,
        identity: &Identity,
    ) -> Result<SalesforceRow, ConnectionError> {
        let id = ConnectionId(self.context.clock.new_id());
        let access = grant.access_token.expose_secret().as_bytes();
        let refresh = grant
            .refresh_token
            .as_ref()
            .map(|token| self.context.vault.seal(&refresh_token_context(instance, id), token.expose_secret().as_bytes()));
        let issued_at = Timestamp::from(grant.issued_at);
        Ok(SalesforceRow {
            id,
            member_id: member,
            state: ConnectionState::Active,
            login_base: login_base.to_string(),
            instance_url: grant.instance_url.to_string(),
            identity_url: grant.id_url.to_string(),
            organization_id: identity.organization_id.clone(),
            user_id: identity.user_id.clone(),
            username: identity.username.clone(),
            email: identity.email.clone(),
            scopes: grant.scope.clone(),
            sealed_access_token: self.context.vault.seal(&access_token_context(instance, id), access)?,
            sealed_refresh_token: refresh.transpose()?,
            token_issued_at: issued_at,
            token_expires_at: Some(issued_at + self.context.salesforce.token_lifetime()),
            token_reported_at: None,
            refresh_began_at: None,
            refresh_seen_at: None,
            jwt_client_id: None,
            sealed_jwt_key: None,
            last_tested_at: None,
            last_error_code: None,
            last_error: None,
            created_at: self.context.clock.timestamp(),
        })
    }

    /// Stores a new connection, finds out when its token ends, and makes a test call. `confirmed` is the organization that the
    /// instance is to move to, if it belongs to another one.
    pub(super) async fn adopt_salesforce(
        &self,
        instance: InstanceId,
        row: SalesforceRow,
        grant: &TokenGrant,
        confirmed: Option<&str>,
        origin: &ChangeOrigin,
    ) -> Result<TestResult, ConnectionError> {
        let row = self.replace_salesforce(instance, row, confirmed, origin).await?;
        self.salesforce_tokens.provider().store_token_expiry(instance, &row, &row.sealed_access_token, &grant.access_token).await?;
        self.test_salesforce_row(instance, &row).await
    }

    /// Puts a connection in its place; what was in memory about the one before is forgotten. What is taken over from the one before,
    /// and the organization that the instance belongs to, are read with the instance locked: of two authorizations that come back at
    /// once, the second sees the first.
    async fn replace_salesforce(
        &self,
        instance: InstanceId,
        mut row: SalesforceRow,
        confirmed: Option<&str>,
        origin: &ChangeOrigin,
    ) -> Result<SalesforceRow, ConnectionError> {
        let key = SalesforceConnectionKey { instance, member: row.member_id };
        let _guard = self.salesforce_tokens.pause_refreshes(key).await;
        let mut tx = self.context.db.begin().await?;
        instances::lock_instance(&mut tx, instance).await?;
        same_organization(store::find_organization_in(&mut tx, instance).await?, &row.organization_id, confirmed)?;
        if row.sealed_jwt_key.is_none() {
            self.take_over_jwt_key(&mut tx, instance, &mut row).await?;
        }
        store::replace_salesforce(&mut tx, instance, &row).await?;
        if row.member_id.is_none() {
            store::confirm_organization(&mut tx, instance, &row.organization_id, row.created_at).await?;
        }
        let entry = Entry::new("salesforce.connected", "connection", row.id).after(row.audited());
        audit::record(&mut tx, &*self.context.clock, instance, origin, entry).await?;
        tx.commit().await?;
        self.salesforce_tokens.forget(key);
        Ok(row)
    }

    /// The client for the instance's connection.
    ///
    /// # Errors
    /// [`ConnectionError::NotConnected`]; [`ConnectionError::NeedsAttention`] with what to do.
    pub async fn salesforce(&self, instance: InstanceId) -> Result<SalesforceClient, ConnectionError> {
        let row = store::find_salesforce(&self.context.db, instance, None).await?.ok_or(NOT_CONNECTED)?;
        if row.state != ConnectionState::Active && row.sealed_jwt_key.is_none() {
            return Err(needs_attention(row.last_error.as_deref()));
        }
        self.salesforce_client(instance, &row, false)
    }

    fn salesforce_client(
        &self,
        instance: InstanceId,
        row: &SalesforceRow,
        include_suspended: bool,
    ) -> Result<SalesforceClient, ConnectionError> {
        let base = self.context.addresses.salesforce_origin(&row.instance_url)?.into_url();
        let key = SalesforceConnectionKey { instance, member: row.member_id };
        let tokens = Arc::new(self.salesforce_tokens.tokens_of(key, row.id, include_suspended));
        let tracker = self.context.quota_tracker(instance, Vendor::Salesforce, &row.organization_id, Some(row.id));
        Ok(SalesforceClient::new(self.context.http.clone(), base, &self.context.salesforce.api_version, tokens, tracker))
    }

    /// How much of the organization's calls is used.
    ///
    /// # Errors
    /// [`ConnectionError::NotConnected`].
    pub async fn salesforce_limits(&self, instance: InstanceId) -> Result<VendorLimits, ConnectionError> {
        let row = store::find_salesforce(&self.context.db, instance, None).await?.ok_or(NOT_CONNECTED)?;
        Ok(self.context.quotas.limits(Vendor::Salesforce, &row.organization_id).await?)
    }

    /// Makes a test call with the instance's connection, or with `member` that member's own, and records what it found.
    ///
    /// # Errors
    /// [`ConnectionError::NotConnected`]. What the vendor answers is the result, not an error.
    pub async fn test_salesforce(&self, instance: InstanceId, member: Option<MemberId>) -> Result<TestResult, ConnectionError> {
        let row = store::find_salesforce(&self.context.db, instance, member).await?.ok_or(NOT_CONNECTED)?;
        self.test_salesforce_row(instance, &row).await
    }

    pub(super) async fn test_salesforce_row(&self, instance: InstanceId, row: &SalesforceRow) -> Result<TestResult, ConnectionError> {
        // The limits need the permission "API Enabled", as all that follows does, and cost one call.
        let outcome = self.salesforce_client(instance, row, true)?.limits().await;
        let now = self.context.clock.timestamp();
        let result = match &outcome {
            Ok(_) => TestResult::succeeded(now),
            Err(error) => TestResult::salesforce(now, error),
        };
        // Why there was no token is recorded already, and better than the test could.
        if !matches!(outcome, Err(SalesforceError::TokenUnavailable(_))) {
            let is_usable = !matches!(outcome, Err(ref error) if is_lasting(error));
            let mut tx = self.context.db.begin().await?;
            store::record_salesforce_test(&mut tx, instance, row.id, is_usable, &result).await?;
            tx.commit().await?;
            self.salesforce_tokens.forget(SalesforceConnectionKey { instance, member: row.member_id });
        }
        Ok(result)
    }

    /// Revokes the grant of the instance's connection, or with `member` of that member's own, at Salesforce, then forgets it.
    /// When Salesforce can't be reached nothing is forgotten, so that it can be tried again.
    ///
    /// # Errors
    /// [`ConnectionError::NotConnected`], [`ConnectionError::Salesforce`].
    pub async fn disconnect_salesforce(
        &self,
        instance: InstanceId,
        member: Option<MemberId>,
        origin: &ChangeOrigin,
    ) -> Result<(), ConnectionError> {
        let key = SalesforceConnectionKey { instance, member };
        // A refresh under way would bring tokens that nobody revokes.
        let _guard = self.salesforce_tokens.pause_refreshes(key).await;
        let row = store::find_salesforce(&self.context.db, instance, member).await?.ok_or(NOT_CONNECTED)?;
        // Revoking the refresh token ends the whole grant; without one the access token is all there is.
        let token = match &row.sealed_refresh_token {
            Some(sealed) => self.context.vault.open_text(&refresh_token_context(instance, row.id), sealed)?,
            None => self.context.vault.open_text(&access_token_context(instance, row.id), &row.sealed_access_token)?,
        };
        match revoke(&self.context.http, &parse_login_base(&row.login_base)?, &token).await {
            // A token that Salesforce doesn't know any more is as good as revoked.
            Ok(()) | Err(SalesforceError::OAuth(_)) => {}
            Err(error) => {
                self.context.record_salesforce_failure(instance, Some(row.id), &error);
                return Err(error.into());
            }
        }
        let mut tx = self.context.db.begin().await?;
        store::delete_salesforce(&mut tx, instance, row.id).await?;
        let entry = Entry::new("salesforce.disconnected", "connection", row.id).before(row.audited());
        audit::record(&mut tx, &*self.context.clock, instance, origin, entry).await?;
        tx.commit().await?;
        self.salesforce_tokens.forget(key);
        Ok(())
    }
}

/// Refuses the organization `found` when the instance belongs to another, unless it is the one `confirmed`.
fn same_organization(known: Option<String>, found: &str, confirmed: Option<&str>) -> Result<(), ConnectionError> {
    match known {
        Some(known) if known != found && confirmed != Some(found) => {
            Err(ConnectionError::OtherOrganization { known, found: found.to_owned() })
        }
        _ => Ok(()),
    }
}

/// Whether an error stays until somebody acts, unlike one that passes by itself.
fn is_lasting(error: &SalesforceError) -> bool {
    use crate::salesforce::Category;
    let is_passing = matches!(
        error,
        SalesforceError::Unreachable { .. } | SalesforceError::RequestLimitExceeded(_) | SalesforceError::UnexpectedAnswer { .. }
    );
    !is_passing && error.category() != Category::Intermittent
}
