//! What the clients of both vendors share: where tokens come from, how often a call is repeated, to whom calls are reported, how
//! an error's text is kept short. It knows neither vendor.

mod length;
mod origin;
mod proxy;
mod quota;
mod retry;
mod text;
mod vendor;

use secrecy::SecretString;

pub use length::without_body;
pub use origin::{NotAWebOrigin, WebOrigin};
pub use proxy::{ByteStream, PeekedResponse, ProxyBody, ProxyHeaders, ProxyRequest, ProxyResponse};
pub use quota::{CallFailure, CallPermit, Category, CodeExplanation, Quota, QuotaExhausted, QuotaTracker};
pub use retry::{RetryDelays, RetryPolicy};
pub use text::{causes, shortened};
pub use vendor::Vendor;

/// A boxed future that may cross threads.
pub type BoxFuture<'a, T> = futures_util::future::BoxFuture<'a, T>;

/// Where a client gets its access token.
pub trait TokenSource: Send + Sync {
    /// The token to use now.
    ///
    /// # Errors
    /// [`TokenUnavailable`] when there is none to be had, for example because the connection was ended.
    fn token(&self) -> BoxFuture<'_, Result<SecretString, TokenUnavailable>>;

    /// Another token, since the vendor refused `rejected`. The client asks once a call; a source
    /// that has replaced `rejected` meanwhile answers with the replacement.
    ///
    /// # Errors
    /// As [`TokenSource::token`].
    fn replace_rejected<'a>(&'a self, rejected: &'a SecretString) -> BoxFuture<'a, Result<SecretString, TokenUnavailable>>;
}

/// There is no access token to call with; the text says why, for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no access token: {0}")]
pub struct TokenUnavailable(pub String);
