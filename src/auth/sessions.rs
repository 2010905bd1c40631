use secrecy::SecretString;
use time::Duration;

use super::store;
use crate::clock::{Clock, Timestamp};
use crate::crypto::{SecretHash, random_token};
use crate::db::{DbError, Tx};
use crate::ids::{InstanceId, MemberId};

/// How long a person stays logged in.
const SESSION_LIFETIME: Duration = Duration::hours(12);

/// A session just begun: the cookie's value and when it runs out.
#[derive(Debug)]
pub struct NewSession {
    pub token: SecretString,
    pub expires_at: Timestamp,
}

/// Logs a member in. Only the hash of the cookie's value is kept.
///
/// # Errors
/// When the database can't be written.
pub async fn begin_session(tx: &mut Tx, clock: &dyn Clock, instance: InstanceId, member: MemberId) -> Result<NewSession, DbError> {
    let token = random_token();
    let now = clock.timestamp();
    let expires_at = now + SESSION_LIFETIME;
    store::insert_session(tx, instance, member, &SecretHash::of(&token), now, expires_at).await?;
    Ok(NewSession { token, expires_at })
}
