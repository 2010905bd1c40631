use secrecy::{ExposeSecret, SecretString};

use crate::clock::Timestamp;
use crate::ids::ConnectionId;

/// An access token of a vendor, ready for use.
#[derive(Debug, Clone)]
pub struct AccessToken {
    /// The token.
    pub secret: SecretString,
    /// When it expires, as far as is known.
    pub expires_at: Timestamp,
    /// Where it is valid: Salesforce's `instance_url`, Marketo's address without `/rest`.
    pub base_url: String,
    /// The connection it belongs to.
    pub connection: ConnectionId,
    /// It is refreshed in the background once less than this is left of it.
    pub refresh_margin: time::Duration,
}

impl AccessToken {
    /// Whether `secret` is this token.
    #[must_use]
    pub fn is(&self, secret: &SecretString) -> bool {
        self.secret.expose_secret() == secret.expose_secret()
    }
}

/// What a caller needs.
#[derive(Debug, Clone, Default)]
pub struct AccessTokenRequest {
    /// The vendor refused this token: another one.
    pub rejected: Option<SecretString>,
    /// Even from a connection that needs attention: to find out whether it works again.
    pub include_suspended: bool,
    /// Refresh now a token that is within its refresh margin.
    pub is_ahead: bool,
}

impl AccessTokenRequest {
    /// For a token in place of one that the vendor refused.
    #[must_use]
    pub fn replacing(rejected: SecretString) -> Self {
        Self { rejected: Some(rejected), ..Self::default() }
    }

    /// Whether the caller can use `token`.
    #[must_use]
    pub fn accepts(&self, token: &AccessToken) -> bool {
        !self.rejected.as_ref().is_some_and(|rejected| token.is(rejected))
    }
}

/// How long before its end a token of this lifetime is refreshed: a twentieth to a tenth of it, at random, so that many connections made
/// at one time, and the replicas, don't refresh at one time.
#[must_use]
pub fn random_refresh_margin(issued_at: Timestamp, expires_at: Timestamp) -> time::Duration {
    let [chance] = crate::crypto::random_bytes::<1>();
    (expires_at - issued_at) * (0.05 + 0.05 * f64::from(chance) / 256.0)
}
