//! Client of Marketo's REST, bulk extract, user management and identity APIs. It knows no feature and no database; it keeps
//! the vendor's manners (back-off, and quotas by asking its tracker) and turns every refusal into one [`MarketoError`].
//!
//! Vendor pages: <https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/home>.

mod activities;
mod client;
mod diagnosis;
mod download;
mod error;
mod export;
mod leads;
mod oauth;
mod proxy;
mod quota;
mod users;
mod wire;

#[cfg(test)]
mod tests;

pub use activities::{Activity, ActivityPage};
pub use client::MarketoClient;
pub use diagnosis::explain;
pub use error::{MarketoError, MarketoRefusal};
pub use export::{ExportFilter, ExportJob, ExportPage, ExportStatus, FilterBy};
pub use leads::{FieldDescription, Lead};
pub use oauth::{IssuedToken, request_token};
pub use quota::next_reset;
pub use users::{MarketoRole, User};

/// The value of a cell of an export file: Marketo writes an empty field as the word `null`. (So a person who is really
/// called null can't be told from one without a name.)
#[must_use]
pub fn field_value(cell: &str) -> Option<&str> {
    (!cell.is_empty() && cell != "null").then_some(cell)
}
