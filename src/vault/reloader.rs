use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::data_key::DataKey;
use super::error::VaultError;
use super::keyring::{Keyring, Vault};
use super::loading::sealing_key_at;
use super::master_key::MasterKeys;
use super::store::data_keys;
use crate::clock::SharedClock;
use crate::db::Db;
use crate::telemetry::error_chain;

/// How often a process looks for new data keys.
const RELOAD_INTERVAL: Duration = Duration::from_secs(1);

/// Keeps a vault in step with the data keys in the database, so that a rotation made by another process is followed.
#[derive(Clone)]
pub struct VaultReloader {
    pub db: Db,
    pub masters: MasterKeys,
    pub vault: Vault,
    pub clock: SharedClock,
}

impl VaultReloader {
    /// Reloads the data keys every second, until it is told to stop.
    pub async fn run(self, stopping: CancellationToken) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(RELOAD_INTERVAL) => {}
                () = stopping.cancelled() => return,
            }
            if let Err(error) = self.reload().await {
                tracing::warn!(error = %error_chain(&error), "the data keys can't be read; trying again");
            }
        }
    }

    /// Reads the data keys; when they don't open, the vault stays as it was.
    pub(super) async fn reload(&self) -> Result<(), VaultError> {
        let stored = data_keys::list(&self.db).await?;
        let known = self.vault.keys();
        let sealing = sealing_key_at(&stored, self.clock.timestamp());
        let is_same = known.len() == stored.len() && stored.iter().all(|key| known.iter().any(|other| other.id == key.id));
        let Some(sealing) = sealing.filter(|id| !is_same || *id != self.vault.sealing_key_id()) else { return Ok(()) };
        let keys = stored.iter().map(|key| match known.iter().find(|other| other.id == key.id) {
            Some(known) => Ok(known.clone()),
            None => DataKey::open_stored(key, &self.masters),
        });
        if let Some(keyring) = Keyring::new(keys.collect::<Result<_, _>>()?, sealing) {
            self.vault.replace_keyring(keyring);
        }
        Ok(())
    }
}

impl std::fmt::Debug for VaultReloader {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("VaultReloader")
    }
}
