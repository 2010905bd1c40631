//! The token broker: a working access token for every caller that is allowed one, or the reason why there is none. It knows no vendor:
//! each vendor's connection is a [`TokenProvider`].
//!
//! A token is refreshed before it expires, once for all who ask: in this process by a lock ([`cache`]), across processes by what the
//! provider writes to the database. A refresh goes on when its caller goes away, because a lost answer may cost the connection.

mod access_token;
mod broker;
mod cache;

pub use access_token::{AccessToken, AccessTokenRequest, random_refresh_margin};
pub use broker::{BrokeredTokens, TokenBroker, TokenError, TokenProvider};
