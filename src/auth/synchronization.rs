use std::time::Duration;

use super::tokens::TokenIssuer;
use super::{AuthError, attempts};
use crate::clock::SharedClock;
use crate::db::Db;
use crate::tasks::BackgroundTasks;
use crate::telemetry::error_chain;

/// How often a process reads what others have revoked and which keys there are.
const READ_INTERVAL: Duration = Duration::from_secs(1);
/// Reads between two clean-ups.
const READS_PER_CLEANUP: u64 = 30;

/// Starts the task that reads what other processes have changed, revocations and signing keys, again and again. What fails is tried again
/// the next time.
pub fn start_synchronization(db: Db, clock: SharedClock, issuer: TokenIssuer, tasks: &BackgroundTasks) {
    let stopping = tasks.stopping().clone();
    tasks.spawn(async move {
        for round in 1_u64.. {
            tokio::select! {
                () = tokio::time::sleep(READ_INTERVAL) => {}
                () = stopping.cancelled() => return,
            }
            if let Err(error) = synchronize(&db, &clock, &issuer, round).await {
                tracing::warn!(error = %error_chain(&error), "revocations and signing keys can't be read; trying again");
            }
        }
    });
}

async fn synchronize(db: &Db, clock: &SharedClock, issuer: &TokenIssuer, round: u64) -> Result<(), AuthError> {
    issuer.revocations.refresh().await?;
    issuer.reload_keys().await?;
    if round.is_multiple_of(READS_PER_CLEANUP) {
        attempts::forget_oldest(db, clock.timestamp()).await?;
    }
    Ok(())
}
