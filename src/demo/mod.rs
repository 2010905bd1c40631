//! `msi-actions demo`: follows the set-up guide as its personas would, over HTTP and against the sandbox.

mod api_client;
mod browser;
mod environment;
mod figures;
mod guide;
mod mailbox;
mod report;

use clap::Args;

use environment::DemoEnvironment;
use report::DemoReport;

use crate::clock::monotonic_now;

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

/// Runs the guide. Without `database_url` the service uses a SQLite file that is removed at the end.
///
/// # Errors
/// A text that says which step failed and why.
pub async fn run(options: DemoOptions, database_url: Option<String>) -> Result<(), String> {
    let began = monotonic_now();
    println!("Starting a sandbox with {} people in Marketo, and this service", options.people);
    let environment =
        DemoEnvironment::start(options.people, database_url).await.map_err(|error| format!("the demo can't start: {error}"))?;
    println!(
        "  the service runs at {} on {}, the sandbox at {}\n",
        environment.app.url(),
        environment.app.db().engine(),
        environment.sandbox.url()
    );
    let mut report = DemoReport::default();
    let result = guide::run_guide(&environment, options.people, &mut report).await;
    let outcome = match result {
        Ok(()) => {
            report.print_summary(began.elapsed());
            println!("\nThe service runs at {}; its API is described at {}/docs/", environment.app.url(), environment.app.url());
            println!("An operator's client: {} {}", environment.operator.0, environment.operator.1);
            if !options.exit {
                println!("It stops with Ctrl-C, and what it stored goes with it.");
                let _ = tokio::signal::ctrl_c().await;
            }
            Ok(())
        }
        Err(failure) => Err(failure),
    };
    environment.stop().await;
    outcome
}
