use std::time::Duration;

use super::tokens::TokenIssuer;
use super::{AuthError, attempts};
use crate::clock::SharedClock;
use crate::db::Db;
use crate::tasks::BackgroundTasks;
use crate::telemetry::error_chain;

/// How often a process reads what others have revoked and which keys there are.
const READS_APART: Duration = Duration::from_secs(1);
/// Rounds of reading between two rounds of tidying up.
const TIDIES_APART: u64 = 30;

/// Starts the task that keeps this process in step with the others: it reads revocations and signing keys again and again. What fails is
/// tried again the next time.
pub fn start_upkeep(db: Db, clock: SharedClock, issuer: TokenIssuer, tasks: &BackgroundTasks) {
    let stopping = tasks.stopping().clone();
    tasks.spawn(async move {
        for round in 1_u64.. {
            tokio::select! {
                () = tokio::time::sleep(READS_APART) => {}
                () = stopping.cancelled() => return,
            }
            if let Err(error) = keep_in_step(&db, &clock, &issuer, round).await {
                tracing::warn!(error = %error_chain(&error), "revocations and signing keys can't be read; trying again");
            }
        }
    });
}

async fn keep_in_step(db: &Db, clock: &SharedClock, issuer: &TokenIssuer, round: u64) -> Result<(), AuthError> {
    issuer.revocations.refresh().await?;
    issuer.reload_keys().await?;
    if round.is_multiple_of(TIDIES_APART) {
        attempts::forget_oldest(db, clock.timestamp()).await?;
    }
    Ok(())
}
