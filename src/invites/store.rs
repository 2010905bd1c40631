use super::{Invite, InviteStatus};
use crate::clock::Timestamp;
use crate::crypto::SecretHash;
use crate::db::{Db, DbError, Tx, execute, on, on_tx};
use crate::ids::{ImportId, InstanceId, InviteId, MemberId};

#[derive(sqlx::FromRow)]
struct Row {
    id: InviteId,
    instance_id: InstanceId,
    member_id: MemberId,
    email: String,
    status: String,
    is_first: bool,
    import_id: Option<ImportId>,
    invited_by: String,
    send_error: Option<String>,
    created_at: Timestamp,
    sent_at: Option<Timestamp>,
    expires_at: Timestamp,
    accepted_at: Option<Timestamp>,
}

impl TryFrom<Row> for Invite {
    type Error = DbError;

    fn try_from(row: Row) -> Result<Self, DbError> {
        let unknown = || DbError::Statement(sqlx::Error::Decode("invites.status holds a value of no known form".into()));
        Ok(Self {
            id: row.id,
            instance: row.instance_id,
            member: row.member_id,
            email: row.email,
            status: InviteStatus::read(&row.status).ok_or_else(unknown)?,
            is_first: row.is_first,
            import: row.import_id,
            invited_by: row.invited_by,
            send_error: row.send_error,
            created_at: row.created_at,
            sent_at: row.sent_at,
            expires_at: row.expires_at,
            accepted_at: row.accepted_at,
        })
    }
}

/// The invitation with this id.
///
/// # Errors
/// When the database can't be asked.
pub(super) async fn find(db: &Db, instance: InstanceId, invite: InviteId) -> Result<Option<Invite>, DbError> {
    const SQL: &str = "SELECT id, instance_id, member_id, email, status, is_first, import_id, invited_by, send_error, created_at, sent_at, \
         expires_at, accepted_at FROM invites WHERE instance_id = $1 AND id = $2";
    let row: Option<Row> = on!(db, c => sqlx::query_as(SQL).bind(instance).bind(invite).fetch_optional(c))?;
    row.map(Invite::try_from).transpose()
}

/// The newest invitation of the first user.
///
/// # Errors
/// When the database can't be asked.
pub(super) async fn find_first(db: &Db, instance: InstanceId) -> Result<Option<Invite>, DbError> {
    const SQL: &str = "SELECT id, instance_id, member_id, email, status, is_first, import_id, invited_by, send_error, created_at, sent_at, \
         expires_at, accepted_at FROM invites WHERE instance_id = $1 AND is_first ORDER BY created_at DESC, id DESC LIMIT 1";
    let row: Option<Row> = on!(db, c => sqlx::query_as(SQL).bind(instance).fetch_optional(c))?;
    row.map(Invite::try_from).transpose()
}

/// The invitation behind a link. Global: the link is all that the person has.
///
/// # Errors
/// When the database can't be asked.
pub(super) async fn find_by_token(db: &Db, hash: &SecretHash) -> Result<Option<Invite>, DbError> {
    const SQL: &str = "SELECT id, instance_id, member_id, email, status, is_first, import_id, invited_by, send_error, created_at, sent_at, \
         expires_at, accepted_at FROM invites WHERE token_hash = $1";
    let row: Option<Row> = on!(db, c => sqlx::query_as(SQL).bind(hash).fetch_optional(c))?;
    row.map(Invite::try_from).transpose()
}

/// The newest invitation of a member.
///
/// # Errors
/// When the database can't be asked.
pub(super) async fn newest_of(tx: &mut Tx, instance: InstanceId, member: MemberId) -> Result<Option<Invite>, DbError> {
    const SQL: &str = "SELECT id, instance_id, member_id, email, status, is_first, import_id, invited_by, send_error, created_at, sent_at, \
         expires_at, accepted_at FROM invites WHERE instance_id = $1 AND member_id = $2 ORDER BY created_at DESC, id DESC LIMIT 1";
    let row: Option<Row> = on_tx!(tx, c => sqlx::query_as(SQL).bind(instance).bind(member).fetch_optional(c))?;
    row.map(Invite::try_from).transpose()
}

/// A page of invitations after `after`, in the order they were made.
///
/// # Errors
/// When the database can't be asked.
pub(super) async fn list(db: &Db, instance: InstanceId, after: Option<InviteId>, rows: i64) -> Result<Vec<Invite>, DbError> {
    const SQL: &str = "SELECT id, instance_id, member_id, email, status, is_first, import_id, invited_by, send_error, created_at, sent_at, \
         expires_at, accepted_at FROM invites WHERE instance_id = $1 AND id > $2 ORDER BY id LIMIT $3";
    let after = after.unwrap_or(InviteId(uuid::Uuid::nil()));
    let rows: Vec<Row> = on!(db, c => sqlx::query_as(SQL).bind(instance).bind(after).bind(rows).fetch_all(c))?;
    rows.into_iter().map(Invite::try_from).collect()
}

/// Keeps a new invitation.
///
/// # Errors
/// When the database can't be written.
pub(super) async fn insert(tx: &mut Tx, instance: InstanceId, invite: &Invite, hash: &SecretHash, sealed: &[u8]) -> Result<(), DbError> {
    const SQL: &str = "INSERT INTO invites (instance_id, id, member_id, email, status, is_first, import_id, token_hash, sealed_token, \
         invited_by, created_at, expires_at) VALUES ($1, $2, $3, $4, 'pending', $5, $6, $7, $8, $9, $10, $11)";
    execute!(
        tx,
        sqlx::query(SQL)
            .bind(instance)
            .bind(invite.id)
            .bind(invite.member)
            .bind(&invite.email)
            .bind(invite.is_first)
            .bind(invite.import)
            .bind(hash)
            .bind(sealed)
            .bind(&invite.invited_by)
            .bind(invite.created_at)
            .bind(invite.expires_at)
    )
    .map(drop)
}

/// The sealed token of an invitation whose message is still to be sent.
///
/// # Errors
/// When the database can't be asked.
pub(super) async fn sealed_token(db: &Db, instance: InstanceId, invite: InviteId) -> Result<Option<Vec<u8>>, DbError> {
    const SQL: &str = "SELECT sealed_token FROM invites WHERE instance_id = $1 AND id = $2 AND status = 'pending'";
    let row: Option<Option<Vec<u8>>> = on!(db, c => sqlx::query_scalar(SQL).bind(instance).bind(invite).fetch_optional(c))?;
    Ok(row.flatten())
}

/// Records that the message has left; the token is forgotten.
///
/// # Errors
/// When the database can't be written.
pub(super) async fn mark_sent(tx: &mut Tx, instance: InstanceId, invite: InviteId, at: Timestamp) -> Result<(), DbError> {
    const SQL: &str = "UPDATE invites SET status = 'sent', sent_at = $3, sealed_token = NULL, send_error = NULL \
         WHERE instance_id = $1 AND id = $2 AND status = 'pending'";
    execute!(tx, sqlx::query(SQL).bind(instance).bind(invite).bind(at)).map(drop)
}

/// Records why the message has not left yet.
///
/// # Errors
/// When the database can't be written.
pub(super) async fn note_delay(tx: &mut Tx, instance: InstanceId, invite: InviteId, why: &str) -> Result<(), DbError> {
    const SQL: &str = "UPDATE invites SET send_error = $3 WHERE instance_id = $1 AND id = $2 AND status = 'pending'";
    execute!(tx, sqlx::query(SQL).bind(instance).bind(invite).bind(why)).map(drop)
}

/// Records that the message will never leave; the token is forgotten.
///
/// # Errors
/// When the database can't be written.
pub(super) async fn mark_failed(tx: &mut Tx, instance: InstanceId, invite: InviteId, why: &str) -> Result<(), DbError> {
    const SQL: &str = "UPDATE invites SET status = 'failed', send_error = $3, sealed_token = NULL \
         WHERE instance_id = $1 AND id = $2 AND status = 'pending'";
    execute!(tx, sqlx::query(SQL).bind(instance).bind(invite).bind(why)).map(drop)
}

/// Uses the invitation up; `false` when it was used or has run out, so that of two at once one succeeds.
///
/// # Errors
/// When the database can't be written.
pub(super) async fn accept(tx: &mut Tx, instance: InstanceId, invite: InviteId, at: Timestamp) -> Result<bool, DbError> {
    const SQL: &str = "UPDATE invites SET status = 'accepted', accepted_at = $3, sealed_token = NULL \
         WHERE instance_id = $1 AND id = $2 AND status <> 'accepted' AND expires_at > $3";
    Ok(execute!(tx, sqlx::query(SQL).bind(instance).bind(invite).bind(at))? == 1)
}
