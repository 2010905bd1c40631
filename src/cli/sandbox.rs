use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::{CommandResult, StopSignal};
use crate::clock::SystemClock;
use crate::config::parse_listen_address;
use crate::sandbox::{SandboxListeners, SandboxSettings};

/// Flags of `sandbox`.
#[derive(Debug, Args)]
pub struct SandboxOptions {
    /// Address of the control, which shows the sandbox's state and changes it.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4010", value_parser = parse_listen_address)]
    listen: SocketAddr,
    /// Address of the simulated Salesforce; the port after that of --listen unless given.
    #[arg(long, value_name = "ADDRESS", value_parser = parse_listen_address)]
    salesforce_listen: Option<SocketAddr>,
    /// Address of the simulated Marketo; the second port after that of --listen unless given.
    #[arg(long, value_name = "ADDRESS", value_parser = parse_listen_address)]
    marketo_listen: Option<SocketAddr>,
    /// How many people Marketo has.
    #[arg(long, default_value_t = 10_000)]
    people: u64,
    /// The same seed gives the same people.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The Munchkin id of the simulated subscription.
    #[arg(long, value_name = "AAA-BBB-CCC", default_value = "123-ABC-456")]
    munchkin_id: String,
    /// Enforce Marketo's quotas and its slow status updates.
    #[arg(long)]
    throttles: bool,
    /// Serve results of exports and queries again as long as nobody changes, for benchmarks.
    #[arg(long)]
    keep_results: bool,
    /// Directory for export files; a temporary one unless given.
    #[arg(long, value_name = "DIR")]
    files: Option<PathBuf>,
}

impl SandboxOptions {
    /// Binds every address, so that one in use is reported before anything starts.
    fn bind_listeners(&self) -> Result<SandboxListeners, String> {
        let bind = |flag: &str, address: SocketAddr| TcpListener::bind(address).map_err(|error| format!("{flag} {address}: {error}"));
        // Port 0 is a free port each time.
        let after = |step: u16| match self.listen.port() {
            0 => self.listen,
            port => SocketAddr::new(self.listen.ip(), port.saturating_add(step)),
        };
        Ok(SandboxListeners {
            control: bind("--listen", self.listen)?,
            salesforce: bind("--salesforce-listen", self.salesforce_listen.unwrap_or(after(1)))?,
            marketo: bind("--marketo-listen", self.marketo_listen.unwrap_or(after(2)))?,
        })
    }
}

pub(super) async fn sandbox(options: SandboxOptions) -> CommandResult {
    let stop = StopSignal::listen()?;
    let listeners = options.bind_listeners()?;
    let settings = SandboxSettings {
        people: options.people,
        seed: options.seed,
        munchkin_id: options.munchkin_id,
        throttles: options.throttles,
        keep_results: options.keep_results,
        data_dir: options.files,
        ..SandboxSettings::default()
    };
    let people = settings.people;
    let app = (settings.salesforce_client_id.clone(), settings.salesforce_client_secret.clone());
    let running = crate::sandbox::start(settings, Arc::new(SystemClock), listeners).await.map_err(|error| error.to_string())?;
    let url = running.url();
    eprintln!("Simulated Salesforce and Marketo with {people} people at {url}; accounts and ids: {url}/__sandbox");
    eprintln!("A service uses it with these settings:");
    eprintln!("  MSI_UPSTREAM__SANDBOX__SALESFORCE_URL={}", running.salesforce_url());
    eprintln!("  MSI_UPSTREAM__SANDBOX__MARKETO_URL={}", running.marketo_url());
    eprintln!("  MSI_SALESFORCE__CLIENT_ID={}\n  MSI_SALESFORCE__CLIENT_SECRET={}", app.0, app.1);
    stop.wait().await;
    running.stop().await;
    Ok(())
}
