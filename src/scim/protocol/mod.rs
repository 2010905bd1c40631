//! What SCIM 2.0 says about any resource (RFC 7643, RFC 7644), without knowing members or teams: schemas, filters, changes,
//! partial answers. A resource is a JSON object here; [`schema`] says what its attributes mean.

pub mod filter;
pub mod patch;
pub mod projection;
pub mod reading;
pub mod schema;

/// A request that SCIM refuses with 400 and a detail error keyword (RFC 7644, section 3.12, table 9).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScimRefusal {
    /// The filter can't be read, or compares what can't be compared so.
    #[error("the filter can't be used: {0}")]
    InvalidFilter(String),
    /// The path of a change can't be read, or names no attribute.
    #[error("the path can't be used: {0}")]
    InvalidPath(String),
    /// The filter in the path of a change matches no value.
    #[error("nothing matches the path {0:?}")]
    NoTarget(String),
    /// A value is missing or of the wrong form.
    #[error("{0}")]
    InvalidValue(String),
    /// The body is not of the form that the request needs.
    #[error("{0}")]
    InvalidSyntax(String),
    /// The attribute can't be changed.
    #[error("{0}")]
    Mutability(String),
}
