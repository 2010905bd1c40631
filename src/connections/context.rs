use std::sync::Arc;

use secrecy::ExposeSecret;
use url::Url;

use super::hosts::Addresses;
use super::{ConnectionError, SalesforceHost};
use crate::clock::SharedClock;
use crate::config::SalesforceSettings;
use crate::db::Db;
use crate::diagnostics::DiagnosticRecorder;
use crate::ids::{ConnectionId, InstanceId};
use crate::marketo::MarketoError;
use crate::quotas::{ConnectionQuotaTracker, Quotas};
use crate::salesforce::{OAuthApp, SalesforceError};
use crate::upstream::{QuotaTracker, Vendor};
use crate::vault::Vault;

/// What it takes to call a vendor. Cheap to clone.
#[derive(Clone)]
pub(super) struct ConnectionContext {
    pub(super) db: Db,
    pub(super) clock: SharedClock,
    pub(super) vault: Vault,
    pub(super) http: reqwest::Client,
    /// Sends refresh tokens, and nothing else. What it opens belongs to the runtime of the refreshes; a connection that a request has
    /// opened with [`Self::http`] ends with the request's thread when the process stops, and the answer to a refresh would be lost.
    pub(super) refresh_http: reqwest::Client,
    pub(super) addresses: Addresses,
    pub(super) salesforce: SalesforceSettings,
    /// Our own address, where Salesforce sends people back to.
    pub(super) public_url: Arc<str>,
    pub(super) recorder: DiagnosticRecorder,
    pub(super) quotas: Quotas,
}

impl ConnectionContext {
    /// What keeps the calls made for an instance to `account` (Munchkin id or organization id) within its quotas; `connection` is none
    /// before there is one.
    pub(super) fn quota_tracker(
        &self,
        instance: InstanceId,
        vendor: Vendor,
        account: &str,
        connection: Option<ConnectionId>,
    ) -> Arc<dyn QuotaTracker> {
        let (recorder, quotas) = (self.recorder.clone(), self.quotas.account(vendor, account));
        Arc::new(ConnectionQuotaTracker { recorder, quotas, instance, vendor, connection })
    }

    /// Records a failure that no client reports: of the token endpoint, of the identity address, of a revocation.
    pub(super) fn record_salesforce_failure(&self, instance: InstanceId, connection: Option<ConnectionId>, error: &SalesforceError) {
        if let Some(failure) = error.failure() {
            self.recorder.record(instance, Vendor::Salesforce, connection, failure);
        }
    }

    /// Records a failure that no client reports: of Marketo's identity service.
    pub(super) fn record_marketo_failure(&self, instance: InstanceId, connection: Option<ConnectionId>, error: &MarketoError) {
        if let Some(failure) = error.failure() {
            self.recorder.record(instance, Vendor::Marketo, connection, failure);
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
