//! Changing the data key while the service runs: every sealed value is opened with the key it has and sealed by the newest one.

use futures_util::future::BoxFuture;
use time::Duration;
use uuid::Uuid;

use crate::audit::{self, ChangeOrigin, Entry};
use crate::clock::{Clock, Timestamp};
use crate::crypto::{DataKey, MasterKeys};
use crate::db::claim::ClaimedJob;
use crate::db::data_keys::{self, StoredDataKey};
use crate::db::sealed::{SEALED_COLUMNS, replace_sealed, sealed_by_others};
use crate::db::{Db, DbError};
use crate::jobs::{JobHandler, JobKind, JobOutcome, Lane, NewJob, enqueue};
use crate::telemetry::error_chain;

use super::keys::{KeyError, VaultKeeper};

/// From when a data key is made until it seals: every process has read it by then.
const KNOWN_BEFORE_USE: Duration = Duration::seconds(60);
/// From then until the keys before it are forgotten: what runs out by itself has run out, and what a slow process sealed has been
/// sealed anew.
const KEPT_AFTER_USE: Duration = Duration::minutes(15);
/// Time between two rounds.
const ROUNDS_APART: Duration = Duration::minutes(1);
/// Values of one transaction.
const BATCH: i64 = 100;
const KIND: JobKind = JobKind::new("reseal", Lane::Maintenance);

/// Makes a data key and queues the work that seals everything by it. Every running process must have the master key in force.
///
/// # Errors
/// [`KeyError`]; nothing has been changed then.
pub async fn rotate_data_key(db: &Db, masters: &MasterKeys, clock: &dyn Clock) -> Result<Timestamp, KeyError> {
    super::keys::check(db, masters).await?;
    let now = clock.timestamp();
    let known = data_keys::list(db).await?;
    if known.iter().any(|key| key.seals_from.is_some_and(|from| from + KEPT_AFTER_USE > now)) {
        return Err(KeyError::RotationUnderWay);
    }
    let id = clock.new_id();
    let (_, sealed_key) = DataKey::generate(id, &masters.current).map_err(KeyError::Seal)?;
    let seals_from = now + KNOWN_BEFORE_USE;
    let key = StoredDataKey {
        id,
        generation: known.last().map_or(0, |key| key.generation) + 1,
        master_key_id: masters.current.id.clone(),
        sealed_key,
        created_at: now,
        seals_from: Some(seals_from),
    };
    let mut tx = db.begin().await?;
    if !data_keys::insert(&mut tx, &key).await? {
        return Err(KeyError::RotationUnderWay);
    }
    enqueue(&mut tx, clock, NewJob { kind: KIND, instance: None, payload: serde_json::json!({ "data_key": id }) }).await?;
    let entry = Entry::new("data_key.rotated", "data_key", id).after(serde_json::json!({ "seals_from": seals_from }));
    audit::record(&mut tx, clock, audit::GLOBAL, &ChangeOrigin::command("keys rotate --data"), entry).await?;
    tx.commit().await?;
    Ok(seals_from)
}

/// Why a value was not sealed anew.
#[derive(Debug, thiserror::Error)]
enum ResealError {
    #[error(transparent)]
    Db(#[from] DbError),
    #[error(transparent)]
    Keys(#[from] KeyError),
}

/// What a round has done.
#[derive(Debug, Default)]
struct Resealed {
    resealed: u64,
    /// Values that don't open.
    unopened: usize,
}

/// Seals every value by the newest data key, batch by batch, until none is left and the keys before can be forgotten.
pub(super) struct ResealJob(pub(super) VaultKeeper);

impl ResealJob {
    async fn round(&self) -> Result<JobOutcome, ResealError> {
        let VaultKeeper { db, clock, vault, .. } = &self.0;
        self.0.read().await?;
        let now = clock.timestamp();
        let keys = data_keys::list(db).await?;
        let Some(newest) = keys.last() else { return Ok(JobOutcome::Done) };
        let seals_from = newest.seals_from.unwrap_or(newest.created_at);
        if vault.sealing_key() != newest.id {
            return Ok(JobOutcome::RunAgain((seals_from - now).max(Duration::seconds(1))));
        }
        let done = self.reseal(newest.id).await?;
        if now < seals_from + KEPT_AFTER_USE || done.resealed > 0 || done.unopened > 0 {
            return Ok(JobOutcome::RunAgain(ROUNDS_APART));
        }
        let mut tx = db.begin().await?;
        data_keys::delete_before(&mut tx, newest.generation).await?;
        tx.commit().await?;
        tracing::info!("everything is sealed by the newest data key; the ones before are forgotten");
        Ok(JobOutcome::Done)
    }

    /// A value that doesn't open stays as it is, and so do the keys: somebody has to look.
    async fn reseal(&self, key: Uuid) -> Result<Resealed, ResealError> {
        let VaultKeeper { db, vault, .. } = &self.0;
        let mut done = Resealed::default();
        for column in SEALED_COLUMNS {
            loop {
                let values = sealed_by_others(db, *column, key, BATCH).await?;
                let mut unopened = 0;
                let mut tx = db.begin().await?;
                for value in &values {
                    let context = value.context();
                    match vault.open(&context, &value.sealed).and_then(|plain| vault.seal(&context, &plain)) {
                        Ok(anew) => {
                            replace_sealed(&mut tx, value, &anew).await?;
                            done.resealed += 1;
                        }
                        Err(error) => {
                            tracing::error!(context, error = %error_chain(&error), "a sealed value can't be sealed anew");
                            unopened += 1;
                        }
                    }
                }
                tx.commit().await?;
                // What doesn't open is met again by every batch.
                if unopened == values.len() {
                    done.unopened += unopened;
                    break;
                }
            }
        }
        Ok(done)
    }
}

impl JobHandler for ResealJob {
    fn kind(&self) -> JobKind {
        KIND
    }

    fn run<'a>(&'a self, _job: &'a ClaimedJob) -> BoxFuture<'a, JobOutcome> {
        Box::pin(async move { self.round().await.unwrap_or_else(|error| JobOutcome::retry(&error)) })
    }
}
