//! The composition root: wires everything once, starts it in order, stops it in the opposite order. Nothing imports it but the
//! command line, the demo and the tests.

mod health;
mod metrics_listener;
mod permissions_page;
mod routes;
mod sealed_columns;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::web::{Data, PayloadConfig};
use actix_web::{App, HttpServer, middleware};
use tokio::task::JoinHandle;
use tracing_actix_web::TracingLogger;

use crate::auth::http::Federation;
use crate::auth::{Authenticator, IssuerUnfit, Revocations, SigningKeys, TokenIssuer, TrustedIssuers, start_synchronization};
use crate::clock::{SharedClock, monotonic_now};
use crate::config::{DatabaseUrl, Settings};
use crate::connections::{ActivationByLogin, Connections};
use crate::context::{Context, PublicUrl};
use crate::db::{ConnectError, Db, DbError, WriteProbe};
use crate::dead_letters::DeadLetters;
use crate::http::MiddlewareConfig;
use crate::http::middleware::process_request;
use crate::http::{Authenticate, EventStreams, RateLimits, RequestSpan, Routes, idempotency};
use crate::imports::{ForgetInvites, ImportInvites, ImportSubject, UploadSlots};
use crate::invites::{Activations, InvitationWatcher};
use crate::jobs::{JobHandler, JobSubject, JobWorker, enqueue_cleanup};
use crate::mail::{ForgetMail, MailError, MailSubject, Mailer, SendMail};
use crate::members::{AnswerPasswordResets, AutoLogin, PasswordResetSubject};
use crate::private_files;

use metrics_listener::MetricsListener;

use crate::sync::{SyncError, SyncRunJob, SyncRunSubject, SyncScheduleJob, SyncService, SyncTidyJob};
use crate::tasks::Shutdown;
use crate::telemetry::{Metrics, error_chain};
use crate::vault::{ReencryptSealedValues, VaultError, VaultReloader, load_master_keys, load_vault};

pub use permissions_page::permissions_page;
pub use routes::{openapi_document, route_table};
pub use sealed_columns::sealed_columns;

/// Why the service did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("database.url: {0}")]
    Connect(#[from] ConnectError),
    #[error("database.url: {}", error_chain(error))]
    Database {
        #[from]
        error: DbError,
    },
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error("signing keys: {0}")]
    Auth(#[from] crate::auth::AuthError),
    #[error(transparent)]
    Issuer(#[from] IssuerUnfit),
    #[error("server.address: can't listen on {address}: {error}")]
    Listen { address: SocketAddr, error: std::io::Error },
    #[error("server.metrics_address: can't listen on {address}: {error}")]
    ListenForMetrics { address: SocketAddr, error: std::io::Error },
    #[error("data_dir: can't use {path}: {error}")]
    DataDir { path: String, error: std::io::Error },
    #[error("the HTTP client can't be set up: {0}")]
    HttpClient(#[from] reqwest::Error),
    #[error(transparent)]
    Mail(#[from] MailError),
    #[error("connections: {0}")]
    Connections(#[from] crate::connections::ConnectionError),
    #[error("sync: {0}")]
    Sync(#[from] SyncError),
    #[error("the server failed: {0}")]
    Server(#[from] std::io::Error),
}

/// The service, running.
#[derive(Debug)]
pub struct RunningApp {
    address: SocketAddr,
    public_url: String,
    db: Db,
    server: ServerHandle,
    serving: JoinHandle<std::io::Result<()>>,
    metrics: Option<MetricsListener>,
    shutdown: Shutdown,
    shutdown_timeout: Duration,
}

/// Callers who may wait to be accepted. The usual 128 are too few when thousands come at once; the rest would be reset.
const BACKLOG: u32 = 4096;

/// How long a connection without requests is kept. Longer than balancers keep theirs (60 s is usual): whoever closes first must
/// not be us, or a request on its way is lost.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { tokio::net::TcpSocket::new_v4()? } else { tokio::net::TcpSocket::new_v6()? };
    #[cfg(unix)] // elsewhere it would let two processes share the address
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)?.into_std()
}

/// Opens the database named by the settings, making the data directory when it doesn't exist.
///
/// # Errors
/// [`StartError::DataDir`], [`StartError::Connect`].
pub async fn open_database(settings: &Settings) -> Result<Db, StartError> {
    let url = settings.database.resolve(&settings.data_dir);
    if let DatabaseUrl::Sqlite(path) = &url {
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        if let Some(directory) = directory {
            private_files::create_directory(directory)
                .map_err(|error| StartError::DataDir { path: directory.display().to_string(), error })?;
        }
    }
    Ok(Db::connect(&url, settings.database.max_connections).await?)
}

/// Opens the database named by the settings for a command that works on what a service has stored: one that isn't there is not made.
///
/// # Errors
/// [`StartError::Connect`].
pub async fn open_existing_database(settings: &Settings) -> Result<Db, StartError> {
    Ok(Db::connect_existing(&settings.database.resolve(&settings.data_dir), settings.database.max_connections).await?)
}

/// How long a starting service waits for a database that may be starting, too.
const DATABASE_PATIENCE: Duration = Duration::from_secs(10);
/// Between two tries.
const TRIES_APART: Duration = Duration::from_millis(500);

/// The same for a service, which may have been started together with its database.
async fn await_database(settings: &Settings) -> Result<Db, StartError> {
    let began = monotonic_now();
    let mut has_told = false;
    loop {
        match open_database(settings).await {
            Err(StartError::Connect(error)) if error.is_temporary() && began.elapsed() < DATABASE_PATIENCE => {
                if !std::mem::replace(&mut has_told, true) {
                    tracing::warn!(error = %error_chain(&error), "waiting for the database");
                }
                tokio::time::sleep(TRIES_APART).await;
            }
            opened => return opened,
        }
    }
}

/// The dead letters, with what each kind of job is about.
#[must_use]
pub fn dead_letters(db: Db, clock: SharedClock) -> DeadLetters {
    let subjects: Vec<Arc<dyn JobSubject>> =
        vec![Arc::new(MailSubject), Arc::new(PasswordResetSubject), Arc::new(ImportSubject), Arc::new(SyncRunSubject)];
    DeadLetters::new(db, clock, subjects)
}

/// Starts the service: database, schema, keys, jobs, server.
///
/// # Errors
/// [`StartError`], saying which setting or part is at fault.
pub async fn start(settings: Settings, clock: SharedClock) -> Result<RunningApp, StartError> {
    start_with(settings, clock, Vec::new()).await
}

/// The same with handlers of further kinds of jobs.
///
/// # Errors
/// As [`start`].
pub async fn start_with(settings: Settings, clock: SharedClock, more: Vec<Arc<dyn JobHandler>>) -> Result<RunningApp, StartError> {
    private_files::create_directory(&settings.data_dir)
        .map_err(|error| StartError::DataDir { path: settings.data_dir.display().to_string(), error })?;
    let listener = listen(settings.server.address).map_err(|error| StartError::Listen { address: settings.server.address, error })?;
    let address = listener.local_addr()?;
    let metrics_listener =
        settings.server.metrics_address().map(|address| listen(address).map_err(|error| StartError::ListenForMetrics { address, error }));
    let metrics_listener = metrics_listener.transpose()?;
    let public_url = settings.server.public_url(address);

    let db = await_database(&settings).await?;
    // Before anything is changed: a database that doesn't open is left as it is.
    let master_keys = load_master_keys(&settings, &db).await?;
    db.migrate().await?;
    let vault = load_vault(&db, &master_keys, &*clock).await?;
    let reloader = VaultReloader { db: db.clone(), masters: master_keys, vault: vault.clone(), clock: clock.clone() };
    let shutdown = Shutdown::new();
    shutdown.maintenance.spawn(reloader.clone().run(shutdown.maintenance.stopping().clone()));
    let signing_keys = SigningKeys::load_or_create(&db, &vault, clock.clone()).await?;
    let revocations = Revocations::load(db.clone(), clock.clone()).await?;

    let issuer = TokenIssuer::new(signing_keys, revocations, &public_url, clock.clone());
    start_synchronization(db.clone(), clock.clone(), issuer.clone(), &shutdown.maintenance);
    let authenticate: Arc<dyn Authenticate> = Arc::new(Authenticator { issuer: issuer.clone(), db: db.clone(), clock: clock.clone() });
    let context =
        Context { db: db.clone(), clock: clock.clone(), vault, public_url: PublicUrl(public_url.as_str().into()), limits: settings.limits };
    let connections = Data::new(Connections::new(&settings, db.clone(), clock.clone(), context.vault.clone(), &public_url, &shutdown)?);
    connections.suspend_lost_refreshes().await?;
    let stopping = shutdown.jobs.stopping();
    let streams = Data::new(EventStreams::new(stopping.clone()));
    let uploads = Data::new(UploadSlots::default());
    let sync = Data::new(SyncService::new(&settings, &context, connections.get_ref().clone(), stopping.clone()));
    sync.keep_schedules().await?;
    for kind in [crate::imports::FORGET, crate::mail::FORGET, idempotency::FORGET] {
        enqueue_cleanup(&db, &*clock, kind).await?;
    }
    let token_endpoint = format!("{public_url}/oauth/token");
    let http = settings.upstream.http_client()?;
    let issuers = TrustedIssuers::new(&settings.auth.trusted_issuers, &token_endpoint, &http, db.clone(), clock.clone())?;
    let members = Arc::new(AutoLogin { db: db.clone(), connections: connections.get_ref().clone() });
    let federation = Data::new(Federation { members, issuers });
    let mailer = Mailer::new(&settings.mail, &settings.data_dir)?;
    let letters = Data::new(dead_letters(db.clone(), clock.clone()));
    let activation: Data<Arc<dyn ActivationByLogin>> = Data::new(Arc::new(Activations(context.clone())));
    let mut handlers: Vec<Arc<dyn JobHandler>> = vec![
        Arc::new(SendMail::new(context.clone(), mailer, vec![Arc::new(InvitationWatcher(context.clock.clone()))])),
        Arc::new(AnswerPasswordResets(context.clone())),
        Arc::new(ImportInvites::new(context.clone())),
        Arc::new(ForgetInvites::new(context.clone(), settings.retention)),
        Arc::new(idempotency::ForgetKeys::new(db.clone(), clock.clone())),
        Arc::new(ForgetMail::new(db.clone(), clock.clone(), settings.retention.mail())),
        Arc::new(ReencryptSealedValues::new(reloader, sealed_columns())),
        Arc::new(SyncRunJob::new(sync.get_ref().clone())),
        Arc::new(SyncScheduleJob::new(sync.get_ref().clone())),
        Arc::new(SyncTidyJob::new(sync.get_ref().clone())),
    ];
    handlers.extend(more);
    let metrics = Data::new(Metrics::new(route_table().rules().len()));
    let worker = JobWorker::new(db.clone(), clock, settings.jobs, handlers, shutdown.jobs.clone(), metrics.jobs().clone());
    let queue = Data::new(worker.gauges());
    worker.start();

    let middleware_config = Data::new(MiddlewareConfig {
        routes: route_table(),
        authenticate,
        request_timeout: settings.server.request_timeout(),
        is_over_tls: public_url.starts_with("https://"),
        proxies: settings.server.proxies,
    });
    let probe = Data::new(WriteProbe::new(context.db.clone(), context.clock.clone()));
    let rate_limits = Data::new(RateLimits::new(settings.rate_limits, context.clock.clone()));
    let context = Data::new(context);
    let issuer = Data::new(issuer);
    let metrics_listener = metrics_listener.map(|listener| MetricsListener::start(listener, metrics.clone(), queue.clone())).transpose()?;
    let body_limit = settings.server.body_limit_bytes;
    let server = HttpServer::new(move || {
        App::new()
            .configure(|config| routes::configure(&mut Routes::registering(config)))
            .app_data(middleware_config.clone())
            .app_data(context.clone())
            .app_data(issuer.clone())
            .app_data(federation.clone())
            .app_data(connections.clone())
            .app_data(activation.clone())
            .app_data(sync.clone())
            .app_data(streams.clone())
            .app_data(letters.clone())
            .app_data(uploads.clone())
            .app_data(metrics.clone())
            .app_data(queue.clone())
            .app_data(probe.clone())
            .app_data(rate_limits.clone())
            .app_data(PayloadConfig::new(body_limit))
            .wrap(middleware::from_fn(process_request))
            .wrap(TracingLogger::<RequestSpan>::new())
    });
    let server = if settings.server.workers == 0 { server } else { server.workers(settings.server.workers) };
    let shutdown_timeout = Duration::from_secs(settings.server.shutdown_timeout_seconds);
    // When thousands come at once, it takes a while until each one's request is read; that is no fault of theirs.
    let server = server.client_request_timeout(settings.server.request_timeout()).keep_alive(KEEP_ALIVE);
    // Whoever closes the connection waits for no answer: what is done for them ends, as it does behind other servers.
    let server = server.h1_allow_half_closed(false);
    let server = server.disable_signals().shutdown_timeout(settings.server.shutdown_timeout_seconds).listen(listener)?.run();
    let handle = server.handle();
    let serving = tokio::spawn(server);
    tracing::info!(address = %address, public_url, database = db.engine(), "listening");
    Ok(RunningApp { address, public_url, db, server: handle, serving, metrics: metrics_listener, shutdown, shutdown_timeout })
}

impl RunningApp {
    /// The address listened on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address at which `/metrics` is served to anybody, if it is.
    #[must_use]
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics.as_ref().map(|metrics| metrics.address)
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

    /// Stops: no new jobs and requests, then requests under way, then jobs, then token refreshes and what they record, then maintenance, then the
    /// database.
    pub async fn stop(self) {
        // First, since open event streams end by it.
        self.shutdown.begin();
        self.server.stop(true).await;
        let _ = self.serving.await;
        self.shutdown.finish(self.shutdown_timeout).await;
        if let Some(metrics) = self.metrics {
            metrics.stop().await;
        }
        self.db.close().await;
        tracing::info!("stopped");
    }
}
