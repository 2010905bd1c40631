//! `msi-actions demo`: plays the set-up guide like its personas would, over HTTP, against the sandbox.

mod api;
mod browser;
mod figures;
mod guide;
mod mailbox;
mod report;
mod stage;

use clap::Args;

use report::Report;
use stage::Stage;

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

/// Plays the guide. Without `database_url` on a SQLite file that goes away with the demo.
///
/// # Errors
/// A text that says which step failed and why.
pub async fn run(options: DemoOptions, database_url: Option<String>) -> Result<(), String> {
    let began = monotonic_now();
    println!("Setting the stage: a sandbox with {} people in Marketo, and this service", options.people);
    let stage = Stage::set(options.people, database_url).await.map_err(|error| format!("setting the stage failed: {error}"))?;
    println!("  the service runs at {} on {}, the sandbox at {}\n", stage.app.url(), stage.app.db().engine(), stage.sandbox.url());
    let mut report = Report::default();
    let played = guide::play(&stage, options.people, &mut report).await;
    let outcome = match played {
        Ok(()) => {
            report.print_summary(began.elapsed());
            println!("\nThe service runs at {}; its API is described at {}/docs/", stage.app.url(), stage.app.url());
            println!("An operator's client: {} {}", stage.operator.0, stage.operator.1);
            if !options.exit {
                println!("It stops with Ctrl-C, and what it stored goes with it.");
                let _ = tokio::signal::ctrl_c().await;
            }
            Ok(())
        }
        Err(failure) => Err(failure),
    };
    stage.strike().await;
    outcome
}
