//! SQL of the Marketo connections, one file for each kind of row.

mod access;
mod connections;

pub use access::{
    MarketoAccessRow, change_owner, grant_access, has_access, has_access_in, list_access, lock_members, role_of_active_member,
    withdraw_access,
};
pub use connections::{
    MarketoRow, clear_token_request_marker, delete_marketo, find_marketo, find_marketo_in, find_marketo_successor,
    mark_token_request_started, record_marketo_test, replace_marketo, store_marketo_token, suspend_marketo,
};
