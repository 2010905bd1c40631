use secrecy::SecretString;
use time::Duration;

use super::client::Client;
use super::{AuthError, store};
use crate::clock::Clock;
use crate::crypto::{SecretHash, random_token};
use crate::db::{Db, DbError, Tx};
use crate::ids::InstanceId;
use crate::permissions::{Scope, Scopes};

/// A client to be made.
#[derive(Debug)]
pub struct NewClient {
    pub instance: Option<InstanceId>,
    pub name: String,
    pub scopes: Scopes,
}

/// How a client proves itself: `client_secret_basic` or `client_secret_post` (RFC 6749, section 2.3.1).
#[derive(Debug)]
pub struct ClientAuthentication {
    pub client_id: String,
    pub client_secret: SecretString,
}

/// Makes a client. The secret is given out here and never again: only its hash is kept.
///
/// # Errors
/// [`AuthError::InvalidScope`] when a client of an instance asks for the operator's scope; [`AuthError::Db`].
pub async fn create_client(tx: &mut Tx, clock: &dyn Clock, new: NewClient) -> Result<(Client, SecretString), AuthError> {
    if new.instance.is_some() && new.scopes.0.contains(&Scope::InstancesManage) {
        return Err(AuthError::InvalidScope(format!("a client of an instance can't have the scope {}", Scope::InstancesManage)));
    }
    let client = Client {
        client_id: format!("msi_{}", clock.new_id().simple()),
        instance: new.instance,
        name: new.name,
        scopes: new.scopes,
        created_at: clock.timestamp(),
        revoked_at: None,
    };
    let secret = random_token();
    store::insert_client(tx, &client, &SecretHash::of_secret(&secret)).await?;
    Ok((client, secret))
}

/// The longest time that a client's secret of before may go on working.
pub const MAX_OVERLAP: Duration = Duration::days(7);

/// Gives the client another secret. The one before works on for `overlap`, at most [`MAX_OVERLAP`], and stops at once when
/// that is zero; a still older one stops at once in any case. The tokens that were issued for a secret end with it, in every process
/// within two seconds (see [`super::Revocations`]). `None` when there is no such active client.
pub async fn rotate_secret(tx: &mut Tx, clock: &dyn Clock, client_id: &str, overlap: Duration) -> Result<Option<SecretString>, DbError> {
    let secret = random_token();
    let keep_until = (overlap > Duration::ZERO).then(|| clock.timestamp() + overlap.min(MAX_OVERLAP));
    let found = store::update_client_secret(tx, client_id, &SecretHash::of_secret(&secret), keep_until, clock.timestamp()).await?;
    Ok(found.then_some(secret))
}

/// Refuses the client from now on. Tokens that it holds are refused, too, in every process within two seconds (see
/// [`super::Revocations`]). `false` when there is no such active client.
pub async fn revoke_client(tx: &mut Tx, clock: &dyn Clock, client_id: &str) -> Result<bool, DbError> {
    store::revoke_client(tx, client_id, clock.timestamp()).await
}

/// A client that has proven itself.
#[derive(Debug)]
pub struct AuthenticatedClient {
    pub client: Client,
    /// Which of its secrets it knows, counted from 1. Its tokens end with that secret.
    pub secret_generation: i64,
}

/// The client behind an authentication. The same is read and compared whether there is such a client or not. Wrong secrets have no
/// consequence for the client: of 256 random bits nobody guesses one, and whoever knows the id could keep the client out.
///
/// # Errors
/// [`AuthError::InvalidClient`], the same for an unknown id, a wrong secret and a revoked client.
pub async fn authenticate_client(
    db: &Db,
    clock: &dyn Clock,
    authentication: &ClientAuthentication,
) -> Result<AuthenticatedClient, AuthError> {
    let now = clock.timestamp();
    let (client, secrets) = store::find_client(db, &authentication.client_id).await?.unzip();
    let nothing = SecretHash::of_secret(&SecretString::default());
    let generation = secrets.as_ref().map_or(0, |secrets| secrets.generation);
    let (current, old) = secrets.map_or((nothing.clone(), None), |secrets| (secrets.current, secrets.old));
    let (old, until) = old.map_or((nothing, None), |(hash, until)| (hash, Some(until)));
    let by_current = current.matches(&authentication.client_secret);
    let by_old = old.matches(&authentication.client_secret) & until.is_some_and(|until| until > now);
    let client = client.filter(|client| client.revoked_at.is_none() && (by_current | by_old)).ok_or(AuthError::InvalidClient)?;
    Ok(AuthenticatedClient { client, secret_generation: if by_current { generation } else { generation - 1 } })
}
