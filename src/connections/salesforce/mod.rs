//! The connections to Salesforce: the instance's own, and that of each member who has one.

mod activation;
mod assertion;
mod authorization;
mod connection;
mod jwt_bearer;
mod key;
mod purpose;
mod sign_in;
pub(super) mod store;
mod tokens;

use url::Url;

use super::ConnectionError;
use crate::ids::{ConnectionId, InstanceId};
use crate::vault::{SealedColumn, SealedRowKey};

pub use activation::{ActivatedMember, ActivationByLogin, SalesforceLogin, active_page};
pub use authorization::{BrowserBinding, BrowserCookies};
pub use jwt_bearer::AssertionSetup;
pub(super) use key::SalesforceConnectionKey;
pub use purpose::AuthorizationPurpose;
pub use sign_in::SignInError;
pub(super) use tokens::SalesforceTokenProvider;

pub(super) const NOT_CONNECTED: ConnectionError =
    ConnectionError::NotConnected { vendor: "Salesforce", link: "/v1/connections/salesforce" };

const ACCESS_TOKEN: SealedColumn = SealedColumn::new("salesforce_connections", "sealed_access_token", SealedRowKey::InstanceAndId);
const JWT_KEY: SealedColumn = SealedColumn::new("salesforce_connections", "sealed_jwt_key", SealedRowKey::InstanceAndId);
const REFRESH_TOKEN: SealedColumn = SealedColumn::new("salesforce_connections", "sealed_refresh_token", SealedRowKey::InstanceAndId);

/// What is sealed in the tables of these connections.
pub(super) const SEALED_COLUMNS: &[SealedColumn] = &[ACCESS_TOKEN, JWT_KEY, REFRESH_TOKEN, authorization::VERIFIER];

/// What binds a sealed access token to its row.
fn access_token_context(instance: InstanceId, id: ConnectionId) -> String {
    ACCESS_TOKEN.context(format_args!("{instance}/{id}"))
}

/// What binds a sealed key for assertions to its row.
fn jwt_key_context(instance: InstanceId, id: ConnectionId) -> String {
    JWT_KEY.context(format_args!("{instance}/{id}"))
}

/// What binds a sealed refresh token to its row.
fn refresh_token_context(instance: InstanceId, id: ConnectionId) -> String {
    REFRESH_TOKEN.context(format_args!("{instance}/{id}"))
}

fn parse_login_base(stored: &str) -> Result<Url, ConnectionError> {
    Url::parse(stored).map_err(|_| ConnectionError::AddressNotAllowed("the stored login address can't be read".into()))
}

fn needs_attention(reason: Option<&str>) -> ConnectionError {
    ConnectionError::suspended("Salesforce", reason)
}
