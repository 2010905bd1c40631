use serde::{Deserialize, Serialize};

/// Whose API a call goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Vendor {
    Salesforce,
    Marketo,
}

impl Vendor {
    /// As written in the API and stored in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Salesforce => "salesforce",
            Self::Marketo => "marketo",
        }
    }
}
