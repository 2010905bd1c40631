//! The Salesforce org: its users and queues.

use serde::{Deserialize, Serialize};

use super::ids::{self, Prefix};

/// Password of every user the org begins with.
pub const PASSWORD: &str = "sandbox";

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

/// A queue that owns leads nobody took yet.
#[derive(Debug, Clone, Copy)]
pub struct Queue {
    number: u64,
    pub name: &'static str,
}

impl Queue {
    /// The queue's id, 00G….
    pub fn id(&self) -> String {
        ids::id(Prefix::Group, self.number)
    }
}

/// The org's queues.
pub const QUEUES: [Queue; 2] = [Queue { number: 1, name: "Inbound Leads" }, Queue { number: 2, name: "Partner Leads" }];

/// The org's id.
pub fn organization_id() -> String {
    ids::id(Prefix::Organization, 1)
}

/// The users a new org has.
pub fn first_users() -> Vec<SalesforceUser> {
    let user = |number: u64, first: &str, last: &str, email: &str| SalesforceUser {
        id: ids::id(Prefix::User, number),
        username: email.to_owned(),
        password: PASSWORD.to_owned(),
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
