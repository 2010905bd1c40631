use clap::Subcommand;
use secrecy::ExposeSecret;

use super::{Outcome, SharedOptions, settings};
use crate::crypto::MasterKey;

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
    Rotate,
}

pub(super) async fn keys(shared: &SharedOptions, command: KeysCommand) -> Outcome {
    match command {
        KeysCommand::Generate { id } => {
            let key = MasterKey::generate(id);
            MasterKey::parse(key.to_text().expose_secret()).map_err(|error| format!("--id: {error}"))?;
            println!("{}", key.to_text().expose_secret());
            Ok(())
        }
        KeysCommand::Rotate => {
            let settings = settings(shared, Vec::new())?;
            let db = crate::app::open_database(&settings).await.map_err(|error| error.to_string())?;
            let masters = crate::app::keys::master_keys(&settings, &db).map_err(|error| error.to_string())?;
            let count = crate::app::keys::rotate(&db, &masters).await.map_err(|error| error.to_string())?;
            db.close().await;
            println!("{count} data key(s) sealed anew by the master key {:?}", masters.current.id);
            Ok(())
        }
    }
}
