//! SQL of the connections, one file for each kind of row.

mod access;
mod diagnostics;
mod marketo;
mod organization;
mod quotas;
mod salesforce;
mod state;

pub use access::{
    AccessRow, forget_member, grant_access, has_access, has_access_in, list_access, lock_members, pass_marketo_on, role_of_active_member,
    withdraw_access,
};
pub use diagnostics::{count_failures, find_diagnostic, list_diagnostics, recent_errors};
pub use marketo::{
    MarketoRow, begin_marketo_renewal, clear_marketo_renewal, delete_marketo, find_marketo, find_marketo_in, find_marketo_successor,
    keep_marketo_token, mark_marketo, record_marketo_test, replace_marketo,
};
pub use organization::{confirm_organization, find_organization, find_organization_in};
pub use quotas::{
    Account, AccountRow, Handed, count_in_period, count_places, extend_place, find_account, grant_calls, granted_since, handed_since,
    keep_told, lease_place, leased_places, lock_account, release_place, return_calls, show_granted_since, show_handed_since, stop_calls,
    stop_exports,
};
pub use salesforce::{
    Renewed, SalesforceRow, begin_refresh, clear_refresh, delete_salesforce, find_salesforce, find_salesforce_in, keep_refreshed,
    mark_lost_refreshes, mark_salesforce, note_expiry, note_report, record_salesforce_test, replace_salesforce, see_refresh, set_jwt_key,
    take_over_refresh,
};
pub use state::{StoredState, bind_state, find_state, insert_state, take_state};
