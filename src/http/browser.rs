//! Answers for people's browsers: a page where a program gets JSON, and the cookies.

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

/// Name of the cookie that binds an authorization to a browser.
const AUTHORIZATION_COOKIE: &str = "msi_authorization";
/// Where it is sent back to: the way out and the way back.
const AUTHORIZATION_PATH: &str = "/oauth/salesforce";

/// The cookie that binds the authorizations under way to a browser. It comes back with the redirect from the other site, which
/// is a plain navigation.
#[must_use]
pub fn authorization_cookie(value: &SecretString, public_url: &PublicUrl) -> Cookie<'static> {
    Cookie::build(AUTHORIZATION_COOKIE, value.expose_secret().to_owned())
        .path(AUTHORIZATION_PATH)
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(public_url.0.starts_with("https://"))
        .max_age(actix_web::cookie::time::Duration::minutes(10))
        .finish()
}

/// The value of that cookie, when the browser has brought it.
#[must_use]
pub fn authorization_cookie_of(request: &HttpRequest) -> Option<SecretString> {
    request.cookie(AUTHORIZATION_COOKIE).map(|cookie| cookie.value().into())
}
