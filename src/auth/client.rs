use crate::clock::Timestamp;
use crate::ids::InstanceId;
use crate::permissions::Scopes;

/// A program that may ask for access tokens.
#[derive(Debug, Clone)]
pub struct Client {
    /// Public name, `msi_` and a UUID.
    pub client_id: String,
    /// The instance it is bound to; none for an operator.
    pub instance: Option<InstanceId>,
    /// What people call it.
    pub name: String,
    /// What it may ask for.
    pub scopes: Scopes,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}
