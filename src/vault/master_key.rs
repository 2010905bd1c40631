use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};

use super::cipher::KEY_LENGTH;
use crate::crypto::random_bytes;

/// A master key: an id that may be shown and 32 secret bytes. Written `ID:BASE64`.
#[derive(Clone)]
pub struct MasterKey {
    /// Names the key in the database; letters, digits, `-`, `_` and `.`.
    pub id: String,
    pub(super) bytes: [u8; KEY_LENGTH],
}

/// Why a text is no master key.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum MasterKeyError {
    /// No colon between an id and the key.
    #[error("a master key is written ID:BASE64, for example as `msi-actions keys generate` prints it")]
    NoId,
    /// The id is empty or has other characters than allowed.
    #[error("the id of a master key has 1 to 40 letters, digits, '-', '_' or '.'")]
    BadId,
    /// The part after the colon is not 32 bytes in base64.
    #[error("the part after the colon must be 32 bytes in base64 (44 characters)")]
    BadKey,
}

impl MasterKey {
    /// A new key.
    #[must_use]
    pub fn generate(id: String) -> Self {
        Self { id, bytes: random_bytes() }
    }

    /// Reads `ID:BASE64`.
    ///
    /// # Errors
    /// [`MasterKeyError`], saying what is wrong without repeating the key.
    pub fn parse(text: &str) -> Result<Self, MasterKeyError> {
        let (id, key) = text.trim().split_once(':').ok_or(MasterKeyError::NoId)?;
        let id_fine = (1..=40).contains(&id.len()) && id.chars().all(|one| one.is_ascii_alphanumeric() || "-_.".contains(one));
        if !id_fine {
            return Err(MasterKeyError::BadId);
        }
        let bytes = STANDARD.decode(key.trim()).ok().and_then(|bytes| bytes.try_into().ok()).ok_or(MasterKeyError::BadKey)?;
        Ok(Self { id: id.to_owned(), bytes })
    }

    /// The key as an operator keeps it, `ID:BASE64`.
    #[must_use]
    pub fn to_text(&self) -> SecretString {
        format!("{}:{}", self.id, STANDARD.encode(self.bytes)).into()
    }
}

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_tuple("MasterKey").field(&self.id).finish()
    }
}

/// The current master key and those that may still open what they sealed.
#[derive(Debug, Clone)]
pub struct MasterKeys {
    /// Seals from now on.
    pub current: MasterKey,
    /// May still open.
    pub old: Vec<MasterKey>,
}

impl MasterKeys {
    /// Reads the current key and a comma-separated list of old ones.
    ///
    /// # Errors
    /// [`MasterKeyError`] of the first text that is no master key.
    pub fn parse(current: &SecretString, old: &SecretString) -> Result<Self, MasterKeyError> {
        let old = old.expose_secret().split(',').map(str::trim).filter(|text| !text.is_empty());
        Ok(Self { current: MasterKey::parse(current.expose_secret())?, old: old.map(MasterKey::parse).collect::<Result<_, _>>()? })
    }

    /// The key with this id.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<&MasterKey> {
        self.all().find(|key| key.id == id)
    }

    /// The ids of all keys, the current one first.
    pub(super) fn ids(&self) -> Vec<&str> {
        self.all().map(|key| key.id.as_str()).collect()
    }

    fn all(&self) -> impl Iterator<Item = &MasterKey> {
        std::iter::once(&self.current).chain(&self.old)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_master_key_survives_being_written_and_read() {
        let key = MasterKey::generate("2026-11".into());
        let read = MasterKey::parse(key.to_text().expose_secret()).unwrap();
        assert_eq!((read.id, read.bytes), (key.id, key.bytes));
    }

    #[test]
    fn a_text_that_is_no_master_key_is_told_apart_without_being_repeated() {
        assert_eq!(MasterKey::parse("abc").unwrap_err(), MasterKeyError::NoId);
        assert_eq!(MasterKey::parse("a b:AAAA").unwrap_err(), MasterKeyError::BadId);
        assert_eq!(MasterKey::parse("k1:AAAA").unwrap_err(), MasterKeyError::BadKey);
    }
}
