use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use secrecy::SecretString;

use super::Problem;
use crate::permissions::Caller;

/// How a caller says who it is.
pub enum Credentials<'a> {
    /// `Authorization: Bearer …` (RFC 6750), as it stands in the request.
    Bearer(&'a str),
    /// The console's session cookie.
    Session(SecretString),
}

impl fmt::Debug for Credentials<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Bearer(_) => "Bearer(…)",
            Self::Session(_) => "Session(…)",
        })
    }
}

/// Tells who is behind the credentials. `auth` implements it; the edge knows only this.
pub trait Authenticate: Send + Sync {
    /// The caller, or [`Code::InvalidToken`](super::Code::InvalidToken).
    fn authenticate<'a>(&'a self, credentials: Credentials<'a>) -> BoxFuture<'a, Result<Arc<Caller>, Problem>>;
}
