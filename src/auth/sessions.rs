use secrecy::SecretString;
use time::Duration;

use super::session::SessionMethod;
use super::store::{self, NewSessionRow};
use crate::audit::ChangeOrigin;
use crate::clock::{Clock, Timestamp};
use crate::crypto::{SecretHash, random_token};
use crate::db::{DbError, Tx};
use crate::ids::{InstanceId, MemberId, SessionId};

/// How long a person stays logged in.
const SESSION_LIFETIME: Duration = Duration::hours(12);
/// Sessions that a member can have at once; another one ends the oldest.
pub const MAX_SESSIONS: i64 = 20;

/// A session just begun: the cookie's value and when it expires.
#[derive(Debug)]
pub struct NewSession {
    pub token: SecretString,
    pub expires_at: Timestamp,
}

/// Logs a member in by whatever way. Only the hash of the cookie's value is kept.
pub async fn begin_session(tx: &mut Tx, clock: &dyn Clock, instance: InstanceId, member: MemberId) -> Result<NewSession, DbError> {
    begin(tx, clock, instance, member, None, None).await
}

/// The same, noting how and from where.
pub async fn begin_session_by(
    tx: &mut Tx,
    clock: &dyn Clock,
    instance: InstanceId,
    member: MemberId,
    method: SessionMethod,
    origin: &ChangeOrigin,
) -> Result<NewSession, DbError> {
    begin(tx, clock, instance, member, Some(method), Some(origin)).await
}

async fn begin(
    tx: &mut Tx,
    clock: &dyn Clock,
    instance: InstanceId,
    member: MemberId,
    method: Option<SessionMethod>,
    origin: Option<&ChangeOrigin>,
) -> Result<NewSession, DbError> {
    let token = random_token();
    let created_at = clock.timestamp();
    let expires_at = created_at + SESSION_LIFETIME;
    let row = NewSessionRow {
        id: SessionId(clock.new_id()),
        token_hash: SecretHash::of_secret(&token),
        method,
        address: origin.and_then(|origin| origin.address.as_deref()),
        user_agent: origin.and_then(|origin| origin.user_agent.as_deref()),
        created_at,
        expires_at,
    };
    store::delete_sessions_but_newest(tx, instance, member, MAX_SESSIONS - 1, created_at).await?;
    store::insert_session(tx, instance, member, &row).await?;
    Ok(NewSession { token, expires_at })
}

/// Logs a member out everywhere: ends the sessions, and refuses the tokens issued to the member up to now. All processes see it
/// with the next request. Returns how many sessions ended.
pub async fn sign_out(tx: &mut Tx, clock: &dyn Clock, instance: InstanceId, member: MemberId) -> Result<u64, DbError> {
    store::refuse_tokens_until(tx, instance, member, clock.timestamp()).await?;
    store::delete_sessions(tx, instance, member, None).await
}
