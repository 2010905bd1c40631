//! Salesforce as a caller sees it: OAuth with a login page, the REST API and Bulk API 2.0 queries.

mod apex;
mod assertion;
pub mod bulk;
mod bulk_http;
pub mod canvas;
mod collections;
mod composite;
mod describe;
pub mod errors;
mod field_value;
mod grants;
mod identity;
pub mod ids;
mod login;
mod oauth;
mod operations;
mod query;
mod record_routes;
mod records;
mod replication;
mod rest;
mod schema;
mod session;
mod soql;
pub mod users;
mod write;
mod written;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, Resource, web};

use errors::ApiError;
use users::SalesforceUser;

/// What Salesforce remembers.
#[derive(Debug)]
pub struct State {
    pub users: Vec<SalesforceUser>,
    pub grants: grants::Grants,
    pub cursors: rest::Cursors,
    pub jobs: bulk::Jobs,
    /// What callers wrote.
    pub written: written::WrittenRecords,
    /// Redirect addresses registered with the app; any when `None`.
    pub callbacks: Option<Vec<String>>,
    /// Public key, PEM, of the certificate that the app holds for assertions.
    pub app_public_key: Option<String>,
    /// As whom the app acts by its own credentials (the client credentials flow), by id; the flow is off when `None`.
    pub client_credentials_user: Option<String>,
    /// API calls counted, and how many are allowed in 24 hours.
    pub api_calls: u64,
    pub api_limit: u64,
    /// Whether deleted records are gone from the recycle bin as well; the log of deletions still has them.
    pub bin_emptied: bool,
    jobs_made: u64,
}

impl State {
    /// A new org.
    pub fn new() -> Self {
        Self {
            users: users::first_users(),
            grants: grants::Grants::default(),
            cursors: rest::Cursors::default(),
            jobs: bulk::Jobs::default(),
            written: written::WrittenRecords::default(),
            callbacks: None,
            app_public_key: None,
            client_credentials_user: None,
            api_calls: 0,
            api_limit: 100_000,
            bin_emptied: false,
            jobs_made: 0,
        }
    }

    /// Users who own records: the sales people, and one who has left.
    pub fn owner_ids(&self) -> Vec<String> {
        // Two people own most of it; the one who left keeps a small share.
        [2, 3, 2, 3, 0, 1, 2, 3, 2, 3, 4].iter().filter_map(|&place: &usize| self.users.get(place)).map(|user| user.id.clone()).collect()
    }

    /// Ends every session, as an administrator or a security policy may.
    pub fn expire_sessions(&mut self, now: i64) {
        self.grants.expire_sessions(now);
    }

    /// The number of the next job.
    pub fn next_job(&mut self) -> u64 {
        self.jobs_made += 1;
        self.jobs_made
    }

    /// The user with this id.
    pub fn user(&self, id: &str) -> Option<&SalesforceUser> {
        self.users.iter().find(|user| user.id == id)
    }
}

/// Registers every route.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .configure(oauth::routes)
        .configure(login::routes)
        .configure(identity::routes)
        .configure(rest::routes)
        .configure(replication::routes)
        .configure(record_routes::routes)
        .configure(bulk_http::routes)
        .configure(apex::routes)
        .default_service(web::to(unknown));
}

/// 404 for an unknown path, 405 for a wrong method.
async fn unknown(request: HttpRequest) -> HttpResponse {
    match request.match_pattern() {
        Some(_) => {
            let message = format!("HTTP Method '{}' not allowed.", request.method());
            ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", message).response()
        }
        None => ApiError::not_found().response(),
    }
}

/// A resource whose wrong methods are answered in Salesforce's form.
fn resource<const N: usize>(paths: [&str; N]) -> Resource {
    web::resource(paths.to_vec()).default_service(web::to(unknown))
}

/// The origin under which a caller reached this Salesforce: login host and `instance_url` in one.
fn base(request: &HttpRequest) -> String {
    let connection = request.connection_info();
    format!("{}://{}", connection.scheme(), connection.host())
}
