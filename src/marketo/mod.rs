//! Client of Marketo's REST, bulk extract, user management and identity APIs. It knows no feature and no database; it keeps
//! the vendor's manners (rate, concurrency, back-off) and turns every refusal into one [`MarketoError`].
//!
//! Vendor pages: <https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/home>.

mod client;
mod download;
mod error;
mod export;
mod leads;
mod limiter;
mod oauth;
mod quota;
mod retry;
mod users;
mod wire;

#[cfg(test)]
mod tests;

use secrecy::SecretString;

pub use client::MarketoClient;
pub use error::{MarketoError, Refusal};
pub use export::{ExportFilter, ExportJob, ExportPage, ExportStatus, FilterBy};
pub use leads::{FieldDescription, Lead};
pub use oauth::{IssuedToken, request_token};
pub use retry::RetryPolicy;
pub use users::{Role, User};

/// A boxed future that may cross threads.
pub type BoxFuture<'a, T> = futures_util::future::BoxFuture<'a, T>;

/// Where a client gets its access token.
pub trait TokenSource: Send + Sync {
    /// The token to use now.
    ///
    /// # Errors
    /// [`TokenUnavailable`] when there is none to be had, for example because the connection was ended.
    fn token(&self) -> BoxFuture<'_, Result<SecretString, TokenUnavailable>>;

    /// Another token, since Marketo refused `rejected` (601 or 602). The client asks once a call; a source that has
    /// replaced `rejected` meanwhile answers with the replacement.
    ///
    /// # Errors
    /// As [`TokenSource::token`].
    fn renew<'a>(&'a self, rejected: &'a SecretString) -> BoxFuture<'a, Result<SecretString, TokenUnavailable>>;
}

/// There is no access token to call with; the text says why, for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no Marketo access token: {0}")]
pub struct TokenUnavailable(pub String);

/// The value of a cell of an export file: Marketo writes an empty field as the word `null`. (So a person who is really
/// called null can't be told from one without a name.)
#[must_use]
pub fn field_value(cell: &str) -> Option<&str> {
    (!cell.is_empty() && cell != "null").then_some(cell)
}
