//! The instance's own Salesforce connection: kept, tested, ended.

use std::sync::Arc;

use secrecy::ExposeSecret;
use url::Url;

use super::authorization::Authorized;
use super::broker::BrokeredTokens;
use super::salesforce_tokens::{login_base, set_aside_error};
use super::slots::Place;
use super::store::{self, SalesforceRow};
use super::{ConnectionError, Connections, Purpose, SalesforceHost, TestResult, Vendor, VendorLimits};
use crate::audit::{self, Entry, Origin};
use crate::clock::Timestamp;
use crate::ids::{ConnectionId, InstanceId, MemberId};
use crate::instances;
use crate::salesforce::{Grant, Identity, SalesforceClient, SalesforceError, revoke};

pub(super) const NOT_CONNECTED: ConnectionError =
    ConnectionError::NotConnected { vendor: "Salesforce", link: "/v1/connections/salesforce" };

pub(super) fn access_context(instance: InstanceId, id: ConnectionId) -> String {
    format!("salesforce_connections/{instance}/{id}/access_token")
}

pub(super) fn jwt_key_context(instance: InstanceId, id: ConnectionId) -> String {
    format!("salesforce_connections/{instance}/{id}/jwt_key")
}

pub(super) fn refresh_context(instance: InstanceId, id: ConnectionId) -> String {
    format!("salesforce_connections/{instance}/{id}/refresh_token")
}

impl Connections {
    /// Begins connecting the instance; gives the address to send the admin to. `confirmed_organization` is the organisation that
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
        let existing = store::find_salesforce(&self.db, instance, None).await?;
        if existing.is_some_and(|row| row.state == "active") {
            return Err(ConnectionError::AlreadyConnected("Salesforce"));
        }
        self.begin(instance, Purpose::Instance { begun_by, confirmed_organization }, host, None).await
    }

    /// Begins connecting a member's own Salesforce user; gives the address to send the member to.
    ///
    /// # Errors
    /// As [`Connections::begin_salesforce`].
    pub async fn begin_own_salesforce(
        &self,
        instance: InstanceId,
        member: MemberId,
        host: &SalesforceHost,
    ) -> Result<(Url, Timestamp), ConnectionError> {
        let existing = store::find_salesforce(&self.db, instance, Some(member)).await?;
        if existing.is_some_and(|row| row.state == "active") {
            return Err(ConnectionError::AlreadyConnected("Salesforce"));
        }
        self.begin(instance, Purpose::Member { member }, host, None).await
    }

    /// Refuses an organisation that is not the instance's, unless it is the one `confirmed`.
    pub(super) async fn check_organization(
        &self,
        instance: InstanceId,
        found: &str,
        confirmed: Option<&str>,
    ) -> Result<(), ConnectionError> {
        same_organization(store::find_organization(&self.db, instance).await?, found, confirmed)
    }

    /// Refuses what another organisation has authorized, and gives the grant back to it.
    pub(super) async fn check_authorized(&self, authorized: &Authorized) -> Result<(), ConnectionError> {
        let confirmed = authorized.purpose.confirmed_organization();
        let checked = self.check_organization(authorized.instance, &authorized.identity.organization_id, confirmed).await;
        if checked.is_err() {
            let token = authorized.grant.refresh_token.as_ref().unwrap_or(&authorized.grant.access_token);
            if let Err(error) = revoke(&self.http, &authorized.login_base, token).await {
                tracing::warn!(code = error.code(), "a grant that was not wanted could not be revoked");
            }
        }
        checked
    }

    /// Keeps what an authorization brought, as the instance's connection or, with `member`, as that member's own, and makes a
    /// test call with it.
    pub(super) async fn keep_salesforce(
        &self,
        authorized: &Authorized,
        member: Option<MemberId>,
        origin: &Origin,
    ) -> Result<TestResult, ConnectionError> {
        let instance = authorized.instance;
        let (grant, identity) = (&authorized.grant, &authorized.identity);
        let row = self.new_salesforce_row(instance, member, &authorized.login_base, grant, identity)?;
        self.begin_using(instance, row, grant, authorized.purpose.confirmed_organization(), origin).await
    }

    /// The row of a connection that an authorization, by a person or by an assertion, brought.
    pub(super) fn new_salesforce_row(
        &self,
        instance: InstanceId,
        member: Option<MemberId>,
        login_base: &Url,
        grant: &Grant,
        identity: &Identity,
    ) -> Result<SalesforceRow, ConnectionError> {
        let id = ConnectionId(self.clock.new_id());
        let access = grant.access_token.expose_secret().as_bytes();
        let refresh =
            grant.refresh_token.as_ref().map(|token| self.vault.seal(&refresh_context(instance, id), token.expose_secret().as_bytes()));
        let issued_at = Timestamp::from(grant.issued_at);
        Ok(SalesforceRow {
            id,
            member_id: member,
            state: "active".into(),
            login_base: login_base.to_string(),
            instance_url: grant.instance_url.to_string(),
            identity_url: grant.id_url.to_string(),
            organization_id: identity.organization_id.clone(),
            user_id: identity.user_id.clone(),
            username: identity.username.clone(),
            email: identity.email.clone(),
            scopes: grant.scope.clone(),
            sealed_access_token: self.vault.seal(&access_context(instance, id), access)?,
            sealed_refresh_token: refresh.transpose()?,
            token_issued_at: issued_at,
            token_expires_at: Some(issued_at + self.salesforce.token_lifetime()),
            token_reported_at: None,
            refresh_began_at: None,
            refresh_seen_at: None,
            jwt_client_id: None,
            sealed_jwt_key: None,
            last_tested_at: None,
            last_error_code: None,
            last_error: None,
            created_at: self.clock.timestamp(),
        })
    }

    /// Keeps a new connection, finds out when its token ends, and makes a test call. `confirmed` is the organisation that the
    /// instance is to move to, if it belongs to another one.
    pub(super) async fn begin_using(
        &self,
        instance: InstanceId,
        row: SalesforceRow,
        grant: &Grant,
        confirmed: Option<&str>,
        origin: &Origin,
    ) -> Result<TestResult, ConnectionError> {
        let row = self.put_salesforce(instance, row, confirmed, origin).await?;
        self.note_end(instance, &row, &row.sealed_access_token, &grant.access_token).await?;
        self.try_salesforce(instance, &row).await
    }

    /// Puts a connection in its place; what was in memory about the one before is forgotten. What is taken over from the one before,
    /// and the organisation that the instance belongs to, are read with the instance locked: of two authorizations that come back at
    /// once, the second sees the first.
    async fn put_salesforce(
        &self,
        instance: InstanceId,
        mut row: SalesforceRow,
        confirmed: Option<&str>,
        origin: &Origin,
    ) -> Result<SalesforceRow, ConnectionError> {
        let slot = self.slots.of(Place::Salesforce(instance, row.member_id));
        let _turn = slot.turn().await;
        let mut tx = self.db.begin().await?;
        instances::lock_instance(&mut tx, instance).await?;
        same_organization(store::find_organization_in(&mut tx, instance).await?, &row.organization_id, confirmed)?;
        if row.sealed_jwt_key.is_none() {
            self.carry_jwt_key_over(&mut tx, instance, &mut row).await?;
        }
        store::replace_salesforce(&mut tx, instance, &row).await?;
        if row.member_id.is_none() {
            store::confirm_organization(&mut tx, instance, &row.organization_id, row.created_at).await?;
        }
        let entry = Entry::new("salesforce.connected", "connection", row.id).after(row.audited());
        audit::record(&mut tx, &*self.clock, instance, origin, entry).await?;
        tx.commit().await?;
        slot.forget();
        Ok(row)
    }

    /// The client for the instance's connection.
    ///
    /// # Errors
    /// [`ConnectionError::NotConnected`]; [`ConnectionError::NeedsAttention`] with what to do.
    pub async fn salesforce(&self, instance: InstanceId) -> Result<SalesforceClient, ConnectionError> {
        let row = store::find_salesforce(&self.db, instance, None).await?.ok_or(NOT_CONNECTED)?;
        if row.state != "active" && row.sealed_jwt_key.is_none() {
            return Err(set_aside_error(&row));
        }
        self.salesforce_client(instance, &row, false)
    }

    fn salesforce_client(
        &self,
        instance: InstanceId,
        row: &SalesforceRow,
        even_if_set_aside: bool,
    ) -> Result<SalesforceClient, ConnectionError> {
        let base = self.addresses.salesforce_origin(&row.instance_url)?.into_url();
        let place = Place::Salesforce(instance, row.member_id);
        let tokens = Arc::new(BrokeredTokens { connections: self.clone(), place, connection: row.id, even_if_set_aside });
        let ledger = self.ledger(instance, Vendor::Salesforce, &row.organization_id, Some(row.id));
        Ok(SalesforceClient::new(self.http.clone(), base, &self.salesforce.api_version, tokens, ledger))
    }

    /// How much of the organisation's calls is used.
    ///
    /// # Errors
    /// [`ConnectionError::NotConnected`].
    pub async fn salesforce_limits(&self, instance: InstanceId) -> Result<VendorLimits, ConnectionError> {
        let row = store::find_salesforce(&self.db, instance, None).await?.ok_or(NOT_CONNECTED)?;
        Ok(self.quotas.show(Vendor::Salesforce, &row.organization_id).await?)
    }

    /// Makes a test call with the instance's connection, or with `member` that member's own, and records what it found.
    ///
    /// # Errors
    /// [`ConnectionError::NotConnected`]. What the vendor answers is the result, not an error.
    pub async fn test_salesforce(&self, instance: InstanceId, member: Option<MemberId>) -> Result<TestResult, ConnectionError> {
        let row = store::find_salesforce(&self.db, instance, member).await?.ok_or(NOT_CONNECTED)?;
        self.try_salesforce(instance, &row).await
    }

    pub(super) async fn try_salesforce(&self, instance: InstanceId, row: &SalesforceRow) -> Result<TestResult, ConnectionError> {
        // The limits need the permission "API Enabled", as all that follows does, and cost one call.
        let outcome = self.salesforce_client(instance, row, true)?.limits().await;
        let now = self.clock.timestamp();
        let result = match &outcome {
            Ok(_) => TestResult::fine(now),
            Err(error) => TestResult::salesforce(now, error),
        };
        // Why there was no token is recorded already, and better than the test could.
        if !matches!(outcome, Err(SalesforceError::TokenUnavailable(_))) {
            let usable = !matches!(outcome, Err(ref error) if needs_attention(error));
            let mut tx = self.db.begin().await?;
            store::record_salesforce_test(&mut tx, instance, row.id, usable, &result).await?;
            tx.commit().await?;
            self.slots.of(Place::Salesforce(instance, row.member_id)).forget();
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
        origin: &Origin,
    ) -> Result<(), ConnectionError> {
        let slot = self.slots.of(Place::Salesforce(instance, member));
        // A renewal under way would bring tokens that nobody revokes.
        let _turn = slot.turn().await;
        let row = store::find_salesforce(&self.db, instance, member).await?.ok_or(NOT_CONNECTED)?;
        // Revoking the refresh token ends the whole grant; without one the access token is all there is.
        let token = match &row.sealed_refresh_token {
            Some(sealed) => self.vault.open_text(&refresh_context(instance, row.id), sealed)?,
            None => self.vault.open_text(&access_context(instance, row.id), &row.sealed_access_token)?,
        };
        match revoke(&self.http, &login_base(&row)?, &token).await {
            // A token that Salesforce doesn't know any more is as good as revoked.
            Ok(()) | Err(SalesforceError::OAuth(_)) => {}
            Err(error) => {
                self.salesforce_failed(instance, Some(row.id), &error);
                return Err(error.into());
            }
        }
        let mut tx = self.db.begin().await?;
        store::delete_salesforce(&mut tx, instance, row.id).await?;
        let entry = Entry::new("salesforce.disconnected", "connection", row.id).before(row.audited());
        audit::record(&mut tx, &*self.clock, instance, origin, entry).await?;
        tx.commit().await?;
        slot.forget();
        Ok(())
    }
}

/// Refuses the organisation `found` when the instance belongs to another, unless it is the one `confirmed`.
fn same_organization(known: Option<String>, found: &str, confirmed: Option<&str>) -> Result<(), ConnectionError> {
    match known {
        Some(known) if known != found && confirmed != Some(found) => {
            Err(ConnectionError::OtherOrganization { known, found: found.to_owned() })
        }
        _ => Ok(()),
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
