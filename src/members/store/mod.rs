//! Each function fails with [`DbError`] when the database can't be reached, and only then unless it says more.

mod changes;
mod passwords;
mod teams;

use std::collections::HashMap;

use super::{AddressHolder, EmailAddress, IdentityProof, Member, MemberState, NewMember};
use crate::auth::Role;
use crate::clock::Timestamp;
use crate::db::{self, Db, DbError, Tx, execute, fetch_by_keys, insert_rows, on, on_tx};
use crate::ids::{InstanceId, MemberId, TeamId};

pub use changes::*;
pub use passwords::*;
pub use teams::*;

/// What the search looks into.
fn search_key(first_name: Option<&str>, last_name: Option<&str>, email: &EmailAddress) -> String {
    format!("{} {} {}", first_name.unwrap_or_default(), last_name.unwrap_or_default(), email.as_str()).to_lowercase()
}

#[derive(sqlx::FromRow)]
struct MemberRow {
    id: MemberId,
    email: String,
    first_name: Option<String>,
    last_name: Option<String>,
    role: Role,
    status: MemberState,
    is_original: bool,
    created_at: Timestamp,
    activated_at: Option<Timestamp>,
    deactivated_at: Option<Timestamp>,
}

fn unknown(what: &str) -> DbError {
    DbError::Statement(sqlx::Error::Decode(format!("members.{what} holds a value of no known form").into()))
}

impl TryFrom<MemberRow> for Member {
    type Error = DbError;

    fn try_from(row: MemberRow) -> Result<Self, DbError> {
        Ok(Self {
            id: row.id,
            email: EmailAddress::parse(&row.email).map_err(|_| unknown("email"))?,
            first_name: row.first_name,
            last_name: row.last_name,
            role: row.role,
            state: row.status,
            is_original: row.is_original,
            created_at: row.created_at,
            activated_at: row.activated_at,
            deactivated_at: row.deactivated_at,
        })
    }
}

const FIND: &str = "SELECT id, email, first_name, last_name, role, \
     CASE WHEN deactivated_at IS NULL THEN status ELSE 'deactivated' END AS status, is_original, created_at, activated_at, \
     deactivated_at FROM members WHERE instance_id = $1 AND id = $2";

/// The member with this id.
pub async fn find(db: &Db, instance: InstanceId, member: MemberId) -> Result<Option<Member>, DbError> {
    let row: Option<MemberRow> = on!(db, c => db::query_as(FIND).bind(instance).bind(member).fetch_optional(c))?;
    row.map(Member::try_from).transpose()
}

/// The member with this id, as the transaction sees it.
pub async fn find_in(tx: &mut Tx, instance: InstanceId, member: MemberId) -> Result<Option<Member>, DbError> {
    let row: Option<MemberRow> = on_tx!(tx, c => db::query_as(FIND).bind(instance).bind(member).fetch_optional(c))?;
    row.map(Member::try_from).transpose()
}

/// Which members a list shows; every condition that is given must hold.
#[derive(Debug, Clone, Default)]
pub struct MemberFilter {
    pub state: Option<MemberState>,
    pub role: Option<Role>,
    pub team: Option<TeamId>,
    /// Part of a name or address, in whatever case.
    pub search: Option<String>,
}

/// A page of members after `after`, in the order they were added.
pub async fn list(
    db: &Db,
    instance: InstanceId,
    filter: &MemberFilter,
    after: Option<MemberId>,
    rows: i64,
) -> Result<Vec<Member>, DbError> {
    const SQL: &str = "SELECT id, email, first_name, last_name, role, \
         CASE WHEN deactivated_at IS NULL THEN status ELSE 'deactivated' END AS status, is_original, created_at, activated_at, \
         deactivated_at FROM members m WHERE instance_id = $1 AND id > $2 \
         AND ($3 IS NULL OR CASE WHEN deactivated_at IS NULL THEN status ELSE 'deactivated' END = $3) AND ($4 IS NULL OR role = $4) \
         AND ($5 IS NULL OR EXISTS (SELECT 1 FROM team_members t WHERE t.instance_id = m.instance_id AND t.member_id = m.id AND t.team_id = $5)) \
         AND ($6 IS NULL OR search_key LIKE $6 ESCAPE '!') ORDER BY id LIMIT $7";
    let after = after.unwrap_or(MemberId(uuid::Uuid::nil()));
    let holding = filter.search.as_deref().map(pattern_containing);
    let rows: Vec<MemberRow> = on!(db, c => db::query_as(SQL)
        .bind(instance)
        .bind(after)
        .bind(filter.state)
        .bind(filter.role)
        .bind(filter.team)
        .bind(&holding)
        .bind(rows)
        .fetch_all(c))?;
    rows.into_iter().map(Member::try_from).collect()
}

/// The pattern of `LIKE` for texts that hold `text` in whatever case, with `!` before what stands for something else there.
fn pattern_containing(text: &str) -> String {
    let mut pattern = String::from("%");
    for one in text.to_lowercase().chars() {
        if matches!(one, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(one);
    }
    pattern + "%"
}

/// Which team has which member, for the members from `first` to `last`.
pub async fn teams_of(db: &Db, instance: InstanceId, first: MemberId, last: MemberId) -> Result<Vec<(MemberId, TeamId)>, DbError> {
    const SQL: &str = "SELECT member_id, team_id FROM team_members \
         WHERE instance_id = $1 AND member_id >= $2 AND member_id <= $3 ORDER BY member_id, team_id";
    on!(db, c => db::query_as(SQL).bind(instance).bind(first).bind(last).fetch_all(c))
}

/// How many members the instance has, invited ones included.
pub async fn count(tx: &mut Tx, instance: InstanceId) -> Result<i64, DbError> {
    on_tx!(tx, c => db::query_scalar("SELECT COUNT(*) FROM members WHERE instance_id = $1").bind(instance).fetch_one(c))
}

const COUNT_ORIGINALS: &str = "SELECT COUNT(*) FROM members WHERE instance_id = $1 AND is_original";

/// Whether the first person has been invited.
pub async fn has_original(db: &Db, instance: InstanceId) -> Result<bool, DbError> {
    let found: i64 = on!(db, c => db::query_scalar(COUNT_ORIGINALS).bind(instance).fetch_one(c))?;
    Ok(found > 0)
}

/// [`has_original`], as the transaction sees it.
pub async fn has_original_in(tx: &mut Tx, instance: InstanceId) -> Result<bool, DbError> {
    let found: i64 = on_tx!(tx, c => db::query_scalar(COUNT_ORIGINALS).bind(instance).fetch_one(c))?;
    Ok(found > 0)
}

/// Who in the instance has the address with this key ([`EmailAddress::key`]). Whether another instance has somebody with it is nobody's
/// business here.
pub async fn holder_of(tx: &mut Tx, instance: InstanceId, email_key: &str) -> Result<Option<AddressHolder>, DbError> {
    Ok(holders_of(tx, instance, &[email_key]).await?.remove(email_key))
}

/// [`holder_of`] for many addresses, by their keys.
pub async fn holders_of(tx: &mut Tx, instance: InstanceId, email_keys: &[&str]) -> Result<HashMap<String, AddressHolder>, DbError> {
    let rows: Vec<(String, MemberId, MemberState)> = fetch_by_keys!(
        tx,
        [instance],
        email_keys,
        "SELECT e.email_key, m.id, CASE WHEN m.deactivated_at IS NULL THEN m.status ELSE 'deactivated' END FROM member_emails e \
         JOIN members m ON m.instance_id = e.instance_id AND m.id = e.member_id WHERE e.instance_id = $1 AND e.email_key IN",
        ""
    )?;
    Ok(rows.into_iter().map(|(key, member, state)| (key, AddressHolder { member, state })).collect())
}

/// A new member with the id they get.
pub type IdentifiedMember<'a> = (MemberId, &'a NewMember);

/// Keeps new members, invited, with their addresses and teams.
///
/// # Errors
/// A conflict when another member has one of the addresses, or there is an original member and this should be one.
pub async fn insert_all(
    tx: &mut Tx,
    instance: InstanceId,
    everyone: TeamId,
    members: &[IdentifiedMember<'_>],
    at: Timestamp,
) -> Result<(), DbError> {
    insert_rows!(
        tx,
        "INSERT INTO members (instance_id, id, email, first_name, last_name, role, status, is_original, created_at, search_key)",
        members,
        |(id, new)| [
            instance,
            id,
            new.email.as_str(),
            &new.first_name,
            &new.last_name,
            new.role,
            MemberState::Invited,
            new.is_original,
            at,
            search_key(new.first_name.as_deref(), new.last_name.as_deref(), &new.email),
        ]
    )?;
    insert_rows!(tx, "INSERT INTO member_emails (instance_id, email_key, member_id, logs_in)", members, |(id, new)| [
        instance,
        new.email.key(),
        id,
        false
    ])?;
    let teams_of = |(id, new): &IdentifiedMember<'_>| {
        let id = *id;
        [everyone].into_iter().chain(new.teams.iter().copied()).map(move |team| (team, id)).collect::<Vec<_>>()
    };
    let memberships: Vec<_> = members.iter().flat_map(teams_of).collect();
    insert_rows!(
        tx,
        "INSERT INTO team_members (instance_id, team_id, member_id)",
        memberships,
        |(team, member)| [instance, team, member],
        "ON CONFLICT DO NOTHING"
    )
    .map(drop)
}

/// Takes an address for a member; `false` when another member of the instance has it. It logs in after [`claim_login`].
pub async fn claim_email(tx: &mut Tx, instance: InstanceId, member: MemberId, email: &EmailAddress) -> Result<bool, DbError> {
    const SQL: &str =
        "INSERT INTO member_emails (instance_id, email_key, member_id, logs_in) VALUES ($1, $2, $3, FALSE) ON CONFLICT DO NOTHING";
    Ok(execute!(tx, db::query(SQL).bind(instance).bind(email.key()).bind(member))? == 1)
}

/// Lets the member's address log in to the instance; `false` when it logs in to another one. Whoever gets `false` gives the
/// transaction up: of two at once, one finds out by the database's refusal.
pub async fn claim_login(tx: &mut Tx, instance: InstanceId, member: MemberId) -> Result<bool, DbError> {
    const SQL: &str = "UPDATE member_emails SET logs_in = TRUE WHERE instance_id = $1 AND member_id = $2 AND NOT EXISTS \
         (SELECT 1 FROM member_emails o WHERE o.email_key = member_emails.email_key AND o.logs_in AND o.instance_id <> $1)";
    match execute!(tx, db::query(SQL).bind(instance).bind(member)) {
        Ok(changed) => Ok(changed == 1),
        Err(error) if error.is_conflict() => Ok(false),
        Err(error) => Err(error),
    }
}

/// Frees the address of a member.
pub async fn release_email(tx: &mut Tx, instance: InstanceId, member: MemberId) -> Result<(), DbError> {
    const SQL: &str = "DELETE FROM member_emails WHERE instance_id = $1 AND member_id = $2";
    execute!(tx, db::query(SQL).bind(instance).bind(member)).map(drop)
}

/// Removes a member.
pub async fn delete(tx: &mut Tx, instance: InstanceId, member: MemberId) -> Result<(), DbError> {
    execute!(tx, db::query("DELETE FROM members WHERE instance_id = $1 AND id = $2").bind(instance).bind(member)).map(drop)
}

/// Removes a member who has not activated; the seat and the address are free again. `false` when there is none.
pub async fn remove_invited(tx: &mut Tx, instance: InstanceId, member: MemberId) -> Result<bool, DbError> {
    const SQL: &str = "DELETE FROM members WHERE instance_id = $1 AND id = $2 AND status = 'invited'";
    Ok(execute!(tx, db::query(SQL).bind(instance).bind(member))? == 1)
}

/// A member who may be the Salesforce user who logs in.
#[derive(Debug, Clone)]
pub struct AutoLoginCandidate {
    pub state: MemberState,
    pub email: String,
    /// The Salesforce user who activated, if one did.
    pub salesforce_username: Option<String>,
}

type CandidateRow = (MemberId, Role, MemberState, String, Option<String>);

fn candidate((id, role, state, email, salesforce_username): CandidateRow) -> (MemberId, Role, AutoLoginCandidate) {
    (id, role, AutoLoginCandidate { state, email, salesforce_username })
}

/// The member who activated as this Salesforce user. Usernames are compared without regard to case.
pub async fn find_by_salesforce_username(
    db: &Db,
    instance: InstanceId,
    username: &str,
) -> Result<Option<(MemberId, Role, AutoLoginCandidate)>, DbError> {
    const SQL: &str = "SELECT id, role, CASE WHEN deactivated_at IS NULL THEN status ELSE 'deactivated' END, email, salesforce_username FROM members \
         WHERE instance_id = $1 AND lower(salesforce_username) = lower($2) ORDER BY id LIMIT 1";
    let row: Option<CandidateRow> = on!(db, c => db::query_as(SQL).bind(instance).bind(username).fetch_optional(c))?;
    Ok(row.map(candidate))
}

/// The member with this e-mail address, compared without regard to case.
pub async fn find_by_email(db: &Db, instance: InstanceId, email: &str) -> Result<Option<(MemberId, Role, AutoLoginCandidate)>, DbError> {
    const SQL: &str = "SELECT m.id, m.role, CASE WHEN m.deactivated_at IS NULL THEN m.status ELSE 'deactivated' END, m.email, \
         m.salesforce_username FROM member_emails e \
         JOIN members m ON m.instance_id = e.instance_id AND m.id = e.member_id WHERE e.email_key = $2 AND e.instance_id = $1";
    let row: Option<CandidateRow> = on!(db, c => db::query_as(SQL).bind(instance).bind(email.trim().to_lowercase()).fetch_optional(c))?;
    Ok(row.map(candidate))
}

/// Makes an invited member active; `false` when the member is active already, so that of two at once one succeeds.
pub async fn activate(tx: &mut Tx, instance: InstanceId, member: MemberId, proof: &IdentityProof, at: Timestamp) -> Result<bool, DbError> {
    const SQL: &str = "UPDATE members SET status = 'active', activated_at = $3, password_hash = $4, salesforce_username = $5 \
         WHERE instance_id = $1 AND id = $2 AND status = 'invited'";
    let (password_hash, username) = match proof {
        IdentityProof::Password(hash) => (Some(hash), None),
        IdentityProof::Salesforce { username } => (None, Some(username)),
    };
    Ok(execute!(tx, db::query(SQL).bind(instance).bind(member).bind(at).bind(password_hash).bind(username))? == 1)
}
