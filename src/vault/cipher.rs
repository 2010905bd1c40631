//! AES-256-GCM (NIST SP 800-38D) with random nonces: `nonce (12 bytes) ‖ ciphertext and tag`.

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Key, Nonce};
use uuid::Uuid;

use crate::crypto::random_bytes;

/// Length of a master key and of a data key in bytes.
pub(super) const KEY_LENGTH: usize = 32;
/// Length of a nonce in bytes.
pub(super) const NONCE_LENGTH: usize = 12;

/// Why something can't be sealed or opened. Deliberately says little: the difference between a wrong key and a tampered
/// value is not to be learnt by trying.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SealError {
    /// Sealed in a form this build doesn't know, or cut short.
    #[error("the sealed value has an unknown form")]
    UnknownForm,
    /// Sealed by a data key that is not in the keyring.
    #[error("the value was sealed by the data key {0}, which is not known here")]
    UnknownKey(Uuid),
    /// The key is not the right one, the value was changed, or it belongs to another row.
    #[error("the sealed value does not open: wrong key, changed, or moved from another row")]
    DoesNotOpen,
    /// The cipher refused to seal; never seen with values of our sizes.
    #[error("the value could not be sealed")]
    DoesNotSeal,
}

pub(super) fn cipher(key: &[u8; KEY_LENGTH]) -> Aes256Gcm {
    Aes256Gcm::new(&Key::<Aes256Gcm>::from(*key))
}

/// Encrypts `plain`, bound to the associated data `aad`.
pub(super) fn encrypt(cipher: &Aes256Gcm, aad: &[u8], plain: &[u8]) -> Result<Vec<u8>, SealError> {
    let nonce = random_bytes::<NONCE_LENGTH>();
    let body = cipher.encrypt(&Nonce::from(nonce), Payload { msg: plain, aad }).map_err(|_| SealError::DoesNotSeal)?;
    Ok([nonce.as_slice(), &body].concat())
}

/// Decrypts what [`encrypt`] made with the same key and associated data.
pub(super) fn decrypt(cipher: &Aes256Gcm, aad: &[u8], sealed: &[u8]) -> Result<Vec<u8>, SealError> {
    let (nonce, body) = sealed.split_first_chunk::<NONCE_LENGTH>().ok_or(SealError::UnknownForm)?;
    cipher.decrypt(&Nonce::from(*nonce), Payload { msg: body, aad }).map_err(|_| SealError::DoesNotOpen)
}
