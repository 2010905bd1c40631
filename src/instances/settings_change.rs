use super::{Language, LoginManagement, Prerequisites};
use crate::display_name::DisplayName;

/// Settings to be changed; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct SettingsChange {
    pub name: Option<DisplayName>,
    pub login_management: Option<LoginManagement>,
    pub language: Option<Language>,
    pub prerequisites: Option<Prerequisites>,
}
