//! Our own OAuth 2.0 authorization server: clients, JWT access tokens, JWKS, sessions, permissions.

mod clients;
pub mod http;
pub mod permissions;
mod sessions;
mod signing_keys;
pub mod store;
mod tokens;

pub use clients::{Client, ClientAuthentication, NewClient, authenticate_client, create_client, revoke_client, rotate_secret};
pub use permissions::{Access, Actor, Caller, Role, Rule, Scope, Scopes};
pub use sessions::{NewSession, begin_session};
pub use signing_keys::{SigningKey, SigningKeys};
pub use tokens::{AccessToken, Authenticator, RESOURCE_PREFIX, TOKEN_LIFETIME, TokenIssuer};

/// Why a client or token was refused. The texts of the token endpoint follow RFC 6749, section 5.2.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// Client unknown, revoked, or with another secret; one answer for all three.
    #[error("the client id or the client secret is wrong, or the client was revoked")]
    InvalidClient,
    /// Another grant type than this server offers.
    #[error("the grant type {0:?} is not offered; use client_credentials")]
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
    /// The access token or session is not valid.
    #[error("the access token is not valid: {0}")]
    InvalidToken(&'static str),
    /// The database did not answer.
    #[error(transparent)]
    Db(#[from] crate::db::DbError),
    /// A signing key does not open.
    #[error(transparent)]
    Seal(#[from] crate::crypto::SealError),
    /// A token could not be signed, or a stored key can't be used.
    #[error("the signing key can't be used")]
    SigningKey,
}
