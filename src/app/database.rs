use std::time::Duration;

use super::error::StartError;
use crate::clock::monotonic_now;
use crate::config::{DatabaseUrl, Settings};
use crate::db::Db;
use crate::private_files;
use crate::telemetry::error_chain;

/// Opens the database named by the settings, making the data directory when it doesn't exist.
///
/// # Errors
/// [`StartError::DataDir`], [`StartError::Connect`].
pub async fn open_database(settings: &Settings) -> Result<Db, StartError> {
    let url = settings.database.resolve(&settings.data_dir);
    if let DatabaseUrl::Sqlite(path) = &url {
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        if let Some(directory) = directory {
            private_files::create_directory(directory)
                .map_err(|error| StartError::DataDir { path: directory.display().to_string(), error })?;
        }
    }
    Ok(Db::connect(&url, settings.database.max_connections).await?)
}

/// Opens the database named by the settings for a command that works on what a service has stored: one that isn't there is not made.
///
/// # Errors
/// [`StartError::Connect`].
pub async fn open_existing_database(settings: &Settings) -> Result<Db, StartError> {
    Ok(Db::connect_existing(&settings.database.resolve(&settings.data_dir), settings.database.max_connections).await?)
}

/// How long a starting service waits for a database that may be starting, too.
const DATABASE_TIMEOUT: Duration = Duration::from_secs(10);
/// Time between two attempts to connect.
const CONNECT_INTERVAL: Duration = Duration::from_millis(500);

/// The same for a service, which may have been started together with its database.
pub(super) async fn await_database(settings: &Settings) -> Result<Db, StartError> {
    let began = monotonic_now();
    let mut has_logged = false;
    loop {
        match open_database(settings).await {
            Err(StartError::Connect(error)) if error.is_temporary() && began.elapsed() < DATABASE_TIMEOUT => {
                if !std::mem::replace(&mut has_logged, true) {
                    tracing::warn!(error = %error_chain(&error), "waiting for the database");
                }
                tokio::time::sleep(CONNECT_INTERVAL).await;
            }
            opened => return opened,
        }
    }
}
