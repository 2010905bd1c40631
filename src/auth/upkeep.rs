use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::tokens::TokenIssuer;
use super::{AuthError, attempts};
use crate::clock::SharedClock;
use crate::db::Db;
use crate::telemetry::error_chain;

/// How often a process reads what others have revoked and which keys there are.
const READS_APART: Duration = Duration::from_secs(1);
/// Rounds of reading between two rounds of tidying up.
const TIDIES_APART: u64 = 30;

/// The task that keeps this process in step with the others; it runs until it is told to stop.
#[derive(Debug)]
pub struct RunningUpkeep {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

/// Starts reading revocations and signing keys again and again. What fails is tried again the next time.
#[must_use]
pub fn start_upkeep(db: Db, clock: SharedClock, issuer: TokenIssuer) -> RunningUpkeep {
    let (stop, mut stopped) = watch::channel(false);
    let task = tokio::spawn(async move {
        for round in 1_u64.. {
            tokio::select! {
                () = tokio::time::sleep(READS_APART) => {}
                _ = stopped.changed() => return,
            }
            if let Err(error) = keep_in_step(&db, &clock, &issuer, round).await {
                tracing::warn!(error = %error_chain(&error), "revocations and signing keys can't be read; trying again");
            }
        }
    });
    RunningUpkeep { stop, task }
}

async fn keep_in_step(db: &Db, clock: &SharedClock, issuer: &TokenIssuer, round: u64) -> Result<(), AuthError> {
    issuer.revocations.refresh().await?;
    issuer.reload_keys().await?;
    if round.is_multiple_of(TIDIES_APART) {
        attempts::forget_oldest(db, clock.timestamp()).await?;
    }
    Ok(())
}

impl RunningUpkeep {
    /// Stops it.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        let _ = self.task.await;
    }
}
