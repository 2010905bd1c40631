use std::net::SocketAddr;

use clap::Args;

use super::Outcome;

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
    /// Enforce Marketo's quotas and its slow status updates.
    #[arg(long)]
    throttles: bool,
}

pub(super) async fn sandbox(options: SandboxOptions) -> Outcome {
    let _ = options;
    Err("not there yet".into())
}
