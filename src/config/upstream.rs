use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;

use super::{SettingError, require};
use crate::upstream::WebOrigin;

/// `[upstream]`: what holds for every call to a vendor.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpstreamSettings {
    pub sandbox: SandboxUrlSettings,
    /// Longest time for opening a connection.
    pub connect_timeout_seconds: u64,
    /// Longest wait for the next bytes of an answer.
    pub read_timeout_seconds: u64,
}

/// How long an idle connection is used again. Many servers close one after five seconds, and a request that meets the close is lost: the
/// client can't tell whether it was carried out.
const MAX_IDLE: Duration = Duration::from_secs(4);

impl UpstreamSettings {
    /// The HTTP client for a vendor: rustls, HTTP/2, gzip, time-outs, and no redirects (an API answers, it doesn't send
    /// a caller elsewhere).
    ///
    /// # Errors
    /// What the TLS back end reports when it can't be set up.
    #[allow(clippy::disallowed_methods)] // this is the one place
    pub fn http_client(&self) -> Result<reqwest::Client, reqwest::Error> {
        // Several clients in one process may each ask for the same provider: the first wins and that is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        reqwest::Client::builder()
            .user_agent(concat!("msi-actions/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(self.connect_timeout_seconds))
            .read_timeout(Duration::from_secs(self.read_timeout_seconds))
            .pool_idle_timeout(MAX_IDLE)
            .redirect(reqwest::redirect::Policy::none())
            .build()
    }

    pub(super) fn check(&self, errors: &mut Vec<SettingError>) {
        self.sandbox.check(errors);
        require(errors, self.connect_timeout_seconds >= 1, "upstream.connect_timeout_seconds", "must be at least 1", "5");
        require(errors, self.read_timeout_seconds >= 1, "upstream.read_timeout_seconds", "must be at least 1", "30");
    }
}

/// `[upstream.sandbox]`: where the sandbox stands in for the vendors; empty in production.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SandboxUrlSettings {
    /// Origin of the simulated Salesforce, login host and instance in one.
    pub salesforce_url: String,
    /// Origin of the simulated Marketo.
    pub marketo_url: String,
}

/// The origins of both simulated vendors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SandboxOrigins {
    pub salesforce: WebOrigin,
    pub marketo: WebOrigin,
}

impl SandboxUrlSettings {
    /// The origins, when the sandbox stands in for the vendors.
    #[must_use]
    pub fn origins(&self) -> Option<SandboxOrigins> {
        let origin = |url: &str| WebOrigin::of_sandbox(url).ok();
        Some(SandboxOrigins { salesforce: origin(&self.salesforce_url)?, marketo: origin(&self.marketo_url)? })
    }

    fn check(&self, errors: &mut Vec<SettingError>) {
        let both = !self.salesforce_url.is_empty() || !self.marketo_url.is_empty();
        for (name, value, example) in [
            ("upstream.sandbox.salesforce_url", &self.salesforce_url, "\"http://127.0.0.1:4011\""),
            ("upstream.sandbox.marketo_url", &self.marketo_url, "\"http://127.0.0.1:4012\""),
        ] {
            let problem = if value.is_empty() {
                "must be set, too: the sandbox stands in for both vendors or for none".to_owned()
            } else {
                format!("{value:?} is no origin: http:// or https://, a host, perhaps a port, and no path")
            };
            require(errors, !both || WebOrigin::of_sandbox(value).is_ok(), name, problem, example);
        }
    }
}

/// `[salesforce]`: the External Client App of this service.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SalesforceSettings {
    /// Consumer key.
    pub client_id: String,
    /// Consumer secret; also the key of the token answer's signature.
    pub client_secret: SecretString,
    /// REST and Bulk API version, `vNN.0`.
    pub api_version: String,
    /// OAuth scopes asked for, space separated.
    pub scopes: String,
    /// How long an access token is taken to live when Salesforce doesn't say: the organization's session time-out, in minutes.
    pub token_lifetime_minutes: u32,
    /// The part of an organization's API calls that this service may make, above 0 to 1.
    pub share: f64,
}

impl SalesforceSettings {
    /// How long an access token is taken to live when Salesforce doesn't say.
    #[must_use]
    pub fn token_lifetime(&self) -> time::Duration {
        time::Duration::minutes(self.token_lifetime_minutes.into())
    }

    pub(super) fn check(&self, errors: &mut Vec<SettingError>) {
        let version =
            self.api_version.strip_prefix('v').and_then(|rest| rest.strip_suffix(".0")).and_then(|number| number.parse::<u16>().ok());
        // 58.0 brought resultPages; below 50.0 the columns of a result come in another order.
        require(errors, version.is_some_and(|number| number >= 58), "salesforce.api_version", "must be v58.0 or later", "\"v66.0\"");
        // Salesforce's own bounds of the session time-out.
        let lifetime = (15..=1440).contains(&self.token_lifetime_minutes);
        require(errors, lifetime, "salesforce.token_lifetime_minutes", "must be between 15 and 1440", "120");
        check_share(self.share, "salesforce.share", errors);
    }
}

/// `[marketo]`: our manners towards a subscription we share with others.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MarketoSettings {
    /// Seconds between two questions for the status of an export job.
    pub poll_interval_seconds: f64,
    /// The part of each of the subscription's quotas that this service may use, above 0 to 1.
    pub share: f64,
    /// The subscription's quotas, which all its integrations share: calls in any 20 seconds,
    pub quota_calls_per_20_seconds: u32,
    /// calls under way at once,
    pub quota_calls_at_once: u32,
    /// calls a day,
    pub quota_calls_per_day: u32,
    /// megabytes (of 1,000,000 bytes) of export files a day.
    pub quota_export_megabytes_per_day: u32,
}

impl MarketoSettings {
    /// Time between two questions for the status of an export job.
    #[must_use]
    pub fn poll_interval(&self) -> Duration {
        Duration::from_secs_f64(self.poll_interval_seconds)
    }

    /// `real` is whether Marketo itself is called: the sandbox counts no calls unless it is told to.
    pub(super) fn check(&self, real: bool, errors: &mut Vec<SettingError>) {
        let sensible = (0.001..=3600.0).contains(&self.poll_interval_seconds);
        require(errors, sensible, "marketo.poll_interval_seconds", "must be between 0.001 and 3600", "60.0");
        check_share(self.share, "marketo.share", errors);
        let most = if real { 100 } else { 100_000 };
        let fine = (1..=most).contains(&self.quota_calls_per_20_seconds);
        require(errors, fine, "marketo.quota_calls_per_20_seconds", format!("must be between 1 and {most}"), "100");
        require(errors, (1..=10).contains(&self.quota_calls_at_once), "marketo.quota_calls_at_once", "must be between 1 and 10", "10");
        require(errors, self.quota_calls_per_day >= 1, "marketo.quota_calls_per_day", "must be at least 1", "50000");
        let fine = self.quota_export_megabytes_per_day >= 1;
        require(errors, fine, "marketo.quota_export_megabytes_per_day", "must be at least 1", "500");
    }
}

fn check_share(share: f64, name: &str, errors: &mut Vec<SettingError>) {
    require(errors, share > 0.0 && share <= 1.0, name, "must be above 0 and at most 1", "0.5");
}

/// `share` of `whole`, rounded down, but never nothing.
#[must_use]
pub fn share_of(share: f64, whole: u64) -> u64 {
    // Quotas are far below 2^52, and the product of a number up to 1 and a quota is in range.
    ((whole as f64 * share).floor() as u64).max(1)
}
