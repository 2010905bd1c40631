//! An instance is one account of the product, for exactly one Marketo subscription: settings, limits, prerequisites and integration
//! information.

mod change;
mod create;
mod credentials;
mod facts;
pub mod http;
mod integration;
mod settings_change;
pub mod store;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::display_name::DisplayName;
use crate::ids::InstanceId;
use crate::vault::SealedColumn;

pub use change::change_settings;
pub use create::NewInstance;
pub use credentials::{ProvisionedCredentials, provisioned_credentials};
pub use facts::sync_has_started;
pub(crate) use http::MarketoCredentials;
pub use integration::{IntegrationInformation, ensure_integration_client};
pub use settings_change::SettingsChange;
pub use store::{find, lock_instance, lock_login_management};

pub use crate::language::Language;

/// What is sealed in the tables of this feature.
pub const SEALED_COLUMNS: &[SealedColumn] = &[integration::SECRET, credentials::CLIENT_SECRET];

/// The name of a Marketo subscription, `AAA-BBB-CCC`: three digits, three capital letters, three digits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct MunchkinId(String);

/// A text that is no Munchkin id.
#[derive(Debug, thiserror::Error)]
#[error("a Munchkin id has three digits, three capital letters and three digits, for example 123-ABC-456")]
pub struct NoMunchkinId;

impl MunchkinId {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&MunchkinId> for DisplayName {
    /// What an instance is called that nobody has named.
    fn from(id: &MunchkinId) -> Self {
        // Digits, capital letters and hyphens: a name in any case.
        Self::parse(id.as_str()).unwrap_or_else(|_| Self::of_ours("Instance"))
    }
}

impl fmt::Display for MunchkinId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl FromStr for MunchkinId {
    type Err = NoMunchkinId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts: Vec<_> = text.split('-').collect();
        let digits = |part: &str| part.len() == 3 && part.bytes().all(|byte| byte.is_ascii_digit());
        let letters = |part: &str| part.len() == 3 && part.bytes().all(|byte| byte.is_ascii_uppercase());
        match parts.as_slice() {
            [first, second, third] if digits(first) && letters(second) && digits(third) => Ok(Self(text.to_owned())),
            _ => Err(NoMunchkinId),
        }
    }
}

/// Whether the subscription is the real one or a sandbox of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Environment {
    Production,
    Sandbox,
}

/// How members activate and log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LoginManagement {
    /// By Salesforce, whose e-mail address must equal the invited one.
    SalesforceOnly,
    /// Also by e-mail and password.
    AllLoginMethods,
}

/// What must hold before the set-up guide can begin; reported by the operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Prerequisites {
    /// The subscription is entitled to MSI Actions.
    pub msi_actions_enabled: bool,
    /// The sync between Marketo and Salesforce is configured.
    pub salesforce_sync_configured: bool,
}

/// An instance.
#[derive(Debug, Clone)]
pub struct Instance {
    pub id: InstanceId,
    pub munchkin_id: MunchkinId,
    pub name: String,
    pub environment: Environment,
    pub login_management: LoginManagement,
    pub language: Language,
    pub prerequisites: Prerequisites,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Instance {
    /// The settings that can be changed, for the audit.
    pub(crate) fn settings(&self) -> serde_json::Value {
        serde_json::json!({
            "name": self.name, "login_management": self.login_management, "language": self.language, "prerequisites": self.prerequisites,
        })
    }
}

/// Why an instance can't be made, changed or shown.
#[derive(Debug, thiserror::Error)]
pub enum InstanceError {
    /// The subscription has an instance.
    #[error("the subscription {munchkin_id} has an instance already")]
    Exists {
        munchkin_id: MunchkinId,
        /// The instance it has.
        instance: InstanceId,
    },
    /// No such instance.
    #[error("there is no such instance")]
    Unknown,
    /// A prerequisite of the guide is not met.
    #[error("{0}")]
    PrerequisiteUnmet(&'static str),
    /// Nobody has been invited, so there is no integration information yet.
    #[error("integration information appears once the first user has been invited")]
    NobodyInvited,
    /// The secret is shown once.
    #[error("the secret was shown at {0}, and is not kept to be shown again; rotate it for another")]
    SecretAlreadyRevealed(Timestamp),
    #[error(transparent)]
    Db(#[from] crate::db::DbError),
    #[error(transparent)]
    Seal(#[from] crate::vault::SealError),
    #[error(transparent)]
    Auth(#[from] crate::auth::AuthError),
}

impl Prerequisites {
    /// Checks that both are met.
    ///
    /// # Errors
    /// [`InstanceError::PrerequisiteUnmet`] naming the first that isn't, and what to do.
    pub fn check(self) -> Result<(), InstanceError> {
        if !self.msi_actions_enabled {
            return Err(InstanceError::PrerequisiteUnmet(
                "MSI Actions is not enabled for this Marketo subscription; ask your Marketo account team",
            ));
        }
        if !self.salesforce_sync_configured {
            return Err(InstanceError::PrerequisiteUnmet(
                "the sync between Marketo and Salesforce is not configured; set it up in Marketo first",
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_three_digits_three_letters_three_digits_make_a_munchkin_id() {
        assert!("123-ABC-456".parse::<MunchkinId>().is_ok());
        for wrong in ["", "123-abc-456", "12-ABC-456", "123-ABC-4567", "123ABC456", "123-ABC-456-", "１２３-ABC-456"] {
            assert!(wrong.parse::<MunchkinId>().is_err(), "{wrong:?}");
        }
    }
}
