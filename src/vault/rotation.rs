use serde_json::json;
use time::Duration;
use uuid::Uuid;

use super::data_key::{DataKey, find_master_key};
use super::error::VaultError;
use super::master_key::MasterKeys;
use super::reencryption::{REENCRYPT, RETAINED_AFTER_USE};
use super::store::data_keys::{self, StoredDataKey};
use crate::clock::{Clock, Timestamp};
use crate::db::Tx;
use crate::jobs::{NewJob, enqueue};

/// From when a data key is made until it seals: every process has read it by then.
const KNOWN_BEFORE_USE: Duration = Duration::seconds(60);

/// A rotation of the data key.
#[derive(Debug)]
pub struct DataKeyRotation {
    /// The new key.
    pub id: Uuid,
    /// From when it seals.
    pub seals_from: Timestamp,
}

/// Seals every data key by the current master key; returns the ids of those that another one sealed before. What the data keys seal
/// stays as it is, so this is safe while the service runs.
///
/// # Errors
/// [`VaultError::Unknown`] or [`VaultError::Wrong`] when the master keys don't open the data keys; [`VaultError::Db`].
pub async fn rotate_master_key(tx: &mut Tx, masters: &MasterKeys) -> Result<Vec<Uuid>, VaultError> {
    let mut rewrapped = Vec::new();
    for mut key in data_keys::list_in(tx).await? {
        if key.master_key_id != masters.current.id {
            let from = find_master_key(masters, &key.master_key_id)?;
            key.sealed_key =
                DataKey::rewrap(key.id, &key.sealed_key, from, &masters.current).map_err(|_| VaultError::Wrong(from.id.clone()))?;
            key.master_key_id.clone_from(&masters.current.id);
            data_keys::update_sealed_key(tx, &key).await?;
            rewrapped.push(key.id);
        }
    }
    Ok(rewrapped)
}

/// Makes a data key and queues the job that re-encrypts everything under it. Every running process must have the current master key.
///
/// # Errors
/// [`VaultError::RotationUnderWay`] until the rotation before is over; as [`rotate_master_key`].
pub async fn rotate_data_key(tx: &mut Tx, masters: &MasterKeys, clock: &dyn Clock) -> Result<DataKeyRotation, VaultError> {
    let now = clock.timestamp();
    let known = data_keys::list_in(tx).await?;
    for key in &known {
        DataKey::open_stored(key, masters)?;
    }
    if known.iter().any(|key| key.seals_from.is_some_and(|from| from + RETAINED_AFTER_USE > now)) {
        return Err(VaultError::RotationUnderWay);
    }
    let id = clock.new_id();
    let seals_from = now + KNOWN_BEFORE_USE;
    let key = StoredDataKey {
        id,
        generation: known.last().map_or(0, |key| key.generation) + 1,
        master_key_id: masters.current.id.clone(),
        sealed_key: DataKey::generate_sealed(id, &masters.current).map_err(VaultError::Seal)?,
        created_at: now,
        seals_from: Some(seals_from),
    };
    if !data_keys::insert(tx, &key).await? {
        return Err(VaultError::RotationUnderWay);
    }
    enqueue(tx, clock, NewJob { kind: REENCRYPT, instance: None, payload: json!({ "data_key": id }) }).await?;
    Ok(DataKeyRotation { id, seals_from })
}
