//! The columns of a person, once for all statements.

/// The columns of [`Person`](crate::people::Person).
macro_rules! columns {
    () => {
        "marketo_id, first_name, last_name, email, company, title, phone, linkedin_url, source, salesforce_contact_id, salesforce_lead_id, \
         salesforce_account_id, salesforce_opportunity_id, owner_id, synced_at"
    };
}
pub(super) use columns;
