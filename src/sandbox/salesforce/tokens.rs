//! New tokens in Salesforce's form.

use super::users::organization_id;
use crate::sandbox::state::SandboxState;

/// A new access token.
pub fn new_access_token(sandbox: &SandboxState) -> String {
    format!("{}!AQ{}", &organization_id()[..15], sandbox.new_secret())
}

/// A new refresh token.
pub fn new_refresh_token(sandbox: &SandboxState) -> String {
    format!("5Aep861{}", sandbox.new_secret())
}
