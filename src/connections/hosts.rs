//! Which addresses may be called. A pasted address must not make this service call anything but the vendors.

use std::fmt;
use std::str::FromStr;

use url::Url;

use super::ConnectionError;
use crate::config::{SandboxOrigins, UpstreamSettings};
use crate::instances::MunchkinId;

/// Where a person logs in at Salesforce: production, a sandbox, or the organisation's own My Domain host.
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
pub const LONGEST_HOST: usize = 100;

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
                let fine = name.split('.').all(label) && name.split('.').count() <= 2 && host.len() <= LONGEST_HOST;
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
        if let Some(sandbox) = &self.sandbox {
            return Ok(sandbox.salesforce.clone());
        }
        match host {
            SalesforceHost::Production => parse("https://login.salesforce.com"),
            SalesforceHost::Sandbox => parse("https://test.salesforce.com"),
            SalesforceHost::MyDomain(host) => parse(&format!("https://{host}")),
        }
    }

    /// Checks an address that Salesforce named (API base, identity address) before a token is sent there.
    pub(super) fn check_salesforce(&self, url: &Url) -> Result<(), ConnectionError> {
        let fine = match &self.sandbox {
            Some(sandbox) => url.origin() == sandbox.salesforce.origin(),
            None => url.scheme() == "https" && url.port().is_none() && url.host_str().is_some_and(|host| host.ends_with(".salesforce.com")),
        };
        if fine { Ok(()) } else { Err(ConnectionError::AddressNotAllowed("Salesforce named an address outside of salesforce.com".into())) }
    }

    /// The Marketo address of a subscription.
    pub(super) fn marketo(&self, munchkin_id: &MunchkinId) -> Result<Url, ConnectionError> {
        match &self.sandbox {
            Some(sandbox) => Ok(sandbox.marketo.clone()),
            None => parse(&format!("https://{}.mktorest.com", munchkin_id.as_str().to_ascii_lowercase())),
        }
    }

    /// Checks a pasted Marketo address: it must be this subscription's. The endings that Marketo's admin shows (`/rest`,
    /// `/identity`) are cut off.
    pub(super) fn pasted_marketo(&self, pasted: &str, munchkin_id: &MunchkinId) -> Result<Url, ConnectionError> {
        let expected = self.marketo(munchkin_id)?;
        let trimmed = pasted.trim().trim_end_matches('/');
        let trimmed = trimmed.strip_suffix("/rest").or_else(|| trimmed.strip_suffix("/identity")).unwrap_or(trimmed);
        let same = Url::parse(trimmed).is_ok_and(|url| url.as_str().trim_end_matches('/') == expected.as_str().trim_end_matches('/'));
        if same {
            return Ok(expected);
        }
        let address = expected.as_str().trim_end_matches('/');
        Err(ConnectionError::MarketoAddress(format!("the address of this subscription is {address}; correct it or leave it out")))
    }
}

fn parse(address: &str) -> Result<Url, ConnectionError> {
    Url::parse(address).map_err(|_| ConnectionError::AddressNotAllowed(format!("{address} is no address")))
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
            "x",
        ] {
            assert!(addresses.pasted_marketo(wrong, &munchkin_id).is_err(), "{wrong}");
        }
    }
}
