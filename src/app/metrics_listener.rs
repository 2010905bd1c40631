//! An address at which `/metrics` alone is served, without a token: whoever can reach it may read it.

use std::io;
use std::net::{SocketAddr, TcpListener};

use actix_web::dev::ServerHandle;
use actix_web::web::{self, Data};
use actix_web::{App, HttpServer};
use tokio::task::JoinHandle;

use super::health;
use crate::jobs::QueueGauges;
use crate::telemetry::Metrics;

/// The listener, running.
#[derive(Debug)]
pub(super) struct MetricsListener {
    pub(super) address: SocketAddr,
    server: ServerHandle,
    serving: JoinHandle<io::Result<()>>,
}

impl MetricsListener {
    /// Starts to serve what is counted in `metrics` and in the job queue.
    pub(super) fn start(listener: TcpListener, metrics: Data<Metrics>, queue: Data<QueueGauges>) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let server = HttpServer::new(move || {
            App::new().app_data(metrics.clone()).app_data(queue.clone()).route("/metrics", web::get().to(health::metrics_text))
        });
        let server = server.workers(1).disable_signals().listen(listener)?.run();
        let handle = server.handle();
        tracing::info!(address = %address, "metrics are served");
        Ok(Self { address, server: handle, serving: tokio::spawn(server) })
    }

    /// Stops it at once: a scrape that is cut off comes again.
    pub(super) async fn stop(self) {
        self.server.stop(false).await;
        let _ = self.serving.await;
    }
}
