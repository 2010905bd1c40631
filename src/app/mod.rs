//! The composition root: wires everything once, starts it in order, stops it in the opposite order. Nothing imports it but the
//! command line, the demo and the tests.

mod health;
pub mod keys;
mod routes;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::web::{Data, PayloadConfig};
use actix_web::{App, HttpServer, middleware};
use tokio::task::JoinHandle;
use tracing_actix_web::TracingLogger;
use utoipa_actix_web::AppExt;

use crate::auth::{Authenticator, SigningKeys, TokenIssuer};
use crate::clock::SharedClock;
use crate::config::{DatabaseUrl, Settings};
use crate::connections::{ActivationByLogin, Connections};
use crate::db::{Db, DbError};
use crate::http::gate::{Gate, gate};
use crate::http::{Authenticate, Context, PublicUrl};
use crate::invites::{Activations, ImportInvites, SendInvitation};
use crate::jobs::{JobHandler, JobWorker, RunningWorker};
use crate::mail::{MailError, Mailer};
use crate::sync::{SyncRunJob, SyncService};
use crate::telemetry::{Metrics, RequestSpan};

pub use keys::KeyError;
pub use routes::openapi_document;

/// Why the service did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("database.url: {error}{}", cause(error))]
    Database {
        #[from]
        error: DbError,
    },
    #[error(transparent)]
    Keys(#[from] KeyError),
    #[error("signing keys: {0}")]
    Auth(#[from] crate::auth::AuthError),
    #[error("server.address: can't listen on {address}: {error}")]
    Listen { address: SocketAddr, error: std::io::Error },
    #[error("data_dir: can't use {path}: {error}")]
    DataDir { path: String, error: std::io::Error },
    #[error("the HTTP client can't be set up: {0}")]
    HttpClient(#[from] reqwest::Error),
    #[error("these routes are in no row of the permission table: {0}")]
    UnlistedRoutes(String),
    #[error(transparent)]
    Mail(#[from] MailError),
    #[error("the server failed: {0}")]
    Server(#[from] std::io::Error),
}

fn cause(error: &DbError) -> String {
    std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default()
}

/// The service, running.
#[derive(Debug)]
pub struct RunningApp {
    address: SocketAddr,
    public_url: String,
    db: Db,
    server: ServerHandle,
    serving: JoinHandle<std::io::Result<()>>,
    jobs: RunningWorker,
    connections: Data<Connections>,
    patience: Duration,
}

/// Opens the database named by the settings, making the data directory when it doesn't exist.
///
/// # Errors
/// [`StartError::DataDir`], [`StartError::Database`].
pub async fn open_database(settings: &Settings) -> Result<Db, StartError> {
    let url = settings.database.resolve(&settings.data_dir);
    if let DatabaseUrl::Sqlite(path) = &url {
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        if let Some(directory) = directory {
            std::fs::create_dir_all(directory).map_err(|error| StartError::DataDir { path: directory.display().to_string(), error })?;
        }
    }
    Ok(Db::connect(&url, settings.database.max_connections).await?)
}

/// Starts the service: database, schema, keys, jobs, server.
///
/// # Errors
/// [`StartError`], saying which setting or part is at fault.
pub async fn start(settings: Settings, clock: SharedClock) -> Result<RunningApp, StartError> {
    let unlisted = crate::http::openapi::unlisted_routes(&openapi_document());
    if !unlisted.is_empty() {
        return Err(StartError::UnlistedRoutes(unlisted.join(", ")));
    }
    std::fs::create_dir_all(&settings.data_dir)
        .map_err(|error| StartError::DataDir { path: settings.data_dir.display().to_string(), error })?;
    let listener =
        TcpListener::bind(settings.server.address).map_err(|error| StartError::Listen { address: settings.server.address, error })?;
    let address = listener.local_addr()?;
    let public_url = settings.server.public_url(address);

    let db = open_database(&settings).await?;
    let master_keys = keys::master_keys(&settings, &db)?;
    db.migrate().await?;
    let vault = keys::load_vault(&db, &master_keys, &*clock).await?;
    let signing_keys = SigningKeys::load_or_create(&db, &vault, &*clock).await?;

    let issuer = TokenIssuer::new(signing_keys, public_url.clone(), clock.clone());
    let authenticate: Arc<dyn Authenticate> = Arc::new(Authenticator { issuer: issuer.clone(), db: db.clone(), clock: clock.clone() });
    let context = Context { db: db.clone(), clock: clock.clone(), vault, public_url: PublicUrl(public_url.as_str().into()) };
    let connections = Data::new(Connections::new(&settings, db.clone(), clock.clone(), context.vault.clone(), &public_url)?);
    let sync = Data::new(SyncService::new(&settings, db.clone(), clock.clone(), connections.get_ref().clone()));
    let mailer = Mailer::new(&settings.mail, &settings.data_dir)?;
    let activation: Data<Arc<dyn ActivationByLogin>> = Data::new(Arc::new(Activations(context.clone())));
    let handlers: Vec<Arc<dyn JobHandler>> = vec![
        Arc::new(SendInvitation::new(context.clone(), mailer)),
        Arc::new(ImportInvites::new(context.clone())),
        Arc::new(SyncRunJob::new(sync.get_ref().clone())),
    ];
    let jobs = JobWorker::new(db.clone(), clock, handlers, 4).start();

    let gate_settings = Data::new(Gate { authenticate, request_timeout: settings.server.request_timeout() });
    let context = Data::new(context);
    let issuer = Data::new(issuer);
    let metrics = Data::new(Metrics::new());
    let body_limit = settings.server.body_limit_bytes;
    let kept = connections.clone();
    let server = HttpServer::new(move || {
        let (app, mut document) =
            App::new().into_utoipa_app().openapi(crate::http::openapi::base()).configure(routes::configure).split_for_parts();
        crate::http::openapi::complete(&mut document);
        app.app_data(gate_settings.clone())
            .app_data(context.clone())
            .app_data(issuer.clone())
            .app_data(connections.clone())
            .app_data(activation.clone())
            .app_data(sync.clone())
            .app_data(metrics.clone())
            .app_data(PayloadConfig::new(body_limit))
            .configure(|config| routes::configure_unlisted(config, document))
            .wrap(middleware::from_fn(gate))
            .wrap(TracingLogger::<RequestSpan>::new())
    });
    let server = if settings.server.workers == 0 { server } else { server.workers(settings.server.workers) };
    let patience = Duration::from_secs(settings.server.shutdown_timeout_seconds);
    let server = server.disable_signals().shutdown_timeout(settings.server.shutdown_timeout_seconds).listen(listener)?.run();
    let handle = server.handle();
    let serving = tokio::spawn(server);
    tracing::info!(address = %address, public_url, database = db.engine(), "listening");
    Ok(RunningApp { address, public_url, db, server: handle, serving, jobs, connections: kept, patience })
}

impl RunningApp {
    /// The address listened on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address callers use, without a trailing slash.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.public_url
    }

    /// The database, for the command line and the demo.
    #[must_use]
    pub fn db(&self) -> &Db {
        &self.db
    }

    /// Stops: no new requests, then those under way, then jobs, then what is left to record, then the database.
    pub async fn stop(self) {
        self.server.stop(true).await;
        let _ = self.serving.await;
        self.jobs.stop(self.patience).await;
        self.connections.stop().await;
        self.db.close().await;
        tracing::info!("stopped");
    }
}
