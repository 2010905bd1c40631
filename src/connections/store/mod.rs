//! SQL of the connections, one file a vendor or table.

mod diagnostics;
mod marketo;
mod quotas;
mod salesforce;
mod state;

pub use diagnostics::{count_failures, find_diagnostic, list_diagnostics, recent_errors};
pub use marketo::{MarketoRow, delete_marketo, find_marketo, keep_marketo_token, record_marketo_test, replace_marketo};
pub use quotas::{
    Account, AccountRow, Handed, count_in_period, count_places, extend_place, find_account, grant_calls, granted_since, handed_since,
    keep_told, lease_place, leased_places, lock_account, release_place, return_calls, show_granted_since, show_handed_since, stop_calls,
    stop_exports,
};
pub use salesforce::{
    SalesforceRow, begin_refresh, clear_refresh, delete_salesforce, find_salesforce, find_salesforce_by_id, keep_refreshed,
    mark_salesforce, record_salesforce_test, replace_salesforce,
};
pub use state::{StoredState, insert_state, take_state};
