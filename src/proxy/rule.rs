use std::fmt;
use std::str::FromStr;

use percent_encoding::percent_decode_str;

use crate::http::{METHODS, echo};
use crate::upstream::Vendor;

use super::overriding::has_broken_escape;

/// The method of a rule for all of [`METHODS`].
const ANY: &str = "ANY";
/// Longest path passed on.
const MAX_PATH_LENGTH: usize = 4_096;

/// Where the vendors' APIs are. Everything else at their addresses (logins, OAuth, identity, pages for people) is never called.
fn apis(vendor: Vendor) -> &'static [&'static str] {
    match vendor {
        Vendor::Salesforce => &["/services/data", "/services/apexrest", "/services/async"],
        Vendor::Marketo => &["/rest", "/bulk", "/userservice"],
    }
}

/// What a client may call: `VENDOR METHOD PREFIX`, for example `salesforce GET /services/data/`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CallRule {
    vendor: &'static str,
    /// One of [`METHODS`], or `ANY`.
    method: &'static str,
    /// Whole segments of a path: it lets through itself and what is below it.
    prefix: String,
}

/// A text that is no rule.
#[derive(Debug, thiserror::Error)]
#[error(
    "{0:?} is no rule: give the vendor, a method or ANY, and the beginning of a path below /services/data, /services/apexrest or /services/async \
     (salesforce), or /rest, /bulk or /userservice (marketo), for example \"salesforce GET /services/data/\""
)]
pub struct NoCallRule(String);

impl FromStr for CallRule {
    type Err = NoCallRule;

    fn from_str(text: &str) -> Result<Self, NoCallRule> {
        let refuse = || NoCallRule(text.to_owned());
        let words: Vec<_> = text.split_ascii_whitespace().collect();
        let [vendor, method, prefix] = words[..] else { return Err(refuse()) };
        let vendor = [Vendor::Salesforce, Vendor::Marketo].into_iter().find(|known| known.as_str() == vendor).ok_or_else(refuse)?;
        let method = METHODS.iter().chain([&ANY]).find(|known| known.eq_ignore_ascii_case(method)).ok_or_else(refuse)?;
        let path = CallPath::parse(vendor, prefix).map_err(|_| refuse())?;
        Ok(Self { vendor: vendor.as_str(), method, prefix: path.0.trim_end_matches('/').to_owned() })
    }
}

impl fmt::Display for CallRule {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {} {}", self.vendor, self.method, self.prefix)
    }
}

impl CallRule {
    /// Whether the rule lets a call through. Who may GET may HEAD.
    #[must_use]
    pub fn allows(&self, vendor: Vendor, method: &str, path: &CallPath) -> bool {
        let method = if method == "HEAD" { "GET" } else { method };
        self.vendor == vendor.as_str() && (self.method == ANY || self.method == method) && is_within(&path.0, &self.prefix)
    }
}

/// Whether `path` is `prefix` or below it, by whole segments.
fn is_within(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A path below a vendor's address that means one thing only, whoever reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallPath(String);

/// A path that could be read in two ways, or leads out of the vendor's APIs.
#[derive(Debug, thiserror::Error)]
pub enum UnsafePath {
    #[error("the path is longer than {MAX_PATH_LENGTH} bytes")]
    TooLong,
    #[error("the path has an empty segment, which some servers skip; write one slash between segments")]
    EmptySegment,
    #[error("the path's segment {0:?} is made of dots, which lead elsewhere")]
    Dots(String),
    #[error("the path has {0:?} in it, which servers read in different ways; encode it if it is part of a value")]
    Sign(char),
    #[error("the path has a percent sign without two hexadecimal digits behind it")]
    BrokenEscape,
    #[error("the path has {0} in it, which stands for a sign that needs no encoding; write the sign itself")]
    NeedlessEscape(String),
    #[error("the path has {0} in it, which some servers read as a part of the path itself; it can't be passed on")]
    HiddenSign(String),
    #[error("the path's segment {0:?} is no UTF-8 once it is decoded, so that servers read it in different ways")]
    NotUtf8(String),
    #[error("the path leads out of the vendor's APIs; {0} begin those that can be called")]
    Elsewhere(String),
}

impl CallPath {
    /// Checks a path as it stands in the request, encoded.
    ///
    /// # Errors
    /// [`UnsafePath`]. Nothing is put right: what isn't plain isn't passed on.
    pub fn parse(vendor: Vendor, raw: &str) -> Result<Self, UnsafePath> {
        if raw.len() > MAX_PATH_LENGTH {
            return Err(UnsafePath::TooLong);
        }
        let inner = raw.strip_prefix('/').ok_or(UnsafePath::EmptySegment)?;
        inner.strip_suffix('/').unwrap_or(inner).split('/').try_for_each(check_segment)?;
        if !apis(vendor).iter().any(|api| is_within(raw, api)) {
            return Err(UnsafePath::Elsewhere(apis(vendor).join(", ")));
        }
        Ok(Self(raw.to_owned()))
    }

    /// The path, encoded.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Checks that a segment can be read in one way only. Encoded are only bytes that can't stand there otherwise: an encoded letter would
/// slip past a rule, an encoded slash, dot or percent sign mean something to some servers.
fn check_segment(segment: &str) -> Result<(), UnsafePath> {
    if segment.is_empty() {
        return Err(UnsafePath::EmptySegment);
    }
    if segment.bytes().all(|byte| byte == b'.') {
        return Err(UnsafePath::Dots(echo(segment).into_owned()));
    }
    if has_broken_escape(segment) {
        return Err(UnsafePath::BrokenEscape);
    }
    let mut rest = segment;
    while let Some(sign) = rest.chars().next() {
        // Two hexadecimal digits make a byte.
        let escaped = rest.get(1..3).filter(|_| sign == '%').and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match escaped {
            Some(byte) if is_unreserved(byte) => return Err(UnsafePath::NeedlessEscape(rest[..3].to_owned())),
            // Some servers decode twice, take a backslash for a slash, end a segment at a semicolon, a text at NUL, a line at CR or LF.
            Some(byte) if byte.is_ascii_control() || matches!(byte, b'/' | b'\\' | b'%' | b';' | b'?' | b'#') => {
                return Err(UnsafePath::HiddenSign(rest[..3].to_owned()));
            }
            Some(_) => rest = &rest[3..],
            // RFC 3986, section 3.3, without the semicolon, behind which some servers look for parameters.
            None if u8::try_from(sign).is_ok_and(is_unreserved) || "!$&'()*+,=:@".contains(sign) => rest = &rest[1..],
            None => return Err(UnsafePath::Sign(sign)),
        }
    }
    // An overlong form of a dot or slash is no UTF-8 (RFC 3629, section 3), and yet some servers take it for one.
    let decoded = percent_decode_str(segment).decode_utf8().map_err(|_| UnsafePath::NotUtf8(echo(segment).into_owned()))?;
    match decoded.chars().find(|sign| sign.is_control()) {
        Some(sign) => Err(UnsafePath::Sign(sign)),
        None => Ok(()),
    }
}

/// Signs that mean the same encoded and not, so that they are never to be encoded (RFC 3986, section 2.3).
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rule(text: &str) -> CallRule {
        text.parse().unwrap_or_else(|error| panic!("{error}"))
    }

    fn allowed(rule: &CallRule, method: &str, path: &str) -> bool {
        CallPath::parse(Vendor::Salesforce, path).is_ok_and(|path| rule.allows(Vendor::Salesforce, method, &path))
    }

    #[test]
    fn a_rule_lets_through_its_method_and_what_is_below_its_path() {
        let rule = rule("salesforce GET /services/data/v66.0/query/");
        for path in ["/services/data/v66.0/query", "/services/data/v66.0/query/", "/services/data/v66.0/query/01g-2000"] {
            assert!(allowed(&rule, "GET", path) && allowed(&rule, "HEAD", path), "{path}");
            assert!(!allowed(&rule, "POST", path), "{path}");
        }
        for path in ["/services/data/v66.0/queryAll", "/services/data/v66.0", "/services/data/v66.0/sobjects"] {
            assert!(!allowed(&rule, "GET", path), "{path}");
        }
        let path = CallPath::parse(Vendor::Marketo, "/rest/v1/leads.json").unwrap();
        assert!(!rule.allows(Vendor::Marketo, "GET", &path));
    }

    #[test]
    fn a_path_that_could_mean_another_is_refused() {
        for wrong in [
            "",
            "services/data",
            "//services/data",
            "/services//data",
            "/services/data/../oauth2/token",
            "/services/data/./x",
            "/services/data/...",
            "/services/data/%2e%2e/oauth2/token",
            "/services/data/..%2foauth2",
            "/services/data/%2f",
            "/services/data/%5c..%5c",
            "/services/data/a\\b",
            "/services/data/;x/y",
            "/services/data/%3bx",
            "/services/data/%00",
            "/services/data/%0d%0aHost:x",
            "/services/data/%252e",
            "/services/data/%6fauth",
            "/services/data/%zz",
            "/services/data/%4",
            "/services/data/a b",
            "/services/data/é",
            "/services/data/%c0%ae%c0%ae/oauth2",
            "/services/data/%c0%af",
            "/services/data/%e0%80%af",
            "/services/data/%C2%85",
            "/services/data/%ff",
            "/services/datax",
            "/services/oauth2/token",
            "/services/Soap/u/66.0",
            "/id/00D000000000001/005000000000001",
            "/secur/frontdoor.jsp",
            "/",
        ] {
            assert!(CallPath::parse(Vendor::Salesforce, wrong).is_err(), "{wrong}");
        }
        assert!(CallPath::parse(Vendor::Marketo, "/identity/oauth/token").is_err());
        assert!(CallPath::parse(Vendor::Salesforce, "/services/data/v66.0/sobjects/Lead/Email__c/a%40b.com%C3%A9").is_ok());
    }

    #[test]
    fn a_rule_can_not_reach_beyond_the_apis() {
        for wrong in [
            "",
            "salesforce GET",
            "oracle GET /rest",
            "salesforce FETCH /services/data",
            "salesforce GET /",
            "marketo ANY /identity",
            "salesforce GET /services/data/../oauth2",
        ] {
            assert!(wrong.parse::<CallRule>().is_err(), "{wrong}");
        }
        assert_eq!(rule("marketo any /rest/v1/").to_string(), "marketo ANY /rest/v1");
    }

    proptest! {
        #[test]
        fn what_is_passed_on_stays_below_its_api(tail in "[ -~]{0,40}") {
            if let Ok(path) = CallPath::parse(Vendor::Salesforce, &format!("/services/data/{tail}")) {
                let url = url::Url::parse(&format!("https://example.my.salesforce.com{}", path.as_str())).unwrap();
                prop_assert_eq!(url.path(), path.as_str());
                prop_assert!(url.query().is_none() && url.fragment().is_none());
            }
        }
    }
}
