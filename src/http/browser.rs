//! Answers for people's browsers: a page where a program gets JSON, and the cookies.

use std::cmp::Reverse;

use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::header::{self, AcceptLanguage, Header, Quality};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use secrecy::{ExposeSecret, SecretString};

use super::{Page, Problem};
use crate::clock::Timestamp;
use crate::context::{Context, PublicUrl};
use crate::language::Language;

/// Who reads an answer, where programs and people ask at the same address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// Reads JSON.
    Program,
    /// Reads a page in this language.
    Person(Language),
}

impl Audience {
    /// Who reads the answer to a request. A person's language is the first of those they prefer that pages are written in
    /// (`Accept-Language`, RFC 9110, section 12.5.4), English when there is none.
    #[must_use]
    pub fn of_request(request: &HttpRequest) -> Self {
        if wants_json(request) { Self::Program } else { Self::Person(preferred(request).unwrap_or(Language::En)) }
    }

    /// Who reads an answer that is for programs unless a page is asked for.
    #[must_use]
    pub fn of_api_request(request: &HttpRequest) -> Self {
        if wants_page(request) { Self::of_request(request) } else { Self::Program }
    }

    /// The same reader, known to be written to in another language.
    #[must_use]
    pub fn written_to_in(self, language: Option<Language>) -> Self {
        match (self, language) {
            (Self::Person(_), Some(language)) => Self::Person(language),
            (reader, _) => reader,
        }
    }
}

fn preferred(request: &HttpRequest) -> Option<Language> {
    let mut wanted = AcceptLanguage::parse(request).ok()?.0;
    wanted.retain(|one| one.quality > Quality::ZERO);
    // Stable: of equals the first comes first.
    wanted.sort_by_key(|one| Reverse(one.quality));
    wanted.iter().filter_map(|one| one.item.item()).find_map(|tag| Language::read(tag.primary_language()))
}

/// Whether a program asks: it wants JSON or sends it; a browser wants a page.
fn wants_json(request: &HttpRequest) -> bool {
    let accept = lowercase_header(request, header::ACCEPT);
    let asks = accept.contains("application/json") || accept.contains("application/problem+json");
    !wants_page(request) && (asks || lowercase_header(request, header::CONTENT_TYPE).starts_with("application/json"))
}

/// Whether a page is asked for by name.
fn wants_page(request: &HttpRequest) -> bool {
    lowercase_header(request, header::ACCEPT).contains("text/html")
}

fn lowercase_header(request: &HttpRequest, name: header::HeaderName) -> String {
    request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_ascii_lowercase()
}

/// A failure goes to a program as it is and to a browser as a page.
///
/// # Errors
/// The problem itself, for a program.
pub fn problem_or_page(answer: Result<HttpResponse, Problem>, reader: Audience) -> Result<HttpResponse, Problem> {
    match (answer, reader) {
        (Err(problem), Audience::Person(language)) => Page::of_problem(&problem, language).respond(problem.code().status()),
        (answer, _) => answer,
    }
}

/// Name of the console's session cookie without TLS.
pub(super) const SESSION_COOKIE: &str = "msi_session";
/// Its name over TLS. Browsers take a cookie with this prefix only from our own host, over TLS, for every path (RFC 6265bis, section
/// 4.1.3.2): no other host of the domain can set one. Without TLS they refuse it.
pub(super) const HOST_SESSION_COOKIE: &str = "__Host-msi_session";

fn is_over_tls(public_url: &PublicUrl) -> bool {
    public_url.0.starts_with("https://")
}

fn session_cookie_name(public_url: &PublicUrl) -> &'static str {
    if is_over_tls(public_url) { HOST_SESSION_COOKIE } else { SESSION_COOKIE }
}

/// The cookie of a session just begun: not for scripts, not for requests that other sites make, over TLS where we have it.
#[must_use]
pub fn session_cookie(token: &SecretString, expires_at: Timestamp, public_url: &PublicUrl) -> Cookie<'static> {
    Cookie::build(session_cookie_name(public_url), token.expose_secret().to_owned())
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(is_over_tls(public_url))
        .expires(expires_at.instant())
        .finish()
}

/// The cookie that takes a session's cookie away.
#[must_use]
pub fn ended_session_cookie(public_url: &PublicUrl) -> Cookie<'static> {
    let mut cookie = Cookie::build(session_cookie_name(public_url), "")
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(is_over_tls(public_url))
        .finish();
    cookie.make_removal();
    cookie
}

/// The value of the session's cookie, when the browser has brought it. Over TLS one without the prefix is none: another host of the
/// domain may have set it.
#[must_use]
pub fn session_of(request: &HttpRequest) -> Option<SecretString> {
    let name = request.app_data::<Data<Context>>().map_or(HOST_SESSION_COOKIE, |context| session_cookie_name(&context.public_url));
    request.cookie(name).map(|cookie| cookie.value().into())
}

/// Name of the cookie that binds an authorization to a browser, without TLS.
const AUTHORIZATION_COOKIE: &str = "msi_authorization";
/// Its name over TLS, for the reason that [`HOST_SESSION_COOKIE`] gives: a cookie that another host of the domain has set would let an
/// attacker complete, in somebody's browser, what the attacker began.
const HOST_AUTHORIZATION_COOKIE: &str = "__Host-msi_authorization";
/// Where it is sent back to without TLS: the way out and the way back. The prefix allows no path but the root.
const AUTHORIZATION_PATH: &str = "/oauth/salesforce";

/// The cookie that binds the authorizations under way to a browser. It comes back with the redirect from the other site, which
/// is a plain navigation.
#[must_use]
pub fn authorization_cookie(value: &SecretString, public_url: &PublicUrl) -> Cookie<'static> {
    let is_secure = is_over_tls(public_url);
    let (name, path) = if is_secure { (HOST_AUTHORIZATION_COOKIE, "/") } else { (AUTHORIZATION_COOKIE, AUTHORIZATION_PATH) };
    Cookie::build(name, value.expose_secret().to_owned())
        .path(path)
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(is_secure)
        .max_age(actix_web::cookie::time::Duration::minutes(10))
        .finish()
}

/// The value of that cookie, when the browser has brought it. Over TLS one without the prefix is none.
#[must_use]
pub fn authorization_cookie_of(request: &HttpRequest) -> Option<SecretString> {
    let is_secure = request.app_data::<Data<Context>>().is_none_or(|context| is_over_tls(&context.public_url));
    let name = if is_secure { HOST_AUTHORIZATION_COOKIE } else { AUTHORIZATION_COOKIE };
    request.cookie(name).map(|cookie| cookie.value().into())
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn reader(headers: &[(&'static str, &str)]) -> Audience {
        let request = headers.iter().fold(TestRequest::get(), |request, (name, value)| request.append_header((*name, *value)));
        Audience::of_request(&request.to_http_request())
    }

    #[test]
    fn a_page_is_in_the_language_that_its_reader_prefers_among_ours() {
        for (accepted, language) in [
            ("de", Language::De),
            ("de-CH, en;q=0.5", Language::De),
            ("zxx, fr;q=0.4, ja;q=0.9", Language::Ja),
            ("en;q=0.2, pt-BR;q=0.2", Language::En),
            ("ko;q=0, it;q=0.1", Language::It),
            ("zh-Hant-TW", Language::Zh),
            ("zxx, *", Language::En),
            ("", Language::En),
            (";;q=x, ?", Language::En),
        ] {
            assert_eq!(reader(&[("accept", "text/html"), ("accept-language", accepted)]), Audience::Person(language), "{accepted}");
        }
        assert_eq!(reader(&[("accept", "text/html")]), Audience::Person(Language::En));
        assert_eq!(reader(&[("accept", "application/json"), ("accept-language", "de")]), Audience::Program);
    }

    #[test]
    fn a_known_language_goes_before_what_the_browser_prefers() {
        assert_eq!(Audience::Person(Language::De).written_to_in(Some(Language::Ko)), Audience::Person(Language::Ko));
        assert_eq!(Audience::Person(Language::De).written_to_in(None), Audience::Person(Language::De));
        assert_eq!(Audience::Program.written_to_in(Some(Language::Ko)), Audience::Program);
    }
}
