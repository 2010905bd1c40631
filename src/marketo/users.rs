use std::collections::HashSet;

use super::client::{MarketoApiCall, MarketoClient};
use super::error::MarketoError;
use super::wire::{MarketoUserRow, RoleRow};

/// Most users on a page.
const PAGE: usize = 200;
/// No subscription has more pages of users; a server that never ends its list is faulty.
const MAX_PAGES: usize = 500;

/// A user of the subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// What identifies the user: the e-mail address, of Adobe Identity users a generated id.
    pub user_id: String,
    /// E-mail address.
    pub email: String,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// Whether it is a user for programs, who can't log in.
    pub api_only: bool,
}

/// A role that a user has, in some workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MarketoRole {
    /// 1 is Admin.
    pub id: i64,
    /// Name, for example `Admin`.
    pub name: String,
}

impl MarketoClient {
    /// All users of the subscription. The API user needs the permissions "Access Users" and "Access User Management Api".
    ///
    /// # Errors
    /// See [`MarketoError`].
    pub async fn users(&self) -> Result<Vec<User>, MarketoError> {
        let mut users = Vec::new();
        let mut seen = HashSet::new();
        for page in 0..MAX_PAGES {
            let mut url = self.resource_url(&["userservice", "management", "v1", "users", "allusers.json"])?;
            url.set_query(Some(&format!("pageSize={PAGE}&pageOffset={}", page * PAGE)));
            let rows: Vec<MarketoUserRow> = self.json(&MarketoApiCall::get(url)).await?;
            let (last, known) = (rows.len() < PAGE, users.len());
            users.extend(rows.into_iter().filter(|row| seen.insert(row.userid.clone())).map(|row| User {
                user_id: row.userid,
                email: row.email_address,
                first_name: row.first_name,
                last_name: row.last_name,
                api_only: row.api_only,
            }));
            if last || users.len() == known {
                return Ok(users);
            }
        }
        Err(MarketoError::UnexpectedAnswer { message: format!("more than {MAX_PAGES} pages of users") })
    }

    /// The roles of one user, named by [`User::user_id`]. A role held in several workspaces is listed once.
    ///
    /// # Errors
    /// See [`MarketoError`].
    pub async fn user_roles(&self, user_id: &str) -> Result<Vec<MarketoRole>, MarketoError> {
        let url = self.resource_url(&["userservice", "management", "v1", "users", user_id, "roles.json"])?;
        let rows: Vec<RoleRow> = self.json(&MarketoApiCall::get(url)).await?;
        let mut seen = HashSet::new();
        let roles = rows.into_iter().filter(|row| seen.insert(row.access_role_id));
        Ok(roles.map(|row| MarketoRole { id: row.access_role_id, name: row.access_role_name }).collect())
    }
}
