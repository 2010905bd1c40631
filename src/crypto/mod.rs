//! Randomness, hashes and passwords: what needs no key. Keys, and what they seal, are in [`crate::vault`].

mod hash;
mod password;
mod random;

pub use hash::{SecretHash, constant_time_eq, sha256};
pub use password::{PasswordError, hash_password, verify_password};
pub use random::{random_bytes, random_token};
