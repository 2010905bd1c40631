//! What went wrong at the vendors, for the admin who has to act: one entry for each kind of failure, with what it means and what to do.
//! The clients report each failed attempt; a task of its own writes the reports down, so that no call waits for that.
//!
//! Functions that read or write the table fail with [`DbError`] when the database can't be reached.

mod failure_count;
pub mod http;
mod recorder;
mod store;

use serde::Serialize;
use time::Duration;

use crate::clock::Timestamp;
use crate::db::{Db, DbError, UnknownName};
use crate::ids::{ConnectionId, DiagnosticId, InstanceId};
use crate::upstream::{Category, CodeExplanation, Vendor};

pub use failure_count::FailureCount;
pub use recorder::DiagnosticRecorder;

/// What counts as recent in a connection's summary.
const RECENT: Duration = Duration::hours(24);

/// A kind of failure: everything that failed with one code on one connection.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Diagnostic {
    pub id: DiagnosticId,
    pub vendor: Vendor,
    /// The connection it was met by; absent when it was met before there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection_id: Option<ConnectionId>,
    /// The vendor's code, the HTTP status of an answer without one, or a name of this service's such as `UNREACHABLE`.
    #[schema(example = "API_CURRENTLY_DISABLED")]
    pub code: String,
    pub category: Category,
    /// What it means.
    pub meaning: &'static str,
    /// What to do about it.
    pub remedy: &'static str,
    /// How often it was met; repeated attempts count each.
    pub occurrences: i64,
    pub first_seen_at: Timestamp,
    pub last_seen_at: Timestamp,
    /// The vendor's id of the last request or job that failed so, for the vendor's support.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_request_id: Option<String>,
}

/// What failed lately on a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct RecentErrors {
    /// Kinds of failure met in the last 24 hours.
    pub kinds: i64,
    /// The code met last.
    pub latest_code: String,
    /// When that was.
    pub latest_at: Timestamp,
}

/// Which failures are asked for; every condition that is given must hold.
#[derive(Debug, Default)]
pub struct DiagnosticFilter {
    pub vendor: Option<Vendor>,
    pub category: Option<Category>,
    pub code: Option<String>,
    /// Met at this time or later.
    pub since: Option<Timestamp>,
    pub connection: Option<ConnectionId>,
}

/// What failed on a connection in the last 24 hours; none when nothing did.
///
/// # Errors
/// [`DbError`].
pub async fn find_recent_errors(
    db: &Db,
    instance: InstanceId,
    connection: ConnectionId,
    now: Timestamp,
) -> Result<Option<RecentErrors>, DbError> {
    store::find_recent_errors(db, instance, connection, now + -RECENT).await
}

/// What is known of a vendor's code.
fn explain(vendor: Vendor, code: &str) -> CodeExplanation {
    match vendor {
        Vendor::Salesforce => crate::salesforce::explain(code),
        Vendor::Marketo => crate::marketo::explain(code),
    }
}

/// How a category is written in the database.
fn category_name(category: Category) -> &'static str {
    match category {
        Category::Authentication => "authentication",
        Category::AccessValidation => "access_validation",
        Category::Intermittent => "intermittent",
        Category::Other => "other",
    }
}

/// The category that is written so in the database.
fn parse_category(name: &str) -> Result<Category, UnknownName> {
    let all = [Category::Authentication, Category::AccessValidation, Category::Intermittent, Category::Other];
    let found = all.into_iter().find(|category| category_name(*category) == name);
    found.ok_or_else(|| UnknownName { kind: "Category", name: name.to_owned() })
}

/// The vendor that is written so in the database.
fn parse_vendor(name: &str) -> Result<Vendor, UnknownName> {
    let found = [Vendor::Salesforce, Vendor::Marketo].into_iter().find(|vendor| vendor.as_str() == name);
    found.ok_or_else(|| UnknownName { kind: "Vendor", name: name.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_vendor_or_category_in_the_database_is_an_error() {
        for category in [Category::Authentication, Category::AccessValidation, Category::Intermittent, Category::Other] {
            assert_eq!(parse_category(category_name(category)), Ok(category));
        }
        assert_eq!(parse_vendor("salesforce"), Ok(Vendor::Salesforce));
        assert_eq!(parse_vendor("hubspot").unwrap_err().to_string(), "\"hubspot\" is no Vendor");
        assert!(parse_category("").is_err());
    }
}
