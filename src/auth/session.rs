use crate::clock::Timestamp;
use crate::crypto::SecretHash;
use crate::ids::SessionId;

/// How a session was begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SessionMethod {
    /// With the member's password.
    Password,
    /// By logging in at Salesforce.
    Salesforce,
}

impl SessionMethod {
    /// The name as stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Salesforce => "salesforce",
        }
    }

    /// The method of this name.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        [Self::Password, Self::Salesforce].into_iter().find(|method| method.as_str() == text)
    }
}

/// A session that has not run out.
#[derive(Debug, Clone)]
pub struct Session {
    pub id: SessionId,
    /// The stored form of the cookie's value.
    pub token_hash: SecretHash,
    /// None when it is not known any more.
    pub method: Option<SessionMethod>,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    /// IP address from which it was begun.
    pub address: Option<String>,
    /// The browser with which it was begun.
    pub user_agent: Option<String>,
}
