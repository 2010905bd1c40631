//! The people of an instance: read-only copies of Marketo people who are a Salesforce lead or contact with an owner. The sync
//! writes them; here they are read.

pub mod http;
mod salesforce_id;
pub mod store;

use serde::Serialize;

use crate::clock::Timestamp;
use crate::db::DbError;

pub use salesforce_id::{NoSalesforceId, SalesforceId};

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
    /// Of the lead or of the contact.
    pub salesforce_id: Option<SalesforceId>,
    /// Compared without case.
    pub email: Option<String>,
    /// Begin of the first name, the last name, or both with a space between; compared without case.
    pub name_prefix: Option<String>,
}

/// Why people can't be shown.
#[derive(Debug, thiserror::Error)]
pub enum PeopleError {
    /// No synced person has this id.
    #[error("no synced person has this Marketo id")]
    Unknown,
    #[error(transparent)]
    Db(#[from] DbError),
}
