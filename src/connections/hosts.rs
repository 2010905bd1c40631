//! Which addresses may be called. A pasted address must not make this service call anything but the vendors.

use std::fmt;
use std::str::FromStr;

use url::Url;

use super::ConnectionError;
use crate::config::{SandboxOrigins, UpstreamSettings};
use crate::instances::MunchkinId;
use crate::upstream::WebOrigin;

/// Where a person logs in at Salesforce: production, a sandbox, or the organization's own My Domain host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SalesforceHost {
    Production,
    Sandbox,
    /// `{name}.my.salesforce.com`, `{name}--{sandbox}.sandbox.my.salesforce.com` and the like.
    MyDomain(String),
}

/// The form of the texts that name a [`SalesforceHost`], for the document.
pub const SALESFORCE_HOST_PATTERN: &str =
    r"^(production|sandbox|[A-Za-z0-9]+(-+[A-Za-z0-9]+)*(\.[A-Za-z0-9]+(-+[A-Za-z0-9]+)*)?\.my\.salesforce\.com)$";

/// Most characters of a text that names a [`SalesforceHost`].
pub const MAX_HOST_LENGTH: usize = 100;

/// A text that is no Salesforce host.
#[derive(Debug, thiserror::Error)]
#[error("host is \"production\", \"sandbox\" or a My Domain host such as example.my.salesforce.com")]
pub struct NoSalesforceHost;

impl FromStr for SalesforceHost {
    type Err = NoSalesforceHost;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "production" => Ok(Self::Production),
            "sandbox" => Ok(Self::Sandbox),
            host => {
                let name = host.strip_suffix(".my.salesforce.com").ok_or(NoSalesforceHost)?;
                let label = |part: &str| {
                    !part.is_empty()
                        && !part.starts_with('-')
                        && !part.ends_with('-')
                        && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                };
                let fine = name.split('.').all(label) && name.split('.').count() <= 2 && host.len() <= MAX_HOST_LENGTH;
                if fine { Ok(Self::MyDomain(host.to_ascii_lowercase())) } else { Err(NoSalesforceHost) }
            }
        }
    }
}

impl fmt::Display for SalesforceHost {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Production => out.write_str("production"),
            Self::Sandbox => out.write_str("sandbox"),
            Self::MyDomain(host) => out.write_str(host),
        }
    }
}

/// The vendors' addresses, or the sandbox's when the operator has set one.
#[derive(Debug, Clone)]
pub(super) struct Addresses {
    sandbox: Option<SandboxOrigins>,
}

impl Addresses {
    pub(super) fn new(settings: &UpstreamSettings) -> Self {
        Self { sandbox: settings.sandbox.origins() }
    }

    /// Where people log in and tokens are asked for.
    pub(super) fn salesforce_login(&self, host: &SalesforceHost) -> Result<Url, ConnectionError> {
        let origin = match (&self.sandbox, host) {
            (Some(sandbox), _) => sandbox.salesforce.clone(),
            (None, SalesforceHost::Production) => origin("https://login.salesforce.com")?,
            (None, SalesforceHost::Sandbox) => origin("https://test.salesforce.com")?,
            (None, SalesforceHost::MyDomain(host)) => origin(&format!("https://{host}"))?,
        };
        Ok(origin.into_url())
    }

    /// Checks an address that Salesforce, a caller or a row names as an organization's or login host's, before a token is sent there.
    /// A path would lead to what the organization has programmed itself (Apex REST), which can answer whatever it likes.
    pub(super) fn salesforce_origin(&self, named: &str) -> Result<WebOrigin, ConnectionError> {
        let fine = match &self.sandbox {
            Some(sandbox) => is_written_as(&sandbox.salesforce, named).then(|| sandbox.salesforce.clone()),
            None => named.parse::<WebOrigin>().ok().filter(|origin| origin.is_within("salesforce.com")),
        };
        fine.ok_or_else(|| {
            ConnectionError::AddressNotAllowed(
                "an address of Salesforce is https:// and a host under salesforce.com, without a path or anything else".into(),
            )
        })
    }

    /// Checks the address of a user that a token answer names: `/id/ORGANIZATION/USER` right under an origin of Salesforce.
    pub(super) fn check_identity(&self, named: &Url, organization_id: &str, user_id: &str) -> Result<(), ConnectionError> {
        let base = named.as_str().strip_suffix(&format!("/id/{organization_id}/{user_id}"));
        let wrong = || ConnectionError::AddressNotAllowed("Salesforce named an identity address that is not under its own origin".into());
        self.salesforce_origin(base.ok_or_else(wrong)?).map(drop)
    }

    /// The Marketo address of a subscription.
    pub(super) fn marketo(&self, munchkin_id: &MunchkinId) -> Result<Url, ConnectionError> {
        Ok(self.marketo_origin(munchkin_id)?.into_url())
    }

    fn marketo_origin(&self, munchkin_id: &MunchkinId) -> Result<WebOrigin, ConnectionError> {
        match &self.sandbox {
            Some(sandbox) => Ok(sandbox.marketo.clone()),
            None => origin(&format!("https://{}.mktorest.com", munchkin_id.as_str().to_ascii_lowercase())),
        }
    }

    /// Checks a pasted Marketo address: it must be this subscription's. The endings that Marketo's admin shows (`/rest`,
    /// `/identity`) are cut off.
    pub(super) fn pasted_marketo(&self, pasted: &str, munchkin_id: &MunchkinId) -> Result<Url, ConnectionError> {
        let expected = self.marketo_origin(munchkin_id)?;
        let trimmed = pasted.trim().trim_end_matches('/');
        let trimmed = trimmed.strip_suffix("/rest").or_else(|| trimmed.strip_suffix("/identity")).unwrap_or(trimmed);
        if is_written_as(&expected, trimmed.trim_end_matches('/')) {
            return Ok(expected.into_url());
        }
        Err(ConnectionError::MarketoAddress(format!("the address of this subscription is {expected}; correct it or leave it out")))
    }
}

/// Whether a text is how an origin is written, with or without a slash at its end.
fn is_written_as(origin: &WebOrigin, text: &str) -> bool {
    origin.to_string().eq_ignore_ascii_case(text.strip_suffix('/').unwrap_or(text))
}

fn origin(address: &str) -> Result<WebOrigin, ConnectionError> {
    address.parse::<WebOrigin>().map_err(|error| ConnectionError::AddressNotAllowed(format!("{address} can't be called: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_salesforce_hosts_are_taken() {
        for fine in ["production", "sandbox", "acme.my.salesforce.com", "Acme--uat.sandbox.my.salesforce.com"] {
            assert!(fine.parse::<SalesforceHost>().is_ok(), "{fine}");
        }
        for wrong in [
            "",
            "example.com",
            "evil.com/.my.salesforce.com",
            "a@b.my.salesforce.com",
            ".my.salesforce.com",
            "acme.my.salesforce.com.evil.com",
            "a:1.my.salesforce.com",
        ] {
            assert!(wrong.parse::<SalesforceHost>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_salesforce_address_is_a_bare_origin_of_its_own_hosts() {
        let addresses = Addresses { sandbox: None };
        for fine in ["https://acme.my.salesforce.com", "https://acme--uat.sandbox.my.salesforce.com/", "https://login.salesforce.com"] {
            assert!(addresses.salesforce_origin(fine).is_ok(), "{fine}");
        }
        for wrong in [
            "https://evil.my.salesforce.com/services/apexrest/x",
            "https://evil.my.salesforce.com/services/apexrest/x?",
            "https://acme.my.salesforce.com:8443",
            "https://acme.my.salesforce.com@example.com",
            "https://a:b@acme.my.salesforce.com",
            "https://acme.my.salesforce.com.example.com",
            "https://acme.my.salesforce-sites.com",
            "https://notsalesforce.com",
            "http://acme.my.salesforce.com",
        ] {
            assert!(addresses.salesforce_origin(wrong).is_err(), "{wrong}");
        }
        let of_sandbox = |text| WebOrigin::of_sandbox(text).unwrap();
        let origins = SandboxOrigins { salesforce: of_sandbox("http://127.0.0.1:4011"), marketo: of_sandbox("http://127.0.0.1:4012") };
        let sandbox = Addresses { sandbox: Some(origins) };
        let own = sandbox.salesforce_login(&SalesforceHost::Production).unwrap();
        assert!(sandbox.salesforce_origin(own.as_str()).is_ok());
        for wrong in [format!("{own}/services/apexrest/x"), format!("{own}?"), format!("{own}x"), "https://login.salesforce.com".into()] {
            assert!(sandbox.salesforce_origin(&wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_identity_address_stands_right_under_an_origin_of_salesforce() {
        let addresses = Addresses { sandbox: None };
        let (organization, user) = ("00D5g00003QbnlqEAB", "0055g00003QbnlqAAB");
        let is_fine = |base: &str, end: &str| {
            let url = format!("{base}/id/{organization}/{user}{end}").parse().unwrap();
            addresses.check_identity(&url, organization, user).is_ok()
        };
        assert!(is_fine("https://login.salesforce.com", "") && is_fine("https://acme.my.salesforce.com", ""));
        for base in ["https://evil.my.salesforce.com/services/apexrest/x", "https://a@login.salesforce.com", "https://example.com"] {
            assert!(!is_fine(base, ""), "{base}");
        }
        for end in ["?x", "#x", "/", "/x"] {
            assert!(!is_fine("https://login.salesforce.com", end), "{end}");
        }
    }

    #[test]
    fn a_pasted_marketo_address_must_be_the_subscriptions_own() {
        let addresses = Addresses { sandbox: None };
        let munchkin_id = "123-ABC-456".parse().unwrap();
        for fine in
            ["https://123-abc-456.mktorest.com", "https://123-ABC-456.mktorest.com/rest", "https://123-abc-456.mktorest.com/identity/"]
        {
            assert!(addresses.pasted_marketo(fine, &munchkin_id).is_ok(), "{fine}");
        }
        for wrong in [
            "http://123-abc-456.mktorest.com",
            "https://999-abc-456.mktorest.com",
            "https://127.0.0.1",
            "https://123-abc-456.mktorest.com:8443",
            "https://123-abc-456.mktorest.com/rest?x",
            "https://123-abc-456.mktorest.com/elsewhere",
            "https://a@123-abc-456.mktorest.com",
            "x",
        ] {
            assert!(addresses.pasted_marketo(wrong, &munchkin_id).is_err(), "{wrong}");
        }
    }
}
