//! What can be done to a member who is there. Every function takes the transaction and refuses what the rules forbid, whoever
//! asks: the API, a provisioning client or a job.

use serde_json::json;

use super::acting::{ActingCaller, owner};
use super::{EmailAddress, FieldChange, Member, MemberError, MemberState, ensure_everyone, store};
use crate::audit::{self, Entry};
use crate::auth::{self, Role};
use crate::connections::{self, ConnectionError, Connections};
use crate::db::{Db, Tx};
use crate::display_name::DisplayName;
use crate::ids::MemberId;
use crate::instances;
use crate::mail;

/// What is refused to the original user and the last admin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusedChange {
    /// Being removed.
    Removal,
    /// Being deactivated.
    Deactivation,
    /// Becoming a user.
    Demotion,
}

impl std::fmt::Display for RefusedChange {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::Removal => "removed",
            Self::Deactivation => "deactivated",
            Self::Demotion => "made a user",
        })
    }
}

/// What of a removed member passed to whoever removed them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PassedOn {
    /// The new owner: `client:ID` or `member:ID`.
    pub to: String,
    /// Whether the Marketo connection, or the one that waits to follow it, did.
    pub marketo_connection: bool,
    pub invitations: u64,
    pub imports: u64,
}

/// Makes this transaction wait for others that change members of the instance, and reads the member.
///
/// # Errors
/// [`MemberError::Unknown`].
async fn locked(tx: &mut Tx, acting: &ActingCaller<'_>, member: MemberId) -> Result<Member, MemberError> {
    ensure_everyone(tx, acting.clock, acting.instance).await?;
    store::find_in(tx, acting.instance, member).await?.ok_or(MemberError::Unknown)
}

/// Refuses what the instance can't bear.
async fn check_bearable(tx: &mut Tx, acting: &ActingCaller<'_>, member: &Member, loss: RefusedChange) -> Result<(), MemberError> {
    if member.is_original && instances::sync_has_started(tx, acting.instance).await? {
        return Err(MemberError::OriginalUser(loss));
    }
    let can_act = member.role == Role::Admin && member.state == MemberState::Active;
    if can_act && store::count_active_admins(tx, acting.instance).await? <= 1 {
        return Err(MemberError::LastAdmin(loss));
    }
    Ok(())
}

/// Names to be written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    pub first_name: FieldChange<DisplayName>,
    pub last_name: FieldChange<DisplayName>,
}

/// What of a member is to be changed, all or nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemberChange {
    pub names: Names,
    /// It stays unless given.
    pub role: Option<Role>,
}

/// Changes a member in one transaction.
///
/// # Errors
/// As [`change_names`] and [`change_role`].
pub async fn change_member(db: &Db, acting: &ActingCaller<'_>, id: MemberId, change: MemberChange) -> Result<Member, MemberError> {
    let mut tx = db.begin().await?;
    let mut member = change_names(&mut tx, acting, id, change.names).await?;
    if let Some(role) = change.role {
        member = change_role(&mut tx, acting, id, role).await?;
    }
    tx.commit().await?;
    Ok(member)
}

/// Changes a member's names. Whether the actor may, the caller has checked.
///
/// # Errors
/// [`MemberError::Unknown`].
pub async fn change_names(tx: &mut Tx, acting: &ActingCaller<'_>, member: MemberId, names: Names) -> Result<Member, MemberError> {
    let before = locked(tx, acting, member).await?;
    let mut after = before.clone();
    after.first_name = names.first_name.map(String::from).apply(after.first_name);
    after.last_name = names.last_name.map(String::from).apply(after.last_name);
    let shown = |member: &Member| json!({ "first_name": member.first_name, "last_name": member.last_name });
    if shown(&before) == shown(&after) {
        return Ok(after);
    }
    store::set_names(tx, acting.instance, &after).await?;
    let entry = Entry::new("member.renamed", "member", member).before(shown(&before)).after(shown(&after));
    audit::record(tx, acting.clock, acting.instance, acting.origin, entry).await?;
    Ok(after)
}

/// Gives a member another role. Who is no admin any more has no access to a Marketo connection: theirs passes to the actor.
///
/// # Errors
/// [`MemberError::Unknown`]; [`MemberError::OriginalUser`]; [`MemberError::LastAdmin`]; [`MemberError::OwnsMarketoConnection`] for those who
/// would make themselves users while they own the connection.
pub async fn change_role(tx: &mut Tx, acting: &ActingCaller<'_>, member: MemberId, role: Role) -> Result<Member, MemberError> {
    let mut found = locked(tx, acting, member).await?;
    if found.role == role {
        return Ok(found);
    }
    if role == Role::User {
        check_bearable(tx, acting, &found, RefusedChange::Demotion).await?;
        hand_marketo_over(tx, acting, member).await?;
    }
    store::set_role(tx, acting.instance, member, role).await?;
    let before = json!({ "role": found.role });
    let entry = Entry::new("member.role_changed", "member", member).before(before).after(json!({ "role": role }));
    audit::record(tx, acting.clock, acting.instance, acting.origin, entry).await?;
    found.role = role;
    Ok(found)
}

async fn hand_marketo_over(tx: &mut Tx, acting: &ActingCaller<'_>, member: MemberId) -> Result<bool, MemberError> {
    let passed = connections::hand_marketo_over(tx, acting.instance, member, &acting.origin.actor).await?;
    if passed && acting.is(member) { Err(MemberError::OwnsMarketoConnection) } else { Ok(passed) }
}

/// Keeps an active member out until they are reactivated: their sessions and tokens end at once, their seat, teams and what they
/// own stay theirs. Who is deactivated already stays so.
///
/// # Errors
/// [`MemberError::Unknown`]; [`MemberError::NotActivated`] for those who are only invited; [`MemberError::Oneself`];
/// [`MemberError::OriginalUser`]; [`MemberError::LastAdmin`].
pub async fn deactivate(tx: &mut Tx, acting: &ActingCaller<'_>, member: MemberId) -> Result<Member, MemberError> {
    let found = locked(tx, acting, member).await?;
    match found.state {
        MemberState::Deactivated => return Ok(found),
        MemberState::Invited => return Err(MemberError::NotActivated),
        MemberState::Active => {}
    }
    check_bearable(tx, acting, &found, RefusedChange::Deactivation).await?;
    if acting.is(member) {
        return Err(MemberError::Oneself(RefusedChange::Deactivation));
    }
    let at = acting.clock.timestamp();
    store::set_deactivated(tx, acting.instance, member, Some(at)).await?;
    store::delete_resets(tx, acting.instance, member).await?;
    mail::cancel(tx, acting.instance, member.0, at).await?;
    let sessions = auth::sign_out(tx, acting.clock, acting.instance, member).await?;
    let entry = Entry::new("member.deactivated", "member", member).after(json!({ "sessions_ended": sessions }));
    audit::record(tx, acting.clock, acting.instance, acting.origin, entry).await?;
    Ok(Member { state: MemberState::Deactivated, deactivated_at: Some(at), ..found })
}

/// Checks that the instance could do without a member who is to be kept out, activated or not.
///
/// # Errors
/// [`MemberError::Unknown`]; [`MemberError::OriginalUser`]; [`MemberError::LastAdmin`].
pub async fn check_deactivatable(tx: &mut Tx, acting: &ActingCaller<'_>, member: MemberId) -> Result<(), MemberError> {
    let found = locked(tx, acting, member).await?;
    check_bearable(tx, acting, &found, RefusedChange::Deactivation).await
}

/// Gives a member another address, which then is the one that logs in and that a Salesforce user must have. Links for new passwords
/// that went to the old one work no more. An invitation that holds is for the old one, too: see to it before or after.
///
/// # Errors
/// [`MemberError::Unknown`]; [`MemberError::EmailTaken`].
pub async fn change_email(tx: &mut Tx, acting: &ActingCaller<'_>, member: MemberId, email: &EmailAddress) -> Result<Member, MemberError> {
    let before = locked(tx, acting, member).await?;
    store::release_email(tx, acting.instance, member).await?;
    if !store::claim_email(tx, acting.instance, member, email).await? {
        return Err(MemberError::EmailTaken);
    }
    if before.state != MemberState::Invited {
        // When it logs in to another instance, it doesn't log in here; to say so would tell of that instance.
        store::claim_login(tx, acting.instance, member).await?;
    }
    let after = Member { email: email.clone(), ..before.clone() };
    store::set_email(tx, acting.instance, &after).await?;
    store::delete_resets(tx, acting.instance, member).await?;
    let shown = |member: &Member| json!({ "email": member.email });
    let entry = Entry::new("member.email_changed", "member", member).before(shown(&before)).after(shown(&after));
    audit::record(tx, acting.clock, acting.instance, acting.origin, entry).await?;
    Ok(after)
}

/// Lets a deactivated member in again. Who is not deactivated stays as they are.
///
/// # Errors
/// [`MemberError::Unknown`].
pub async fn reactivate(tx: &mut Tx, acting: &ActingCaller<'_>, member: MemberId) -> Result<Member, MemberError> {
    let found = locked(tx, acting, member).await?;
    if found.state != MemberState::Deactivated {
        return Ok(found);
    }
    store::set_deactivated(tx, acting.instance, member, None).await?;
    audit::record(tx, acting.clock, acting.instance, acting.origin, Entry::new("member.reactivated", "member", member)).await?;
    // Only active members are deactivated.
    Ok(Member { state: MemberState::Active, deactivated_at: None, ..found })
}

/// Checks that a member could be removed now.
///
/// # Errors
/// As [`remove`].
pub async fn check_removable(tx: &mut Tx, acting: &ActingCaller<'_>, member: MemberId) -> Result<Member, MemberError> {
    let found = locked(tx, acting, member).await?;
    check_bearable(tx, acting, &found, RefusedChange::Removal).await?;
    if acting.is(member) {
        return Err(MemberError::Oneself(RefusedChange::Removal));
    }
    Ok(found)
}

/// Removes a member, invited, active or deactivated: open invitations are revoked, sessions and tokens end at once, the seat and the address are free again,
/// and what they owned passes to the actor. A Salesforce connection of their own is forgotten; revoke its grant before.
///
/// # Errors
/// [`MemberError::Unknown`]; [`MemberError::Oneself`]; [`MemberError::OriginalUser`]; [`MemberError::LastAdmin`].
pub async fn remove(tx: &mut Tx, acting: &ActingCaller<'_>, member: MemberId) -> Result<PassedOn, MemberError> {
    let found = check_removable(tx, acting, member).await?;
    let (instance, to) = (acting.instance, acting.origin.actor.as_str());
    let marketo_connection = hand_marketo_over(tx, acting, member).await?;
    let (invitations, imports) = store::pass_invitations_on(tx, instance, &owner(member), to).await?;
    let passed = PassedOn { to: to.to_owned(), marketo_connection, invitations, imports };
    let now = acting.clock.timestamp();
    for invite in store::revoke_invitations(tx, instance, member, to, now).await? {
        mail::cancel(tx, instance, invite.0, now).await?;
    }
    mail::cancel(tx, instance, member.0, now).await?;
    let teams = store::teams_of_member(tx, instance, member).await?;
    connections::forget_member(tx, instance, member).await?;
    auth::sign_out(tx, acting.clock, instance, member).await?;
    store::delete(tx, instance, member).await?;
    let before = json!({
        "email": found.email, "first_name": found.first_name, "last_name": found.last_name, "role": found.role,
        "state": found.state, "teams": teams,
    });
    let after = json!({
        "reassigned_to": passed.to, "marketo_connection": passed.marketo_connection, "invitations": passed.invitations,
        "imports": passed.imports,
    });
    let entry = Entry::new("member.removed", "member", member).before(before).after(after);
    audit::record(tx, acting.clock, instance, acting.origin, entry).await?;
    Ok(passed)
}

/// [`remove`], after the grant of a Salesforce connection of the member's own has been revoked at Salesforce.
///
/// # Errors
/// As [`remove`]; [`MemberError::Connection`] when Salesforce can't be reached, and nothing is done then.
pub async fn revoke_and_remove(
    db: &Db,
    connections: &Connections,
    acting: &ActingCaller<'_>,
    member: MemberId,
) -> Result<PassedOn, MemberError> {
    // Looked at before anything is revoked at Salesforce, which no transaction may wait for.
    let mut looking = db.begin().await?;
    check_removable(&mut looking, acting, member).await?;
    drop(looking);
    revoke_own_salesforce(connections, acting, member).await?;
    let mut tx = db.begin().await?;
    let passed = remove(&mut tx, acting, member).await?;
    tx.commit().await?;
    Ok(passed)
}

/// Revokes the grant of a Salesforce connection of the member's own at Salesforce, if there is one, and deletes it.
///
/// # Errors
/// [`MemberError::Connection`] when Salesforce can't be reached, and nothing is done then.
pub async fn revoke_own_salesforce(connections: &Connections, acting: &ActingCaller<'_>, member: MemberId) -> Result<(), MemberError> {
    match connections.disconnect_salesforce(acting.instance, Some(member), acting.origin).await {
        Ok(()) | Err(ConnectionError::NotConnected { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
