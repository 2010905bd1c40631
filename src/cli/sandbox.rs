use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::{Outcome, StopSignal};
use crate::clock::SystemClock;
use crate::sandbox::SandboxSettings;

/// Flags of `sandbox`.
#[derive(Debug, Args)]
pub struct SandboxOptions {
    /// Address to listen on.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4010")]
    listen: SocketAddr,
    /// How many people Marketo has.
    #[arg(long, default_value_t = 10_000)]
    people: u64,
    /// The same seed gives the same people.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The subscription that Marketo is for.
    #[arg(long, value_name = "AAA-BBB-CCC", default_value = "123-ABC-456")]
    munchkin_id: String,
    /// Enforce Marketo's quotas and its slow status updates.
    #[arg(long)]
    throttles: bool,
    /// Give what an export or query gave before again, as long as nobody has changed: for benchmarks.
    #[arg(long)]
    keep_results: bool,
    /// Directory for export files; a temporary one unless given.
    #[arg(long, value_name = "DIR")]
    files: Option<PathBuf>,
}

pub(super) async fn sandbox(options: SandboxOptions) -> Outcome {
    let stop = StopSignal::listen()?;
    let listener = TcpListener::bind(options.listen).map_err(|error| format!("--listen {}: {error}", options.listen))?;
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
    let running = crate::sandbox::start(settings, Arc::new(SystemClock), listener).await.map_err(|error| error.to_string())?;
    let url = running.url();
    eprintln!("Simulated Salesforce and Marketo with {people} people at {url}; accounts and ids: {url}/__sandbox");
    eprintln!("A service uses it with these settings:");
    eprintln!("  MSI_UPSTREAM__SANDBOX_URL={url}\n  MSI_SALESFORCE__CLIENT_ID={}\n  MSI_SALESFORCE__CLIENT_SECRET={}", app.0, app.1);
    stop.wait().await;
    running.stop().await;
    Ok(())
}
