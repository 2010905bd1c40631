//! Tokens of directories, such as Okta and Entra ID, that provision members by SCIM. They keep one token for long and can't ask for
//! another as OAuth clients do; so it is an opaque bearer token (RFC 6750), good until somebody revokes it, for nothing but SCIM in
//! one instance.

use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::scim_token::ScimToken;
use super::{Actor, AuthError, Caller, Scope, Scopes, store};
use crate::audit::{self, ChangeOrigin, Entry};
use crate::clock::Clock;
use crate::crypto::{SecretHash, random_token};
use crate::db::{Db, Tx};
use crate::ids::{InstanceId, ScimTokenId};

/// What every such token begins with.
const PREFIX: &str = "msi_scim_";
/// Tokens that an instance can have: one in use, one to follow it, and some for trying.
pub const MAX_SCIM_TOKENS: i64 = 5;

/// Makes a token. Only its hash is kept, so this is the one time that it can be shown.
///
/// # Errors
/// [`AuthError::TooManyScimTokens`], [`AuthError::Db`].
pub async fn create_scim_token(
    tx: &mut Tx,
    clock: &dyn Clock,
    instance: InstanceId,
    origin: &ChangeOrigin,
    name: &str,
) -> Result<(ScimToken, SecretString), AuthError> {
    let secret = SecretString::from(format!("{PREFIX}{}", random_token().expose_secret()));
    let token = ScimToken {
        id: ScimTokenId(clock.new_id()),
        name: name.to_owned(),
        created_by: origin.actor.clone(),
        created_at: clock.timestamp(),
    };
    store::insert_scim_token(tx, instance, &token, &SecretHash::of_secret(&secret)).await?;
    let entry = Entry::new("scim_token.created", "scim_token", token.id).after(json!({ "name": name }));
    // Recording makes those who make tokens of one instance wait for each other, so the count after it is right.
    audit::record(tx, clock, instance, origin, entry).await?;
    if store::count_scim_tokens(tx, instance).await? > MAX_SCIM_TOKENS {
        return Err(AuthError::TooManyScimTokens);
    }
    Ok((token, secret))
}

/// Revokes a token; every process refuses it from now on. `false` when there is none of this id.
///
/// # Errors
/// [`AuthError::Db`].
pub async fn revoke_scim_token(
    tx: &mut Tx,
    clock: &dyn Clock,
    instance: InstanceId,
    origin: &ChangeOrigin,
    id: ScimTokenId,
) -> Result<bool, AuthError> {
    if !store::delete_scim_token(tx, instance, id).await? {
        return Ok(false);
    }
    audit::record(tx, clock, instance, origin, Entry::new("scim_token.revoked", "scim_token", id)).await?;
    Ok(true)
}

/// Whether a bearer token is one of these.
pub(super) fn is_scim_token(token: &str) -> bool {
    token.starts_with(PREFIX)
}

/// Who is behind such a token. Looked up each time, so that a revocation holds at once.
pub(super) async fn authenticate_scim_token(db: &Db, token: &str) -> Result<Caller, AuthError> {
    let found = store::find_scim_token(db, &SecretHash::of_secret(&token.into())).await?;
    let (instance, id) = found.ok_or(AuthError::InvalidToken("it is unknown or was revoked"))?;
    Ok(Caller { actor: Actor::Client(format!("scim-{id}")), instance: Some(instance), scopes: Scopes([Scope::Scim].into()) })
}
