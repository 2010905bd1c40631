use std::sync::Arc;

use super::AuthError;
use super::http::Federation;
use super::revocations::Revocations;
use super::signing_keys::SigningKeys;
use super::synchronization::start_synchronization;
use super::tokens::{Authenticator, TokenIssuer};
use crate::context::Context;
use crate::http::Authenticate;
use crate::tasks::BackgroundTasks;
use crate::wiring::Wiring;

/// What authentication adds to the service: the issuer of tokens, the issuers it trusts, and who authenticates requests. Keys and
/// revocations are brought in line with other processes by a task among `maintenance`.
///
/// # Errors
/// [`AuthError`] when keys or revocations can't be read.
pub async fn wire(
    context: &Context,
    federation: Federation,
    maintenance: &BackgroundTasks,
) -> Result<(Wiring, Arc<dyn Authenticate>), AuthError> {
    let Context { db, clock, vault, public_url, .. } = context;
    let keys = SigningKeys::load_or_create(db, vault, clock.clone()).await?;
    let revocations = Revocations::load(db.clone(), clock.clone()).await?;
    let issuer = TokenIssuer::new(keys, revocations, &public_url.0, clock.clone());
    start_synchronization(db.clone(), clock.clone(), issuer.clone(), maintenance);
    let authenticator = Authenticator { issuer: issuer.clone(), db: db.clone(), clock: clock.clone() };
    Ok((Wiring::new().with_state(issuer).with_state(federation), Arc::new(authenticator)))
}
