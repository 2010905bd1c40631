//! The keys to everything confidential in the database. A master key, which the operator keeps outside of the database, seals the data
//! keys; the current data key seals the values of the sealed columns, each bound to its row. Both are rotated while the service runs:
//! another master key takes over by sealing the data keys, another data key by a job that re-encrypts every sealed value.
//!
//! Rotations take the transaction of whoever asks for one, who records it in the audit.

mod cipher;
mod data_key;
mod error;
mod keyring;
mod loading;
mod master_key;
mod master_key_file;
mod reencryption;
mod reloader;
mod rotation;
mod sealed_column;
mod store;

pub use cipher::SealError;
pub use error::VaultError;
pub use keyring::Vault;
pub use loading::load_vault;
pub use master_key::{MasterKey, MasterKeyError, MasterKeys};
pub use master_key_file::load_master_keys;
pub use reencryption::ReencryptSealedValues;
pub use reloader::VaultReloader;
pub use rotation::{DataKeyRotation, rotate_data_key, rotate_master_key};
pub use sealed_column::{SealedColumn, SealedRowKey};
