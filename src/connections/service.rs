use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Mutex as AsyncMutex;
use url::Url;
use uuid::Uuid;

use super::hosts::Addresses;
use super::{ConnectionError, SalesforceHost};
use crate::clock::SharedClock;
use crate::config::{MarketoSettings, SalesforceSettings, Settings};
use crate::crypto::Vault;
use crate::db::Db;
use crate::ids::{ConnectionId, InstanceId};
use crate::marketo::MarketoClient;
use crate::salesforce::OAuthApp;

use secrecy::ExposeSecret;

/// The way to the vendors. Cheap to clone.
#[derive(Clone)]
pub struct Connections {
    pub(super) db: Db,
    pub(super) clock: SharedClock,
    pub(super) vault: Vault,
    pub(super) http: reqwest::Client,
    pub(super) addresses: Addresses,
    pub(super) salesforce: SalesforceSettings,
    pub(super) marketo: MarketoSettings,
    redirect_uri: String,
    renewals: Arc<Mutex<HashMap<Uuid, Arc<AsyncMutex<()>>>>>,
    /// One client a subscription, because a client counts its calls; with the connection it was made for.
    pub(super) marketo_clients: Arc<Mutex<HashMap<InstanceId, (ConnectionId, MarketoClient)>>>,
}

impl Connections {
    /// Wires the feature; `public_url` is our own address, where Salesforce sends people back to.
    ///
    /// # Errors
    /// When the HTTP client can't be set up.
    pub fn new(settings: &Settings, db: Db, clock: SharedClock, vault: Vault, public_url: &str) -> Result<Self, reqwest::Error> {
        Ok(Self {
            db,
            clock,
            vault,
            http: settings.upstream.http_client()?,
            addresses: Addresses::new(&settings.upstream),
            salesforce: settings.salesforce.clone(),
            marketo: settings.marketo.clone(),
            redirect_uri: format!("{public_url}/oauth/salesforce/callback"),
            renewals: Arc::default(),
            marketo_clients: Arc::default(),
        })
    }

    /// Our app at Salesforce.
    pub(super) fn salesforce_app(&self) -> Result<OAuthApp, ConnectionError> {
        if self.salesforce.client_id.is_empty() || self.salesforce.client_secret.expose_secret().is_empty() {
            return Err(ConnectionError::SalesforceNotConfigured);
        }
        Ok(OAuthApp {
            client_id: self.salesforce.client_id.clone(),
            client_secret: self.salesforce.client_secret.clone(),
            redirect_uri: self.redirect_uri.clone(),
            scopes: self.salesforce.scopes.clone(),
        })
    }

    /// Where people log in.
    pub(super) fn login_base(&self, host: &SalesforceHost) -> Result<Url, ConnectionError> {
        self.addresses.salesforce_login(host)
    }

    /// The lock under which one connection's token is renewed: one at a time in this process.
    pub(super) fn renewal_lock(&self, connection: Uuid) -> Arc<AsyncMutex<()>> {
        let mut locks = self.renewals.lock().unwrap_or_else(PoisonError::into_inner);
        // Locks that nobody holds are dropped, so that the map doesn't outgrow the connections in use.
        locks.retain(|_, lock| Arc::strong_count(lock) > 1);
        locks.entry(connection).or_default().clone()
    }
}

impl std::fmt::Debug for Connections {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Connections")
    }
}
