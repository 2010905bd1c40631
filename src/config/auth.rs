use serde::Deserialize;
use url::{Host, Url};

use super::{SettingError, require};

/// `[auth]`: whose word about a caller is taken.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthSettings {
    /// Issuers of assertions (RFC 7523).
    #[serde(default)]
    pub trusted_issuers: Vec<TrustedIssuerSettings>,
}

/// `[[auth.trusted_issuers]]`: an issuer of assertions, such as the Marketo admin UI.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustedIssuerSettings {
    /// What we call it; its tokens show the client id `issuer:NAME`.
    pub name: String,
    /// The assertion's `iss`.
    pub issuer: String,
    /// Where the issuer publishes its keys.
    pub jwks_uri: String,
    /// The assertion's `aud`; our token endpoint's address when empty.
    #[serde(default)]
    pub audience: String,
    /// Name of the claim that holds the Munchkin id or the instance's id.
    pub instance_claim: String,
    /// Scopes of its tokens, space separated.
    pub scopes: String,
}

impl AuthSettings {
    pub(super) fn check(&self, errors: &mut Vec<SettingError>) {
        for (at, issuer) in self.trusted_issuers.iter().enumerate() {
            let section = format!("auth.trusted_issuers.{at}");
            let named =
                (1..=60).contains(&issuer.name.len()) && issuer.name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
            let problem = "must have 1 to 60 letters, digits or '-'";
            require(errors, named, &format!("{section}.name"), problem, "\"marketo-admin\"");
            let twice = self.trusted_issuers[..at].iter().any(|other| other.name == issuer.name || other.issuer == issuer.issuer);
            require(errors, !twice, &format!("{section}.issuer"), "an issuer and its name stand here once", "");
            require(errors, !issuer.issuer.is_empty(), &format!("{section}.issuer"), "is missing", "\"https://ui.example.com\"");
            let problem = "must be an https address (http only on this machine)";
            require(errors, fetchable(&issuer.jwks_uri), &format!("{section}.jwks_uri"), problem, "\"https://ui.example.com/jwks.json\"");
            let problem = "must name the claim with the Munchkin id or the instance's id";
            require(errors, !issuer.instance_claim.is_empty(), &format!("{section}.instance_claim"), problem, "\"munchkin_id\"");
        }
    }
}

/// Whether keys may be fetched there: over TLS, or from this machine.
fn fetchable(address: &str) -> bool {
    Url::parse(address).is_ok_and(|url| match (url.scheme(), url.host()) {
        ("https", Some(_)) => true,
        ("http", Some(Host::Ipv4(address))) => address.is_loopback(),
        ("http", Some(Host::Ipv6(address))) => address.is_loopback(),
        ("http", Some(Host::Domain(name))) => name == "localhost",
        _ => false,
    })
}
