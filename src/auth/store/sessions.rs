use crate::auth::session::{Session, SessionMethod};
use crate::clock::Timestamp;
use crate::crypto::SecretHash;
use crate::db::{self, Db, DbError, Tx, execute, on};
use crate::ids::{InstanceId, MemberId, SessionId};
use crate::permissions::Role;

/// A session to be kept.
#[derive(Debug)]
pub struct NewSessionRow<'a> {
    pub id: SessionId,
    pub token_hash: SecretHash,
    pub method: Option<SessionMethod>,
    pub address: Option<&'a str>,
    pub user_agent: Option<&'a str>,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

/// Keeps a new session.
///
/// # Errors
/// When the database refuses it.
pub async fn insert_session(tx: &mut Tx, instance: InstanceId, member: MemberId, row: &NewSessionRow<'_>) -> Result<(), DbError> {
    const SQL: &str = "INSERT INTO sessions (token_hash, instance_id, member_id, created_at, expires_at, id, method, address, user_agent) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    execute!(
        tx,
        db::query(SQL)
            .bind(&row.token_hash)
            .bind(instance)
            .bind(member)
            .bind(row.created_at)
            .bind(row.expires_at)
            .bind(row.id)
            .bind(row.method)
            .bind(row.address)
            .bind(row.user_agent)
    )
    .map(drop)
}

/// Whose session this is, with the role of today; none once it has expired or the member is no longer active.
pub async fn find_session(db: &Db, hash: &SecretHash, now: Timestamp) -> Result<Option<(InstanceId, MemberId, Role)>, DbError> {
    const SQL: &str = "SELECT m.instance_id, m.id, m.role FROM sessions s \
         JOIN members m ON m.instance_id = s.instance_id AND m.id = s.member_id \
         WHERE s.token_hash = $1 AND s.expires_at > $2 AND m.status = 'active' AND m.deactivated_at IS NULL";
    on!(db, c => db::query_as(SQL).bind(hash).bind(now).fetch_optional(c))
}

/// The role of today of a member who is active, and until when tokens issued to them are refused.
pub async fn find_active_member(db: &Db, instance: InstanceId, member: MemberId) -> Result<Option<(Role, Option<Timestamp>)>, DbError> {
    const SQL: &str = "SELECT role, signed_out_at FROM members \
         WHERE instance_id = $1 AND id = $2 AND status = 'active' AND deactivated_at IS NULL";
    on!(db, c => db::query_as(SQL).bind(instance).bind(member).fetch_optional(c))
}

type SessionRow = (SessionId, SecretHash, Option<SessionMethod>, Timestamp, Timestamp, Option<String>, Option<String>);

/// The sessions of a member that have not expired, the newest first.
pub async fn list_sessions(db: &Db, instance: InstanceId, member: MemberId, now: Timestamp) -> Result<Vec<Session>, DbError> {
    const SQL: &str = "SELECT id, token_hash, method, created_at, expires_at, address, user_agent FROM sessions \
         WHERE instance_id = $1 AND member_id = $2 AND expires_at > $3 AND id IS NOT NULL ORDER BY created_at DESC, id DESC";
    let rows: Vec<SessionRow> = on!(db, c => db::query_as(SQL).bind(instance).bind(member).bind(now).fetch_all(c))?;
    let session = |(id, token_hash, method, created_at, expires_at, address, user_agent): SessionRow| Session {
        id,
        token_hash,
        method,
        created_at,
        expires_at,
        address,
        user_agent,
    };
    Ok(rows.into_iter().map(session).collect())
}

/// Ends the sessions of a member, but for the one with the hash `except`; returns how many.
pub async fn delete_sessions(tx: &mut Tx, instance: InstanceId, member: MemberId, except: Option<&SecretHash>) -> Result<u64, DbError> {
    const SQL: &str = "DELETE FROM sessions WHERE instance_id = $1 AND member_id = $2 AND ($3 IS NULL OR token_hash <> $3)";
    execute!(tx, db::query(SQL).bind(instance).bind(member).bind(except))
}

/// Ends one session of a member; `false` when there is none of this id.
pub async fn delete_session(tx: &mut Tx, instance: InstanceId, member: MemberId, id: SessionId) -> Result<bool, DbError> {
    const SQL: &str = "DELETE FROM sessions WHERE instance_id = $1 AND member_id = $2 AND id = $3";
    Ok(execute!(tx, db::query(SQL).bind(instance).bind(member).bind(id))? > 0)
}

/// Ends the session of a cookie; `false` when there is none.
pub async fn delete_session_of(tx: &mut Tx, hash: &SecretHash) -> Result<bool, DbError> {
    Ok(execute!(tx, db::query("DELETE FROM sessions WHERE token_hash = $1").bind(hash))? > 0)
}

/// Ends a member's sessions but for the `count` newest of those that have not expired.
pub async fn delete_sessions_but_newest(
    tx: &mut Tx,
    instance: InstanceId,
    member: MemberId,
    count: i64,
    now: Timestamp,
) -> Result<u64, DbError> {
    const SQL: &str = "DELETE FROM sessions WHERE instance_id = $1 AND member_id = $2 AND (expires_at <= $4 OR token_hash NOT IN \
         (SELECT token_hash FROM sessions WHERE instance_id = $1 AND member_id = $2 ORDER BY created_at DESC, token_hash LIMIT $3))";
    execute!(tx, db::query(SQL).bind(instance).bind(member).bind(count).bind(now))
}

/// Ends every session of the instance that was begun with a password; returns how many. One of which that is not known counts
/// when the member has a password.
pub async fn delete_password_sessions(tx: &mut Tx, instance: InstanceId) -> Result<u64, DbError> {
    const SQL: &str = "DELETE FROM sessions WHERE instance_id = $1 AND (method = 'password' OR (method IS NULL AND member_id IN \
         (SELECT id FROM members WHERE instance_id = $1 AND password_hash IS NOT NULL)))";
    execute!(tx, db::query(SQL).bind(instance))
}

/// Refuses the tokens that were issued to a member up to `until`.
pub async fn refuse_tokens_until(tx: &mut Tx, instance: InstanceId, member: MemberId, until: Timestamp) -> Result<(), DbError> {
    const SQL: &str = "UPDATE members SET signed_out_at = $3 WHERE instance_id = $1 AND id = $2";
    execute!(tx, db::query(SQL).bind(instance).bind(member).bind(until)).map(drop)
}
