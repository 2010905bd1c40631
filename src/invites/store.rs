//! Each function fails with [`DbError`] when the database can't be reached, and only then unless it says more.

use std::collections::HashMap;

use super::{Invite, InviteState};
use crate::clock::Timestamp;
use crate::crypto::SecretHash;
use crate::db::{self, Db, DbError, Tx, execute, fetch_by_keys, insert_rows, on, on_tx};
use crate::ids::{ImportId, InstanceId, InviteId, MailId, MemberId};
use crate::language::Language;

#[derive(sqlx::FromRow)]
struct InviteRow {
    id: InviteId,
    instance_id: InstanceId,
    member_id: MemberId,
    email: String,
    status: InviteState,
    is_first: bool,
    import_id: Option<ImportId>,
    message_id: Option<MailId>,
    language: String,
    invited_by: String,
    send_error: Option<String>,
    created_at: Timestamp,
    sent_at: Option<Timestamp>,
    expires_at: Timestamp,
    accepted_at: Option<Timestamp>,
    revoked_at: Option<Timestamp>,
    revoked_by: Option<String>,
}

/// The columns of a [`InviteRow`] from `invites i`. An invitation whose member was removed before activating is as good as revoked.
macro_rules! columns {
    () => {
        "i.id, i.instance_id, i.member_id, i.email, CASE WHEN i.status IN ('pending', 'sent', 'bounced') AND NOT EXISTS \
         (SELECT 1 FROM members m WHERE m.instance_id = i.instance_id AND m.id = i.member_id) THEN 'revoked' ELSE i.status END AS status, \
         i.is_first, i.import_id, i.message_id, i.language, i.invited_by, i.send_error, i.created_at, i.sent_at, i.expires_at, \
         i.accepted_at, i.revoked_at, i.revoked_by"
    };
}

fn unknown(what: &str) -> DbError {
    DbError::Statement(sqlx::Error::Decode(format!("{what} holds a value of no known form").into()))
}

impl TryFrom<InviteRow> for Invite {
    type Error = DbError;

    fn try_from(row: InviteRow) -> Result<Self, DbError> {
        Ok(Self {
            id: row.id,
            instance: row.instance_id,
            member: row.member_id,
            email: row.email,
            state: row.status,
            is_first: row.is_first,
            import: row.import_id,
            message: row.message_id,
            language: Language::read(&row.language).ok_or_else(|| unknown("invites.language"))?,
            invited_by: row.invited_by,
            send_error: row.send_error,
            created_at: row.created_at,
            sent_at: row.sent_at,
            expires_at: row.expires_at,
            accepted_at: row.accepted_at,
            revoked_at: row.revoked_at,
            revoked_by: row.revoked_by,
        })
    }
}

const BY_ID: &str = concat!("SELECT ", columns!(), " FROM invites i WHERE i.instance_id = $1 AND i.id = $2");

/// The invitation with this id.
pub(super) async fn find(db: &Db, instance: InstanceId, invite: InviteId) -> Result<Option<Invite>, DbError> {
    let row: Option<InviteRow> = on!(db, c => db::query_as(BY_ID).bind(instance).bind(invite).fetch_optional(c))?;
    row.map(Invite::try_from).transpose()
}

/// The invitation with this id, which nobody else changes until the end of the transaction.
pub(super) async fn find_and_lock(tx: &mut Tx, instance: InstanceId, invite: InviteId) -> Result<Option<Invite>, DbError> {
    const LOCK: &str = "UPDATE invites SET status = status WHERE instance_id = $1 AND id = $2";
    execute!(tx, db::query(LOCK).bind(instance).bind(invite))?;
    let row: Option<InviteRow> = on_tx!(tx, c => db::query_as(BY_ID).bind(instance).bind(invite).fetch_optional(c))?;
    row.map(Invite::try_from).transpose()
}

/// The newest invitation of the first user.
pub(super) async fn find_first(db: &Db, instance: InstanceId) -> Result<Option<Invite>, DbError> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM invites i WHERE i.instance_id = $1 AND i.is_first ORDER BY i.created_at DESC, i.id DESC LIMIT 1"
    );
    let row: Option<InviteRow> = on!(db, c => db::query_as(SQL).bind(instance).fetch_optional(c))?;
    row.map(Invite::try_from).transpose()
}

#[derive(sqlx::FromRow)]
struct LinkRow {
    #[sqlx(flatten)]
    invite: InviteRow,
    replaced_at: Option<Timestamp>,
}

/// The invitation behind a link, and when a newer link took its place. Global: the link is all that the person has.
pub(super) async fn find_by_token(db: &Db, hash: &SecretHash) -> Result<Option<(Invite, Option<Timestamp>)>, DbError> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        ", l.replaced_at FROM invite_links l JOIN invites i ON i.instance_id = l.instance_id AND i.id = l.invite_id WHERE l.token_hash = $1"
    );
    let row: Option<LinkRow> = on!(db, c => db::query_as(SQL).bind(hash).fetch_optional(c))?;
    row.map(|row| Ok((Invite::try_from(row.invite)?, row.replaced_at))).transpose()
}

/// The newest invitation of a member.
pub(super) async fn newest_of(tx: &mut Tx, instance: InstanceId, member: MemberId) -> Result<Option<Invite>, DbError> {
    Ok(newest_of_each(tx, instance, &[member]).await?.remove(&member))
}

/// The newest invitation of each of these members that has one.
pub(super) async fn newest_of_each(tx: &mut Tx, instance: InstanceId, members: &[MemberId]) -> Result<HashMap<MemberId, Invite>, DbError> {
    let rows: Vec<InviteRow> = fetch_by_keys!(
        tx,
        [instance],
        members,
        concat!(
            "SELECT ",
            columns!(),
            " FROM invites i WHERE i.instance_id = $1 AND NOT EXISTS (SELECT 1 FROM invites n WHERE n.instance_id = i.instance_id \
             AND n.member_id = i.member_id AND (n.created_at, n.id) > (i.created_at, i.id)) AND i.member_id IN"
        ),
        ""
    )?;
    rows.into_iter().map(|row| Ok((row.member_id, Invite::try_from(row)?))).collect()
}

/// Which invitations a list shows.
#[derive(Debug, Clone, Default)]
pub(super) struct InviteFilter {
    pub(super) state: Option<InviteState>,
    /// A part of the address; case doesn't matter.
    pub(super) email: Option<String>,
    pub(super) invited_by: Option<String>,
    pub(super) import: Option<ImportId>,
}

/// A page of invitations after `after`, in the order they were made.
pub(super) async fn list(
    db: &Db,
    instance: InstanceId,
    filter: &InviteFilter,
    now: Timestamp,
    after: Option<InviteId>,
    rows: i64,
) -> Result<Vec<Invite>, DbError> {
    const SQL: &str = concat!(
        "SELECT * FROM (SELECT ",
        columns!(),
        " FROM invites i WHERE i.instance_id = $1 AND i.id > $2) AS one \
         WHERE ($3 IS NULL OR CASE WHEN one.status IN ('pending', 'sent') AND one.expires_at <= $4 THEN 'expired' ELSE one.status END = $3) \
         AND ($5 IS NULL OR lower(one.email) LIKE $5 ESCAPE '!') AND ($6 IS NULL OR one.invited_by = $6) \
         AND ($7 IS NULL OR one.import_id = $7) ORDER BY one.id LIMIT $8"
    );
    let after = after.unwrap_or(InviteId(uuid::Uuid::nil()));
    let email = filter.email.as_ref().map(|part| format!("%{}%", escaped(&part.to_lowercase())));
    let found: Vec<InviteRow> = on!(db, c => db::query_as(SQL)
        .bind(instance)
        .bind(after)
        .bind(filter.state)
        .bind(now)
        .bind(&email)
        .bind(&filter.invited_by)
        .bind(filter.import)
        .bind(rows)
        .fetch_all(c))?;
    found.into_iter().map(Invite::try_from).collect()
}

/// The text as `LIKE` finds it literally, with `!` to escape.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for one in text.chars() {
        if matches!(one, '%' | '_' | '!') {
            escaped.push('!');
        }
        escaped.push(one);
    }
    escaped
}

/// What the messages of an instance's invitations have in common.
#[derive(Debug)]
pub(super) struct InviteSender {
    /// What the instance is called.
    pub(super) instance: String,
    pub(super) language: Language,
    /// The name of the member who invites, or their address.
    pub(super) inviter: Option<String>,
}

/// What the messages of invitations by `inviter` have in common. Reads in the transaction, which holds a connection already.
pub(super) async fn invite_sender(tx: &mut Tx, instance: InstanceId, inviter: Option<MemberId>) -> Result<InviteSender, DbError> {
    const SQL: &str = "SELECT i.name, i.language, m.first_name, m.last_name, m.email FROM instances i \
         LEFT JOIN members m ON m.instance_id = i.id AND m.id = $2 WHERE i.id = $1";
    type SenderColumns = (String, String, Option<String>, Option<String>, Option<String>);
    let (name, language, first, last, email): SenderColumns = on_tx!(tx, c => db::query_as(SQL).bind(instance).bind(inviter).fetch_one(c))?;
    let names: Vec<_> = [first, last].into_iter().flatten().collect();
    Ok(InviteSender {
        instance: name,
        language: Language::read(&language).ok_or_else(|| unknown("instances.language"))?,
        inviter: if names.is_empty() { email } else { Some(names.join(" ")) },
    })
}

/// Keeps new invitations, pending.
pub(super) async fn insert_all(tx: &mut Tx, instance: InstanceId, invites: &[Invite]) -> Result<(), DbError> {
    insert_rows!(
        tx,
        "INSERT INTO invites (instance_id, id, member_id, email, status, is_first, import_id, message_id, language, invited_by, \
         created_at, expires_at)",
        invites,
        |invite| [
            instance,
            invite.id,
            invite.member,
            &invite.email,
            InviteState::Pending,
            invite.is_first,
            invite.import,
            invite.message,
            invite.language.as_str(),
            &invite.invited_by,
            invite.created_at,
            invite.expires_at,
        ]
    )
    .map(drop)
}

/// Keeps new links, one of an invitation each.
pub(super) async fn insert_links(
    tx: &mut Tx,
    instance: InstanceId,
    links: &[(InviteId, SecretHash)],
    at: Timestamp,
) -> Result<(), DbError> {
    insert_rows!(tx, "INSERT INTO invite_links (instance_id, invite_id, token_hash, created_at)", links, |(invite, hash)| [
        instance, invite, hash, at
    ])
    .map(drop)
}

/// Makes the links of an invitation work no more, since another is to take their place.
pub(super) async fn replace_links(tx: &mut Tx, instance: InstanceId, invite: InviteId, at: Timestamp) -> Result<(), DbError> {
    const SQL: &str = "UPDATE invite_links SET replaced_at = $3 WHERE instance_id = $1 AND invite_id = $2 AND replaced_at IS NULL";
    execute!(tx, db::query(SQL).bind(instance).bind(invite).bind(at)).map(drop)
}

/// When the newest links of an invitation were made, up to `most`, the newest first.
pub(super) async fn link_times(tx: &mut Tx, instance: InstanceId, invite: InviteId, most: i64) -> Result<Vec<Timestamp>, DbError> {
    const SQL: &str = "SELECT created_at FROM invite_links WHERE instance_id = $1 AND invite_id = $2 ORDER BY created_at DESC LIMIT $3";
    on_tx!(tx, c => db::query_scalar(SQL).bind(instance).bind(invite).bind(most).fetch_all(c))
}

/// Makes an invitation pending again, with another message.
pub(super) async fn mark_resent(
    tx: &mut Tx,
    instance: InstanceId,
    invite: InviteId,
    message: Option<MailId>,
    until: Timestamp,
) -> Result<(), DbError> {
    const SQL: &str = "UPDATE invites SET status = 'pending', message_id = $3, expires_at = $4, sent_at = NULL, send_error = NULL \
         WHERE instance_id = $1 AND id = $2";
    execute!(tx, db::query(SQL).bind(instance).bind(invite).bind(message).bind(until)).map(drop)
}

/// Moves the end of an invitation's time.
pub(super) async fn extend(tx: &mut Tx, instance: InstanceId, invite: InviteId, until: Timestamp) -> Result<(), DbError> {
    const SQL: &str = "UPDATE invites SET expires_at = $3 WHERE instance_id = $1 AND id = $2";
    execute!(tx, db::query(SQL).bind(instance).bind(invite).bind(until)).map(drop)
}

/// Takes an invitation back.
pub(super) async fn revoke(tx: &mut Tx, instance: InstanceId, invite: InviteId, by: &str, at: Timestamp) -> Result<(), DbError> {
    const SQL: &str = "UPDATE invites SET status = 'revoked', revoked_at = $3, revoked_by = $4, send_error = NULL \
         WHERE instance_id = $1 AND id = $2 AND status <> 'accepted'";
    execute!(tx, db::query(SQL).bind(instance).bind(invite).bind(at).bind(by)).map(drop)
}

/// Records that the invitation's message has left, or may have, which `note` then says.
pub(super) async fn mark_sent(
    tx: &mut Tx,
    instance: InstanceId,
    invite: InviteId,
    message: MailId,
    at: Timestamp,
    note: Option<&str>,
) -> Result<(), DbError> {
    const SQL: &str = "UPDATE invites SET status = 'sent', sent_at = $4, send_error = $5 \
         WHERE instance_id = $1 AND id = $2 AND message_id = $3 AND status = 'pending'";
    execute!(tx, db::query(SQL).bind(instance).bind(invite).bind(message).bind(at).bind(note)).map(drop)
}

/// Records why the message has not left yet.
pub(super) async fn note_delay(tx: &mut Tx, instance: InstanceId, invite: InviteId, message: MailId, why: &str) -> Result<(), DbError> {
    const SQL: &str = "UPDATE invites SET send_error = $4 WHERE instance_id = $1 AND id = $2 AND message_id = $3 AND status = 'pending'";
    execute!(tx, db::query(SQL).bind(instance).bind(invite).bind(message).bind(why)).map(drop)
}

/// Records that the mail server refuses the message for good.
pub(super) async fn mark_bounced(tx: &mut Tx, instance: InstanceId, invite: InviteId, message: MailId, why: &str) -> Result<(), DbError> {
    const SQL: &str = "UPDATE invites SET status = 'bounced', send_error = $4 \
         WHERE instance_id = $1 AND id = $2 AND message_id = $3 AND status = 'pending'";
    execute!(tx, db::query(SQL).bind(instance).bind(invite).bind(message).bind(why)).map(drop)
}

/// Uses the invitation up; `false` when it was used, revoked or has expired, so that of two at once one succeeds.
pub(super) async fn accept(tx: &mut Tx, instance: InstanceId, invite: InviteId, at: Timestamp) -> Result<bool, DbError> {
    const SQL: &str = "UPDATE invites SET status = 'accepted', accepted_at = $3, send_error = NULL \
         WHERE instance_id = $1 AND id = $2 AND status NOT IN ('accepted', 'revoked') AND expires_at > $3";
    Ok(execute!(tx, db::query(SQL).bind(instance).bind(invite).bind(at))? == 1)
}
