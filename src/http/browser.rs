//! Answers for people's browsers: a page where a program gets JSON, and the session cookie.

use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use secrecy::{ExposeSecret, SecretString};

use super::gate::SESSION_COOKIE;
use super::{Page, Problem, PublicUrl};
use crate::clock::Timestamp;

/// Whether a program asks: it wants JSON or sends it; a browser wants a page.
#[must_use]
pub fn wants_json(request: &HttpRequest) -> bool {
    let named = |name| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_ascii_lowercase();
    let accept = named(header::ACCEPT);
    let asks = accept.contains("application/json") || accept.contains("application/problem+json");
    !accept.contains("text/html") && (asks || named(header::CONTENT_TYPE).starts_with("application/json"))
}

/// A failure goes to a program as it is and to a browser as a page.
///
/// # Errors
/// The problem itself, for a program.
pub fn problem_or_page(answer: Result<HttpResponse, Problem>, json: bool) -> Result<HttpResponse, Problem> {
    match answer {
        Err(problem) if !json => Page::of_problem(&problem).respond(problem.code().status()),
        answer => answer,
    }
}

/// The cookie of a session just begun: not for scripts, not for requests that other sites make, over TLS where we have it.
#[must_use]
pub fn session_cookie(token: &SecretString, expires_at: Timestamp, public_url: &PublicUrl) -> Cookie<'static> {
    Cookie::build(SESSION_COOKIE, token.expose_secret().to_owned())
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(public_url.0.starts_with("https://"))
        .expires(expires_at.instant())
        .finish()
}
