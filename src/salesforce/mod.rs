//! Client of Salesforce's OAuth, REST and Bulk API 2.0. It knows no feature and no database; it turns every refusal into one
//! [`SalesforceError`] that says what it means and what to do about it.
//!
//! Base addresses may have a path of their own; resources are appended to it.

mod bulk;
mod client;
mod diagnosis;
mod error;
mod oauth;
mod rest;
mod retry;
mod wire;

#[cfg(test)]
mod tests;

use secrecy::SecretString;

pub use bulk::{QueryJob, QueryJobState, ResultBody, ResultPage};
pub use client::{ApiUsage, SalesforceClient};
pub use diagnosis::Category;
pub use error::{ApiRefusal, OAuthRefusal, SalesforceError};
pub use oauth::{Grant, Identity, OAuthApp, authorize_url, exchange_code, identity, refresh, revoke};
pub use rest::{Limit, QueryPage, Record};
pub use retry::RetryPolicy;
pub use wire::{Field, ObjectDescription};

/// A boxed future that may cross threads.
pub type BoxFuture<'a, T> = futures_util::future::BoxFuture<'a, T>;

/// Where a client gets its access token.
pub trait TokenSource: Send + Sync {
    /// The token to use now.
    ///
    /// # Errors
    /// [`TokenUnavailable`] when there is none to be had, for example because the connection was ended.
    fn token(&self) -> BoxFuture<'_, Result<SecretString, TokenUnavailable>>;

    /// Another token, since Salesforce refused `rejected` (401 `INVALID_SESSION_ID`). The client asks once a call; a source
    /// that has replaced `rejected` meanwhile answers with the replacement.
    ///
    /// # Errors
    /// As [`TokenSource::token`].
    fn renew<'a>(&'a self, rejected: &'a SecretString) -> BoxFuture<'a, Result<SecretString, TokenUnavailable>>;
}

/// There is no access token to call with; the text says why, for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no Salesforce access token: {0}")]
pub struct TokenUnavailable(pub String);
