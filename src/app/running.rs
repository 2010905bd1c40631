use std::net::SocketAddr;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use tokio::task::JoinHandle;

use super::metrics_listener::MetricsListener;
use crate::db::Db;
use crate::tasks::Shutdown;

/// The service, running.
#[derive(Debug)]
pub struct RunningApp {
    pub(super) address: SocketAddr,
    pub(super) public_url: String,
    pub(super) db: Db,
    pub(super) server: ServerHandle,
    pub(super) serving: JoinHandle<std::io::Result<()>>,
    pub(super) metrics: Option<MetricsListener>,
    pub(super) shutdown: Shutdown,
    pub(super) shutdown_timeout: Duration,
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
