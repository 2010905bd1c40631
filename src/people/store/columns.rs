//! The columns of a person, once for all statements.

use std::sync::LazyLock;

/// The columns of [`Person`](crate::people::Person), as a statement lists them.
pub(super) static COLUMNS: LazyLock<String> = LazyLock::new(|| {
    let texts = "first_name, last_name, email, company, title, phone, linkedin_url, source";
    let salesforce_ids = "salesforce_contact_id, salesforce_lead_id, salesforce_account_id, salesforce_opportunity_id";
    format!("marketo_id, {texts}, {salesforce_ids}, owner_id, synced_at")
});
