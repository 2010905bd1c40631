//! The people of an instance: read-only copies of Marketo people who are a Salesforce lead or contact with an owner. The sync
//! writes them; this module finds, lists and exports them and serves the feed of their changes. Every function that uses the database
//! fails with [`DbError`] when that fails.

mod export;
mod fields;
pub mod http;
mod lookup;
mod salesforce_id;
pub mod store;

use crate::clock::Timestamp;
use crate::db::DbError;

pub use export::PeopleExportFormat;
pub use fields::{FieldDefinition, FieldKind, Person, SyncField};
pub use lookup::{Lookup, LookupOutcome, LookupResult, MAX_LOOKUP_IDS};
pub use salesforce_id::{InvalidSalesforceId, SalesforceId};
pub use store::next_change;

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
