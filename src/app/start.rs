use std::sync::Arc;
use std::time::Duration;

use actix_web::web::{Data, PayloadConfig};
use actix_web::{App, HttpServer, middleware};
use tracing_actix_web::TracingLogger;

use super::database::await_database;
use super::error::StartError;
use super::features::wire_features;
use super::listener::listen;
use super::metrics_listener::MetricsListener;
use super::routes::{self, route_table};
use super::running::RunningApp;
use super::sealed_columns::sealed_columns;
use crate::clock::SharedClock;
use crate::config::Settings;
use crate::context::{Context, PublicUrl};
use crate::http::middleware::process_request;
use crate::http::{MiddlewareConfig, RequestSpan, Routes};
use crate::jobs::{JobHandler, JobWorker};
use crate::private_files;
use crate::tasks::Shutdown;
use crate::telemetry::Metrics;
use crate::vault::{ReencryptSealedValues, VaultReloader, load_master_keys, load_vault};

/// How long a connection without requests is kept. Longer than balancers keep theirs (60 s is usual): whoever closes first must
/// not be us, or a request on its way is lost.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

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
    let context =
        Context { db: db.clone(), clock: clock.clone(), vault, public_url: PublicUrl(public_url.as_str().into()), limits: settings.limits };
    let (wiring, authenticate) = wire_features(&settings, &context, &shutdown).await?;
    let wiring = wiring.with_job(ReencryptSealedValues::new(reloader, sealed_columns()));
    wiring.enqueue_cleanups(&db, &*clock).await?;

    let metrics = Data::new(Metrics::new(route_table().rules().len()));
    let handlers = wiring.job_handlers().iter().cloned().chain(more).collect();
    let worker = JobWorker::new(db.clone(), clock, settings.jobs, handlers, shutdown.jobs.clone(), metrics.jobs().clone());
    let queue = Data::new(worker.gauges());
    worker.start();
    let metrics_listener = metrics_listener.map(|listener| MetricsListener::start(listener, metrics.clone(), queue.clone())).transpose()?;

    let middleware_config = Data::new(MiddlewareConfig {
        routes: route_table(),
        authenticate,
        request_timeout: settings.server.request_timeout(),
        is_over_tls: public_url.starts_with("https://"),
        proxies: settings.server.proxies,
    });
    let wiring = Arc::new(wiring);
    let body_limit = settings.server.body_limit_bytes;
    let server = HttpServer::new(move || {
        App::new()
            .configure(|config| routes::configure(&mut Routes::registering(config)))
            .configure(|config| wiring.add_states(config))
            .app_data(middleware_config.clone())
            .app_data(metrics.clone())
            .app_data(queue.clone())
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
