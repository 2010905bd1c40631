//! A simulated Salesforce and Marketo in one process, each on an origin of its own; on a third one, under `/__sandbox`, the means
//! to look inside, change people and order faults. It is driven over HTTP only and shares no type with the clients, so that a
//! shared mistake can't hide.
//!
//! Memory doesn't grow with the number of people: they are computed when asked for.

// A refused request's error is its whole answer; it is made once and sent, so boxing it gains nothing.
#![allow(clippy::result_large_err)]

mod control;
mod fault_injection;
mod faults;
mod hex;
mod kept;
mod marketo;
mod moment;
mod origins;
mod people;
mod salesforce;
mod state;
#[cfg(test)]
mod tests;

use std::net::TcpListener;
use std::path::PathBuf;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::middleware::from_fn;
use actix_web::{App, HttpServer, web};
use tempfile::TempDir;
use tokio::task::JoinHandle;

use crate::clock::SharedClock;
use origins::{Ports, Vendor};
use state::SandboxState;

pub use origins::SandboxListeners;

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

/// A sandbox that answers. Dropping it leaves the servers running; call [`RunningSandbox::stop`].
#[derive(Debug)]
pub struct RunningSandbox {
    control_port: u16,
    ports: Ports,
    servers: Vec<(ServerHandle, JoinHandle<std::io::Result<()>>)>,
    _temporary: Option<TempDir>,
}

impl RunningSandbox {
    /// The address of the control, `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        local(self.control_port)
    }

    /// The address of the simulated Salesforce.
    #[must_use]
    pub fn salesforce_url(&self) -> String {
        local(self.ports.salesforce)
    }

    /// The address of the simulated Marketo, without `/rest`.
    #[must_use]
    pub fn marketo_url(&self) -> String {
        local(self.ports.marketo)
    }

    /// The settings, by their dotted names, with which a service calls this sandbox instead of the vendors.
    #[must_use]
    pub fn settings(&self) -> [(&'static str, String); 2] {
        [("upstream.sandbox.salesforce_url", self.salesforce_url()), ("upstream.sandbox.marketo_url", self.marketo_url())]
    }

    /// Stops at once, without waiting for answers under way, and removes the temporary files.
    pub async fn stop(self) {
        for (handle, served) in self.servers {
            handle.stop(false).await;
            // The server's own result says nothing that the caller could act on.
            let _ = served.await;
        }
    }
}

fn local(port: u16) -> String {
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
    let servers = [(control, None), (salesforce, Some(Vendor::Salesforce)), (marketo, Some(Vendor::Marketo))]
        .into_iter()
        .map(|(listener, vendor)| serve(listener, sandbox.clone(), vendor))
        .collect::<std::io::Result<_>>()?;
    Ok(RunningSandbox { control_port, ports, servers, _temporary: temporary })
}

/// Serves a vendor, or the control, on a socket.
fn serve(
    listener: TcpListener,
    sandbox: web::Data<SandboxState>,
    vendor: Option<Vendor>,
) -> std::io::Result<(ServerHandle, JoinHandle<std::io::Result<()>>)> {
    let server = HttpServer::new(move || {
        let app = App::new()
            .app_data(sandbox.clone())
            .app_data(web::PayloadConfig::new(16 * 1024 * 1024))
            .wrap(from_fn(fault_injection::interpose));
        match vendor {
            Some(vendor @ Vendor::Salesforce) => app.app_data(vendor).configure(salesforce::routes),
            Some(vendor @ Vendor::Marketo) => app.app_data(vendor).configure(marketo::routes),
            None => app.configure(control::routes),
        }
    })
    // One worker is plenty for a stand-in, and many sandboxes may run side by side.
    .workers(1)
    .worker_max_blocking_threads(4)
    .disable_signals()
    .shutdown_timeout(1)
    .listen(listener)?
    .run();
    Ok((server.handle(), tokio::spawn(server)))
}
