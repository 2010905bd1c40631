//! SQL of the Salesforce connections, one file for each kind of row.

mod authorizations;
mod connections;
mod organization;

pub use authorizations::{PendingAuthorization, bind_authorization, find_authorization, insert_authorization, take_authorization};
pub use connections::{
    RefreshedTokens, SalesforceRow, clear_refresh_marker, delete_salesforce, delete_salesforce_of_member, find_salesforce,
    find_salesforce_in, mark_refresh_started, record_refresh_heartbeat, record_salesforce_test, record_token_expiry, record_token_report,
    replace_salesforce, set_jwt_key, store_refreshed_tokens, suspend_lost_refreshes, suspend_salesforce, take_over_refresh,
};
pub use organization::{confirm_organization, find_organization, find_organization_in};
