//! The instance's Marketo connection, and the questions asked of Marketo before there is one.

use std::sync::{Arc, PoisonError};

use futures_util::{StreamExt, TryStreamExt, stream};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use url::Url;

use super::broker::BrokeredTokens;
use super::marketo_access::Admin;
use super::marketo_tokens::{ProvisionedTokens, base_url};
use super::slots::Place;
use super::store::{self, MarketoRow};
use super::{ConnectionError, Connections, TestResult, Vendor, VendorLimits};
use crate::audit::{self, Entry};
use crate::ids::{ConnectionId, InstanceId};
use crate::instances::{self, MunchkinId};
use crate::marketo::{IssuedToken, MarketoClient, MarketoError, request_token};

pub(super) const NOT_CONNECTED: ConnectionError = ConnectionError::NotConnected { vendor: "Marketo", link: "/v1/connections/marketo" };

/// Id of the role "Admin" in Marketo's user management.
const ADMIN_ROLE: i64 = 1;
/// Roles asked for side by side; below the calls we may have under way.
const ROLES_AT_ONCE: usize = 4;

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

pub(super) fn secret_context(instance: InstanceId, id: ConnectionId) -> String {
    format!("marketo_connections/{instance}/{id}/client_secret")
}

pub(super) fn token_context(instance: InstanceId, id: ConnectionId) -> String {
    format!("marketo_connections/{instance}/{id}/access_token")
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
        let mut admins: Vec<MarketoAdmin> = asked.buffer_unordered(ROLES_AT_ONCE).try_filter_map(async |one| Ok(one)).try_collect().await?;
        admins
            .sort_by(|one, other| (&one.last_name, &one.first_name, &one.email).cmp(&(&other.last_name, &other.first_name, &other.email)));
        Ok(admins)
    }

    async fn provisioned_client(&self, instance: InstanceId, munchkin_id: &MunchkinId) -> Result<MarketoClient, ConnectionError> {
        let (client_id, client_secret) = self.provisioned_credentials(instance).await?;
        let base = self.addresses.marketo(munchkin_id)?;
        let tokens = ProvisionedTokens::new(self.clone(), instance, base.clone(), client_id, client_secret);
        let ledger = self.ledger(instance, Vendor::Marketo, munchkin_id.as_str(), None);
        Ok(MarketoClient::new(self.http.clone(), base, Arc::new(tokens), ledger))
    }

    async fn provisioned_credentials(&self, instance: InstanceId) -> Result<(String, SecretString), ConnectionError> {
        let found = instances::provisioned_credentials(&self.db, &self.vault, instance).await?;
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
        admin: &Admin,
    ) -> Result<MarketoRow, ConnectionError> {
        // Looked at before Marketo is asked, for which no transaction may wait, and once more when the connection is kept.
        let mut looking = self.db.begin().await?;
        self.admit_marketo_owner(&mut looking, instance, admin).await?;
        drop(looking);
        let base = match address {
            Some(address) => self.addresses.pasted_marketo(address, munchkin_id)?,
            None => self.addresses.marketo(munchkin_id)?,
        };
        let provisioned = pasted.is_none();
        let (client_id, secret) = match pasted {
            Some(pasted) => (pasted.client_id, pasted.client_secret),
            None => self.provisioned_credentials(instance).await?,
        };
        let issued = request_token(&self.http, &base, &client_id, &secret).await;
        let issued = issued.inspect_err(|error| self.marketo_failed(instance, None, error))?;
        let tokens = ProvisionedTokens::new(self.clone(), instance, base.clone(), client_id.clone(), secret.clone()).having(&issued);
        let ledger = self.ledger(instance, Vendor::Marketo, munchkin_id.as_str(), None);
        try_call(&MarketoClient::new(self.http.clone(), base.clone(), Arc::new(tokens), ledger)).await?;

        let made = self.marketo_row(instance, &base, client_id, &secret, &issued)?;
        let slot = self.slots.of(Place::Marketo(instance));
        let _turn = slot.turn().await;
        let mut tx = self.db.begin().await?;
        let is_successor = self.admit_marketo_owner(&mut tx, instance, admin).await?;
        let row = MarketoRow { is_successor, provisioned, connected_by: admin.name(), ..made };
        store::replace_marketo(&mut tx, instance, &row).await?;
        let entry = Entry::new("marketo.connected", "connection", row.id).after(row.audited());
        audit::record(&mut tx, &*self.clock, instance, &admin.origin, entry).await?;
        tx.commit().await?;
        slot.forget();
        Ok(row)
    }

    fn marketo_row(
        &self,
        instance: InstanceId,
        base: &Url,
        client_id: String,
        secret: &SecretString,
        issued: &IssuedToken,
    ) -> Result<MarketoRow, ConnectionError> {
        let id = ConnectionId(self.clock.new_id());
        let now = self.clock.timestamp();
        Ok(MarketoRow {
            id,
            is_successor: false,
            state: "active".into(),
            base_url: base.to_string(),
            client_id,
            provisioned: false,
            sealed_client_secret: self.vault.seal(&secret_context(instance, id), secret.expose_secret().as_bytes())?,
            sealed_access_token: Some(self.vault.seal(&token_context(instance, id), issued.access_token.expose_secret().as_bytes())?),
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
        let row = store::find_marketo(&self.db, instance).await?.ok_or(NOT_CONNECTED)?;
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
        even_if_set_aside: bool,
    ) -> Result<MarketoClient, ConnectionError> {
        let place = Place::Marketo(instance);
        let tokens = Arc::new(BrokeredTokens { connections: self.clone(), place, connection: row.id, even_if_set_aside });
        let ledger = self.ledger(instance, Vendor::Marketo, self.munchkin_id(instance).await?.as_str(), Some(row.id));
        Ok(MarketoClient::new(self.http.clone(), base_url(row)?, tokens, ledger))
    }

    /// The subscription of an instance.
    async fn munchkin_id(&self, instance: InstanceId) -> Result<MunchkinId, ConnectionError> {
        Ok(instances::find(&self.db, instance).await?.ok_or(NOT_CONNECTED)?.munchkin_id)
    }

    /// How much of the subscription's quotas is used.
    ///
    /// # Errors
    /// [`ConnectionError::NotConnected`].
    pub async fn marketo_limits(&self, instance: InstanceId) -> Result<VendorLimits, ConnectionError> {
        store::find_marketo(&self.db, instance).await?.ok_or(NOT_CONNECTED)?;
        Ok(self.quotas.show(Vendor::Marketo, self.munchkin_id(instance).await?.as_str()).await?)
    }

    /// Makes a test call and records what it found.
    ///
    /// # Errors
    /// [`ConnectionError::NotConnected`]; [`MarketoError::ShareUsedUp`]. What Marketo answers is the result, not an error.
    pub async fn test_marketo(&self, instance: InstanceId) -> Result<TestResult, ConnectionError> {
        let row = store::find_marketo(&self.db, instance).await?.ok_or(NOT_CONNECTED)?;
        let outcome = try_call(&self.marketo_client(instance, &row, true).await?).await;
        let now = self.clock.timestamp();
        let (result, usable) = match &outcome {
            Ok(()) => (TestResult::fine(now), true),
            // Nothing was tested.
            Err(ConnectionError::Marketo(error @ MarketoError::ShareUsedUp(_))) => return Err(error.clone().into()),
            // Why there was no token is recorded already, and better than the test could.
            Err(ConnectionError::Marketo(error @ MarketoError::TokenUnavailable(_))) => return Ok(TestResult::marketo(now, error)),
            Err(ConnectionError::Marketo(error)) => (TestResult::marketo(now, error), !needs_attention(error)),
            Err(ConnectionError::MarketoDenied(denial)) => (TestResult::denied(now, *denial), false),
            Err(_) => return outcome.map(|()| TestResult::fine(now)),
        };
        let mut tx = self.db.begin().await?;
        store::record_marketo_test(&mut tx, instance, row.id, usable, &result).await?;
        tx.commit().await?;
        self.slots.of(Place::Marketo(instance)).forget();
        Ok(result)
    }

    /// Forgets the connection that `admin` owns; one that waits to follow takes its place. Marketo has nothing to revoke: its
    /// tokens run out within the hour.
    ///
    /// # Errors
    /// [`ConnectionError::NotConnected`]; [`ConnectionError::NotTheOwner`].
    pub async fn disconnect_marketo(&self, instance: InstanceId, admin: &Admin) -> Result<(), ConnectionError> {
        let slot = self.slots.of(Place::Marketo(instance));
        let _turn = slot.turn().await;
        let mut tx = self.db.begin().await?;
        let row = self.marketo_to_end(&mut tx, instance, admin).await?;
        store::delete_marketo(&mut tx, instance, row.id).await?;
        let entry = Entry::new("marketo.disconnected", "connection", row.id).before(row.audited());
        audit::record(&mut tx, &*self.clock, instance, &admin.origin, entry).await?;
        tx.commit().await?;
        slot.forget();
        Ok(())
    }
}

/// Why Marketo lets a token in but denies the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denial {
    /// The API user may do other things: a permission is missing.
    MissingPermission,
    /// It may do nothing at all: the subscription limits addresses, or the role has no permission.
    AddressNotAllowed,
}

impl Denial {
    /// A name for programs.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::MissingPermission => "permission_missing",
            Self::AddressNotAllowed => "address_not_allowed",
        }
    }

    /// One sentence for the person who has to act.
    #[must_use]
    pub fn what_to_do(self) -> &'static str {
        match self {
            Self::MissingPermission => "Give the role of the API user the permission \"Read-Only Person\" in Marketo.",
            Self::AddressNotAllowed => {
                "Marketo denies every call: add this service's addresses to the allow-list under Admin > Web Services > IP Restrictions; \
                 if there is none, the role of the API user has no API permission at all."
            }
        }
    }
}

/// The test call. Marketo answers 603 both to a missing permission and to a caller whose address is not allowed; a call that
/// needs another permission tells them apart.
async fn try_call(client: &MarketoClient) -> Result<(), ConnectionError> {
    match client.describe().await {
        Ok(_) => Ok(()),
        Err(MarketoError::AccessDenied(_)) => {
            let denied = matches!(client.users().await, Err(MarketoError::AccessDenied(_)));
            Err(ConnectionError::MarketoDenied(if denied { Denial::AddressNotAllowed } else { Denial::MissingPermission }))
        }
        Err(error) => Err(error.into()),
    }
}

/// Whether an error stays until somebody acts, unlike one that passes by itself.
fn needs_attention(error: &MarketoError) -> bool {
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
