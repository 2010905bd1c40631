//! The vendor proxy: calls Salesforce and Marketo on a client's behalf and adds the token, so that a client that only uses the proxy
//! never sees one. An operator lists what a client may call; this is no open proxy.

pub mod http;
mod overriding;
mod rule;
mod store;

use crate::connections::ConnectionError;
use crate::db::DbError;

pub use overriding::AmbiguousCall;
pub use rule::{CallPath, CallRule, NoCallRule, UnsafePath};
pub use store::{list_rules, replace_rules};

/// Why the proxy refuses a call.
#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    /// The vendor could read the path differently than we do.
    #[error(transparent)]
    UnsafePath(#[from] UnsafePath),
    /// The vendor could take the call for another method than we do.
    #[error(transparent)]
    Ambiguous(#[from] AmbiguousCall),
    /// No rule of the client lets it through.
    #[error(
        "no rule lets this client call {method} {path} at {vendor}; ask the operator for `msi-actions client allow CLIENT_ID \"{vendor} {method} {path}\"`, \
         beside the rules that the client has"
    )]
    NotAllowed { vendor: &'static str, method: String, path: String },
    /// A person in the console, not a client.
    #[error("only API clients can call a vendor through this service")]
    NoClient,
    /// The body could hold another method than the request's, and is too large to look.
    #[error("a form of more than 64 KB is not passed on; send the parameters as JSON or in smaller parts")]
    LargeForm,
    /// The body did not arrive.
    #[error("the body did not arrive as announced")]
    BodyBroken,
    #[error(transparent)]
    Connection(#[from] ConnectionError),
    #[error(transparent)]
    Db(#[from] DbError),
}
