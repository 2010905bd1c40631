use uuid::Uuid;

use super::cipher::SealError;
use super::data_key::DataKey;
use super::error::VaultError;
use super::keyring::{Keyring, Vault};
use super::master_key::MasterKeys;
use super::store::data_keys::{self, StoredDataKey};
use crate::clock::{Clock, Timestamp};
use crate::db::Db;

/// Opens the data keys, making the first one in an empty database.
///
/// # Errors
/// [`VaultError::Unknown`] or [`VaultError::Wrong`] when the master keys don't open them; [`VaultError::Db`].
pub async fn load_vault(db: &Db, masters: &MasterKeys, clock: &dyn Clock) -> Result<Vault, VaultError> {
    let mut stored = data_keys::list(db).await?;
    if stored.is_empty() {
        let id = clock.new_id();
        let key = StoredDataKey {
            id,
            generation: 1,
            master_key_id: masters.current.id.clone(),
            sealed_key: DataKey::generate_sealed(id, &masters.current).map_err(VaultError::Seal)?,
            created_at: clock.timestamp(),
            seals_from: None,
        };
        let mut tx = db.begin().await?;
        data_keys::insert(&mut tx, &key).await?;
        tx.commit().await?;
        stored = data_keys::list(db).await?;
    }
    let keys = stored.iter().map(|key| DataKey::open_stored(key, masters)).collect::<Result<Vec<_>, _>>()?;
    let keyring = sealing_key_at(&stored, clock.timestamp()).and_then(|id| Keyring::new(keys, id));
    keyring.map(Vault::new).ok_or(VaultError::Seal(SealError::UnknownForm))
}

/// The key that seals now: the newest one whose time has come.
pub(super) fn sealing_key_at(stored: &[StoredDataKey], now: Timestamp) -> Option<Uuid> {
    stored.iter().rev().find(|key| key.seals_from.is_none_or(|from| from <= now)).map(|key| key.id)
}
