//! The people of an instance: read-only copies of Marketo people who are a Salesforce lead or contact with an owner. The sync
//! writes them; here they are read: found, followed, exported.

mod export;
pub mod http;
mod lookup;
mod salesforce_id;
pub mod store;

use serde::Serialize;

use crate::clock::Timestamp;
use crate::db::DbError;

pub use export::ExportFormat;
pub use lookup::{Lookup, LookupOutcome, LookupResult, MOST_LOOKED_UP};
pub use salesforce_id::{NoSalesforceId, SalesforceId};
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

/// Which people are asked for; every condition that is given must hold.
#[derive(Debug, Clone, Default)]
pub struct PeopleFilter {
    pub marketo_id: Option<i64>,
    /// Of the lead or of the contact.
    pub salesforce_id: Option<SalesforceId>,
    /// Compared without case.
    pub email: Option<String>,
    /// Begin of the first name, the last name, or both with a space between; compared without case.
    pub name_prefix: Option<String>,
}

/// A place in a list of people, whether or not somebody is there. Lists are by Marketo id, or by name and then by Marketo id.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListPlace {
    /// Behind those found by full name, among those found by last name only.
    pub by_last_name: bool,
    /// The name as the list is ordered by it; empty in a list by Marketo id.
    pub name_key: String,
    pub marketo_id: i64,
}

impl ListPlace {
    /// A place in a list by Marketo id.
    #[must_use]
    pub fn of_id(marketo_id: i64) -> Self {
        Self { marketo_id, ..Self::default() }
    }
}

/// A person of a list.
#[derive(Debug, Clone)]
pub struct Listed {
    pub person: Person,
    pub place: ListPlace,
}

/// A place in the order of changes. One change may be of many people; these are by Marketo id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChangePlace {
    /// Number of the change, from 1.
    pub change: i64,
    pub marketo_id: i64,
}

/// The last change of a person.
#[derive(Debug, Clone)]
pub struct Change {
    pub place: ChangePlace,
    pub at: Timestamp,
    /// As the person is now; none when the person is gone.
    pub person: Option<Person>,
}

/// Why people can't be shown.
#[derive(Debug, thiserror::Error)]
pub enum PeopleError {
    /// No synced person has this id.
    #[error("no synced person has this Marketo id")]
    Unknown,
    /// The place to read on from lies ahead of all changes: it was given out before the database was set back.
    #[error("the changes up to this cursor are not the ones kept here, so what came since can't be told")]
    CursorGone,
    #[error(transparent)]
    Db(#[from] DbError),
}
