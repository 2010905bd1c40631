//! The people of an instance: read-only copies of Marketo people who are a Salesforce lead or contact with an owner. The sync
//! writes them; this module finds, lists and exports them and serves the feed of their changes. Every function that uses the database
//! fails with [`DbError`] when that fails.

mod export;
pub mod http;
mod lookup;
mod salesforce_id;
pub mod store;

use serde::Serialize;

use crate::clock::Timestamp;
use crate::db::DbError;

pub use export::PeopleExportFormat;
pub use lookup::{Lookup, LookupOutcome, LookupResult, MAX_LOOKUP_IDS};
pub use salesforce_id::{InvalidSalesforceId, SalesforceId};
pub use store::next_change;

/// A synced person. What Marketo has no value for is absent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow, utoipa::ToSchema)]
pub struct Person {
    /// Marketo's id: the key.
    #[schema(minimum = 1)]
    pub marketo_id: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_name: Option<String>,
    /// Two people may have the same address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub company: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub linkedin_url: Option<String>,
    /// Where the person came from, in Marketo's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// 18 characters, as are all Salesforce ids here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub salesforce_contact_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub salesforce_lead_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub salesforce_account_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub salesforce_opportunity_id: Option<String>,
    /// The Salesforce user who owns the contact or else the lead.
    pub owner_id: String,
    /// When the copy last changed.
    pub synced_at: Timestamp,
}

/// A filter of people; they must match every condition that is given.
#[derive(Debug, Clone, Default)]
pub struct PeopleFilter {
    pub marketo_id: Option<i64>,
    /// Of the lead or of the contact.
    pub salesforce_id: Option<SalesforceId>,
    /// Compared without case.
    pub email: Option<String>,
    /// The beginning of the first name, the last name, or both with a space between; compared without case.
    pub name_prefix: Option<String>,
}

/// Where a list of people is read on: behind this place, whether or not somebody is there. Lists are ordered by Marketo id, or by name and
/// then Marketo id.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PeopleCursor {
    /// Whether the place is among those found by last name only, who follow those found by full name.
    pub by_last_name: bool,
    /// The name as the list is ordered by it; empty in a list by Marketo id.
    pub name_key: String,
    pub marketo_id: i64,
}

impl PeopleCursor {
    /// The place of a Marketo id in a list by Marketo id.
    #[must_use]
    pub fn at_id(marketo_id: i64) -> Self {
        Self { marketo_id, ..Self::default() }
    }
}

/// A person in a list.
#[derive(Debug, Clone)]
pub struct ListedPerson {
    pub person: Person,
    pub cursor: PeopleCursor,
}

/// Where the feed of changes is read on. A change of many people is ordered by Marketo id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChangeCursor {
    /// The number of the change, from 1.
    pub change: i64,
    pub marketo_id: i64,
}

/// The last change of a person.
#[derive(Debug, Clone)]
pub struct PersonChange {
    pub cursor: ChangeCursor,
    pub at: Timestamp,
    /// The person as of now; none when the person is no longer synced.
    pub person: Option<Person>,
}

/// Why people can't be read.
#[derive(Debug, thiserror::Error)]
pub enum PeopleError {
    /// No synced person has this id.
    #[error("no synced person has this Marketo id")]
    Unknown,
    /// The cursor is ahead of all changes: the database was restored to a time before the cursor.
    #[error("the changes up to this cursor are not the ones kept here, so what came since can't be told")]
    CursorGone,
    #[error(transparent)]
    Db(#[from] DbError),
}
