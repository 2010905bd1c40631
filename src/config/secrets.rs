use secrecy::SecretString;
use serde::Deserialize;

/// `[secrets]`: the master key that seals everything confidential in the database.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretsSettings {
    /// `ID:BASE64` of 32 bytes; empty to read `master_key_file`.
    pub master_key: SecretString,
    /// File holding the same text; empty for `master.key` in the data directory.
    pub master_key_file: String,
    /// Comma-separated master keys that may still open what they sealed.
    pub old_master_keys: SecretString,
}
