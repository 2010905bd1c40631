//! What browsers and caches are told to be careful about, with every answer.

use actix_web::http::StatusCode;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap, HeaderValue, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS,
};

use super::route::MatchedRoute;

/// A year (RFC 6797, section 6.1.1). Other hosts of the same domain are not ours to bind.
const TRANSPORT_SECURITY: HeaderValue = HeaderValue::from_static("max-age=31536000");
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
/// Forms under `no-referrer` would come with `Origin: null`.
const SAME_ORIGIN: HeaderValue = HeaderValue::from_static("same-origin");
/// What is no page needs nothing, and nobody may frame it.
const NOTHING: HeaderValue = HeaderValue::from_static("default-src 'none'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'");
/// What the page of the document needs: its own files, styles that its script sets, pictures within its style sheet, and this service.
const DOCUMENT_PAGE: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; \
     form-action 'none'; frame-ancestors 'none'; base-uri 'none'",
);

/// Which headers an answer gets, known when the request arrives.
#[derive(Debug, Clone, Copy)]
pub(super) struct SecurityHeaders {
    /// Callers come over TLS.
    is_over_tls: bool,
    /// The page of the document, or one of its files.
    is_document_page: bool,
    /// The same for everybody, and no secret.
    is_public: bool,
}

impl SecurityHeaders {
    pub(super) fn of_route(route: Option<MatchedRoute>, is_over_tls: bool) -> Self {
        let pattern = route.map_or("", |route| route.pattern);
        let is_document_page = pattern == "/docs/{_:.*}";
        Self { is_over_tls, is_document_page, is_public: is_document_page || pattern == "/openapi.json" }
    }

    /// Adds them. What a handler has said about caching and content it knows better: an answer with an entity tag that may be asked for
    /// again (RFC 9110, section 13) is `private, no-cache`, since what is not stored can't be compared.
    pub(super) fn add(self, status: StatusCode, headers: &mut HeaderMap) {
        headers.insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
        if self.is_over_tls {
            headers.insert(STRICT_TRANSPORT_SECURITY, TRANSPORT_SECURITY);
        }
        let may_be_stored = self.is_public && status.is_success();
        if !may_be_stored && !headers.contains_key(CACHE_CONTROL) {
            headers.insert(CACHE_CONTROL, NO_STORE);
        }
        // Under `nosniff` no browser makes a page of JSON, which is what nearly all answers are.
        if is_json(headers) {
            return;
        }
        if !headers.contains_key(CONTENT_SECURITY_POLICY) {
            headers.insert(CONTENT_SECURITY_POLICY, if self.is_document_page { DOCUMENT_PAGE } else { NOTHING });
        }
        if !headers.contains_key(REFERRER_POLICY) {
            headers.insert(REFERRER_POLICY, SAME_ORIGIN);
        }
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|media| {
        let media = media.as_bytes();
        [&b"application/json"[..], b"application/problem+json", b"application/scim+json"].iter().any(|json| media.starts_with(json))
    })
}
