//! A simulated Salesforce and Marketo in one server: Salesforce under `/salesforce`, Marketo under `/marketo`, and under
//! `/__sandbox` the means to look inside, change people and order faults. It is driven over HTTP only and shares no type
//! with the clients, so that a shared mistake can't hide.
//!
//! Memory doesn't grow with the number of people: they are computed when asked for.

// A refused request's error is its whole answer; it is made once and sent, so boxing it gains nothing.
#![allow(clippy::result_large_err)]

mod changes;
mod control;
mod faults;
mod kept;
mod marketo;
mod moment;
mod people;
mod salesforce;
#[cfg(test)]
mod tests;
mod world;

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::middleware::from_fn;
use actix_web::{App, HttpServer, web};
use tempfile::TempDir;
use tokio::task::JoinHandle;

use crate::clock::SharedClock;
use world::World;

/// How the sandbox is set up.
#[derive(Debug, Clone)]
pub struct SandboxSettings {
    /// How many people Marketo holds.
    pub people: u64,
    /// Another seed gives other people; the same seed the same ones.
    pub seed: u64,
    /// Whether Marketo's call quotas and its 60-second refresh of job states are enforced.
    pub throttles: bool,
    /// Marketo's name of the subscription, `AAA-BBB-CCC`.
    pub munchkin_id: String,
    pub marketo_client_id: String,
    pub marketo_client_secret: String,
    /// Consumer key of the app at Salesforce.
    pub salesforce_client_id: String,
    /// Consumer secret of the app at Salesforce; also the key of the token answer's signature.
    pub salesforce_client_secret: String,
    /// How long an export or query job works, by the injected clock.
    pub export_processing: Duration,
    /// Whether what exports and queries gave is kept and given again as long as nobody changes, which spares time in benchmarks.
    pub keep_results: bool,
    /// Where prepared export files go; a temporary directory, removed at the stop, when `None`.
    pub data_dir: Option<PathBuf>,
}

impl Default for SandboxSettings {
    fn default() -> Self {
        Self {
            people: 10_000,
            seed: 1,
            throttles: false,
            munchkin_id: "123-ABC-456".into(),
            marketo_client_id: "sandbox-marketo-client".into(),
            marketo_client_secret: "sandbox-marketo-secret".into(),
            salesforce_client_id: "sandbox-salesforce-consumer-key".into(),
            salesforce_client_secret: "sandbox-salesforce-consumer-secret".into(),
            export_processing: Duration::ZERO,
            keep_results: false,
            data_dir: None,
        }
    }
}

/// A sandbox that answers. Dropping it leaves the server running; call [`RunningSandbox::stop`].
#[derive(Debug)]
pub struct RunningSandbox {
    address: SocketAddr,
    handle: ServerHandle,
    served: JoinHandle<std::io::Result<()>>,
    _temporary: Option<TempDir>,
}

impl RunningSandbox {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its base address, `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.address.port())
    }

    /// Stops at once, without waiting for answers under way, and removes the temporary files.
    pub async fn stop(self) {
        self.handle.stop(false).await;
        // The server's own result says nothing that the caller could act on.
        let _ = self.served.await;
    }
}

/// Starts the sandbox on `listener`. Must be called within a tokio runtime.
///
/// # Errors
/// When the listener can't be used or the directory for export files can't be made.
pub async fn start(settings: SandboxSettings, clock: SharedClock, listener: TcpListener) -> std::io::Result<RunningSandbox> {
    let address = listener.local_addr()?;
    let (directory, temporary) = match &settings.data_dir {
        Some(directory) => {
            tokio::fs::create_dir_all(directory).await?;
            (directory.clone(), None)
        }
        None => {
            let temporary = TempDir::with_prefix("msi-actions-sandbox-")?;
            (temporary.path().to_owned(), Some(temporary))
        }
    };
    let world = web::Data::new(World::new(settings, clock, directory));
    let server = HttpServer::new(move || {
        App::new()
            .app_data(world.clone())
            .app_data(web::PayloadConfig::new(16 * 1024 * 1024))
            .wrap(from_fn(faults::interpose))
            .configure(marketo::routes)
            .configure(salesforce::routes)
            .configure(control::routes)
    })
    // One worker is plenty for a stand-in, and many sandboxes may run side by side.
    .workers(1)
    .worker_max_blocking_threads(4)
    .disable_signals()
    .shutdown_timeout(1)
    .listen(listener)?
    .run();
    let handle = server.handle();
    Ok(RunningSandbox { address, handle, served: tokio::spawn(server), _temporary: temporary })
}
