use std::net::SocketAddr;
use std::time::Duration;

use serde::{Deserialize, Deserializer};
use url::Url;

use super::{SettingError, require};

/// `[server]`: where and how the service listens.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerSettings {
    /// Address to listen on; port 0 takes any free one.
    #[serde(deserialize_with = "read_listen_address")]
    pub address: SocketAddr,
    /// Address at which `/metrics` is served to anybody; empty for none.
    pub metrics_address: String,
    /// The address callers use; empty for the one listened on.
    pub public_url: String,
    /// Largest request body in bytes.
    pub body_limit_bytes: usize,
    /// Longest time for one request.
    pub request_timeout_seconds: u64,
    /// Longest time for draining at shutdown.
    pub shutdown_timeout_seconds: u64,
    /// Threads that serve requests; 0 for one a core.
    pub workers: usize,
    /// Reverse proxies in front that append to `X-Forwarded-For` whom they were called by.
    pub proxies: usize,
}

/// Reads an address to listen on: an IP address and a port.
///
/// # Errors
/// A text that says what is missing, and how it is written.
pub fn parse_listen_address(text: &str) -> Result<SocketAddr, String> {
    let text = text.trim();
    text.parse().map_err(|_| match text.parse::<u16>() {
        Ok(port) => format!(
            "{text:?} is a port without an address; write 127.0.0.1:{port} to be reached from this machine only, or 0.0.0.0:{port} from \
             every network"
        ),
        Err(_) => format!("{text:?} is no IP address with a port behind a colon"),
    })
}

fn read_listen_address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    // A number is what figment takes a port alone for.
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum AddressForm {
        Text(String),
        Port(u64),
    }
    let text = match AddressForm::deserialize(deserializer) {
        Ok(AddressForm::Text(text)) => text,
        Ok(AddressForm::Port(port)) => port.to_string(),
        Err(_) => return Err(serde::de::Error::custom("must be a text")),
    };
    parse_listen_address(&text).map_err(serde::de::Error::custom)
}

impl ServerSettings {
    /// Longest time for one request.
    #[must_use]
    pub fn request_timeout(&self) -> Duration {
        Duration::from_secs(self.request_timeout_seconds)
    }

    /// The address callers use, without a trailing slash, given the address really bound.
    #[must_use]
    pub fn public_url(&self, bound: SocketAddr) -> String {
        if self.public_url.is_empty() { format!("http://{bound}") } else { self.public_url.trim_end_matches('/').to_owned() }
    }

    /// Where `/metrics` is served to anybody, if anywhere.
    #[must_use]
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics_address.parse().ok()
    }

    pub(super) fn check(&self, errors: &mut Vec<SettingError>) {
        require(
            errors,
            self.metrics_address.is_empty() || self.metrics_address().is_some(),
            "server.metrics_address",
            format!("{:?} is no address with a port", self.metrics_address),
            "\"127.0.0.1:9090\"",
        );
        let usable = self.public_url.is_empty()
            || Url::parse(&self.public_url).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.host().is_some());
        require(
            errors,
            usable,
            "server.public_url",
            format!("{:?} is no http(s) address", self.public_url),
            "\"https://actions.example.com\"",
        );
        require(errors, self.body_limit_bytes >= 1024, "server.body_limit_bytes", "must be at least 1024", "1048576");
        require(errors, self.request_timeout_seconds >= 1, "server.request_timeout_seconds", "must be at least 1", "30");
        require(errors, self.shutdown_timeout_seconds >= 1, "server.shutdown_timeout_seconds", "must be at least 1", "20");
    }
}
