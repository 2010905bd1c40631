use super::cipher::SealError;
use super::master_key::MasterKeyError;
use crate::db::DbError;
use crate::telemetry::error_chain;

/// Why the keys can't be used. Nothing has been changed when one of these is met.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    #[error(
        "secrets.master_key: missing. PostgreSQL is shared by processes that must all have the same key.\n      \
         Print one with `msi-actions keys generate` and set MSI_SECRETS__MASTER_KEY, or put it into secrets.master_key_file"
    )]
    Missing,
    #[error("secrets.master_key: {0}")]
    Malformed(#[from] MasterKeyError),
    #[error("secrets.master_key_file: can't use {path}: {error}")]
    File { path: String, error: std::io::Error },
    #[error(
        "secrets.master_key: the database is sealed by the master key {needed:?}, which is not set (set: {found}).\n      \
         Set it as secrets.master_key, or as one of secrets.old_master_keys"
    )]
    Unknown { needed: String, found: String },
    #[error("secrets.master_key: the key {0:?} is not the one that sealed this database, although it has its name")]
    Wrong(String),
    #[error(
        "secrets.master_key: missing. The database is sealed by the master key {needed:?}, and {path} is not there.\n      \
         Put the file back, or set MSI_SECRETS__MASTER_KEY; no other key opens the stored credentials"
    )]
    Lost { needed: String, path: String },
    #[error("the data key was rotated minutes ago, and the sealed values are still being re-encrypted; try again later")]
    RotationUnderWay,
    #[error("a data key can't be made: {0}")]
    Seal(SealError),
    #[error("the data keys can't be read: {}", error_chain(.0))]
    Db(#[from] DbError),
}
