//! The job of a data key's rotation: every sealed value is opened with the data key it has and sealed by the newest one.

use futures_util::future::BoxFuture;
use time::Duration;
use uuid::Uuid;

use super::error::VaultError;
use super::reloader::VaultReloader;
use super::sealed_column::SealedColumn;
use super::store::{data_keys, sealed_values};
use crate::db::DbError;
use crate::db::claim::ClaimedJob;
use crate::jobs::{JobHandler, JobKind, JobOutcome, Lane};
use crate::telemetry::error_chain;

/// From when a data key seals until the keys before it are forgotten: what expires by itself has expired, and what a slow process
/// sealed has been re-encrypted.
pub(super) const RETAINED_AFTER_USE: Duration = Duration::minutes(15);
/// Time between two rounds.
const ROUND_INTERVAL: Duration = Duration::minutes(1);
/// Values of one transaction.
const BATCH: i64 = 100;
pub(super) const REENCRYPT: JobKind = JobKind::new("reencrypt", Lane::Maintenance);

/// Why the sealed values were not re-encrypted.
#[derive(Debug, thiserror::Error)]
enum ReencryptionError {
    #[error(transparent)]
    Db(#[from] DbError),
    #[error(transparent)]
    Vault(#[from] VaultError),
}

/// What a round has done.
#[derive(Debug, Default)]
struct ReencryptionRound {
    reencrypted: u64,
    /// Values that don't open.
    unopened: usize,
}

/// Re-encrypts every sealed value under the newest data key, batch by batch, until none is left and the keys before can be forgotten.
#[derive(Debug)]
pub struct ReencryptSealedValues {
    reloader: VaultReloader,
    columns: Vec<SealedColumn>,
}

impl ReencryptSealedValues {
    /// The job over the sealed columns of all tables.
    #[must_use]
    pub fn new(reloader: VaultReloader, columns: Vec<SealedColumn>) -> Self {
        Self { reloader, columns }
    }

    async fn run_round(&self) -> Result<JobOutcome, ReencryptionError> {
        let VaultReloader { db, clock, vault, .. } = &self.reloader;
        self.reloader.reload().await?;
        let now = clock.timestamp();
        let keys = data_keys::list(db).await?;
        let Some(newest) = keys.last() else { return Ok(JobOutcome::Done) };
        let seals_from = newest.seals_from.unwrap_or(newest.created_at);
        if vault.sealing_key_id() != newest.id {
            return Ok(JobOutcome::RunAgain((seals_from - now).max(Duration::seconds(1))));
        }
        let round = self.reencrypt(newest.id).await?;
        if now < seals_from + RETAINED_AFTER_USE || round.reencrypted > 0 || round.unopened > 0 {
            return Ok(JobOutcome::RunAgain(ROUND_INTERVAL));
        }
        let mut tx = db.begin().await?;
        data_keys::delete_before(&mut tx, newest.generation).await?;
        tx.commit().await?;
        tracing::info!("everything is sealed by the newest data key; the ones before are forgotten");
        Ok(JobOutcome::Done)
    }

    /// A value that doesn't open stays as it is, and so do the keys: somebody has to look.
    async fn reencrypt(&self, key: Uuid) -> Result<ReencryptionRound, ReencryptionError> {
        let VaultReloader { db, vault, .. } = &self.reloader;
        let mut round = ReencryptionRound::default();
        for column in &self.columns {
            loop {
                let values = sealed_values::list_sealed_by_others(db, *column, key, BATCH).await?;
                let mut unopened = 0;
                let mut tx = db.begin().await?;
                for value in &values {
                    let context = value.context();
                    match vault.open(&context, &value.sealed).and_then(|plain| vault.seal(&context, &plain)) {
                        Ok(sealed) => {
                            sealed_values::replace(&mut tx, value, &sealed).await?;
                            round.reencrypted += 1;
                        }
                        Err(error) => {
                            tracing::error!(context, error = %error_chain(&error), "a sealed value can't be re-encrypted");
                            unopened += 1;
                        }
                    }
                }
                tx.commit().await?;
                // What doesn't open is met again by every batch.
                if unopened == values.len() {
                    round.unopened += unopened;
                    break;
                }
            }
        }
        Ok(round)
    }
}

impl JobHandler for ReencryptSealedValues {
    fn kind(&self) -> JobKind {
        REENCRYPT
    }

    fn run<'a>(&'a self, _job: &'a ClaimedJob) -> BoxFuture<'a, JobOutcome> {
        Box::pin(async move { self.run_round().await.unwrap_or_else(|error| JobOutcome::retry(&error)) })
    }
}
