use std::net::SocketAddr;

use crate::auth::{AuthError, IssuerUnfit};
use crate::connections::ConnectionError;
use crate::db::{ConnectError, DbError};
use crate::mail::MailError;
use crate::sync::SyncError;
use crate::telemetry::error_chain;
use crate::vault::VaultError;

/// Why the service did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("database.url: {0}")]
    Connect(#[from] ConnectError),
    #[error("database.url: {}", error_chain(error))]
    Database {
        #[from]
        error: DbError,
    },
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error("signing keys: {0}")]
    Auth(#[from] AuthError),
    #[error(transparent)]
    Issuer(#[from] IssuerUnfit),
    #[error("server.address: can't listen on {address}: {error}")]
    Listen { address: SocketAddr, error: std::io::Error },
    #[error("server.metrics_address: can't listen on {address}: {error}")]
    ListenForMetrics { address: SocketAddr, error: std::io::Error },
    #[error("data_dir: can't use {path}: {error}")]
    DataDir { path: String, error: std::io::Error },
    #[error("the HTTP client can't be set up: {0}")]
    HttpClient(#[from] reqwest::Error),
    #[error(transparent)]
    Mail(#[from] MailError),
    #[error("connections: {0}")]
    Connections(#[from] ConnectionError),
    #[error("sync: {0}")]
    Sync(#[from] SyncError),
    #[error("the server failed: {0}")]
    Server(#[from] std::io::Error),
}
