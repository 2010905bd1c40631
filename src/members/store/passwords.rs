use crate::clock::Timestamp;
use crate::crypto::SecretHash;
use crate::db::{self, Db, DbError, Tx, execute, on, on_tx};
use crate::ids::{InstanceId, MemberId};
use crate::members::MemberState;

/// What logging in by password asks of a member.
#[derive(Debug)]
pub struct LoginRow {
    pub instance: InstanceId,
    pub member: MemberId,
    pub state: MemberState,
    /// A PHC string.
    pub password_hash: Option<String>,
}

/// The member whom the address with this key logs in. Global: an address logs in to one instance only.
pub async fn find_for_login(db: &Db, email_key: &str) -> Result<Option<LoginRow>, DbError> {
    const SQL: &str = "SELECT m.instance_id, m.id, CASE WHEN m.deactivated_at IS NULL THEN m.status ELSE 'deactivated' END, \
         m.password_hash FROM member_emails e JOIN members m ON m.instance_id = e.instance_id AND m.id = e.member_id \
         WHERE e.email_key = $1 AND e.logs_in";
    type LoginColumns = (InstanceId, MemberId, MemberState, Option<String>);
    let row: Option<LoginColumns> = on!(db, c => db::query_as(SQL).bind(email_key).fetch_optional(c))?;
    Ok(row.map(|(instance, member, state, password_hash)| LoginRow { instance, member, state, password_hash }))
}

/// Writes the hash of a password.
pub async fn set_password(tx: &mut Tx, instance: InstanceId, member: MemberId, hash: &str) -> Result<(), DbError> {
    const SQL: &str = "UPDATE members SET password_hash = $3 WHERE instance_id = $1 AND id = $2";
    execute!(tx, db::query(SQL).bind(instance).bind(member).bind(hash)).map(drop)
}

/// The hash of a member's password, if they have one: a PHC string.
pub async fn password_hash(db: &Db, instance: InstanceId, member: MemberId) -> Result<Option<String>, DbError> {
    const SQL: &str = "SELECT password_hash FROM members WHERE instance_id = $1 AND id = $2";
    let row: Option<(Option<String>,)> = on!(db, c => db::query_as(SQL).bind(instance).bind(member).fetch_optional(c))?;
    Ok(row.and_then(|(hash,)| hash))
}

/// Gives an active member the password with the hash `to` in place of the one with the hash `from`; `false` when they have another
/// one meanwhile.
pub async fn replace_password(tx: &mut Tx, instance: InstanceId, member: MemberId, from: &str, to: &str) -> Result<bool, DbError> {
    const SQL: &str = "UPDATE members SET password_hash = $4 WHERE instance_id = $1 AND id = $2 AND password_hash = $3 \
         AND status = 'active' AND deactivated_at IS NULL";
    Ok(execute!(tx, db::query(SQL).bind(instance).bind(member).bind(from).bind(to))? == 1)
}

/// Stores a link for a new password, and deletes those that have expired.
pub async fn insert_reset(
    tx: &mut Tx,
    instance: InstanceId,
    member: MemberId,
    hash: &SecretHash,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<(), DbError> {
    const OLD: &str = "DELETE FROM password_resets WHERE instance_id = $1 AND member_id = $2 AND expires_at <= $3";
    execute!(tx, db::query(OLD).bind(instance).bind(member).bind(now))?;
    const SQL: &str =
        "INSERT INTO password_resets (token_hash, instance_id, member_id, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)";
    execute!(tx, db::query(SQL).bind(hash).bind(instance).bind(member).bind(now).bind(expires_at)).map(drop)
}

/// Whose new password a link is for, as long as it has not expired.
pub async fn find_reset(db: &Db, hash: &SecretHash, now: Timestamp) -> Result<Option<(InstanceId, MemberId)>, DbError> {
    const SQL: &str = "SELECT instance_id, member_id FROM password_resets WHERE token_hash = $1 AND expires_at > $2";
    on!(db, c => db::query_as(SQL).bind(hash).bind(now).fetch_optional(c))
}

/// Takes a link, so that it can't be used again; none when somebody was faster or it has expired.
pub async fn take_reset(tx: &mut Tx, hash: &SecretHash, now: Timestamp) -> Result<Option<(InstanceId, MemberId)>, DbError> {
    const SQL: &str = "DELETE FROM password_resets WHERE token_hash = $1 AND expires_at > $2 RETURNING instance_id, member_id";
    on_tx!(tx, c => db::query_as(SQL).bind(hash).bind(now).fetch_optional(c))
}

/// Deletes every link for a new password of a member.
pub async fn delete_resets(tx: &mut Tx, instance: InstanceId, member: MemberId) -> Result<(), DbError> {
    const SQL: &str = "DELETE FROM password_resets WHERE instance_id = $1 AND member_id = $2";
    execute!(tx, db::query(SQL).bind(instance).bind(member)).map(drop)
}

/// What members would meet when the way to log in changes.
#[derive(Debug, sqlx::FromRow)]
pub struct LoginFacts {
    /// Active members with a password.
    pub with_password: i64,
    /// Of these, those who never logged in at Salesforce.
    pub only_password: i64,
    /// Active admins who have logged in at Salesforce.
    pub admins_by_salesforce: i64,
    /// Active members who have logged in at Salesforce.
    pub by_salesforce: i64,
    /// Active members without a password.
    pub without_password: i64,
    /// Members who have not activated yet.
    pub invited: i64,
    /// Sessions that were begun with a password and have not expired.
    pub password_sessions: i64,
}

/// Reads these facts.
pub async fn login_facts(db: &Db, instance: InstanceId, now: Timestamp) -> Result<LoginFacts, DbError> {
    const SQL: &str = "SELECT \
         COUNT(CASE WHEN status = 'active' AND password_hash IS NOT NULL THEN 1 END) AS with_password, \
         COUNT(CASE WHEN status = 'active' AND password_hash IS NOT NULL AND salesforce_username IS NULL THEN 1 END) AS only_password, \
         COUNT(CASE WHEN status = 'active' AND role = 'admin' AND salesforce_username IS NOT NULL THEN 1 END) AS admins_by_salesforce, \
         COUNT(CASE WHEN status = 'active' AND salesforce_username IS NOT NULL THEN 1 END) AS by_salesforce, \
         COUNT(CASE WHEN status = 'active' AND password_hash IS NULL THEN 1 END) AS without_password, \
         COUNT(CASE WHEN status = 'invited' THEN 1 END) AS invited, \
         (SELECT COUNT(*) FROM sessions s WHERE s.instance_id = $1 AND s.expires_at > $2 AND (s.method = 'password' OR (s.method IS NULL \
         AND s.member_id IN (SELECT p.id FROM members p WHERE p.instance_id = $1 AND p.password_hash IS NOT NULL)))) AS password_sessions \
         FROM members WHERE instance_id = $1 AND deactivated_at IS NULL";
    on!(db, c => db::query_as(SQL).bind(instance).bind(now).fetch_one(c))
}
