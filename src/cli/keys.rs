use clap::Subcommand;
use secrecy::ExposeSecret;
use serde_json::json;

use super::{CommandResult, SharedOptions, error_text, open_existing, quiet, settings};
use crate::audit::{self, ChangeOrigin, Entry};
use crate::auth::{AuthError, SigningKeyRotation, rotate_signing_key};
use crate::clock::SystemClock;
use crate::db::{Db, DbError};
use crate::vault::{DataKeyRotation, MasterKey, MasterKeys, VaultError, load_master_keys, load_vault, rotate_data_key, rotate_master_key};

/// `msi-actions keys …`
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Print a new master key, for secrets.master_key. It is not stored anywhere.
    Generate {
        /// A name for the key: letters, digits, '-', '_' and '.'.
        #[arg(long, default_value = "k1")]
        id: String,
    },
    /// Seal the data keys by the current master key. Put the one before into secrets.old_master_keys first. Safe while serving.
    Rotate {
        /// Instead: make a new data key, under which the running service re-encrypts everything. Every process must have the master
        /// current key.
        #[arg(long)]
        data: bool,
    },
    /// Make another key that signs access tokens. Running processes publish it at once, sign with it minutes later, and drop the one
    /// before when its last token has expired. Safe while serving.
    RotateSigning,
}

/// Why keys were not rotated.
#[derive(Debug, thiserror::Error)]
enum KeyRotationError {
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error(transparent)]
    Signing(#[from] AuthError),
    #[error(transparent)]
    Db(#[from] DbError),
}

pub(super) async fn keys(shared: &SharedOptions, command: KeysCommand) -> CommandResult {
    match command {
        KeysCommand::Generate { id } => {
            let key = MasterKey::generate(id);
            MasterKey::parse(key.to_text().expose_secret()).map_err(|error| format!("--id: {error}"))?;
            println!("{}", key.to_text().expose_secret());
        }
        KeysCommand::RotateSigning => {
            let (db, masters) = open(shared).await?;
            let rotation = rotate_signing(&db, &masters).await.map_err(error_text)?;
            db.close().await;
            let SigningKeyRotation { kid, signs_from, others_retire_at } = rotation;
            println!("the key {kid} signs from {signs_from}; those before it are dropped at {others_retire_at}");
        }
        KeysCommand::Rotate { data: true } => {
            let (db, masters) = open(shared).await?;
            let seals_from = rotate_data(&db, &masters).await.map_err(error_text)?.seals_from;
            db.close().await;
            println!("a new data key seals from {seals_from}; after that, the running service re-encrypts everything under it");
        }
        KeysCommand::Rotate { data: false } => {
            let (db, masters) = open(shared).await?;
            let count = rotate_master(&db, &masters).await.map_err(error_text)?;
            db.close().await;
            println!("{count} data key(s) sealed by the master key {:?} instead of an old one", masters.current.id);
        }
    }
    Ok(())
}

async fn rotate_signing(db: &Db, masters: &MasterKeys) -> Result<SigningKeyRotation, KeyRotationError> {
    let vault = load_vault(db, masters, &SystemClock).await?;
    Ok(rotate_signing_key(db, &vault, &SystemClock).await?)
}

async fn rotate_data(db: &Db, masters: &MasterKeys) -> Result<DataKeyRotation, KeyRotationError> {
    let mut tx = db.begin().await?;
    let rotation = rotate_data_key(&mut tx, masters, &SystemClock).await?;
    let entry = Entry::new("data_key.rotated", "data_key", rotation.id).after(json!({ "seals_from": rotation.seals_from }));
    audit::record(&mut tx, &SystemClock, audit::GLOBAL, &ChangeOrigin::command("keys rotate --data"), entry).await?;
    tx.commit().await?;
    Ok(rotation)
}

/// Returns how many data keys another master key sealed before.
async fn rotate_master(db: &Db, masters: &MasterKeys) -> Result<usize, KeyRotationError> {
    let mut tx = db.begin().await?;
    let rotated = rotate_master_key(&mut tx, masters).await?;
    if !rotated.is_empty() {
        let entry = Entry::new("master_key.rotated", "master_key", &masters.current.id).after(json!({ "data_keys": rotated }));
        audit::record(&mut tx, &SystemClock, audit::GLOBAL, &ChangeOrigin::command("keys rotate"), entry).await?;
    }
    tx.commit().await?;
    Ok(rotated.len())
}

async fn open(shared: &SharedOptions) -> Result<(Db, MasterKeys), String> {
    let settings = settings(shared, &[quiet()])?;
    let db = open_existing(&settings).await?;
    let masters = load_master_keys(&settings, &db).await.map_err(error_text)?;
    db.migrate().await.map_err(error_text)?;
    Ok((db, masters))
}
