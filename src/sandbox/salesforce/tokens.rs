//! New tokens, of the form that Salesforce gives them.

use super::users::organization_id;
use crate::sandbox::world::World;

/// A new access token.
pub fn access_token(world: &World) -> String {
    format!("{}!AQ{}", &organization_id()[..15], world.secret())
}

/// A new refresh token.
pub fn refresh_token(world: &World) -> String {
    format!("5Aep861{}", world.secret())
}
