//! Randomness, hashes, passwords and sealing. Keys are handed in; nothing here reads a global or the environment.

mod hash;
mod master;
mod password;
mod random;
mod seal;

pub use hash::{SecretHash, constant_time_eq, sha256};
pub use master::{MasterKey, MasterKeyError, MasterKeys};
pub use password::{PasswordError, hash_password, verify_password};
pub use random::{random_bytes, random_token};
pub use seal::{DataKey, SealError, Vault};
