//! The instance's Marketo connection, and who may use it.

mod access;
mod connection;
mod denial;
mod provisioned_tokens;
pub(super) mod store;
mod tokens;

use url::Url;

use super::ConnectionError;
use crate::ids::{ConnectionId, InstanceId};
use crate::vault::{SealedColumn, SealedRowKey};

pub use access::ConnectionAdmin;
pub use connection::{MarketoAdmin, PastedCredentials};
pub use denial::MarketoDenial;
pub(super) use tokens::MarketoTokenProvider;

pub(super) const NOT_CONNECTED: ConnectionError = ConnectionError::NotConnected { vendor: "Marketo", link: "/v1/connections/marketo" };

const CLIENT_SECRET: SealedColumn = SealedColumn::new("marketo_connections", "sealed_client_secret", SealedRowKey::InstanceAndId);
const ACCESS_TOKEN: SealedColumn = SealedColumn::new("marketo_connections", "sealed_access_token", SealedRowKey::InstanceAndId);

/// What is sealed in the tables of these connections.
pub(super) const SEALED_COLUMNS: &[SealedColumn] = &[CLIENT_SECRET, ACCESS_TOKEN];

/// What binds a sealed client secret to its row.
fn client_secret_context(instance: InstanceId, id: ConnectionId) -> String {
    CLIENT_SECRET.context(format_args!("{instance}/{id}"))
}

/// What binds a sealed access token to its row.
fn access_token_context(instance: InstanceId, id: ConnectionId) -> String {
    ACCESS_TOKEN.context(format_args!("{instance}/{id}"))
}

fn parse_base_url(stored: &str) -> Result<Url, ConnectionError> {
    Url::parse(stored).map_err(|_| ConnectionError::MarketoAddress("the stored Marketo address can't be read".into()))
}
