//! Ending sessions of members, each in one transaction with its audit event.

use serde_json::json;

use super::{ActingCaller, MemberError, store};
use crate::audit::{self, ChangeOrigin, Entry};
use crate::auth::{self, Actor};
use crate::clock::Clock;
use crate::crypto::SecretHash;
use crate::db::{Db, DbError};
use crate::ids::{MemberId, SessionId};

/// Ends one session of a member.
///
/// # Errors
/// [`MemberError::NoSuchSession`].
pub async fn end_session(db: &Db, acting: &ActingCaller<'_>, member: MemberId, id: SessionId) -> Result<(), MemberError> {
    let mut tx = db.begin().await?;
    if !auth::delete_session(&mut tx, acting.instance, member, id).await? {
        return Err(MemberError::NoSuchSession);
    }
    let entry = Entry::new("session.ended", "member", member).before(json!({ "session": id }));
    audit::record(&mut tx, acting.clock, acting.instance, acting.origin, entry).await?;
    Ok(tx.commit().await?)
}

/// Ends the sessions of a member but for the one with the hash `except`; returns how many.
///
/// # Errors
/// [`MemberError::Db`].
pub async fn end_other_sessions(
    db: &Db,
    acting: &ActingCaller<'_>,
    member: MemberId,
    except: Option<&SecretHash>,
) -> Result<u64, MemberError> {
    let mut tx = db.begin().await?;
    let ended = auth::delete_sessions(&mut tx, acting.instance, member, except).await?;
    if ended > 0 {
        let entry = Entry::new("session.ended", "member", member).after(json!({ "sessions_ended": ended }));
        audit::record(&mut tx, acting.clock, acting.instance, acting.origin, entry).await?;
    }
    tx.commit().await?;
    Ok(ended)
}

/// Ends every session of a member and refuses every token issued to them; returns how many sessions that were.
///
/// # Errors
/// [`MemberError::Unknown`].
pub async fn sign_out(db: &Db, acting: &ActingCaller<'_>, member: MemberId) -> Result<u64, MemberError> {
    let mut tx = db.begin().await?;
    store::find_in(&mut tx, acting.instance, member).await?.ok_or(MemberError::Unknown)?;
    let ended = auth::sign_out(&mut tx, acting.clock, acting.instance, member).await?;
    let entry = Entry::new("member.signed_out", "member", member).after(json!({ "sessions_ended": ended }));
    audit::record(&mut tx, acting.clock, acting.instance, acting.origin, entry).await?;
    tx.commit().await?;
    Ok(ended)
}

/// Ends the session of a cookie, if there is one.
///
/// # Errors
/// When the database can't be reached.
pub async fn log_out(db: &Db, clock: &dyn Clock, origin: &ChangeOrigin, hash: &SecretHash) -> Result<(), DbError> {
    let whose = auth::find_session(db, hash, clock.timestamp()).await?;
    let mut tx = db.begin().await?;
    auth::delete_session_of(&mut tx, hash).await?;
    if let Some((instance, member, _)) = whose {
        let entry = Entry::new("session.ended", "member", member);
        audit::record(&mut tx, clock, instance, &origin.acting_as(&Actor::Member(member)), entry).await?;
    }
    tx.commit().await
}
