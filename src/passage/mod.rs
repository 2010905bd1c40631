//! Calls of API clients that are passed on to Salesforce and Marketo, with the token added here: a client that only uses this
//! never sees one. What a client may call, an operator has listed; this is no open proxy.

pub mod http;
mod overriding;
mod rule;
mod store;

use crate::connections::ConnectionError;
use crate::db::DbError;

pub use overriding::AmbiguousCall;
pub use rule::{CallPath, CallRule, NoCallRule, UnsafePath};
pub use store::{list_rules, replace_rules};

/// Why a call is not passed on.
#[derive(Debug, thiserror::Error)]
pub enum PassageError {
    /// The path could mean another one to the vendor than to us.
    #[error(transparent)]
    UnsafePath(#[from] UnsafePath),
    /// The call could name another method to the vendor than to us.
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
