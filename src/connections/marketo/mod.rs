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

pub use access::ConnectionAdmin;
pub use connection::{MarketoAdmin, PastedCredentials};
pub use denial::Denial;
pub(super) use tokens::MarketoTokenProvider;

pub(super) const NOT_CONNECTED: ConnectionError = ConnectionError::NotConnected { vendor: "Marketo", link: "/v1/connections/marketo" };

/// What binds a sealed client secret to its row.
fn client_secret_context(instance: InstanceId, id: ConnectionId) -> String {
    format!("marketo_connections/{instance}/{id}/client_secret")
}

/// What binds a sealed access token to its row.
fn access_token_context(instance: InstanceId, id: ConnectionId) -> String {
    format!("marketo_connections/{instance}/{id}/access_token")
}

fn parse_base_url(stored: &str) -> Result<Url, ConnectionError> {
    Url::parse(stored).map_err(|_| ConnectionError::MarketoAddress("the stored Marketo address can't be read".into()))
}
