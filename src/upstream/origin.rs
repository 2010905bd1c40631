use std::fmt;
use std::str::FromStr;

use url::{Host, Url};

/// An origin (RFC 6454, section 4) that a vendor answers at over TLS: scheme and host name, and nothing else. A path, a query, a
/// fragment, user information and a port can't be in it, so whatever is asked there is answered by the vendor and not by something
/// that a customer of the vendor has programmed under a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebOrigin(Url);

/// An address that is more, or less, than an origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it must be https:// and a host name, such as https://example.my.salesforce.com, without a path, port, query or user name")]
pub struct NotAWebOrigin;

impl WebOrigin {
    /// The origin of a simulated vendor, which the operator has configured: the only one that may be without TLS and at a port.
    ///
    /// # Errors
    /// [`NotAWebOrigin`] when it is no http(s) address, or has a path, a query, a fragment or user information.
    pub fn of_sandbox(configured: &str) -> Result<Self, NotAWebOrigin> {
        let url = Url::parse(configured).map_err(|_| NotAWebOrigin)?;
        let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        let is_anonymous = url.username().is_empty() && url.password().is_none();
        let is_web = url.has_host() && matches!(url.scheme(), "http" | "https");
        if is_bare && is_anonymous && is_web { Ok(Self(url)) } else { Err(NotAWebOrigin) }
    }

    /// The host's name, in small letters.
    #[must_use]
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// Whether the host is `domain` or one under it.
    #[must_use]
    pub fn is_within(&self, domain: &str) -> bool {
        self.host().strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    }

    /// The address that requests are built on.
    #[must_use]
    pub fn as_url(&self) -> &Url {
        &self.0
    }

    /// The same.
    #[must_use]
    pub fn into_url(self) -> Url {
        self.0
    }
}

impl FromStr for WebOrigin {
    type Err = NotAWebOrigin;

    /// Takes an origin as it is written (RFC 6454, section 6.2), in letters of any case and with or without a slash at its end.
    /// Other spellings that a browser would understand are refused: what two readers may read in two ways is not looked into.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url = Url::parse(text).map_err(|_| NotAWebOrigin)?;
        let named = matches!(url.host(), Some(Host::Domain(name)) if !name.ends_with('.'));
        let written = text.strip_suffix('/').unwrap_or(text);
        let same = url.scheme() == "https" && url.origin().ascii_serialization().eq_ignore_ascii_case(written);
        if named && same && url.port().is_none() { Ok(Self(url)) } else { Err(NotAWebOrigin) }
    }
}

impl fmt::Display for WebOrigin {
    /// Without a slash at the end.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_a_scheme_and_a_host_name_and_nothing_else() {
        for (text, written) in [
            ("https://acme.my.salesforce.com", "https://acme.my.salesforce.com"),
            ("https://acme.my.salesforce.com/", "https://acme.my.salesforce.com"),
            ("HTTPS://Acme.My.Salesforce.com", "https://acme.my.salesforce.com"),
        ] {
            let origin: WebOrigin = text.parse().unwrap();
            assert_eq!(origin.to_string(), written);
            assert_eq!(origin.as_url().path(), "/");
        }
        for more in [
            "https://acme.my.salesforce.com/services/apexrest/x",
            "https://acme.my.salesforce.com//",
            "https://acme.my.salesforce.com/.",
            "https://acme.my.salesforce.com/%2e",
            "https://acme.my.salesforce.com?",
            "https://acme.my.salesforce.com?x=y",
            "https://acme.my.salesforce.com#",
            "https://acme.my.salesforce.com/#x",
            "https://user@acme.my.salesforce.com",
            "https://user:word@acme.my.salesforce.com",
            "https://@acme.my.salesforce.com",
            "https://acme.my.salesforce.com:443",
            "https://acme.my.salesforce.com:8443",
            "https://acme.my.salesforce.com:",
            "https://acme.my.salesforce.com.",
            "http://acme.my.salesforce.com",
            "ftp://acme.my.salesforce.com",
            "https:acme.my.salesforce.com",
            "https:\\\\acme.my.salesforce.com",
            "https://acme.my.sales\tforce.com",
            " https://acme.my.salesforce.com",
            "https://%61cme.my.salesforce.com",
            "https://127.0.0.1",
            "https://[::1]",
            "acme.my.salesforce.com",
            "nonsense",
            "",
        ] {
            assert_eq!(more.parse::<WebOrigin>(), Err(NotAWebOrigin), "{more}");
        }
    }

    #[test]
    fn a_host_is_within_a_domain_and_not_within_what_ends_like_it() {
        let is_within = |text: &str| text.parse::<WebOrigin>().unwrap().is_within("salesforce.com");
        assert!(is_within("https://salesforce.com") && is_within("https://login.salesforce.com"));
        assert!(!is_within("https://evilsalesforce.com") && !is_within("https://salesforce.com.example.com"));
    }
}
