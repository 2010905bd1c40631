use clap::Subcommand;
use secrecy::ExposeSecret;

use super::{CommandResult, SharedOptions, open_existing, quiet, settings, text};
use crate::auth::rotate_signing_key;
use crate::clock::SystemClock;
use crate::crypto::{MasterKey, MasterKeys};
use crate::db::Db;

/// `msi-actions keys …`
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Print a new master key, for secrets.master_key. It is not stored anywhere.
    Generate {
        /// A name for the key: letters, digits, '-', '_' and '.'.
        #[arg(long, default_value = "k1")]
        id: String,
    },
    /// Seal the data keys by the master key in force. Put the one before into secrets.old_master_keys first. Safe while serving.
    Rotate {
        /// Instead: make a new data key, by which the running service seals everything anew. Every process must have the master key
        /// in force.
        #[arg(long)]
        data: bool,
    },
    /// Make another key that signs access tokens. Running processes publish it at once, sign with it minutes later, and drop the one
    /// before when its last token has run out. Safe while serving.
    RotateSigning,
}

pub(super) async fn keys(shared: &SharedOptions, command: KeysCommand) -> CommandResult {
    match command {
        KeysCommand::Generate { id } => {
            let key = MasterKey::generate(id);
            MasterKey::parse(key.to_text().expose_secret()).map_err(|error| format!("--id: {error}"))?;
            println!("{}", key.to_text().expose_secret());
            Ok(())
        }
        KeysCommand::RotateSigning => {
            let (db, masters) = open(shared).await?;
            db.migrate().await.map_err(|error| text(&error))?;
            let vault = crate::app::keys::load_vault(&db, &masters, &SystemClock).await.map_err(|error| text(&error))?;
            let made = rotate_signing_key(&db, &vault, &SystemClock).await.map_err(|error| text(&error))?;
            db.close().await;
            println!("the key {} signs from {}; those before it are dropped at {}", made.kid, made.signs_from, made.others_retire_at);
            Ok(())
        }
        KeysCommand::Rotate { data: true } => {
            let (db, masters) = open(shared).await?;
            db.migrate().await.map_err(|error| text(&error))?;
            let from = crate::app::rotate_data_key(&db, &masters, &SystemClock).await.map_err(|error| text(&error))?;
            db.close().await;
            println!("a new data key seals from {from}; the running service seals everything anew after that");
            Ok(())
        }
        KeysCommand::Rotate { data: false } => {
            let (db, masters) = open(shared).await?;
            db.migrate().await.map_err(|error| text(&error))?;
            let count = crate::app::keys::rotate(&db, &masters, &SystemClock).await.map_err(|error| text(&error))?;
            db.close().await;
            println!("{count} data key(s) sealed anew by the master key {:?}", masters.current.id);
            Ok(())
        }
    }
}

async fn open(shared: &SharedOptions) -> Result<(Db, MasterKeys), String> {
    let settings = settings(shared, &[quiet()])?;
    let db = open_existing(&settings).await?;
    let masters = crate::app::keys::fitting_master_keys(&settings, &db).await.map_err(|error| text(&error))?;
    Ok((db, masters))
}
