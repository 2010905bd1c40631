//! Sealing with AES-256-GCM (NIST SP 800-38D) under a data key. A sealed value is
//! `version (1 byte) ‖ data key id (16) ‖ nonce (12) ‖ ciphertext and tag`, bound by associated data to the row it belongs to,
//! so that a value copied into another row doesn't open there.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Key, Nonce};
use secrecy::SecretString;
use uuid::Uuid;

use super::master::{KEY_LENGTH, MasterKey};

const VERSION: u8 = 1;
const NONCE_LENGTH: usize = 12;
const HEADER_LENGTH: usize = 1 + 16;

/// Why something can't be sealed or opened. Deliberately says little: the difference between a wrong key and a tampered
/// value is not to be learnt by trying.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SealError {
    /// Sealed in a form this build doesn't know, or cut short.
    #[error("the sealed value has an unknown form")]
    UnknownForm,
    /// Sealed by a data key that is not in the ring.
    #[error("the value was sealed by the data key {0}, which is not known here")]
    UnknownKey(Uuid),
    /// The key is not the right one, the value was changed, or it belongs to another row.
    #[error("the sealed value does not open: wrong key, changed, or moved from another row")]
    DoesNotOpen,
    /// The cipher refused to seal; never seen with values of our sizes.
    #[error("the value could not be sealed")]
    DoesNotSeal,
}

/// A data key: seals values, and is itself sealed by a master key.
#[derive(Clone)]
pub struct DataKey {
    /// Written in front of everything it seals.
    pub id: Uuid,
    cipher: Aes256Gcm,
}

impl DataKey {
    /// A new data key, with its form sealed by `master` for the database.
    ///
    /// # Errors
    /// [`SealError::DoesNotSeal`].
    pub fn generate(id: Uuid, master: &MasterKey) -> Result<(Self, Vec<u8>), SealError> {
        let bytes = super::random_bytes::<KEY_LENGTH>();
        let sealed = encrypt(&cipher(&master.bytes), id.as_bytes(), &bytes)?;
        Ok((Self { id, cipher: cipher(&bytes) }, sealed))
    }

    /// Opens a data key from the database.
    ///
    /// # Errors
    /// [`SealError::DoesNotOpen`] when `master` is not the key that sealed it.
    pub fn open(id: Uuid, sealed: &[u8], master: &MasterKey) -> Result<Self, SealError> {
        let bytes = Self::open_bytes(id, sealed, master)?;
        Ok(Self { id, cipher: cipher(&bytes) })
    }

    /// Seals a data key by another master key: opens `sealed` with `from` and seals it by `to`.
    ///
    /// # Errors
    /// [`SealError::DoesNotOpen`] when `from` is not the key that sealed it.
    pub fn reseal(id: Uuid, sealed: &[u8], from: &MasterKey, to: &MasterKey) -> Result<Vec<u8>, SealError> {
        let bytes = Self::open_bytes(id, sealed, from)?;
        encrypt(&cipher(&to.bytes), id.as_bytes(), &bytes)
    }

    fn open_bytes(id: Uuid, sealed: &[u8], master: &MasterKey) -> Result<[u8; KEY_LENGTH], SealError> {
        decrypt(&cipher(&master.bytes), id.as_bytes(), sealed)?.try_into().map_err(|_| SealError::UnknownForm)
    }
}

impl std::fmt::Debug for DataKey {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_tuple("DataKey").field(&self.id).finish()
    }
}

/// The data keys in use. Cheap to clone; all clones hold the same keys.
#[derive(Debug, Clone)]
pub struct Vault(Arc<RwLock<Ring>>);

#[derive(Debug)]
struct Ring {
    keys: Vec<DataKey>,
    /// The key that seals.
    sealing: DataKey,
}

impl Vault {
    /// A vault over `keys`, of which the one with the id `sealing` seals. `None` when that is not among them.
    #[must_use]
    pub fn new(keys: Vec<DataKey>, sealing: Uuid) -> Option<Self> {
        let sealing = keys.iter().find(|key| key.id == sealing)?.clone();
        Some(Self(Arc::new(RwLock::new(Ring { keys, sealing }))))
    }

    /// Takes these keys instead, in all clones. Nothing changes when `sealing` is not among them.
    pub fn replace(&self, keys: Vec<DataKey>, sealing: Uuid) {
        if let Some(sealing) = keys.iter().find(|key| key.id == sealing).cloned() {
            *self.0.write().unwrap_or_else(PoisonError::into_inner) = Ring { keys, sealing };
        }
    }

    /// The id of the key that seals.
    #[must_use]
    pub fn sealing_key(&self) -> Uuid {
        self.ring().sealing.id
    }

    /// The keys.
    #[must_use]
    pub fn keys(&self) -> Vec<DataKey> {
        self.ring().keys.clone()
    }

    fn ring(&self) -> RwLockReadGuard<'_, Ring> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Seals `plain`, bound to `context`: the names of table and column and the row's key.
    ///
    /// # Errors
    /// [`SealError::DoesNotSeal`].
    pub fn seal(&self, context: &str, plain: &[u8]) -> Result<Vec<u8>, SealError> {
        let key = &self.ring().sealing;
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
        let ring = self.ring();
        let key = ring.keys.iter().find(|key| key.id == id).ok_or(SealError::UnknownKey(id))?;
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

fn cipher(bytes: &[u8; KEY_LENGTH]) -> Aes256Gcm {
    Aes256Gcm::new(&Key::<Aes256Gcm>::from(*bytes))
}

fn encrypt(cipher: &Aes256Gcm, aad: &[u8], plain: &[u8]) -> Result<Vec<u8>, SealError> {
    let nonce = super::random_bytes::<NONCE_LENGTH>();
    let body = cipher.encrypt(&Nonce::from(nonce), Payload { msg: plain, aad }).map_err(|_| SealError::DoesNotSeal)?;
    Ok([nonce.as_slice(), &body].concat())
}

fn decrypt(cipher: &Aes256Gcm, aad: &[u8], sealed: &[u8]) -> Result<Vec<u8>, SealError> {
    let (nonce, body) = sealed.split_first_chunk::<NONCE_LENGTH>().ok_or(SealError::UnknownForm)?;
    cipher.decrypt(&Nonce::from(*nonce), Payload { msg: body, aad }).map_err(|_| SealError::DoesNotOpen)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn vault() -> Vault {
        let master = MasterKey::generate("m".into());
        let (key, sealed) = DataKey::generate(Uuid::from_u128(7), &master).unwrap();
        let reopened = DataKey::open(key.id, &sealed, &master).unwrap();
        let id = reopened.id;
        Vault::new(vec![reopened], id).unwrap()
    }

    #[test]
    fn a_value_opens_only_in_the_row_it_was_sealed_for() {
        let vault = vault();
        let sealed = vault.seal("marketo_connections/1/secret", b"s3cret").unwrap();
        assert_eq!(vault.open("marketo_connections/1/secret", &sealed).unwrap(), b"s3cret");
        assert_eq!(vault.open("marketo_connections/2/secret", &sealed), Err(SealError::DoesNotOpen));
    }

    #[test]
    fn a_data_key_opens_only_with_the_master_key_that_sealed_it() {
        let (first, second) = (MasterKey::generate("a".into()), MasterKey::generate("b".into()));
        let (key, sealed) = DataKey::generate(Uuid::from_u128(1), &first).unwrap();
        assert_eq!(DataKey::open(key.id, &sealed, &second).unwrap_err(), SealError::DoesNotOpen);
        let resealed = DataKey::reseal(key.id, &sealed, &first, &second).unwrap();
        assert!(DataKey::open(key.id, &resealed, &second).is_ok());
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
