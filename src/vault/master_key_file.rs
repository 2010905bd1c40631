use std::io::Write;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use super::data_key::{DataKey, find_master_key};
use super::error::VaultError;
use super::master_key::{MasterKey, MasterKeys};
use super::store::data_keys::list_before_migration;
use crate::config::Settings;
use crate::crypto::random_bytes;
use crate::db::Db;
use crate::private_files;

/// The master keys of the settings, if they open the database. If they don't, it is closed, and is as it was.
///
/// # Errors
/// [`VaultError`], naming the setting.
pub async fn load_master_keys(settings: &Settings, db: &Db) -> Result<MasterKeys, VaultError> {
    let fitting = async {
        let masters = read_master_keys(settings, db).await?;
        check_data_keys(db, &masters).await?;
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
async fn read_master_keys(settings: &Settings, db: &Db) -> Result<MasterKeys, VaultError> {
    let secrets = &settings.secrets;
    if !secrets.master_key.expose_secret().is_empty() {
        return Ok(MasterKeys::parse(&secrets.master_key, &secrets.old_master_keys)?);
    }
    let named = !secrets.master_key_file.is_empty();
    let path = if named { PathBuf::from(&secrets.master_key_file) } else { settings.data_dir.join("master.key") };
    let refuse = |error| VaultError::File { path: path.display().to_string(), error };
    if !named && !path.exists() {
        if !matches!(db, Db::Sqlite { .. }) {
            return Err(VaultError::Missing);
        }
        if let Some(key) = list_before_migration(db).await?.pop() {
            return Err(VaultError::Lost { needed: key.master_key_id, path: path.display().to_string() });
        }
        let key = MasterKey::generate(format!("k{}", Uuid::from_bytes(random_bytes()).simple()));
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

fn write_private(path: &Path, text: &SecretString) -> std::io::Result<()> {
    let mut file = private_files::create_new(path)?;
    writeln!(file, "{}", text.expose_secret())?;
    file.sync_all()
}

/// Checks, before anything is changed, that the master keys open the database's data keys. An empty database is fine.
async fn check_data_keys(db: &Db, masters: &MasterKeys) -> Result<(), VaultError> {
    for key in list_before_migration(db).await? {
        let master = find_master_key(masters, &key.master_key_id)?;
        DataKey::open(key.id, &key.sealed_key, master).map_err(|_| VaultError::Wrong(master.id.clone()))?;
    }
    Ok(())
}
