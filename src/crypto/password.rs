use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Argon2, PasswordHash};
use secrecy::{ExposeSecret, SecretString};

/// A password could not be hashed.
#[derive(Debug, thiserror::Error)]
#[error("the password could not be hashed")]
pub struct PasswordError;

/// Hashes a password with argon2id (RFC 9106) into a PHC string. Takes tens of milliseconds of processor time and 19 MiB:
/// call it on the blocking pool.
///
/// # Errors
/// [`PasswordError`] when the hasher refuses the password, for example for its length.
pub fn hash_password(password: &SecretString) -> Result<String, PasswordError> {
    let salt = super::random_bytes::<16>();
    Argon2::default()
        .hash_password_with_salt(password.expose_secret().as_bytes(), &salt)
        .map(|hash| hash.to_string())
        .map_err(|_| PasswordError)
}

/// Whether `password` is the one that `stored` was made from. As slow as hashing.
#[must_use]
pub fn verify_password(password: &SecretString, stored: &str) -> bool {
    PasswordHash::new(stored).is_ok_and(|hash| Argon2::default().verify_password(password.expose_secret().as_bytes(), &hash).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_password_verifies() {
        let hash = hash_password(&"correct horse battery".into()).unwrap();
        assert!(hash.starts_with("$argon2id$"), "{hash}");
        assert!(verify_password(&"correct horse battery".into(), &hash));
        assert!(!verify_password(&"correct horse batterz".into(), &hash));
        assert!(!verify_password(&"correct horse battery".into(), "not a hash"));
    }
}
