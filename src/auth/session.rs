use crate::clock::Timestamp;
use crate::crypto::SecretHash;
use crate::db::text_enum;
use crate::ids::SessionId;

text_enum! {
    /// How a session was begun.
    pub enum SessionMethod {
        /// With the member's password.
        Password = "password",
        /// By logging in at Salesforce.
        Salesforce = "salesforce",
    }
}

/// A session that has not expired.
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
