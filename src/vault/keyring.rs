//! Sealing under a data key. A sealed value is `version (1 byte) ‖ data key id (16) ‖ nonce (12) ‖ ciphertext and tag`, bound by
//! associated data to the row it belongs to, so that a value copied into another row doesn't open there.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use secrecy::SecretString;
use uuid::Uuid;

use super::cipher::{NONCE_LENGTH, SealError, decrypt, encrypt};
use super::data_key::DataKey;

const VERSION: u8 = 1;
const HEADER_LENGTH: usize = 1 + 16;

/// Data keys, and which of them seals.
#[derive(Debug)]
pub(super) struct Keyring {
    keys: Vec<DataKey>,
    sealing: DataKey,
}

impl Keyring {
    /// A keyring of `keys`, of which the one with the id `sealing` seals. `None` when that is not among them.
    pub(super) fn new(keys: Vec<DataKey>, sealing: Uuid) -> Option<Self> {
        let sealing = keys.iter().find(|key| key.id == sealing)?.clone();
        Some(Self { keys, sealing })
    }
}

/// Seals and opens values with the keyring in use. Cheap to clone; all clones use the same keyring.
#[derive(Debug, Clone)]
pub struct Vault(Arc<RwLock<Keyring>>);

impl Vault {
    pub(super) fn new(keyring: Keyring) -> Self {
        Self(Arc::new(RwLock::new(keyring)))
    }

    /// Uses this keyring from now on, in all clones.
    pub(super) fn replace_keyring(&self, keyring: Keyring) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = keyring;
    }

    /// The id of the key that seals.
    pub(super) fn sealing_key_id(&self) -> Uuid {
        self.keyring().sealing.id
    }

    pub(super) fn keys(&self) -> Vec<DataKey> {
        self.keyring().keys.clone()
    }

    /// How many data keys can open.
    #[must_use]
    pub fn data_key_count(&self) -> usize {
        self.keyring().keys.len()
    }

    fn keyring(&self) -> RwLockReadGuard<'_, Keyring> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Seals `plain`, bound to `context`: the names of table and column and the row's key.
    ///
    /// # Errors
    /// [`SealError::DoesNotSeal`].
    pub fn seal(&self, context: &str, plain: &[u8]) -> Result<Vec<u8>, SealError> {
        let key = &self.keyring().sealing;
        let mut sealed = Vec::with_capacity(HEADER_LENGTH + NONCE_LENGTH + plain.len() + 16);
        sealed.push(VERSION);
        sealed.extend_from_slice(key.id.as_bytes());
        sealed.extend_from_slice(&encrypt(&key.cipher, context.as_bytes(), plain)?);
        Ok(sealed)
    }

    /// Opens what [`Vault::seal`] made for the same `context`.
    ///
    /// # Errors
    /// [`SealError`]; never a panic, whatever the bytes.
    pub fn open(&self, context: &str, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let (header, body) = sealed.split_at_checked(HEADER_LENGTH).ok_or(SealError::UnknownForm)?;
        let (version, id) = header.split_first().ok_or(SealError::UnknownForm)?;
        if *version != VERSION {
            return Err(SealError::UnknownForm);
        }
        let id = Uuid::from_slice(id).map_err(|_| SealError::UnknownForm)?;
        let keyring = self.keyring();
        let key = keyring.keys.iter().find(|key| key.id == id).ok_or(SealError::UnknownKey(id))?;
        decrypt(&key.cipher, context.as_bytes(), body)
    }

    /// [`Vault::open`] for text.
    ///
    /// # Errors
    /// As [`Vault::open`]; [`SealError::UnknownForm`] when it is not UTF-8.
    pub fn open_text(&self, context: &str, sealed: &[u8]) -> Result<SecretString, SealError> {
        let plain = self.open(context, sealed)?;
        String::from_utf8(plain).map(SecretString::from).map_err(|_| SealError::UnknownForm)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::master_key::MasterKey;
    use super::*;

    fn vault() -> Vault {
        let master = MasterKey::generate("m".into());
        let id = Uuid::from_u128(7);
        let sealed = DataKey::generate_sealed(id, &master).unwrap();
        Vault::new(Keyring::new(vec![DataKey::open(id, &sealed, &master).unwrap()], id).unwrap())
    }

    #[test]
    fn a_value_opens_only_in_the_row_it_was_sealed_for() {
        let vault = vault();
        let sealed = vault.seal("marketo_connections/1/secret", b"s3cret").unwrap();
        assert_eq!(vault.open("marketo_connections/1/secret", &sealed).unwrap(), b"s3cret");
        assert_eq!(vault.open("marketo_connections/2/secret", &sealed), Err(SealError::DoesNotOpen));
    }

    proptest! {
        #[test]
        fn a_tampered_value_is_an_error_and_never_a_panic(at in 0usize..60, flip in 1u8..=255, cut in 0usize..60) {
            let vault = vault();
            let mut sealed = vault.seal("row", b"0123456789abc").unwrap();
            let length = sealed.len();
            prop_assert!(vault.open("row", &sealed[..cut.min(length - 1)]).is_err());
            sealed[at % length] ^= flip;
            prop_assert!(vault.open("row", &sealed).is_err());
        }
    }
}
