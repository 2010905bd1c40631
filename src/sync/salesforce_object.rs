//! The Salesforce objects whose owners decide who is synced.

/// A Salesforce object that a synced person can be a record of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SalesforceObject {
    Lead,
    Contact,
}

impl SalesforceObject {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Lead => "Lead",
            Self::Contact => "Contact",
        }
    }

    /// The query for the owners of all records that count.
    pub(super) fn soql(self) -> &'static str {
        match self {
            Self::Lead => "SELECT Id, OwnerId FROM Lead WHERE IsConverted = false",
            Self::Contact => "SELECT Id, OwnerId FROM Contact",
        }
    }
}
