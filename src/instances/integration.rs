//! The Integration Information card: empty until the first user has been invited; then the client id, and once, when asked for, the
//! secret.

use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use time::Duration;

use super::{InstanceError, store};
use crate::audit::{self, ChangeOrigin, Entry};
use crate::auth::{self, NewClient, Scopes};
use crate::clock::{Clock, Timestamp};
use crate::context::Context;
use crate::db::Tx;
use crate::ids::InstanceId;
use crate::vault::{SealedColumn, SealedRowKey, Vault};

/// What the card shows.
#[derive(Debug)]
pub struct IntegrationInformation {
    pub client_id: String,
    /// Only when it is revealed or new.
    pub client_secret: Option<SecretString>,
    pub created_at: Timestamp,
    /// When the secret was shown.
    pub revealed_at: Option<Timestamp>,
}

/// The secret of the integration information, until it is revealed.
pub(super) const SECRET: SealedColumn = SealedColumn::new("integration_clients", "sealed_secret", SealedRowKey::Instance);

/// Makes the instance's own API client, in the transaction that invites the first user. Does nothing when it is there.
///
/// # Errors
/// [`InstanceError::Db`], [`InstanceError::Seal`].
pub async fn ensure_integration_client(tx: &mut Tx, clock: &dyn Clock, vault: &Vault, instance: InstanceId) -> Result<(), InstanceError> {
    if store::find_integration(tx, instance).await?.is_some() {
        return Ok(());
    }
    let new = NewClient { instance: Some(instance), name: "Integration information".into(), scopes: Scopes::of_an_instance() };
    let (client, secret) = auth::create_client(tx, clock, new).await?;
    let sealed = vault.seal(&SECRET.context(instance), secret.expose_secret().as_bytes())?;
    store::insert_integration(tx, instance, &client.client_id, &sealed, clock.timestamp()).await?;
    Ok(())
}

/// The card, without the secret.
///
/// # Errors
/// [`InstanceError::NobodyInvited`] before the first invitation.
pub(super) async fn find_card(tx: &mut Tx, instance: InstanceId) -> Result<IntegrationInformation, InstanceError> {
    let row = store::find_integration(tx, instance).await?.ok_or(InstanceError::NobodyInvited)?;
    Ok(IntegrationInformation { client_id: row.client_id, client_secret: None, created_at: row.created_at, revealed_at: row.revealed_at })
}

/// The card with the secret, which is given out once and not kept any longer.
///
/// # Errors
/// [`InstanceError::NobodyInvited`] before the first invitation; [`InstanceError::SecretAlreadyRevealed`].
pub(super) async fn reveal_secret(
    context: &Context,
    instance: InstanceId,
    origin: &ChangeOrigin,
) -> Result<IntegrationInformation, InstanceError> {
    let mut tx = context.db.begin().await?;
    let row = store::find_integration(&mut tx, instance).await?.ok_or(InstanceError::NobodyInvited)?;
    let now = context.clock.timestamp();
    let already = InstanceError::SecretAlreadyRevealed(row.revealed_at.unwrap_or(now));
    let Some(sealed) = row.sealed_secret else { return Err(already) };
    let secret = context.vault.open_text(&SECRET.context(instance), &sealed)?;
    // Of two who ask at once, one gets it.
    if !store::mark_integration_shown(&mut tx, instance, now).await? {
        return Err(already);
    }
    let entry = Entry::new("integration.secret_shown", "client", &row.client_id);
    audit::record(&mut tx, &*context.clock, instance, origin, entry).await?;
    tx.commit().await?;
    Ok(IntegrationInformation { client_id: row.client_id, client_secret: Some(secret), created_at: row.created_at, revealed_at: Some(now) })
}

/// Gives the client another secret and shows it; the one before works on for `overlap`.
///
/// # Errors
/// [`InstanceError::NobodyInvited`] before the first invitation.
pub(super) async fn rotate_secret(
    context: &Context,
    instance: InstanceId,
    origin: &ChangeOrigin,
    overlap: Duration,
) -> Result<IntegrationInformation, InstanceError> {
    let clock = &*context.clock;
    let mut tx = context.db.begin().await?;
    let row = store::find_integration(&mut tx, instance).await?.ok_or(InstanceError::NobodyInvited)?;
    let secret = auth::rotate_secret(&mut tx, clock, &row.client_id, overlap).await?.ok_or(InstanceError::NobodyInvited)?;
    let now = clock.timestamp();
    store::mark_integration_shown(&mut tx, instance, now).await?;
    let entry = Entry::new("integration.secret_rotated", "client", &row.client_id)
        .after(json!({ "keep_old_for_seconds": overlap.whole_seconds() }));
    audit::record(&mut tx, clock, instance, origin, entry).await?;
    tx.commit().await?;
    Ok(IntegrationInformation { client_id: row.client_id, client_secret: Some(secret), created_at: row.created_at, revealed_at: Some(now) })
}
