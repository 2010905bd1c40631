//! `msi-actions demo`: plays the set-up guide like its personas would, over HTTP.

use clap::Args;

/// Flags of `demo`.
#[derive(Debug, Args)]
pub struct DemoOptions {
    /// How many people Marketo has.
    #[arg(long, default_value_t = 10_000)]
    people: u64,
    /// Stop after the summary instead of running on.
    #[arg(long)]
    exit: bool,
}

/// Plays the guide.
///
/// # Errors
/// A text that says which step failed and why.
pub async fn run(options: DemoOptions, database_url: Option<String>) -> Result<(), String> {
    let _ = (options.people, options.exit, database_url);
    Err("not there yet".into())
}
