use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// SHA-256 of `bytes` (FIPS 180-4).
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Compares without telling by its duration where two texts differ.
#[must_use]
pub fn constant_time_eq(one: &[u8], other: &[u8]) -> bool {
    one.ct_eq(other).into()
}

/// The stored form of a secret we gave out. A plain SHA-256 is enough, because the secrets are 256 random bits: there is
/// nothing to guess that a slow hash would protect. Passwords are another matter, see [`super::hash_password`].
#[derive(Clone, PartialEq, Eq, sqlx::Type)]
#[sqlx(transparent)]
pub struct SecretHash(Vec<u8>);

impl SecretHash {
    /// The stored form of `secret`.
    #[must_use]
    pub fn of_secret(secret: &SecretString) -> Self {
        Self(sha256(secret.expose_secret().as_bytes()).to_vec())
    }

    /// The bytes of the stored form.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether this is the stored form of `candidate`, in constant time.
    #[must_use]
    pub fn matches(&self, candidate: &SecretString) -> bool {
        constant_time_eq(&self.0, &Self::of_secret(candidate).0)
    }
}

impl std::fmt::Debug for SecretHash {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("SecretHash(…)")
    }
}
