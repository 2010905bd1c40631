//! SCIM 2.0 (RFC 7643, RFC 7644) at `/scim/v2`: directories such as Okta and Entra ID provision members as users and teams as groups.
//! The rules are those of `members` and `invites`; this only translates.
//!
//! An instance has no more members than its seats, so filters look at all of them in memory.

mod directory_attributes;
mod discovery;
mod groups;
pub mod http;
mod protocol;
mod resources;
mod service;
mod store;
mod users;

use serde_json::{Map, Value};

use crate::crypto::sha256;
use crate::db::DbError;

pub use protocol::ScimRefusal;

/// Why a directory does not get what it wants.
#[derive(Debug, thiserror::Error)]
pub enum ScimError {
    /// No such resource.
    #[error("there is no such resource in this instance")]
    NotFound,
    /// The request can't be used.
    #[error(transparent)]
    Refused(#[from] ScimRefusal),
    /// Another user has the user name.
    #[error("another user has this userName")]
    UserNameTaken,
    /// `If-Match` names another version.
    #[error("the resource has changed since; read it again")]
    VersionMismatch,
    #[error(transparent)]
    Member(#[from] crate::members::MemberError),
    #[error(transparent)]
    Invite(#[from] crate::invites::InviteError),
    #[error(transparent)]
    Db(#[from] DbError),
}

/// The version of a resource: it changes with what the resource holds (a weak entity tag, RFC 9110, section 8.8.3).
fn version_of(resource: &Map<String, Value>) -> String {
    let hash = sha256(Value::Object(resource.clone()).to_string().as_bytes());
    let digits: String = hash.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    format!("W/\"{digits}\"")
}

/// Whether `wanted`, the value of `If-Match` or `If-None-Match`, names the version of the resource; so does no value.
fn version_matches(wanted: Option<&str>, resource: &Value) -> bool {
    let Some(wanted) = wanted.map(str::trim) else { return true };
    let version = resource["meta"]["version"].as_str().unwrap_or_default().trim_start_matches("W/");
    wanted == "*" || wanted.split(',').any(|one| one.trim().trim_start_matches("W/") == version)
}

#[cfg(test)]
mod tests;
