use std::sync::Arc;

use secrecy::ExposeSecret;
use tempfile::TempDir;

use crate::app::{self, RunningApp};
use crate::auth::{self, NewClient, Scopes};
use crate::clock::{Clock, SystemClock};
use crate::config::Settings;
use crate::crypto::MasterKey;
use crate::sandbox::{self, RunningSandbox, SandboxListeners, SandboxSettings};

/// The subscription that the sandbox plays.
pub(super) const MUNCHKIN_ID: &str = "123-ABC-456";

/// A sandbox and a service, both in this process, reached over HTTP only.
pub(super) struct Stage {
    pub(super) app: RunningApp,
    pub(super) sandbox: RunningSandbox,
    /// Id and secret of an operator's client, made as `msi-actions client create` makes one.
    pub(super) operator: (String, String),
    pub(super) marketo_credentials: (String, String),
    pub(super) directory: TempDir,
}

impl Stage {
    pub(super) async fn set(people: u64, database_url: Option<String>) -> Result<Self, String> {
        let text = |error: &dyn std::error::Error| error.to_string();
        let directory = tempfile::tempdir().map_err(|error| text(&error))?;
        let played = SandboxSettings { people, munchkin_id: MUNCHKIN_ID.into(), ..SandboxSettings::default() };
        let marketo_credentials = (played.marketo_client_id.clone(), played.marketo_client_secret.clone());
        let salesforce = (played.salesforce_client_id.clone(), played.salesforce_client_secret.clone());
        let listeners = SandboxListeners::on_free_ports().map_err(|error| text(&error))?;
        let sandbox = sandbox::start(played, Arc::new(SystemClock), listeners).await.map_err(|error| text(&error))?;

        let master_key = MasterKey::generate("demo".into()).to_text();
        let mut overrides = vec![
            ("data_dir", directory.path().display().to_string()),
            ("server.address", "127.0.0.1:0".to_owned()),
            ("secrets.master_key", master_key.expose_secret().to_owned()),
            ("salesforce.client_id", salesforce.0),
            ("salesforce.client_secret", salesforce.1),
            ("log.filter", "error".to_owned()),
        ];
        overrides.extend(sandbox.settings());
        overrides.extend(database_url.map(|url| ("database.url", url)));
        let mut settings = Settings::load(None, &overrides).map_err(|error| text(&error))?;
        // The sandbox has a job done at once; Marketo would show that after a minute at the earliest.
        settings.marketo.poll_interval_seconds = 0.05;
        // Nor does it count calls, and nobody in it is older than fourteen months and a half.
        settings.marketo.quota_calls_per_20_seconds = 2_000;
        let oldest = SystemClock.now() - time::Duration::days(450);
        settings.sync.earliest = oldest.date().to_string();
        settings.server.workers = 2;
        crate::telemetry::start_logging(&settings.log)?;
        let app = match app::start(settings, Arc::new(SystemClock)).await {
            Ok(app) => app,
            Err(error) => {
                sandbox.stop().await;
                return Err(error.to_string());
            }
        };
        let mut tx = app.db().begin().await.map_err(|error| text(&error))?;
        let new = NewClient { instance: None, name: "demo operator".into(), scopes: Scopes::of_an_operator() };
        let (client, secret) = auth::create_client(&mut tx, &SystemClock, new).await.map_err(|error| text(&error))?;
        tx.commit().await.map_err(|error| text(&error))?;
        let operator = (client.client_id, secret.expose_secret().to_owned());
        Ok(Self { app, sandbox, operator, marketo_credentials, directory })
    }

    pub(super) async fn strike(self) {
        self.app.stop().await;
        self.sandbox.stop().await;
    }
}
