use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use secrecy::ExposeSecret;
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;
use url::Url;

use super::hosts::Addresses;
use super::slots::Slots;
use super::{ConnectionError, SalesforceHost};
use crate::clock::SharedClock;
use crate::config::{MarketoSettings, SalesforceSettings, Settings};
use crate::crypto::Vault;
use crate::db::Db;
use crate::ids::{ConnectionId, InstanceId};
use crate::marketo::MarketoClient;
use crate::salesforce::OAuthApp;

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
    pub(super) public_url: Arc<str>,
    pub(super) slots: Arc<Slots>,
    /// Renewals under way, and where they run: they outlive the request that began them.
    pub(super) renewals: TaskTracker,
    pub(super) runtime: Handle,
    /// One client a subscription, because a client counts its calls; with the connection it was made for.
    pub(super) marketo_clients: Arc<Mutex<HashMap<InstanceId, (ConnectionId, MarketoClient)>>>,
}

impl Connections {
    /// Wires the feature; `public_url` is our own address, where Salesforce sends people back to.
    ///
    /// Must be called on the runtime that outlives all requests.
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
            public_url: public_url.into(),
            slots: Arc::default(),
            renewals: TaskTracker::new(),
            runtime: Handle::current(),
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
            redirect_uri: format!("{}/oauth/salesforce/callback", self.public_url),
            scopes: self.salesforce.scopes.clone(),
        })
    }

    /// Where people log in.
    pub(super) fn login_base(&self, host: &SalesforceHost) -> Result<Url, ConnectionError> {
        self.addresses.salesforce_login(host)
    }
}

impl std::fmt::Debug for Connections {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Connections")
    }
}
