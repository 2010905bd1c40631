//! Marketo's users and their roles.

use serde::{Deserialize, Serialize};

/// The API-only user that owns the custom service.
pub const API_USER: &str = "msi-actions-api@example.com";

/// Ids of roles.
pub const ADMIN_ROLE: u32 = 1;
pub const STANDARD_ROLE: u32 = 2;
pub const SALES_ROLE: u32 = 101;

/// A user of the subscription.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MarketoUser {
    pub userid: String,
    pub first_name: String,
    pub last_name: String,
    pub email_address: String,
    pub id: u32,
    pub api_only: bool,
    /// Ids of access roles.
    #[serde(default)]
    pub roles: Vec<u32>,
}

/// The users that a subscription starts with.
pub fn initial_users() -> Vec<MarketoUser> {
    let user = |id: u32, first: &str, last: &str, email: &str, api_only: bool, roles: &[u32]| MarketoUser {
        userid: email.to_owned(),
        first_name: first.to_owned(),
        last_name: last.to_owned(),
        email_address: email.to_owned(),
        id,
        api_only,
        roles: roles.to_vec(),
    };
    vec![
        user(6785, "Maria", "Lindqvist", "maria.admin@example.com", false, &[ADMIN_ROLE]),
        user(6786, "Tom", "Okafor", "tom.ops@example.com", false, &[ADMIN_ROLE, STANDARD_ROLE]),
        user(7718, "Renée", "Dubois", "renee.marketing@example.com", false, &[STANDARD_ROLE]),
        user(7719, "Hiroshi", "Tanaka", "hiroshi.design@example.com", false, &[STANDARD_ROLE]),
        user(8001, "MSI Actions", "API", API_USER, true, &[ADMIN_ROLE]),
        user(8612, "Sam", "O'Brien", "sam.sales@example.com", false, &[SALES_ROLE]),
        user(8613, "Ana", "Peña", "ana.agency@example.com", false, &[]),
    ]
}
