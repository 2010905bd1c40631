//! Marketo as a caller sees it: identity, leads, bulk lead extract, activities, user management.

pub mod activities;
mod assets;
pub mod call;
pub mod envelope;
pub mod export;
mod export_file;
mod export_http;
pub mod export_job;
pub mod fields;
pub mod identity;
mod leads;
pub mod lists;
pub mod params;
pub mod paths;
pub mod quota;
pub mod stats;
pub mod users;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use super::world::World;
use envelope::Refusal;

/// What Marketo remembers.
#[derive(Debug)]
pub struct State {
    pub tokens: identity::Tokens,
    pub quota: quota::Quota,
    pub exports: export::Exports,
    pub lists: lists::StaticLists,
    /// Whether exports may filter by `updatedAt`; subscriptions differ (error 1035).
    pub updated_at_filter: bool,
    /// Whether the API user has the permissions "Access Users" and "Access User Management Api".
    pub user_management: bool,
    /// Whether the API user may read people at all.
    pub read_leads: bool,
    /// Whether Get Leads may filter by the ids of Salesforce records.
    pub salesforce_ids_searchable: bool,
    /// Whether the subscription's IP allow-list lets callers in.
    pub address_allowed: bool,
    /// Users shown by user management; settable by control.
    pub users: Vec<users::MarketoUser>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            tokens: identity::Tokens::default(),
            quota: quota::Quota::default(),
            exports: export::Exports::default(),
            lists: lists::StaticLists::default(),
            updated_at_filter: true,
            user_management: true,
            read_leads: true,
            salesforce_ids_searchable: true,
            address_allowed: true,
            users: users::first_users(),
        }
    }
}

impl State {
    /// Removes the prepared files of every job.
    pub fn remove_files(self) {
        self.exports.remove_files();
    }
}

/// Registers every route.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .configure(identity::routes)
        .configure(leads::routes)
        .configure(lists::routes)
        .configure(assets::routes)
        .configure(stats::routes)
        .configure(export_http::routes)
        .configure(activities::routes)
        .configure(users::routes)
        .default_service(web::to(unknown));
}

/// 610 for an unknown path, 605 for a wrong method, in the usual envelope; under user management a bare HTTP status.
async fn unknown(request: HttpRequest, world: web::Data<World>) -> HttpResponse {
    let (refusal, status) = match request.match_pattern() {
        Some(_) => (Refusal::new("605", "HTTP Method not supported"), StatusCode::METHOD_NOT_ALLOWED),
        None => (Refusal::new("610", "Requested resource not found"), StatusCode::NOT_FOUND),
    };
    if request.path().contains("/userservice/") { refusal.user_management(&world, status) } else { refusal.envelope(&world) }
}
