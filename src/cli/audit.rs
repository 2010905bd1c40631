use clap::Subcommand;

use super::{Outcome, SharedOptions, open_existing, quiet, settings, text};
use crate::audit;

/// `msi-actions audit …`
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Look through every chain of events and name the first broken event of each; fails when there is one.
    ///
    /// Prints for each chain how many events are as they were recorded, and the hash of the last: kept elsewhere, it shows later
    /// that the chain up to there is still the same.
    Verify,
}

pub(super) async fn audit(shared: &SharedOptions, command: AuditCommand) -> Outcome {
    let AuditCommand::Verify = command;
    let settings = settings(shared, &[quiet()])?;
    let db = open_existing(&settings).await?;
    db.migrate().await.map_err(|error| text(&error))?;
    let states = audit::verify(&db).await.map_err(|error| text(&error));
    db.close().await;
    let mut broken = 0;
    for state in states? {
        let chain = if state.chain == audit::GLOBAL { "operators".to_owned() } else { format!("instance {}", state.chain) };
        match state.fault {
            None => println!("{chain}: {} event(s) as recorded, hash {}", state.sound, state.hash),
            Some(fault) => {
                broken += 1;
                println!("{chain}: BROKEN, {fault}; {} event(s) before it as recorded, hash {}", state.sound, state.hash);
            }
        }
    }
    if broken == 0 { Ok(()) } else { Err(format!("{broken} chain(s) of the audit are broken")) }
}
