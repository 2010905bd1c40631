//! The users and queues of the Salesforce org.

use serde::{Deserialize, Serialize};

use super::ids::{self, KeyPrefix};

/// The password of every user unless the control sets another.
pub const DEFAULT_PASSWORD: &str = "sandbox";

/// A user of the org.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SalesforceUser {
    pub id: String,
    pub username: String,
    pub password: String,
    pub email: String,
    pub first_name: String,
    pub last_name: String,
    pub active: bool,
    /// Permission "API Enabled".
    pub api_enabled: bool,
}

impl SalesforceUser {
    /// First and last name.
    pub fn name(&self) -> String {
        format!("{} {}", self.first_name, self.last_name).trim().to_owned()
    }
}

/// A queue that owns leads until somebody takes them.
#[derive(Debug, Clone, Copy)]
pub struct SalesforceQueue {
    number: u64,
    pub name: &'static str,
}

impl SalesforceQueue {
    /// The queue's id, 00G….
    pub fn id(&self) -> String {
        ids::record_id(KeyPrefix::Group, self.number)
    }
}

/// The org's queues.
pub const QUEUES: [SalesforceQueue; 2] =
    [SalesforceQueue { number: 1, name: "Inbound Leads" }, SalesforceQueue { number: 2, name: "Partner Leads" }];

/// The org's id.
pub fn organization_id() -> String {
    ids::record_id(KeyPrefix::Organization, 1)
}

/// The users that the org starts with.
pub fn initial_users() -> Vec<SalesforceUser> {
    let user = |number: u64, first: &str, last: &str, email: &str| SalesforceUser {
        id: ids::record_id(KeyPrefix::User, number),
        username: email.to_owned(),
        password: DEFAULT_PASSWORD.to_owned(),
        email: email.to_owned(),
        first_name: first.to_owned(),
        last_name: last.to_owned(),
        active: true,
        api_enabled: true,
    };
    let mut users = vec![
        user(1, "Maria", "Lindqvist", "maria.admin@example.com"),
        user(2, "Tom", "Okafor", "tom.ops@example.com"),
        user(3, "Sam", "O'Brien", "sam.sales@example.com"),
        user(4, "Priya", "Sharma", "priya.rep@example.com"),
        user(5, "Gerda", "Weiß", "gerda.left@example.com"),
        user(6, "Noah", "Restricted", "noapi@example.com"),
    ];
    users[4].active = false;
    users[5].api_enabled = false;
    users
}
