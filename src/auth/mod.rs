//! Our own OAuth 2.0 authorization server: clients, JWT access tokens, JWKS, sessions, permissions.

mod assertions;
mod attempt_kind;
mod attempts;
mod claims;
mod client;
mod clients;
mod exchange;
pub mod http;
mod issuer_keys;
mod revocations;
mod scim_token;
mod scim_tokens;
mod session;
mod sessions;
mod signing_keys;
pub mod store;
mod synchronization;
mod tokens;
mod wiring;

pub use crate::permissions::{Access, Actor, Caller, Role, Scope, Scopes};
pub use assertions::{IssuerUnfit, TrustedIssuers, VouchedIdentity};
pub use attempt_kind::AttemptKind;
pub use attempts::{AuthAttempt, forget_failed_logins};
pub use claims::TOKEN_LIFETIME_SECONDS;
pub use client::Client;
pub use clients::{
    AuthenticatedClient, ClientAuthentication, MAX_OVERLAP, NewClient, authenticate_client, create_client, revoke_client, rotate_secret,
};
pub use exchange::{ExchangedMember, MemberExchange, SubjectToken};
pub use scim_token::ScimToken;
pub use scim_tokens::{MAX_SCIM_TOKENS, create_scim_token, revoke_scim_token};
pub use session::{Session, SessionMethod};
pub use sessions::{MAX_SESSIONS, NewSession, begin_session, begin_session_by, sign_out};
pub use signing_keys::{JWKS_MAX_AGE_SECONDS, SigningKey, SigningKeyRotation, rotate_signing_key};
pub use store::{
    delete_password_sessions, delete_session, delete_session_of, delete_sessions, find_session, list_scim_tokens, list_sessions,
    lock_client,
};
pub use tokens::{IssuedAccessToken, NewToken, RESOURCE_PREFIX, TokenIssuer};
pub use wiring::wire;

use crate::vault::SealedColumn;

/// What is sealed in the tables of this feature.
pub const SEALED_COLUMNS: &[SealedColumn] = &[signing_keys::PRIVATE_KEY];

/// Why a client or token was refused. The texts of the token endpoint follow RFC 6749, section 5.2.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// Client unknown, revoked, or with another secret; one answer for all three.
    #[error("the client id or the client secret is wrong, or the client was revoked")]
    InvalidClient,
    /// Too many failed attempts in a row from one address.
    #[error("too many failed attempts; wait {seconds} s, also with what is right")]
    LockedOut {
        /// Until it may try again.
        seconds: i64,
    },
    /// More requests of a caller than it may make.
    #[error("too many requests; try again in {retry_after_seconds} s")]
    TooManyRequests { retry_after_seconds: u64 },
    /// A token that was issued to another client.
    #[error("the token was issued to another client")]
    NotYours,
    /// More revoked tokens of one client than are kept.
    #[error("this client has revoked too many tokens that have not run out; try again later, or let them run out")]
    TooManyRevoked,
    /// The instance has as many tokens of directories as it may.
    #[error("an instance can have {} tokens for SCIM; revoke one first", MAX_SCIM_TOKENS)]
    TooManyScimTokens,
    /// An assertion that is not believed.
    #[error("the assertion is refused: {0}")]
    BadAssertion(&'static str),
    /// The keys of an assertion's issuer can't be had.
    #[error("the issuer's keys can't be fetched right now; try again in half a minute")]
    IssuerUnreachable,
    /// Another grant type than this server offers.
    #[error("the grant type {0:?} is not offered; use one of grant_types_supported in /.well-known/oauth-authorization-server")]
    UnsupportedGrantType(String),
    /// A parameter is missing, repeated or of the wrong form.
    #[error("{0}")]
    InvalidRequest(String),
    /// A scope that doesn't exist or that the client may not have.
    #[error("{0}")]
    InvalidScope(String),
    /// The resource names no instance that the client may act in (RFC 8707, section 2).
    #[error("{0}")]
    InvalidTarget(String),
    /// The access token is not valid.
    #[error("the access token is not valid: {0}")]
    InvalidToken(&'static str),
    /// The session of a browser has expired, or its member was logged out or deactivated.
    #[error("the session has ended; log in again")]
    SessionEnded,
    /// The database did not answer.
    #[error(transparent)]
    Db(#[from] crate::db::DbError),
    /// A signing key does not open.
    #[error(transparent)]
    Seal(#[from] crate::vault::SealError),
    /// A token could not be signed, or a stored key can't be used.
    #[error("the signing key can't be used")]
    SigningKey,
    /// A new signing key is published and does not sign yet.
    #[error("the signing keys were rotated minutes ago, and the new key waits for its time; try again after it has begun to sign")]
    RotationUnderWay,
}
