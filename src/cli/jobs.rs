use std::sync::Arc;

use clap::Subcommand;
use serde_json::{Value, json};

use super::{CommandResult, SharedOptions, error_text, open_existing, quiet, settings};
use crate::audit::ChangeOrigin;
use crate::clock::SystemClock;
use crate::dead_letters::DeadLetters;
use crate::ids::{InstanceId, JobId};
use crate::jobs::{DeadLetter, DeadLetterFilter, Lane};

/// Dead letters read at once.
const PAGE: i64 = 500;

/// `msi-actions jobs …`
#[derive(Debug, Subcommand)]
pub enum JobsCommand {
    /// List dead letters, jobs that nobody tries again by itself, the newest first; a line of JSON each.
    List {
        /// Only those of this lane.
        #[arg(long, value_parser = parse_lane)]
        lane: Option<Lane>,
        /// Only those of this kind, such as sync_run.
        #[arg(long)]
        kind: Option<String>,
        /// Only those of this instance.
        #[arg(long, value_name = "ID")]
        instance: Option<InstanceId>,
    },
    /// Show a dead letter and why it is one.
    Show {
        /// The job's id.
        id: JobId,
    },
    /// Have a dead letter tried again, as if it had never failed. The running service takes it up within a second.
    Retry {
        /// The job's id.
        id: JobId,
    },
    /// Forget a dead letter. What it was about stays as it is.
    Discard {
        /// The job's id.
        id: JobId,
    },
}

fn parse_lane(name: &str) -> Result<Lane, String> {
    let names: Vec<_> = Lane::ALL.into_iter().map(Lane::as_str).collect();
    name.parse().map_err(|_| format!("there is no lane {name:?}; there are {}", names.join(", ")))
}

fn to_json(dead_letter: &DeadLetter) -> Value {
    json!({
        "id": dead_letter.id, "kind": dead_letter.kind, "lane": dead_letter.lane, "instance": dead_letter.instance_id, "reason": dead_letter.last_error,
        "attempts": dead_letter.attempts, "failures": dead_letter.failures, "created_at": dead_letter.created_at,
        "last_attempt_at": dead_letter.started_at, "given_up_at": dead_letter.finished_at,
    })
}

pub(super) async fn jobs(shared: &SharedOptions, command: JobsCommand) -> CommandResult {
    let settings = settings(shared, &[quiet()])?;
    let db = open_existing(&settings).await?;
    db.migrate().await.map_err(error_text)?;
    let dead_letters = crate::app::dead_letters(db.clone(), Arc::new(SystemClock));
    let outcome = run(&dead_letters, command).await;
    db.close().await;
    outcome
}

async fn run(dead_letters: &DeadLetters, command: JobsCommand) -> CommandResult {
    let origin = ChangeOrigin::command("jobs");
    match command {
        JobsCommand::List { lane, kind, instance } => {
            let filter = DeadLetterFilter { lane, kind, instance };
            let mut before = None;
            loop {
                let page = dead_letters.list(&filter, before, PAGE).await.map_err(error_text)?;
                for dead_letter in &page {
                    println!("{}", to_json(dead_letter));
                }
                match page.last() {
                    Some(last) => before = Some(last.id),
                    None => return Ok(()),
                }
            }
        }
        JobsCommand::Show { id } => {
            let dead_letter = dead_letters.find(id, None).await.map_err(error_text)?;
            println!("{}", to_json(&dead_letter));
        }
        JobsCommand::Retry { id } => {
            dead_letters.retry(id, None, &origin).await.map_err(error_text)?;
            println!("{}", json!({ "id": id, "retried": true }));
        }
        JobsCommand::Discard { id } => {
            dead_letters.discard(id, None, &origin).await.map_err(error_text)?;
            println!("{}", json!({ "id": id, "discarded": true }));
        }
    }
    Ok(())
}
