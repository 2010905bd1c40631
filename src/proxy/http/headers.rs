//! Which headers are passed on.

use std::time::Duration;

use actix_web::HttpResponseBuilder;
use actix_web::http::header::{CACHE_CONTROL, CONNECTION, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap, HeaderName};

use crate::http::echo;
use crate::proxy::AmbiguousCall;
use crate::upstream::ProxyHeaders;

/// Headers between two neighbors (RFC 9110, 7.6.1), or that describe a message's way.
const HOP_BY_HOP: &[&str] = &[
    "connection",
    "keep-alive",
    "proxy-connection",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "content-length",
    "expect",
    "via",
];

/// Who the caller is, and where it comes from, is nothing to the vendor; nor may a header change the method or the path that was checked.
const CALLERS_OWN: &[&str] = &[
    "host",
    "authorization",
    "cookie",
    "forwarded",
    "x-real-ip",
    "x-client-ip",
    "x-request-id",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-method",
    "x-original-url",
    "x-original-uri",
    "x-original-path",
    "x-rewrite-url",
    "origin",
    "referer",
    "user-agent",
    "traceparent",
    "tracestate",
    "baggage",
];

/// Headers of the vendor's that say nothing to our callers: cookies and policies are for the vendor's host.
const VENDORS_OWN: &[&str] =
    &["set-cookie", "strict-transport-security", "alt-svc", "x-request-id", "content-security-policy", "clear-site-data", "refresh"];

/// Under this name the vendor's own request id is handed out; `x-request-id` is ours.
const VENDORS_REQUEST_ID: &str = "x-upstream-request-id";

/// RFC 7240, section 2.
const PREFER: HeaderName = HeaderName::from_static("prefer");
/// Longest time for which a caller can have its call wait for room within the quotas. Proxies give up on an answer after a minute or two.
const MAX_WAIT: Duration = Duration::from_secs(60);

/// How long the caller wants to wait: the preference `wait`, in seconds (RFC 7240, section 4.3). One that can't be read counts as
/// not given, as section 2 asks; of several the first counts.
pub(super) fn max_wait(headers: &HeaderMap) -> Option<Duration> {
    let values = headers.get_all(PREFER).filter_map(|value| value.to_str().ok());
    let preferences = values.flat_map(|value| value.split(',')).filter_map(|preference| preference.split(';').next()?.split_once('='));
    let mut waits = preferences.filter(|(name, _)| name.trim().eq_ignore_ascii_case("wait"));
    let seconds = waits.next()?.1.trim().trim_matches('"').parse().ok()?;
    Some(Duration::from_secs(seconds).min(MAX_WAIT))
}

/// What a body is, as far as vendors look for parameters in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MediaKind {
    /// `application/x-www-form-urlencoded`.
    Form,
    /// `multipart/form-data`.
    Parts,
    Other,
}

/// Headers that servers must read as they are told here, beside those that are not passed on.
const MEANT_ONCE: &[&str] = &["content-type", "content-encoding"];

/// Checks that the headers mean the same to everybody who reads them; returns what the body is.
///
/// # Errors
/// [`AmbiguousCall`]: gateways that hand headers on as variables (RFC 3875, section 4.1.18) take `X_HTTP_Method_Override` for
/// `X-HTTP-Method-Override`.
pub(super) fn check(headers: &HeaderMap) -> Result<MediaKind, AmbiguousCall> {
    for name in headers.keys().filter(|name| name.as_str().contains('_')) {
        let dashed = name.as_str().replace('_', "-");
        if is_withheld(&dashed) || MEANT_ONCE.contains(&dashed.as_str()) {
            return Err(AmbiguousCall::Header(echo(name.as_str()).into_owned()));
        }
    }
    let mut types = headers.get_all(CONTENT_TYPE);
    let Some(value) = types.next() else { return Ok(MediaKind::Other) };
    if types.next().is_some() {
        return Err(AmbiguousCall::SeveralContentTypes);
    }
    let ambiguous = || AmbiguousCall::ContentType(echo(&String::from_utf8_lossy(value.as_bytes())).into_owned());
    let text = value.to_str().map_err(|_| ambiguous())?.to_ascii_lowercase();
    let (essence, parameters) = text.split_once(';').unwrap_or((&text, ""));
    let kind = match essence.trim() {
        "application/x-www-form-urlencoded" => MediaKind::Form,
        "multipart/form-data" => MediaKind::Parts,
        // Servers that look for the words anywhere would find a form.
        other if other.contains(',') || text.contains("form-urlencoded") || text.contains("form-data") => return Err(ambiguous()),
        _ => MediaKind::Other,
    };
    if kind != MediaKind::Other && headers.get(CONTENT_ENCODING).is_some_and(|packed| packed != "identity") {
        return Err(AmbiguousCall::PackedForm);
    }
    let mut charsets = parameters.split(';').filter_map(|one| one.split_once('=')).filter(|(name, _)| name.trim() == "charset");
    let is_utf8 = |text: &str| matches!(text.trim().trim_matches('"'), "utf-8" | "utf8" | "us-ascii");
    if kind != MediaKind::Other && !charsets.all(|(_, charset)| is_utf8(charset)) {
        return Err(ambiguous());
    }
    Ok(kind)
}

/// Whether a header of the caller's is never passed on.
fn is_withheld(name: &str) -> bool {
    HOP_BY_HOP.contains(&name) || CALLERS_OWN.contains(&name) || name.starts_with("x-forwarded-")
}

/// What the vendor sees of the caller's headers.
pub(super) fn to_vendor(headers: &HeaderMap) -> ProxyHeaders {
    let named: Vec<String> = headers
        .get_all(CONNECTION)
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .collect();
    let passed = |name: &str| !is_withheld(name) && !named.iter().any(|one| one == name);
    let passed = headers.iter().filter(|(name, _)| passed(name.as_str()));
    passed.map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec())).collect()
}

/// Copies what the caller sees of the vendor's headers; returns the length of the body, when the vendor said.
pub(super) fn to_caller(headers: &ProxyHeaders, response: &mut HttpResponseBuilder) -> Option<u64> {
    let mut length = None;
    for (name, value) in headers {
        match name.as_str() {
            "content-length" => length = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok()),
            "x-request-id" => {
                response.append_header((VENDORS_REQUEST_ID, value.as_slice()));
            }
            other if HOP_BY_HOP.contains(&other) || VENDORS_OWN.contains(&other) => {}
            other => {
                response.append_header((other, value.as_slice()));
            }
        }
    }
    // It is the vendor's content, shown from our address: no browser is to make a page of ours of it.
    response.insert_header((CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'; sandbox"));
    // One caller's, whatever the vendor thinks of sharing.
    let stays_private = |value: &[u8]| {
        let value = value.to_ascii_lowercase();
        [&b"no-store"[..], b"private"].iter().any(|word| memchr::memmem::find(&value, word).is_some())
    };
    if !headers.iter().any(|(name, value)| name == "cache-control" && stays_private(value)) {
        response.insert_header((CACHE_CONTROL, "private, no-cache"));
    }
    length
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    #[test]
    fn the_wait_a_caller_prefers_is_read_off_its_preferences() {
        for (values, seconds) in [
            (&["wait=10"][..], Some(10)),
            (&["respond-async, Wait = \"5\"; x=y"], Some(5)),
            (&["return=minimal", "wait=0", "wait=9"], Some(0)),
            (&["wait=3600"], Some(60)),
            (&["wait=-1"], None),
            (&["wait"], None),
            (&["return=minimal"], None),
            (&[], None),
        ] {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(PREFER, HeaderValue::from_static(value));
            }
            assert_eq!(max_wait(&headers), seconds.map(Duration::from_secs), "{values:?}");
        }
    }
}
