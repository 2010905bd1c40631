use serde::{Deserialize, Serialize};

use crate::ids::{InviteId, MemberId};

/// What an authorization is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum AuthorizationPurpose {
    /// The instance's own connection (step 2).
    Instance {
        /// Who began it.
        begun_by: String,
        /// The organization that the instance is to move to, if it belongs to another one.
        #[serde(default)]
        confirmed_organization: Option<String>,
    },
    /// A member's own connection.
    Member { member: MemberId },
    /// Activating an invitation by logging in.
    Activation { invite: InviteId },
}

impl AuthorizationPurpose {
    /// The organization that the instance is to move to, if it belongs to another one.
    pub(super) fn confirmed_organization(&self) -> Option<&str> {
        match self {
            Self::Instance { confirmed_organization, .. } => confirmed_organization.as_deref(),
            Self::Member { .. } | Self::Activation { .. } => None,
        }
    }
}
