//! What went wrong at the vendors, for the admin who has to act: one entry a kind of failure, with what it means and what to do.
//! The clients report each failed attempt; writing it down is a task of its own, so that no call waits for it.

mod failure_count;
mod recorder;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::ids::{ConnectionId, DiagnosticId};
use crate::upstream::{Category, Explanation};

pub use failure_count::FailureCount;
pub(super) use recorder::Recorder;

/// Whose API a call goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Vendor {
    Salesforce,
    Marketo,
}

impl Vendor {
    /// As written in the API and kept in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Salesforce => "salesforce",
            Self::Marketo => "marketo",
        }
    }

    /// What is known of a code of the vendor's.
    #[must_use]
    pub fn explain(self, code: &str) -> Explanation {
        match self {
            Self::Salesforce => crate::salesforce::explain(code),
            Self::Marketo => crate::marketo::explain(code),
        }
    }
}

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
    pub what_to_do: &'static str,
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

/// Which failures are wanted; every condition that is given must hold.
#[derive(Debug, Default)]
pub struct DiagnosticFilter {
    pub vendor: Option<Vendor>,
    pub category: Option<Category>,
    pub code: Option<String>,
    /// Met at this time or later.
    pub since: Option<Timestamp>,
    pub connection: Option<ConnectionId>,
}

/// How a category is kept in the database.
pub(super) fn name_of(category: Category) -> &'static str {
    match category {
        Category::Authentication => "authentication",
        Category::AccessValidation => "access_validation",
        Category::Intermittent => "intermittent",
        Category::Other => "other",
    }
}

/// The category of a name in the database.
pub(super) fn category_of(name: &str) -> Category {
    [Category::Authentication, Category::AccessValidation, Category::Intermittent]
        .into_iter()
        .find(|category| name_of(*category) == name)
        .unwrap_or(Category::Other)
}
