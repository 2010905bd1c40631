//! `/identity/oauth/token`: client credentials, and the same token until it expires.

use std::collections::HashMap;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;

use super::params::Params;
use crate::sandbox::world::World;

/// Lifetime of a new token.
const LIFETIME_SECONDS: i64 = 3600;
/// The API-only user that owns the custom service.
pub const API_USER: &str = "msi-actions-api@example.com";

/// Access tokens by when they expire (Unix seconds).
#[derive(Debug, Default)]
pub struct Tokens {
    current: Option<(String, i64)>,
    /// Also the expired ones of the last day, which get 602 rather than 601.
    known: HashMap<String, i64>,
}

/// What a token is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Validity {
    Valid,
    Expired,
    Unknown,
}

impl Tokens {
    /// Whether `token` is good at `now`.
    pub fn validity(&self, token: &str, now: i64) -> Validity {
        match self.known.get(token) {
            Some(&expires) if now < expires => Validity::Valid,
            Some(_) => Validity::Expired,
            None => Validity::Unknown,
        }
    }

    /// The current token and its remaining lifetime in seconds; a new one made by `fresh` when there is none.
    pub fn current(&mut self, now: i64, fresh: impl FnOnce() -> String) -> (String, i64) {
        if let Some((token, expires)) = self.current.as_ref().filter(|(_, expires)| *expires > now) {
            return (token.clone(), expires - now);
        }
        let token = fresh();
        self.known.retain(|_, &mut expires| expires > now - 86_400);
        self.known.insert(token.clone(), now + LIFETIME_SECONDS);
        self.current = Some((token.clone(), now + LIFETIME_SECONDS));
        (token, LIFETIME_SECONDS)
    }

    /// Ends every token.
    pub fn expire_all(&mut self, now: i64) {
        self.current = None;
        self.known.values_mut().for_each(|expires| *expires = (*expires).min(now));
    }
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.service(web::resource("/identity/oauth/token").route(web::get().to(token)).route(web::post().to(token)));
}

fn refused(status: StatusCode, error: &str, description: &str) -> HttpResponse {
    HttpResponse::build(status)
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(json!({"error": error, "error_description": description}))
}

async fn token(request: HttpRequest, body: web::Bytes, world: web::Data<World>) -> HttpResponse {
    let params = Params::of_query_and_body(&request, &body);
    let (id, secret) = (params.one("client_id").unwrap_or_default(), params.one("client_secret").unwrap_or_default());
    if id != world.settings.marketo_client_id {
        return refused(StatusCode::UNAUTHORIZED, "invalid_client", &format!("No client with requested id: {id}"));
    }
    if secret != world.settings.marketo_client_secret {
        return refused(StatusCode::UNAUTHORIZED, "invalid_client", "Bad client credentials");
    }
    match params.one("grant_type") {
        None => return refused(StatusCode::BAD_REQUEST, "invalid_request", "Missing grant type"),
        Some("client_credentials") => {}
        Some(other) => return refused(StatusCode::BAD_REQUEST, "unsupported_grant_type", &format!("Unsupported grant type: {other}")),
    }
    let (token, expires_in) = world.marketo().tokens.current(world.now(), || format!("{}:sj", world.clock.new_id()));
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(json!({"access_token": token, "token_type": "bearer", "expires_in": expires_in, "scope": API_USER}))
}
