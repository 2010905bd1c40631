//! The authorization server: `POST /oauth/token` (RFC 6749), `/oauth/revoke` (RFC 7009), `/oauth/introspect` (RFC 7662),
//! `/.well-known/jwks.json` (RFC 7517), `/.well-known/oauth-authorization-server` (RFC 8414).

mod client;
mod form;
mod issued;
mod refusal;
mod token;

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::Data;
use serde_json::json;

pub use token::Federation;

use super::{AuthError, JWKS_MAX_AGE_SECONDS, Scope, TokenIssuer};
use crate::context::Context;
use crate::http::{AnyCaller, AsProblem, Code, Problem, RateExceeded, Routes, route};

impl From<RateExceeded> for AuthError {
    fn from(exceeded: RateExceeded) -> Self {
        Self::TooManyRequests { retry_after_seconds: exceeded.retry_after_seconds }
    }
}

impl AsProblem for AuthError {
    fn as_problem(&self) -> Problem {
        match self {
            Self::Db(error) => error.as_problem(),
            Self::Seal(error) => error.as_problem(),
            Self::SigningKey => Problem::new(Code::Internal, "Access tokens can't be signed. Quote the request id when you ask for help."),
            Self::InvalidToken(_) | Self::SessionEnded => {
                let challenge = "Bearer realm=\"msi-actions\", error=\"invalid_token\"";
                Problem::new(Code::InvalidToken, format!("{self}.")).with_header(header::WWW_AUTHENTICATE, challenge)
            }
            Self::TooManyRequests { retry_after_seconds } => RateExceeded { retry_after_seconds: *retry_after_seconds }.as_problem(),
            Self::TooManyRevoked => Problem::new(Code::Unavailable, format!("{self}."))
                .with_header(header::RETRY_AFTER, super::TOKEN_LIFETIME_SECONDS.to_string()),
            Self::IssuerUnreachable => Problem::new(Code::UpstreamUnavailable, format!("{self}.")).with_header(header::RETRY_AFTER, "30"),
            Self::TooManyScimTokens => Problem::new(Code::ScimTokenLimitReached, format!("{self}.")).with_link("/v1/instance/scim-tokens"),
            Self::InvalidClient => Problem::new(Code::Unauthenticated, format!("{self}.")),
            Self::LockedOut { seconds } => {
                Problem::new(Code::TooManyRequests, format!("{self}.")).with_header(header::RETRY_AFTER, seconds.to_string())
            }
            _ => Problem::new(Code::MalformedRequest, format!("{self}.")),
        }
    }
}

/// Ways a client can authenticate, as RFC 7591, section 2 names them.
const AUTHENTICATION_METHODS: [&str; 2] = ["client_secret_basic", "client_secret_post"];

/// The routes of the authorization server.
pub fn routes(routes: &mut Routes<'_>) {
    token::routes(routes);
    issued::routes(routes);
    routes.add(route!(get_jwks)).add(route!(get_metadata));
}

/// Public keys of access tokens
///
/// A JWK set (RFC 7517). Fetch it again when a token names a `kid` that is not in it.
#[utoipa::path(
    get, path = "/.well-known/jwks.json", operation_id = "getJwks", tag = "Authentication",
    responses((status = 200, description = "The keys.", body = serde_json::Value))
)]
async fn get_jwks(_: AnyCaller, issuer: Data<TokenIssuer>) -> HttpResponse {
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, format!("public, max-age={JWKS_MAX_AGE_SECONDS}"))).json(issuer.keys.jwks())
}

/// Authorization server metadata
///
/// RFC 8414.
#[utoipa::path(
    get, path = "/.well-known/oauth-authorization-server", operation_id = "getAuthorizationServer", tag = "Authentication",
    responses((status = 200, description = "The metadata.", body = serde_json::Value))
)]
async fn get_metadata(_: AnyCaller, issuer: Data<TokenIssuer>, context: Context) -> HttpResponse {
    HttpResponse::Ok().json(json!({
        "issuer": issuer.issuer(),
        "token_endpoint": context.public_url.join("/oauth/token"),
        "revocation_endpoint": context.public_url.join("/oauth/revoke"),
        "introspection_endpoint": context.public_url.join("/oauth/introspect"),
        "jwks_uri": context.public_url.join("/.well-known/jwks.json"),
        "grant_types_supported": token::GRANT_TYPES,
        "response_types_supported": [],
        "token_endpoint_auth_methods_supported": AUTHENTICATION_METHODS,
        "revocation_endpoint_auth_methods_supported": AUTHENTICATION_METHODS,
        "introspection_endpoint_auth_methods_supported": AUTHENTICATION_METHODS,
        "scopes_supported": Scope::ALL.iter().map(|scope| scope.as_str()).collect::<Vec<_>>(),
        "service_documentation": context.public_url.join("/docs/"),
    }))
}
