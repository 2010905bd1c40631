//! The Marketo credentials that the operator provisions with an instance, for the one-click connect and for the questions asked
//! before there is a connection.

use secrecy::{ExposeSecret, SecretString};

use super::{InstanceError, store};
use crate::clock::Clock;
use crate::db::{Db, Tx};
use crate::ids::InstanceId;
use crate::vault::{SealedColumn, SealedRowKey, Vault};

/// Credentials to be provisioned.
#[derive(Debug)]
pub struct ProvisionedCredentials {
    pub client_id: String,
    pub client_secret: SecretString,
}

/// The client secret of the provisioned credentials.
pub(super) const CLIENT_SECRET: SealedColumn = SealedColumn::new("marketo_credentials", "sealed_client_secret", SealedRowKey::Instance);

/// Keeps the credentials, in the transaction that makes the instance.
///
/// # Errors
/// [`InstanceError::Db`], [`InstanceError::Seal`].
pub(super) async fn insert_credentials(
    tx: &mut Tx,
    clock: &dyn Clock,
    vault: &Vault,
    instance: InstanceId,
    credentials: &ProvisionedCredentials,
) -> Result<(), InstanceError> {
    let sealed = vault.seal(&CLIENT_SECRET.context(instance), credentials.client_secret.expose_secret().as_bytes())?;
    store::insert_marketo_credentials(tx, instance, &credentials.client_id, &sealed, clock.timestamp()).await?;
    Ok(())
}

/// The provisioned client id and secret, when there are any.
///
/// # Errors
/// [`InstanceError::Db`]; [`InstanceError::Seal`] when the secret doesn't open.
pub async fn provisioned_credentials(
    db: &Db,
    vault: &Vault,
    instance: InstanceId,
) -> Result<Option<(String, SecretString)>, InstanceError> {
    let Some((client_id, sealed)) = store::find_marketo_credentials(db, instance).await? else { return Ok(None) };
    Ok(Some((client_id, vault.open_text(&CLIENT_SECRET.context(instance), &sealed)?)))
}
