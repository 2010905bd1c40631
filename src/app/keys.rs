//! Finding the master key, and the vault it opens.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::audit::{self, ChangeOrigin, Entry};
use crate::clock::{Clock, SharedClock, Timestamp};
use crate::config::Settings;
use crate::crypto::{DataKey, MasterKey, MasterKeyError, MasterKeys, SealError, Vault};
use crate::db::data_keys::{self, StoredDataKey};
use crate::db::{Db, DbError};
use crate::private_files;
use crate::telemetry::error_chain;

/// How often a process looks for new data keys.
const READS_APART: Duration = Duration::from_secs(1);

/// Why the keys can't be used. Nothing has been changed when one of these is met.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
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
    #[error("the data key was changed minutes ago, and everything is still being sealed anew; try again later")]
    RotationUnderWay,
    #[error("a data key can't be made: {0}")]
    Seal(SealError),
    #[error("the data keys can't be read: {}", error_chain(.0))]
    Db(#[from] DbError),
}

/// The master keys of the settings, if they open the database. If they don't, it is closed, and is as it was.
///
/// # Errors
/// As `master_keys` and [`check`].
pub async fn fitting_master_keys(settings: &Settings, db: &Db) -> Result<MasterKeys, KeyError> {
    let fitting = async {
        let masters = master_keys(settings, db).await?;
        check(db, &masters).await?;
        Ok(masters)
    };
    let found = fitting.await;
    if found.is_err() {
        db.close().await;
    }
    found
}

/// The master keys of the settings. For an empty SQLite database, which one process owns, a missing key file is made once,
/// readable by its owner only.
///
/// # Errors
/// [`KeyError::Missing`], [`KeyError::Lost`], [`KeyError::Malformed`], [`KeyError::File`].
async fn master_keys(settings: &Settings, db: &Db) -> Result<MasterKeys, KeyError> {
    let secrets = &settings.secrets;
    if !secrets.master_key.expose_secret().is_empty() {
        return Ok(MasterKeys::parse(&secrets.master_key, &secrets.old_master_keys)?);
    }
    let named = !secrets.master_key_file.is_empty();
    let path = if named { PathBuf::from(&secrets.master_key_file) } else { settings.data_dir.join("master.key") };
    let refuse = |error| KeyError::File { path: path.display().to_string(), error };
    if !named && !path.exists() {
        if !matches!(db, Db::Sqlite { .. }) {
            return Err(KeyError::Missing);
        }
        if let Some(key) = data_keys::list_before_migration(db).await?.pop() {
            return Err(KeyError::Lost { needed: key.master_key_id, path: path.display().to_string() });
        }
        let key = MasterKey::generate(format!("k{}", Uuid::from_bytes(crate::crypto::random_bytes()).simple()));
        write_private(&path, &key.to_text()).map_err(refuse)?;
        tracing::warn!(file = %path.display(), "made a master key; keep a copy: without it the stored credentials are lost");
    }
    // One that the service made is its own to close; another may be shared on purpose, as a mounted secret is.
    if !named {
        private_files::restrict_to_owner(&path, &[""]).map_err(refuse)?;
    }
    let text: SecretString = std::fs::read_to_string(&path).map_err(refuse)?.into();
    Ok(MasterKeys::parse(&text, &secrets.old_master_keys)?)
}

fn write_private(path: &std::path::Path, text: &SecretString) -> std::io::Result<()> {
    let mut file = private_files::create_new(path)?;
    writeln!(file, "{}", text.expose_secret())?;
    file.sync_all()
}

/// Checks, before anything is changed, that the master keys open the database's data keys. An empty database is fine.
///
/// # Errors
/// [`KeyError::Unknown`] or [`KeyError::Wrong`] when the master key is not the one that sealed them.
pub async fn check(db: &Db, masters: &MasterKeys) -> Result<(), KeyError> {
    for key in data_keys::list_before_migration(db).await? {
        let master = sealing_key(&key.master_key_id, masters)?;
        DataKey::open(key.id, &key.sealed_key, master).map_err(|_| KeyError::Wrong(master.id.clone()))?;
    }
    Ok(())
}

/// Opens the data keys, making the first one in an empty database.
///
/// # Errors
/// As [`check`].
pub async fn load_vault(db: &Db, masters: &MasterKeys, clock: &dyn Clock) -> Result<Vault, KeyError> {
    let mut stored = data_keys::list(db).await?;
    if stored.is_empty() {
        let id = clock.new_id();
        let (_, sealed_key) = DataKey::generate(id, &masters.current).map_err(KeyError::Seal)?;
        let master_key_id = masters.current.id.clone();
        let key = StoredDataKey { id, generation: 1, master_key_id, sealed_key, created_at: clock.timestamp(), seals_from: None };
        let mut tx = db.begin().await?;
        data_keys::insert(&mut tx, &key).await?;
        tx.commit().await?;
        stored = data_keys::list(db).await?;
    }
    let keys = stored.iter().map(|key| open(key, masters)).collect::<Result<Vec<_>, _>>()?;
    sealing_at(&stored, clock.timestamp()).and_then(|id| Vault::new(keys, id)).ok_or(KeyError::Seal(SealError::UnknownForm))
}

/// The key that seals now: the newest one whose time has come.
fn sealing_at(stored: &[StoredDataKey], now: Timestamp) -> Option<Uuid> {
    stored.iter().rev().find(|key| key.seals_from.is_none_or(|from| from <= now)).map(|key| key.id)
}

fn open(stored: &StoredDataKey, masters: &MasterKeys) -> Result<DataKey, KeyError> {
    let master = sealing_key(&stored.master_key_id, masters)?;
    DataKey::open(stored.id, &stored.sealed_key, master).map_err(|_| KeyError::Wrong(master.id.clone()))
}

/// Keeps a vault in step with the data keys in the database, so that a rotation made by another process is followed.
#[derive(Clone)]
pub(super) struct VaultKeeper {
    pub(super) db: Db,
    pub(super) masters: MasterKeys,
    pub(super) vault: Vault,
    pub(super) clock: SharedClock,
}

impl VaultKeeper {
    /// Reads the data keys every second, until it is told to stop.
    pub(super) async fn run(self, stopping: CancellationToken) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(READS_APART) => {}
                () = stopping.cancelled() => return,
            }
            if let Err(error) = self.read().await {
                tracing::warn!(error = %error_chain(&error), "the data keys can't be read; trying again");
            }
        }
    }

    /// Reads the data keys.
    ///
    /// # Errors
    /// As [`load_vault`]; the vault stays as it was.
    pub(super) async fn read(&self) -> Result<(), KeyError> {
        let stored = data_keys::list(&self.db).await?;
        let known = self.vault.keys();
        let sealing = sealing_at(&stored, self.clock.timestamp());
        let same = known.len() == stored.len() && stored.iter().all(|key| known.iter().any(|other| other.id == key.id));
        let Some(sealing) = sealing.filter(|id| !same || *id != self.vault.sealing_key()) else { return Ok(()) };
        let keys = stored.iter().map(|key| match known.iter().find(|other| other.id == key.id) {
            Some(known) => Ok(known.clone()),
            None => open(key, &self.masters),
        });
        self.vault.replace(keys.collect::<Result<_, _>>()?, sealing);
        Ok(())
    }
}

fn sealing_key<'a>(master_key_id: &str, masters: &'a MasterKeys) -> Result<&'a MasterKey, KeyError> {
    masters.find(master_key_id).ok_or_else(|| {
        let found: Vec<_> = std::iter::once(&masters.current).chain(&masters.old).map(|key| key.id.as_str()).collect();
        KeyError::Unknown { needed: master_key_id.to_owned(), found: found.join(", ") }
    })
}

/// Seals every data key by the master key in force; returns how many were sealed by another one before. Everything that the
/// data keys seal stays as it is, so this is safe while the service runs.
///
/// # Errors
/// As [`load_vault`]; nothing has been changed then.
pub async fn rotate(db: &Db, masters: &MasterKeys, clock: &dyn Clock) -> Result<usize, KeyError> {
    let mut resealed = Vec::new();
    for mut key in data_keys::list(db).await? {
        if key.master_key_id != masters.current.id {
            let from = sealing_key(&key.master_key_id, masters)?;
            key.sealed_key =
                DataKey::reseal(key.id, &key.sealed_key, from, &masters.current).map_err(|_| KeyError::Wrong(from.id.clone()))?;
            key.master_key_id.clone_from(&masters.current.id);
            resealed.push(key);
        }
    }
    let mut tx = db.begin().await?;
    for key in &resealed {
        data_keys::reseal(&mut tx, key).await?;
    }
    if !resealed.is_empty() {
        let ids: Vec<_> = resealed.iter().map(|key| key.id).collect();
        let entry = Entry::new("master_key.rotated", "master_key", &masters.current.id).after(serde_json::json!({ "data_keys": ids }));
        audit::record(&mut tx, clock, audit::GLOBAL, &ChangeOrigin::command("keys rotate"), entry).await?;
    }
    tx.commit().await?;
    Ok(resealed.len())
}
