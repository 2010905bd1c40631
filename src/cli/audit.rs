use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::{CommandResult, SharedOptions, error_text, open_existing, quiet, settings};
use crate::audit::{self, NotedEvent};
use crate::ids::InstanceId;

/// `msi-actions audit …`
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Look through every chain of events and name the first broken event of each; fails when there is one.
    ///
    /// Prints for each chain how many events are as they were recorded, and the hash of the last. Whoever may write to the database
    /// can record a whole chain anew: that shows only against what `audit head` printed before and was kept elsewhere.
    Verify(VerifyOptions),
    /// Print the newest event of every chain, a line of JSON each, to be kept elsewhere for `audit verify --expect`.
    Head(ChainOptions),
}

/// Which chain is meant; all of them unless given.
#[derive(Debug, Args)]
pub struct ChainOptions {
    /// Only the chain of this instance.
    #[arg(long, value_name = "ID")]
    instance: Option<InstanceId>,
    /// Only the chain of what belongs to no instance.
    #[arg(long, conflicts_with = "instance")]
    operators: bool,
}

impl ChainOptions {
    fn chain(&self) -> Option<InstanceId> {
        self.instance.or(self.operators.then_some(audit::GLOBAL))
    }
}

#[derive(Debug, Args)]
pub struct VerifyOptions {
    #[command(flatten)]
    chain: ChainOptions,
    /// A file with lines that `audit head` printed: each of these events must be there as it was.
    #[arg(long, value_name = "FILE")]
    expect: Option<PathBuf>,
    /// Number of an event of the one chain; it must have the hash that is expected.
    #[arg(long, value_name = "NUMBER", requires = "expect_hash", value_parser = clap::value_parser!(i64).range(1..))]
    expect_number: Option<i64>,
    /// Hash of that event, 64 hexadecimal digits.
    #[arg(long, value_name = "HASH", requires = "expect_number", value_parser = hash)]
    expect_hash: Option<String>,
}

fn hash(text: &str) -> Result<String, String> {
    let is_hash = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hash { Ok(text.to_ascii_lowercase()) } else { Err("a hash has 64 hexadecimal digits, as `audit head` prints it".into()) }
}

impl VerifyOptions {
    /// What was noted elsewhere.
    fn noted(&self) -> Result<Vec<NotedEvent>, String> {
        let mut noted = self.expect.as_deref().map(read_noted).transpose()?.unwrap_or_default();
        if let (Some(number), Some(hash)) = (self.expect_number, &self.expect_hash) {
            let chain = self.chain.chain().ok_or("say which chain the event is of: --instance ID or --operators")?;
            noted.push(NotedEvent { chain, number, hash: hash.clone() });
        }
        Ok(noted)
    }
}

fn read_noted(file: &Path) -> Result<Vec<NotedEvent>, String> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("{} can't be read: {error}", file.display()))?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let read = |(at, line): (usize, &str)| {
        let wrong = |reason: &str| format!("line {} of {} is none that `audit head` prints: {reason}", at + 1, file.display());
        let noted: NotedEvent = serde_json::from_str(line).map_err(|error| wrong(&error.to_string()))?;
        hash(&noted.hash).map_err(|reason| wrong(&reason))?;
        if noted.number < 1 { Err(wrong("events are numbered from 1")) } else { Ok(noted) }
    };
    let noted: Vec<_> = lines.map(read).collect::<Result<_, _>>()?;
    if noted.is_empty() { Err(format!("{} names no event", file.display())) } else { Ok(noted) }
}

pub(super) async fn audit(shared: &SharedOptions, command: AuditCommand) -> CommandResult {
    let settings = settings(shared, &[quiet()])?;
    let noted = match &command {
        AuditCommand::Verify(options) => options.noted()?,
        AuditCommand::Head(_) => Vec::new(),
    };
    let db = open_existing(&settings).await?;
    db.migrate().await.map_err(error_text)?;
    let outcome = match &command {
        AuditCommand::Verify(options) => audit::verify(&db, options.chain.chain(), &noted).await.map(|states| report(&states)),
        AuditCommand::Head(options) => audit::heads(&db, options.chain()).await.map(|heads| print_heads(&heads)),
    };
    db.close().await;
    outcome.map_err(error_text)?
}

fn print_heads(heads: &[NotedEvent]) -> CommandResult {
    for head in heads {
        println!("{}", serde_json::to_string(head).map_err(error_text)?);
    }
    Ok(())
}

fn report(states: &[audit::ChainState]) -> CommandResult {
    let mut broken = 0;
    for state in states {
        let chain = if state.chain == audit::GLOBAL { "operators".to_owned() } else { format!("instance {}", state.chain) };
        match &state.defect {
            None => println!("{chain}: {} event(s) as recorded, hash {}", state.sound, state.hash),
            Some(defect) => {
                broken += 1;
                println!("{chain}: BROKEN, {defect}; {} event(s) before it as recorded, hash {}", state.sound, state.hash);
            }
        }
    }
    if broken == 0 { Ok(()) } else { Err(format!("{broken} chain(s) of the audit are broken")) }
}
