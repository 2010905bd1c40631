use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::ids::{InstanceId, MemberId};

/// The longest an access token is valid, in seconds.
pub const TOKEN_LIFETIME_SECONDS: i64 = 900;

/// The claims of an access token (RFC 9068, section 2.2).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct AccessClaims {
    pub(super) iss: String,
    pub(super) aud: String,
    pub(super) sub: String,
    pub(super) client_id: String,
    pub(super) iat: i64,
    pub(super) exp: i64,
    pub(super) jti: Uuid,
    pub(super) scope: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) instance: Option<InstanceId>,
    /// The member who acts by the client, for tokens that were exchanged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) member: Option<MemberId>,
    /// Which of the client's secrets it was issued for, counted from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) secret_generation: Option<i64>,
}

impl AccessClaims {
    /// Which of the client's secrets the token was issued for. Tokens without the claim were issued before secrets were counted, when
    /// every secret was the first.
    pub(super) fn secret_generation(&self) -> i64 {
        self.secret_generation.unwrap_or(1)
    }
}
