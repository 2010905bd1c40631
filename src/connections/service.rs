use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use super::context::ConnectionContext;
use super::hosts::Addresses;
use super::marketo::MarketoTokenProvider;
use super::salesforce::SalesforceTokenProvider;
use crate::config::Settings;
use crate::context::Context;
use crate::diagnostics::DiagnosticRecorder;
use crate::ids::{ConnectionId, InstanceId};
use crate::marketo::MarketoClient;
use crate::quotas::Quotas;
use crate::tasks::Shutdown;
use crate::tokens::TokenBroker;

/// The way to the vendors. Cheap to clone.
#[derive(Clone)]
pub struct Connections {
    pub(super) context: ConnectionContext,
    pub(super) salesforce_tokens: TokenBroker<SalesforceTokenProvider>,
    pub(super) marketo_tokens: TokenBroker<MarketoTokenProvider>,
    /// The client of each instance's subscription, with the connection it was made for.
    pub(super) marketo_clients: Arc<Mutex<HashMap<InstanceId, (ConnectionId, MarketoClient)>>>,
}

impl Connections {
    /// Wires the feature and starts its tasks. When `shutdown`
    /// stops them, token refreshes are waited for, what is left of the quotas is given back and what is left to record is written down.
    ///
    /// Must be called on the runtime that outlives all requests.
    ///
    /// # Errors
    /// When the HTTP client can't be set up.
    pub fn new(settings: &Settings, context: &Context, shutdown: &Shutdown) -> Result<Self, reqwest::Error> {
        let Context { db, clock, vault, public_url, .. } = context;
        let maintenance = &shutdown.maintenance;
        let recorder = DiagnosticRecorder::start(db.clone(), clock.clone(), maintenance);
        let quotas = Quotas::start(db.clone(), clock.clone(), settings.marketo.clone(), settings.salesforce.clone(), maintenance);
        let context = ConnectionContext {
            db: db.clone(),
            clock: clock.clone(),
            vault: vault.clone(),
            http: settings.upstream.http_client()?,
            refresh_http: settings.upstream.http_client()?,
            addresses: Addresses::new(&settings.upstream),
            salesforce: settings.salesforce.clone(),
            public_url: public_url.0.clone(),
            recorder,
            quotas,
        };
        let refreshes = &shutdown.token_refreshes;
        Ok(Self {
            salesforce_tokens: TokenBroker::new(SalesforceTokenProvider::new(context.clone()), clock.clone(), refreshes.clone()),
            marketo_tokens: TokenBroker::new(MarketoTokenProvider::new(context.clone()), clock.clone(), refreshes.clone()),
            context,
            marketo_clients: Arc::default(),
        })
    }
}

impl std::fmt::Debug for Connections {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Connections")
    }
}
