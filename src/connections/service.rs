use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use secrecy::ExposeSecret;
use tokio::runtime::Handle;
use url::Url;

use super::diagnostics::Recorder;
use super::hosts::Addresses;
use super::quotas::{ConnectionLedger, Quotas};
use super::slots::Slots;
use super::{ConnectionError, SalesforceHost, Vendor};
use crate::clock::SharedClock;
use crate::config::{SalesforceSettings, Settings};
use crate::crypto::Vault;
use crate::db::Db;
use crate::ids::{ConnectionId, InstanceId};
use crate::marketo::{MarketoClient, MarketoError};
use crate::salesforce::{OAuthApp, SalesforceError};
use crate::tasks::{BackgroundTasks, Shutdown};
use crate::upstream::QuotaTracker;

/// The way to the vendors. Cheap to clone.
#[derive(Clone)]
pub struct Connections {
    pub(super) db: Db,
    pub(super) clock: SharedClock,
    pub(super) vault: Vault,
    pub(super) http: reqwest::Client,
    pub(super) addresses: Addresses,
    pub(super) salesforce: SalesforceSettings,
    pub(super) public_url: Arc<str>,
    pub(super) slots: Arc<Slots>,
    /// Renewals under way, and where they run: they outlive the request that began them.
    pub(super) refreshes: BackgroundTasks,
    pub(super) runtime: Handle,
    recorder: Recorder,
    pub(super) quotas: Quotas,
    /// The client of each instance's subscription, with the connection it was made for.
    pub(super) marketo_clients: Arc<Mutex<HashMap<InstanceId, (ConnectionId, MarketoClient)>>>,
}

impl Connections {
    /// Wires the feature and starts its tasks; `public_url` is our own address, where Salesforce sends people back to. When `shutdown`
    /// stops them, token refreshes are waited for, what is left of the quotas is given back and what is left to record is written down.
    ///
    /// Must be called on the runtime that outlives all requests.
    ///
    /// # Errors
    /// When the HTTP client can't be set up.
    pub fn new(
        settings: &Settings,
        db: Db,
        clock: SharedClock,
        vault: Vault,
        public_url: &str,
        shutdown: &Shutdown,
    ) -> Result<Self, reqwest::Error> {
        let maintenance = &shutdown.maintenance;
        let recorder = Recorder::start(db.clone(), clock.clone(), maintenance);
        let quotas = Quotas::start(db.clone(), clock.clone(), settings.marketo.clone(), settings.salesforce.clone(), maintenance);
        Ok(Self {
            db,
            clock,
            vault,
            http: settings.upstream.http_client()?,
            addresses: Addresses::new(&settings.upstream),
            salesforce: settings.salesforce.clone(),
            public_url: public_url.into(),
            slots: Arc::default(),
            refreshes: shutdown.token_refreshes.clone(),
            runtime: Handle::current(),
            recorder,
            quotas,
            marketo_clients: Arc::default(),
        })
    }

    /// The book of the calls made for an instance to `account` (Munchkin id or organisation id); `connection` is none before there
    /// is one.
    pub(super) fn ledger(
        &self,
        instance: InstanceId,
        vendor: Vendor,
        account: &str,
        connection: Option<ConnectionId>,
    ) -> Arc<dyn QuotaTracker> {
        let (recorder, spender) = (self.recorder.clone(), self.quotas.of(vendor, account));
        Arc::new(ConnectionLedger { recorder, spender, instance, vendor, connection })
    }

    /// Records a failure that no client reports: of the token endpoint, of the identity address, of a revocation.
    pub(super) fn salesforce_failed(&self, instance: InstanceId, connection: Option<ConnectionId>, error: &SalesforceError) {
        if let Some(failure) = error.failure() {
            self.recorder.note(instance, Vendor::Salesforce, connection, failure);
        }
    }

    /// Records a failure that no client reports: of Marketo's identity service.
    pub(super) fn marketo_failed(&self, instance: InstanceId, connection: Option<ConnectionId>, error: &MarketoError) {
        if let Some(failure) = error.failure() {
            self.recorder.note(instance, Vendor::Marketo, connection, failure);
        }
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
