//! `msi-actions demo`: follows the set-up guide as its personas would, over HTTP and against the sandbox.

mod api_client;
mod browser;
mod environment;
mod figures;
mod guide;
mod lagging_clock;
mod mail_server;
mod mailbox;
mod report;
mod seed;

use std::sync::Arc;

use clap::Args;

use environment::DemoEnvironment;
use lagging_clock::LaggingClock;
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
    /// Add teams, invitations in every state, an import that waits, a failed run and diagnostics, for whoever develops against the API.
    #[arg(long)]
    seed: bool,
}

/// Runs the guide. Without `database_url` the service uses a SQLite file that is removed at the end.
///
/// # Errors
/// A text that says which step failed and why.
pub async fn run(options: DemoOptions, database_url: Option<String>) -> Result<(), String> {
    let began = monotonic_now();
    println!("Starting a sandbox with {} people in Marketo, and this service", options.people);
    // Invitations of the guide expire when the clock has caught up.
    let clock = Arc::new(LaggingClock::lagging_by(seed::LAG));
    let started = if options.seed {
        DemoEnvironment::start_with_mail_server(options.people, database_url, clock.clone()).await
    } else {
        DemoEnvironment::start(options.people, database_url).await
    };
    let environment = started.map_err(|error| format!("the demo can't start: {error}"))?;
    println!(
        "  the service runs at {} on {}, the sandbox at {}\n",
        environment.app.url(),
        environment.app.db().engine(),
        environment.sandbox.url()
    );
    let mut report = DemoReport::default();
    let played = guide::run_guide(&environment, options.people, &mut report).await;
    let outcome = match played {
        Ok(api) => {
            report.print_summary(began.elapsed());
            let seeded = if options.seed { add_seed(&environment, &clock, &api).await } else { Ok(()) };
            if seeded.is_ok() {
                println!("\nThe service runs at {}; its API is described at {}/docs/", environment.app.url(), environment.app.url());
                println!("An operator's client: {} {}", environment.operator.0, environment.operator.1);
                if !options.exit {
                    println!("It stops with Ctrl-C, and what it stored goes with it.");
                    let _ = tokio::signal::ctrl_c().await;
                }
            }
            seeded
        }
        Err(failure) => Err(failure),
    };
    environment.stop().await;
    outcome
}

/// Adds what `--seed` asks for, and prints it with what one needs to look at it.
async fn add_seed(environment: &DemoEnvironment, clock: &LaggingClock, guided: &api_client::DemoApiClient) -> Result<(), String> {
    let api = seed::seed(environment, clock, guided).await.map_err(|why| format!("seeding failed: {why}"))?;
    let instance = api.get("/v1/instance").await?;
    println!("\nThe instance: {}", instance["id"].as_str().unwrap_or_default());
    seed::print_inventory(&api).await?;
    println!("\nMembers who chose a password: {}, {:?}", seed::ACTIVATED.join(" and "), seed::MEMBERS_PASSWORD);
    println!("Mails are in {}", environment.mail_directory().display());
    println!("The simulated Salesforce is {}, Marketo {}", environment.sandbox.salesforce_url(), environment.sandbox.marketo_url());
    println!("The sandbox is looked into and changed at {}/__sandbox", environment.sandbox.url());
    Ok(())
}
