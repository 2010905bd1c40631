//! What the managed package calls: it reports how far it is set up (steps 6 and 7) and reads what it is to do.

pub mod http;
mod report;
pub mod store;

use std::str::FromStr;

use serde::Serialize;

use crate::clock::Timestamp;

pub use report::record_report;

/// The id of a Salesforce organization, kept with 18 characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct OrganizationId(String);

/// A text that is no organization's id.
#[derive(Debug, thiserror::Error)]
#[error("an organization's id has 15 or 18 letters and digits and begins with 00D")]
pub struct NoOrganizationId;

impl OrganizationId {
    /// 18 characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for OrganizationId {
    type Err = NoOrganizationId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric()) && text.starts_with("00D");
        // The last three of 18 only repeat the case of the others.
        match text.get(..15) {
            Some(id) if plain && matches!(text.len(), 15 | 18) => Ok(Self(format!("{id}{}", suffix(id)))),
            _ => Err(NoOrganizationId),
        }
    }
}

/// The three letters that make an id of 15 characters safe without case: for each group of five, bit k says whether character
/// k is a capital.
fn suffix(id: &str) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";
    let letter = |group: &[u8]| {
        let index = group.iter().enumerate().fold(0, |index, (at, byte)| index | (usize::from(byte.is_ascii_uppercase()) << at));
        char::from(LETTERS[index % LETTERS.len()])
    };
    id.as_bytes().chunks(5).map(letter).collect()
}

/// What the package reports.
#[derive(Debug, Clone)]
pub struct PackageReport {
    pub organization_id: OrganizationId,
    /// Edition of the organization, as Salesforce names it.
    pub edition: String,
    /// `MAJOR.MINOR`, digits and points.
    pub package_version: String,
    /// The Remote Site of the identity endpoint exists.
    pub identity_remote_site: bool,
    /// The Remote Site of the Actions API exists.
    pub api_remote_site: bool,
    /// The API Secret Key was accepted.
    pub api_secret_key_accepted: bool,
    /// "Enable MSI Actions" is ticked.
    pub msi_actions_enabled: bool,
    pub reported_at: Timestamp,
}

impl PackageReport {
    /// What it says, whenever it was said; for the audit.
    pub(crate) fn state(&self) -> serde_json::Value {
        serde_json::json!({
            "organization_id": self.organization_id, "edition": self.edition, "package_version": self.package_version,
            "identity_remote_site": self.identity_remote_site, "api_remote_site": self.api_remote_site,
            "api_secret_key_accepted": self.api_secret_key_accepted, "msi_actions_enabled": self.msi_actions_enabled,
        })
    }
}

/// The lowest version of the managed package that this service works with.
pub const LOWEST_PACKAGE_VERSION: (u32, u32) = (3, 0);

/// Whether a package version, `MAJOR.MINOR[.PATCH…]`, is supported.
#[must_use]
pub fn is_package_version_supported(version: &str) -> bool {
    let mut parts = version.split('.').map(|part| part.parse::<u32>().ok());
    match (parts.next().flatten(), parts.next().unwrap_or(Some(0))) {
        (Some(major), Some(minor)) => (major, minor) >= LOWEST_PACKAGE_VERSION,
        _ => false,
    }
}

/// The custom activity fields that the package logs to.
pub const ACTIVITY_FIELDS: &[&str] = &[
    "mktosales_call_outcome__c",
    "mktosales_call_reason__c",
    "MSE_Call_Local_Presence_ID__c",
    "MSE_Call_Recording__c",
    "MSE_Campaign__c",
    "MSE_Current_Campaign_Step__c",
    "MSE_Campaign_Details_Link__c",
    "MSE_Presentation_Viewed__c",
    "MSE_Clicked__c",
    "MSE_Replied__c",
    "MSE_Email_Status__c",
    "MSE_Template__c",
    "MSE_Template_Details__c",
    "MSE_Details__c",
    "MSE_Viewed__c",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn package_versions_are_compared_as_numbers() {
        for fine in ["3.0", "3.0.1", "10.2", "3"] {
            assert!(is_package_version_supported(fine), "{fine}");
        }
        for wrong in ["2.99", "", "x", "3.x", "1.4359.2"] {
            assert!(!is_package_version_supported(wrong), "{wrong}");
        }
    }

    #[test]
    fn an_id_of_fifteen_characters_gets_its_suffix() {
        for (id, expected) in
            [("005R0000000UyrW", "IAS"), ("750R0000000zxr8", "IAA"), ("005R0000000Giwj", "IAC"), ("0011U00000V0tkD", "QAR")]
        {
            assert_eq!(suffix(id), expected, "{id}");
        }
    }

    #[test]
    fn only_ids_of_organizations_are_taken_and_their_suffix_is_made_anew() {
        let short: OrganizationId = "00DR0000000UyrW".parse().unwrap();
        let long: OrganizationId = short.as_str().parse().unwrap();
        assert_eq!(short, long);
        assert_eq!(short, "00DR0000000UyrWAAA".parse().unwrap());
        for wrong in ["", "005R0000000UyrW", "00DR0000000UyrWA", "00DR0000000Uyr", "00DR0000000Uyr\u{e9}", "00DR0000000Uyr-"] {
            assert!(wrong.parse::<OrganizationId>().is_err(), "{wrong:?}");
        }
    }
}
