//! Control routes for the org's and the subscription's settings, users and static lists.

use std::collections::BTreeSet;

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::json;

use super::{bad_request, parse_body};
use crate::sandbox::marketo::users::MarketoUser;
use crate::sandbox::salesforce::ids::{self, KeyPrefix};
use crate::sandbox::salesforce::state::SalesforceState;
use crate::sandbox::salesforce::users::{DEFAULT_PASSWORD, SalesforceUser};
use crate::sandbox::state::SandboxState;

/// A user to add, or the changes of the one with this username.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SalesforceUserChange {
    username: String,
    password: Option<String>,
    email: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    active: Option<bool>,
    api_enabled: Option<bool>,
}

pub(super) async fn put_salesforce_user(body: web::Bytes, sandbox: web::Data<SandboxState>) -> HttpResponse {
    let change: SalesforceUserChange = match parse_body(&body) {
        Ok(change) => change,
        Err(response) => return response,
    };
    let mut salesforce = sandbox.salesforce();
    let position = match salesforce.users.iter().position(|user| user.username.eq_ignore_ascii_case(&change.username)) {
        Some(position) => position,
        None => {
            let number = salesforce.users.len() as u64 + 1;
            salesforce.users.push(SalesforceUser {
                id: ids::record_id(KeyPrefix::User, number),
                username: change.username.clone(),
                password: DEFAULT_PASSWORD.to_owned(),
                email: change.username,
                first_name: "New".into(),
                last_name: format!("User {number}"),
                active: true,
                api_enabled: true,
            });
            salesforce.users.len() - 1
        }
    };
    let user = &mut salesforce.users[position];
    let texts = [
        (&mut user.password, change.password),
        (&mut user.email, change.email),
        (&mut user.first_name, change.first_name),
        (&mut user.last_name, change.last_name),
    ];
    for (field, value) in texts {
        if let Some(value) = value {
            *field = value;
        }
    }
    user.active = change.active.unwrap_or(user.active);
    user.api_enabled = change.api_enabled.unwrap_or(user.api_enabled);
    HttpResponse::Ok().json(&*user)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SalesforceSettingsChange {
    /// Registered redirect addresses; an empty list registers any.
    callbacks: Option<Vec<String>>,
    api_limit: Option<u64>,
    /// Public key (PEM) of the certificate that the app has for assertions.
    app_public_key: Option<String>,
    /// Username of the user as whom the client credentials flow runs; an empty one switches the flow off.
    client_credentials_user: Option<String>,
    /// Username of the user whose grants are revoked, as an administrator can do.
    revoke_grants_of: Option<String>,
    /// Whether deleted records are gone from the recycle bin too.
    bin_emptied: Option<bool>,
}

fn find_user_id(salesforce: &SalesforceState, username: &str) -> Result<String, HttpResponse> {
    let user = salesforce.users.iter().find(|user| user.username == username).map(|user| user.id.clone());
    user.ok_or_else(|| bad_request(format!("there is no user {username:?}")))
}

pub(super) async fn change_salesforce(body: web::Bytes, sandbox: web::Data<SandboxState>) -> HttpResponse {
    let change: SalesforceSettingsChange = match parse_body(&body) {
        Ok(change) => change,
        Err(response) => return response,
    };
    let mut salesforce = sandbox.salesforce();
    if let Some(callbacks) = change.callbacks {
        salesforce.callbacks = (!callbacks.is_empty()).then_some(callbacks);
    }
    if change.app_public_key.is_some() {
        salesforce.app_public_key = change.app_public_key;
    }
    salesforce.api_limit = change.api_limit.unwrap_or(salesforce.api_limit);
    salesforce.is_bin_emptied = change.bin_emptied.unwrap_or(salesforce.is_bin_emptied);
    if let Some(username) = change.client_credentials_user {
        let user = if username.is_empty() { Ok(None) } else { find_user_id(&salesforce, &username).map(Some) };
        match user {
            Ok(user) => salesforce.client_credentials_user = user,
            Err(response) => return response,
        }
    }
    if let Some(username) = change.revoke_grants_of {
        match find_user_id(&salesforce, &username) {
            Ok(user) => salesforce.grants.revoke_all_of(&user),
            Err(response) => return response,
        }
    }
    HttpResponse::NoContent().finish()
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MarketoSettingsChange {
    updated_at_filter: Option<bool>,
    user_management: Option<bool>,
    read_leads: Option<bool>,
    salesforce_ids_searchable: Option<bool>,
    /// Whether the subscription's IP allow-list lets callers in.
    address_allowed: Option<bool>,
    export_daily_bytes: Option<u64>,
    calls_a_day: Option<u32>,
}

pub(super) async fn change_marketo(body: web::Bytes, sandbox: web::Data<SandboxState>) -> HttpResponse {
    let change: MarketoSettingsChange = match parse_body(&body) {
        Ok(change) => change,
        Err(response) => return response,
    };
    let mut marketo = sandbox.marketo();
    marketo.has_updated_at_filter = change.updated_at_filter.unwrap_or(marketo.has_updated_at_filter);
    marketo.can_manage_users = change.user_management.unwrap_or(marketo.can_manage_users);
    marketo.can_read_leads = change.read_leads.unwrap_or(marketo.can_read_leads);
    marketo.has_searchable_salesforce_ids = change.salesforce_ids_searchable.unwrap_or(marketo.has_searchable_salesforce_ids);
    marketo.allows_address = change.address_allowed.unwrap_or(marketo.allows_address);
    marketo.exports.daily_bytes = change.export_daily_bytes.unwrap_or(marketo.exports.daily_bytes);
    marketo.quota.max_a_day = change.calls_a_day.unwrap_or(marketo.quota.max_a_day);
    HttpResponse::NoContent().finish()
}

/// A static list to create.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewStaticList {
    name: String,
    /// Marketo's ids of the people in it.
    members: BTreeSet<u64>,
}

pub(super) async fn add_list(body: web::Bytes, sandbox: web::Data<SandboxState>) -> HttpResponse {
    match parse_body::<NewStaticList>(&body) {
        Ok(list) => {
            let id = sandbox.marketo().lists.add(list.name, list.members, sandbox.now());
            HttpResponse::Created().json(json!({ "id": id }))
        }
        Err(response) => response,
    }
}

pub(super) async fn put_marketo_user(body: web::Bytes, sandbox: web::Data<SandboxState>) -> HttpResponse {
    match parse_body::<MarketoUser>(&body) {
        Ok(user) => {
            let mut marketo = sandbox.marketo();
            marketo.users.retain(|known| !known.userid.eq_ignore_ascii_case(&user.userid));
            marketo.users.push(user);
            HttpResponse::NoContent().finish()
        }
        Err(response) => response,
    }
}
