//! The instance's Marketo connection, and the questions asked of Marketo before there is one.

use std::sync::{Arc, PoisonError};

use futures_util::{StreamExt, TryStreamExt, stream};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use url::Url;

use super::access::ConnectionAdmin;
use super::denial::MarketoDenial;
use super::provisioned_tokens::ProvisionedTokens;
use super::store::{self, MarketoRow};
use super::{NOT_CONNECTED, access_token_context, client_secret_context, parse_base_url};
use crate::audit::{self, Entry};
use crate::connections::{ConnectionError, ConnectionState, Connections, TestResult};
use crate::ids::{ConnectionId, InstanceId};
use crate::instances::{self, MunchkinId};
use crate::marketo::{IssuedToken, MarketoClient, MarketoError, request_token};
use crate::quotas::VendorLimits;
use crate::upstream::Vendor;

/// Id of the role "Admin" in Marketo's user management.
const ADMIN_ROLE: i64 = 1;
/// Roles asked for side by side; below the calls we may have under way.
const MAX_ROLE_REQUESTS: usize = 4;

/// A person with the Admin role in Marketo.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct MarketoAdmin {
    /// Marketo's login name of the person.
    pub user_id: String,
    /// E-mail address.
    pub email: String,
    pub first_name: String,
    pub last_name: String,
}

/// Credentials that an admin pasted, as shown in Actions Config.
#[derive(Debug)]
pub struct PastedCredentials {
    pub client_id: String,
    pub client_secret: SecretString,
}

impl Connections {
    /// The people who have the Admin role in Marketo and log in themselves, by name. Asked with the connection when there is
    /// one, else with the provisioned credentials.
    ///
    /// # Errors
    /// [`ConnectionError::NoMarketoCredentials`], [`ConnectionError::Marketo`].
    pub async fn marketo_admins(&self, instance: InstanceId, munchkin_id: &MunchkinId) -> Result<Vec<MarketoAdmin>, ConnectionError> {
        let client = match self.marketo(instance).await {
            Err(ConnectionError::NotConnected { .. }) => self.provisioned_client(instance, munchkin_id).await?,
            other => other?,
        };
        let people = client.users().await?.into_iter().filter(|user| !user.api_only);
        let asked = stream::iter(people.map(|user| {
            let client = client.clone();
            async move {
                let roles = client.user_roles(&user.user_id).await?;
                let admin = roles.iter().any(|role| role.id == ADMIN_ROLE);
                Ok::<_, MarketoError>(admin.then_some(MarketoAdmin {
                    user_id: user.user_id,
                    email: user.email,
                    first_name: user.first_name,
                    last_name: user.last_name,
                }))
            }
        }));
        let mut admins: Vec<MarketoAdmin> =
            asked.buffer_unordered(MAX_ROLE_REQUESTS).try_filter_map(async |one| Ok(one)).try_collect().await?;
        admins
            .sort_by(|one, other| (&one.last_name, &one.first_name, &one.email).cmp(&(&other.last_name, &other.first_name, &other.email)));
        Ok(admins)
    }

    async fn provisioned_client(&self, instance: InstanceId, munchkin_id: &MunchkinId) -> Result<MarketoClient, ConnectionError> {
        let (client_id, client_secret) = self.provisioned_credentials(instance).await?;
        let base = self.context.addresses.marketo(munchkin_id)?;
        let tokens = ProvisionedTokens::new(self.context.clone(), instance, base.clone(), client_id, client_secret);
        let tracker = self.context.quota_tracker(instance, Vendor::Marketo, munchkin_id.as_str(), None);
        Ok(MarketoClient::new(self.context.http.clone(), base, Arc::new(tokens), tracker))
    }

    async fn provisioned_credentials(&self, instance: InstanceId) -> Result<(String, SecretString), ConnectionError> {
        let found = instances::provisioned_credentials(&self.context.db, &self.context.vault, instance).await?;
        found.ok_or(ConnectionError::NoMarketoCredentials)
    }

    /// Connects the instance for `admin`, who owns the connection from then on: gets a token, makes a test call, and keeps the
    /// credentials only when both succeed. Without pasted credentials the provisioned ones are used (the one-click connect).
    /// While another admin's connection is in use, the new one waits to follow it.
    ///
    /// # Errors
    /// [`ConnectionError::AlreadyConnected`]; [`ConnectionError::AccessStillGranted`]; [`ConnectionError::NoMarketoCredentials`];
    /// [`ConnectionError::Marketo`], [`ConnectionError::MarketoDenied`], which tell address, client id, secret, permission and
    /// allow-list apart.
    pub async fn connect_marketo(
        &self,
        instance: InstanceId,
        munchkin_id: &MunchkinId,
        pasted: Option<PastedCredentials>,
        address: Option<&str>,
        admin: &ConnectionAdmin,
    ) -> Result<MarketoRow, ConnectionError> {
        // Looked at before Marketo is asked, for which no transaction may wait, and once more when the connection is kept.
        let mut read = self.context.db.begin().await?;
        self.admit_marketo_owner(&mut read, instance, admin).await?;
        drop(read);
        let base = match address {
            Some(address) => self.context.addresses.pasted_marketo(address, munchkin_id)?,
            None => self.context.addresses.marketo(munchkin_id)?,
        };
        let provisioned = pasted.is_none();
        let (client_id, secret) = match pasted {
            Some(pasted) => (pasted.client_id, pasted.client_secret),
            None => self.provisioned_credentials(instance).await?,
        };
        let issued = request_token(&self.context.http, &base, &client_id, &secret).await;
        let issued = issued.inspect_err(|error| self.context.record_marketo_failure(instance, None, error))?;
        let tokens =
            ProvisionedTokens::new(self.context.clone(), instance, base.clone(), client_id.clone(), secret.clone()).with_token(&issued);
        let tracker = self.context.quota_tracker(instance, Vendor::Marketo, munchkin_id.as_str(), None);
        call_marketo(&MarketoClient::new(self.context.http.clone(), base.clone(), Arc::new(tokens), tracker)).await?;

        let row = self.new_marketo_row(instance, &base, client_id, &secret, &issued)?;
        let _guard = self.marketo_tokens.pause_refreshes(instance).await;
        let mut tx = self.context.db.begin().await?;
        let is_successor = self.admit_marketo_owner(&mut tx, instance, admin).await?;
        let row = MarketoRow { is_successor, provisioned, connected_by: admin.name(), ..row };
        store::replace_marketo(&mut tx, instance, &row).await?;
        let entry = Entry::new("marketo.connected", "connection", row.id).after(row.audited());
        audit::record(&mut tx, &*self.context.clock, instance, &admin.origin, entry).await?;
        tx.commit().await?;
        self.marketo_tokens.forget(instance);
        Ok(row)
    }

    fn new_marketo_row(
        &self,
        instance: InstanceId,
        base: &Url,
        client_id: String,
        secret: &SecretString,
        issued: &IssuedToken,
    ) -> Result<MarketoRow, ConnectionError> {
        let id = ConnectionId(self.context.clock.new_id());
        let now = self.context.clock.timestamp();
        Ok(MarketoRow {
            id,
            is_successor: false,
            state: ConnectionState::Active,
            base_url: base.to_string(),
            client_id,
            provisioned: false,
            sealed_client_secret: self.context.vault.seal(&client_secret_context(instance, id), secret.expose_secret().as_bytes())?,
            sealed_access_token: Some(
                self.context.vault.seal(&access_token_context(instance, id), issued.access_token.expose_secret().as_bytes())?,
            ),
            token_expires_at: Some(now + time::Duration::seconds(i64::try_from(issued.expires_in).unwrap_or(0))),
            token_reported_at: None,
            renewal_began_at: None,
            api_user: Some(issued.scope.clone()),
            connected_by: String::new(),
            last_tested_at: Some(now),
            last_error_code: None,
            last_error: None,
            created_at: now,
        })
    }

    /// The client for the instance's connection.
    ///
    /// # Errors
    /// [`ConnectionError::NotConnected`].
    pub async fn marketo(&self, instance: InstanceId) -> Result<MarketoClient, ConnectionError> {
        let row = store::find_marketo(&self.context.db, instance).await?.ok_or(NOT_CONNECTED)?;
        let known = self.marketo_clients.lock().unwrap_or_else(PoisonError::into_inner).get(&instance).cloned();
        if let Some((_, client)) = known.filter(|(connection, _)| *connection == row.id) {
            return Ok(client);
        }
        let client = self.marketo_client(instance, &row, false).await?;
        self.marketo_clients.lock().unwrap_or_else(PoisonError::into_inner).insert(instance, (row.id, client.clone()));
        Ok(client)
    }

    async fn marketo_client(
        &self,
        instance: InstanceId,
        row: &MarketoRow,
        include_suspended: bool,
    ) -> Result<MarketoClient, ConnectionError> {
        let tokens = Arc::new(self.marketo_tokens.tokens_of(instance, row.id, include_suspended));
        let tracker = self.context.quota_tracker(instance, Vendor::Marketo, self.munchkin_id(instance).await?.as_str(), Some(row.id));
        Ok(MarketoClient::new(self.context.http.clone(), parse_base_url(&row.base_url)?, tokens, tracker))
    }

    /// The subscription of an instance.
    async fn munchkin_id(&self, instance: InstanceId) -> Result<MunchkinId, ConnectionError> {
        Ok(instances::find(&self.context.db, instance).await?.ok_or(NOT_CONNECTED)?.munchkin_id)
    }

    /// How much of the subscription's quotas is used.
    ///
    /// # Errors
    /// [`ConnectionError::NotConnected`].
    pub async fn marketo_limits(&self, instance: InstanceId) -> Result<VendorLimits, ConnectionError> {
        store::find_marketo(&self.context.db, instance).await?.ok_or(NOT_CONNECTED)?;
        Ok(self.context.quotas.limits(Vendor::Marketo, self.munchkin_id(instance).await?.as_str()).await?)
    }

    /// Makes a test call and records what it found.
    ///
    /// # Errors
    /// [`ConnectionError::NotConnected`]; [`MarketoError::ShareUsedUp`]. What Marketo answers is the result, not an error.
    pub async fn test_marketo(&self, instance: InstanceId) -> Result<TestResult, ConnectionError> {
        let row = store::find_marketo(&self.context.db, instance).await?.ok_or(NOT_CONNECTED)?;
        let outcome = call_marketo(&self.marketo_client(instance, &row, true).await?).await;
        let now = self.context.clock.timestamp();
        let (result, is_usable) = match &outcome {
            Ok(()) => (TestResult::succeeded(now), true),
            // Nothing was tested.
            Err(ConnectionError::Marketo(error @ MarketoError::ShareUsedUp(_))) => return Err(error.clone().into()),
            // Why there was no token is recorded already, and better than the test could.
            Err(ConnectionError::Marketo(error @ MarketoError::TokenUnavailable(_))) => return Ok(TestResult::marketo(now, error)),
            Err(ConnectionError::Marketo(error)) => (TestResult::marketo(now, error), !is_lasting(error)),
            Err(ConnectionError::MarketoDenied(denial)) => (TestResult::denied(now, *denial), false),
            Err(_) => return outcome.map(|()| TestResult::succeeded(now)),
        };
        let mut tx = self.context.db.begin().await?;
        store::record_marketo_test(&mut tx, instance, row.id, is_usable, &result).await?;
        tx.commit().await?;
        self.marketo_tokens.forget(instance);
        Ok(result)
    }

    /// Deletes the connection that `admin` owns; one that waits to follow takes its place. Marketo has nothing to revoke: its
    /// tokens expire within the hour.
    ///
    /// # Errors
    /// [`ConnectionError::NotConnected`]; [`ConnectionError::NotTheOwner`].
    pub async fn disconnect_marketo(&self, instance: InstanceId, admin: &ConnectionAdmin) -> Result<(), ConnectionError> {
        let _guard = self.marketo_tokens.pause_refreshes(instance).await;
        let mut tx = self.context.db.begin().await?;
        let row = self.find_marketo_to_disconnect(&mut tx, instance, admin).await?;
        store::delete_marketo(&mut tx, instance, row.id).await?;
        let entry = Entry::new("marketo.disconnected", "connection", row.id).before(row.audited());
        audit::record(&mut tx, &*self.context.clock, instance, &admin.origin, entry).await?;
        tx.commit().await?;
        self.marketo_tokens.forget(instance);
        Ok(())
    }
}

/// The test call. Marketo answers 603 both to a missing permission and to a caller whose address is not allowed; a call that
/// needs another permission tells them apart.
async fn call_marketo(client: &MarketoClient) -> Result<(), ConnectionError> {
    match client.describe().await {
        Ok(_) => Ok(()),
        Err(MarketoError::AccessDenied(_)) => {
            let denied = matches!(client.users().await, Err(MarketoError::AccessDenied(_)));
            Err(ConnectionError::MarketoDenied(if denied { MarketoDenial::AddressNotAllowed } else { MarketoDenial::MissingPermission }))
        }
        Err(error) => Err(error.into()),
    }
}

/// Whether an error stays until somebody acts, unlike one that passes by itself.
fn is_lasting(error: &MarketoError) -> bool {
    matches!(
        error,
        MarketoError::UnknownClient { .. }
            | MarketoError::WrongSecret { .. }
            | MarketoError::ClientRefused { .. }
            | MarketoError::NotMarketo { .. }
            | MarketoError::AccessDenied(_)
            | MarketoError::TokenRefused(_)
            | MarketoError::TokenUnavailable(_)
    )
}
