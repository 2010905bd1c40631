use serde::{Deserialize, Serialize};

/// Attributes of a provisioned user that only the directory needs; stored so that it reads back what it wrote.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct DirectoryAttributes {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email_primary: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role_primary: Option<bool>,
    /// Whether `active` and `roles` were given; else they are shown only when they differ from what is usual.
    #[serde(default)]
    pub active: bool,
    #[serde(default)]
    pub roles: bool,
}
