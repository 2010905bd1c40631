//! A simulated Salesforce and Marketo in one process, each on its own origin. A third origin, under `/__sandbox`, controls them: it shows
//! their state, changes people and orders faults. The sandbox is driven over HTTP only and shares no type with the vendors' clients, so
//! that a mistake made in both can't hide.
//!
//! Memory doesn't grow with the number of people: they are computed when asked for.

// The error of a refused request is its whole answer, made once and sent: boxing it gains nothing.
#![allow(clippy::result_large_err)]

mod control;
mod fault_injection;
mod faults;
mod hex;
mod listeners;
mod marketo;
mod people;
mod result_cache;
mod salesforce;
mod state;
#[cfg(test)]
mod tests;
mod timestamps;

use std::net::TcpListener;
use std::path::PathBuf;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::middleware::from_fn;
use actix_web::{App, HttpServer, web};
use tempfile::TempDir;
use tokio::task::JoinHandle;

use crate::clock::SharedClock;
use listeners::{SandboxVendor, VendorPorts};
use state::SandboxState;

pub use listeners::SandboxListeners;

/// How the sandbox is set up.
#[derive(Debug, Clone)]
pub struct SandboxSettings {
    /// How many people Marketo holds.
    pub people: u64,
    /// The same seed gives the same people.
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
    /// How long an export or query job takes, by the injected clock.
    pub export_processing: Duration,
    /// Whether results of exports and queries are served again as long as nobody changes, which saves time in benchmarks.
    pub keep_results: bool,
    /// Where export files are written; when `None`, a temporary directory that is removed when the sandbox stops.
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

/// A running sandbox. Dropping it leaves the servers running; call [`RunningSandbox::stop`].
#[derive(Debug)]
pub struct RunningSandbox {
    control_port: u16,
    ports: VendorPorts,
    servers: Vec<(ServerHandle, JoinHandle<std::io::Result<()>>)>,
    _temporary: Option<TempDir>,
}

impl RunningSandbox {
    /// The address of the control, `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        local_url(self.control_port)
    }

    /// The address of the simulated Salesforce.
    #[must_use]
    pub fn salesforce_url(&self) -> String {
        local_url(self.ports.salesforce)
    }

    /// The address of the simulated Marketo, without `/rest`.
    #[must_use]
    pub fn marketo_url(&self) -> String {
        local_url(self.ports.marketo)
    }

    /// The settings, by their dotted names, with which a service calls this sandbox instead of the vendors.
    #[must_use]
    pub fn settings(&self) -> [(&'static str, String); 2] {
        [("upstream.sandbox.salesforce_url", self.salesforce_url()), ("upstream.sandbox.marketo_url", self.marketo_url())]
    }

    /// Stops at once, without waiting for open requests, and removes the temporary files.
    pub async fn stop(self) {
        for (handle, served) in self.servers {
            handle.stop(false).await;
            // The server's own result says nothing that the caller could act on.
            let _ = served.await;
        }
    }
}

fn local_url(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

/// Starts the sandbox on `listeners`. Must be called within a tokio runtime.
///
/// # Errors
/// When a listener can't be used or the directory for export files can't be made.
pub async fn start(settings: SandboxSettings, clock: SharedClock, listeners: SandboxListeners) -> std::io::Result<RunningSandbox> {
    let (control_port, ports) = (listeners.control.local_addr()?.port(), listeners.ports()?);
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
    let sandbox = web::Data::new(SandboxState::new(settings, clock, directory, ports));
    let SandboxListeners { control, salesforce, marketo } = listeners;
    let servers = [(control, None), (salesforce, Some(SandboxVendor::Salesforce)), (marketo, Some(SandboxVendor::Marketo))]
        .into_iter()
        .map(|(listener, vendor)| start_server(listener, sandbox.clone(), vendor))
        .collect::<std::io::Result<_>>()?;
    Ok(RunningSandbox { control_port, ports, servers, _temporary: temporary })
}

/// Serves a vendor, or the control when `vendor` is `None`, on a socket.
fn start_server(
    listener: TcpListener,
    sandbox: web::Data<SandboxState>,
    vendor: Option<SandboxVendor>,
) -> std::io::Result<(ServerHandle, JoinHandle<std::io::Result<()>>)> {
    let server = HttpServer::new(move || {
        let app = App::new()
            .app_data(sandbox.clone())
            .app_data(web::PayloadConfig::new(16 * 1024 * 1024))
            .wrap(from_fn(fault_injection::inject_faults));
        match vendor {
            Some(vendor @ SandboxVendor::Salesforce) => app.app_data(vendor).configure(salesforce::routes),
            Some(vendor @ SandboxVendor::Marketo) => app.app_data(vendor).configure(marketo::routes),
            None => app.configure(control::routes),
        }
    })
    // One worker is plenty for a simulation, and many sandboxes may run side by side.
    .workers(1)
    .worker_max_blocking_threads(4)
    .disable_signals()
    .shutdown_timeout(1)
    .listen(listener)?
    .run();
    Ok((server.handle(), tokio::spawn(server)))
}
