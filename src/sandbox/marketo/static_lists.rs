//! Static lists of people, which a control call creates.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::error::MarketoApiError;
use crate::sandbox::timestamps::format_iso;

/// Id of the first list.
const FIRST_LIST_ID: u64 = 1001;
/// A list with this many members is too large for Get Lead Activities and Get Lead Changes, as the vendor's description of both says.
const TOO_MANY_MEMBERS: usize = 10_000;

/// One static list.
#[derive(Debug)]
pub struct StaticList {
    pub id: u64,
    pub name: String,
    /// Marketo's ids of the people in it.
    pub members: BTreeSet<u64>,
    /// Unix seconds.
    created_at: i64,
}

impl StaticList {
    /// As `lists.json` shows it.
    pub fn to_json(&self) -> Value {
        let at = format_iso(self.created_at);
        json!({"id": self.id, "name": self.name, "createdAt": at, "updatedAt": at, "workspaceName": "Default"})
    }
}

/// Every static list.
#[derive(Debug, Default)]
pub struct StaticLists(Vec<StaticList>);

impl StaticLists {
    /// Adds a list of people by their Marketo ids; returns its id.
    pub fn add(&mut self, name: String, members: BTreeSet<u64>, now: i64) -> u64 {
        let id = FIRST_LIST_ID + self.0.len() as u64;
        self.0.push(StaticList { id, name, members, created_at: now });
        id
    }

    /// All lists, oldest first.
    pub fn all(&self) -> &[StaticList] {
        &self.0
    }

    /// The list with this id.
    ///
    /// # Errors
    /// 1001 for a text that is no id, 1013 for an unknown list.
    pub fn find(&self, id: &str) -> Result<&StaticList, MarketoApiError> {
        let number: u64 = id.parse().map_err(|_| MarketoApiError::wrong_type(id, "Integer"))?;
        self.0.iter().find(|list| list.id == number).ok_or_else(|| MarketoApiError::new("1013", "Object not found"))
    }

    /// The members of a list, for the filter `listId` of activities.
    ///
    /// # Errors
    /// 1001 for a text that is no id, 1013 for an unknown list, 1003 for one that is too large.
    pub fn members_for_activities(&self, id: &str) -> Result<BTreeSet<u64>, MarketoApiError> {
        let list = self.find(id)?;
        if list.members.len() >= TOO_MANY_MEMBERS {
            return Err(MarketoApiError::new("1003", format!("The list holds {TOO_MANY_MEMBERS} members or more")));
        }
        Ok(list.members.clone())
    }
}
