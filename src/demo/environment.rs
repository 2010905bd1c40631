use std::path::PathBuf;
use std::sync::Arc;

use secrecy::ExposeSecret;
use tempfile::TempDir;

use super::mail_server::DemoMailServer;
use crate::app::{self, RunningApp};
use crate::auth::{self, NewClient, Scopes};
use crate::clock::{SharedClock, SystemClock};
use crate::config::Settings;
use crate::sandbox::{self, RunningSandbox, SandboxListeners, SandboxSettings};
use crate::vault::MasterKey;

/// The Munchkin id of the simulated subscription.
pub(super) const MUNCHKIN_ID: &str = "123-ABC-456";

/// Where mails are written, unless a setting says otherwise.
const MAIL_DIRECTORY: &str = "mail";

/// A sandbox and a service, both running in this process and reached over HTTP only.
pub(super) struct DemoEnvironment {
    pub(super) app: RunningApp,
    pub(super) sandbox: RunningSandbox,
    /// Id and secret of an operator's client, created as `msi-actions client create` does.
    pub(super) operator: (String, String),
    /// Client id and secret of the simulated Marketo.
    pub(super) marketo_credentials: (String, String),
    /// Where the service stores its files and mails.
    directory: TempDir,
    /// The mail server, unless mails are only written to files.
    _mail_server: Option<DemoMailServer>,
}

impl DemoEnvironment {
    /// Starts both.
    ///
    /// # Errors
    /// A text that says what could not be started.
    pub(super) async fn start(people: u64, database_url: Option<String>) -> Result<Self, String> {
        let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
        Self::start_in(directory, people, database_url, Arc::new(SystemClock), None).await
    }

    /// Starts both with a clock of their own, and a mail server.
    ///
    /// # Errors
    /// As [`DemoEnvironment::start`].
    pub(super) async fn start_with_mail_server(people: u64, database_url: Option<String>, clock: SharedClock) -> Result<Self, String> {
        let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
        let mail_server = DemoMailServer::start(directory.path().join(MAIL_DIRECTORY)).await.map_err(|error| error.to_string())?;
        Self::start_in(directory, people, database_url, clock, Some(mail_server)).await
    }

    async fn start_in(
        directory: TempDir,
        people: u64,
        database_url: Option<String>,
        clock: SharedClock,
        mail_server: Option<DemoMailServer>,
    ) -> Result<Self, String> {
        let text = |error: &dyn std::error::Error| error.to_string();
        let sandbox_settings = SandboxSettings { people, munchkin_id: MUNCHKIN_ID.into(), ..SandboxSettings::default() };
        let marketo_credentials = (sandbox_settings.marketo_client_id.clone(), sandbox_settings.marketo_client_secret.clone());
        let salesforce = (sandbox_settings.salesforce_client_id.clone(), sandbox_settings.salesforce_client_secret.clone());
        let listeners = SandboxListeners::on_free_ports().map_err(|error| text(&error))?;
        let sandbox = sandbox::start(sandbox_settings, clock.clone(), listeners).await.map_err(|error| text(&error))?;

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
        overrides.extend(mail_server.as_ref().map(|server| ("mail.smtp_url", server.url())));
        let mut settings = Settings::load(None, &overrides).map_err(|error| text(&error))?;
        // The sandbox finishes jobs at once; Marketo shows the new state after a minute at the earliest.
        settings.marketo.poll_interval_seconds = 0.05;
        // It doesn't limit calls either, and nobody in it was created more than fifteen months ago.
        settings.marketo.quota_calls_per_20_seconds = 2_000;
        let oldest = clock.now() - time::Duration::days(450);
        settings.sync.earliest = oldest.date().to_string();
        settings.server.workers = 2;
        crate::telemetry::start_logging(&settings.log)?;
        let app = match app::start(settings, clock.clone()).await {
            Ok(app) => app,
            Err(error) => {
                sandbox.stop().await;
                return Err(error.to_string());
            }
        };
        let mut tx = app.db().begin().await.map_err(|error| text(&error))?;
        let new = NewClient { instance: None, name: "demo operator".into(), scopes: Scopes::of_an_operator() };
        let (client, secret) = auth::create_client(&mut tx, &*clock, new).await.map_err(|error| text(&error))?;
        tx.commit().await.map_err(|error| text(&error))?;
        let operator = (client.client_id, secret.expose_secret().to_owned());
        Ok(Self { app, sandbox, operator, marketo_credentials, directory, _mail_server: mail_server })
    }

    /// Where mails arrive, each in a file.
    pub(super) fn mail_directory(&self) -> PathBuf {
        self.directory.path().join(MAIL_DIRECTORY)
    }

    /// An address at which the sandbox is controlled.
    pub(super) fn sandbox_control(&self, what: &str) -> String {
        format!("{}/__sandbox/{what}", self.sandbox.url())
    }

    /// Stops both.
    pub(super) async fn stop(self) {
        self.app.stop().await;
        self.sandbox.stop().await;
    }
}
