use aes_gcm::Aes256Gcm;
use uuid::Uuid;

use super::cipher::{KEY_LENGTH, SealError, cipher, decrypt, encrypt};
use super::error::VaultError;
use super::master_key::{MasterKey, MasterKeys};
use super::store::data_keys::StoredDataKey;
use crate::crypto::random_bytes;

/// A data key: seals values, and is itself sealed by a master key.
#[derive(Clone)]
pub(super) struct DataKey {
    /// Written in front of everything it seals.
    pub(super) id: Uuid,
    pub(super) cipher: Aes256Gcm,
}

impl DataKey {
    /// A new data key as the database stores it, sealed by `master`.
    pub(super) fn generate_sealed(id: Uuid, master: &MasterKey) -> Result<Vec<u8>, SealError> {
        encrypt(&cipher(&master.bytes), id.as_bytes(), &random_bytes::<KEY_LENGTH>())
    }

    /// Opens a data key from the database with the master key that sealed it.
    pub(super) fn open_stored(stored: &StoredDataKey, masters: &MasterKeys) -> Result<Self, VaultError> {
        let master = find_master_key(masters, &stored.master_key_id)?;
        Self::open(stored.id, &stored.sealed_key, master).map_err(|_| VaultError::Wrong(master.id.clone()))
    }

    /// Opens a data key; [`SealError::DoesNotOpen`] when `master` is not the key that sealed it.
    pub(super) fn open(id: Uuid, sealed: &[u8], master: &MasterKey) -> Result<Self, SealError> {
        let bytes = open_bytes(id, sealed, master)?;
        Ok(Self { id, cipher: cipher(&bytes) })
    }

    /// Seals a data key by the master key `to` instead of `from`; [`SealError::DoesNotOpen`] when `from` is not the key that sealed it.
    pub(super) fn rewrap(id: Uuid, sealed: &[u8], from: &MasterKey, to: &MasterKey) -> Result<Vec<u8>, SealError> {
        let bytes = open_bytes(id, sealed, from)?;
        encrypt(&cipher(&to.bytes), id.as_bytes(), &bytes)
    }
}

/// The master key that seals a data key.
pub(super) fn find_master_key<'a>(masters: &'a MasterKeys, id: &str) -> Result<&'a MasterKey, VaultError> {
    masters.find(id).ok_or_else(|| VaultError::Unknown { needed: id.to_owned(), found: masters.ids().join(", ") })
}

fn open_bytes(id: Uuid, sealed: &[u8], master: &MasterKey) -> Result<[u8; KEY_LENGTH], SealError> {
    decrypt(&cipher(&master.bytes), id.as_bytes(), sealed)?.try_into().map_err(|_| SealError::UnknownForm)
}

impl std::fmt::Debug for DataKey {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_tuple("DataKey").field(&self.id).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_key_opens_only_with_the_master_key_that_sealed_it() {
        let (first, second) = (MasterKey::generate("a".into()), MasterKey::generate("b".into()));
        let id = Uuid::from_u128(1);
        let sealed = DataKey::generate_sealed(id, &first).unwrap();
        assert_eq!(DataKey::open(id, &sealed, &second).unwrap_err(), SealError::DoesNotOpen);
        let rewrapped = DataKey::rewrap(id, &sealed, &first, &second).unwrap();
        assert!(DataKey::open(id, &rewrapped, &second).is_ok());
    }
}
