use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::{Invite, InviteError, InviteState, store};
use crate::audit::{self, ChangeOrigin, Entry};
use crate::auth::{Actor, NewSession, begin_session_by};
use crate::clock::{Clock, Timestamp};
use crate::connections::{SalesforceHost, SalesforceLogin};
use crate::crypto::SecretHash;
use crate::db::Db;
use crate::instances::{self, Environment, Instance, LoginManagement};
use crate::language::Language;
use crate::mail;
use crate::members::{self, IdentityProof, Member, MemberState};

/// A way to activate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActivationMethod {
    /// Log in to Salesforce as the user with the invited e-mail address.
    Salesforce,
    /// Choose a password.
    Password,
}

/// A link that can be used now.
pub(super) struct OpenLink {
    pub(super) invite: Invite,
    pub(super) instance: Instance,
}

impl OpenLink {
    /// The ways to activate that the instance allows.
    pub(super) fn methods(&self) -> Vec<ActivationMethod> {
        match self.instance.login_management {
            LoginManagement::SalesforceOnly => vec![ActivationMethod::Salesforce],
            LoginManagement::AllLoginMethods => vec![ActivationMethod::Salesforce, ActivationMethod::Password],
        }
    }

    /// Where people of the instance log in to Salesforce unless they say otherwise.
    pub(super) fn usual_host(&self) -> SalesforceHost {
        match self.instance.environment {
            Environment::Production => SalesforceHost::Production,
            Environment::Sandbox => SalesforceHost::Sandbox,
        }
    }
}

/// A member who has just activated.
pub(super) struct NewlyActivatedMember {
    pub(super) member: Member,
    pub(super) session: NewSession,
}

/// Finds what a link is for. An answer says nothing about anybody: whoever has no link learns only that.
///
/// # Errors
/// [`InviteError::LinkUnknown`], [`InviteError::LinkUsed`], [`InviteError::LinkRevoked`], [`InviteError::LinkReplaced`],
/// [`InviteError::LinkExpired`].
pub(super) async fn open_link(db: &Db, now: Timestamp, token: &SecretString) -> Result<OpenLink, InviteError> {
    let (invite, replaced_at) = store::find_by_token(db, &SecretHash::of_secret(token)).await?.ok_or(InviteError::LinkUnknown)?;
    check_usable(db, &invite).await?;
    if replaced_at.is_some() {
        return Err(InviteError::LinkReplaced);
    }
    check_time(now, &invite)?;
    let instance = instances::find(db, invite.instance).await?.ok_or(InviteError::LinkUnknown)?;
    Ok(OpenLink { invite, instance })
}

/// The language of a link's invitation, also when it can't be used any more; none when the link is unknown or can't be looked up.
pub(super) async fn language_of_link(db: &Db, token: &SecretString) -> Option<Language> {
    store::find_by_token(db, &SecretHash::of_secret(token)).await.ok().flatten().map(|(invite, _)| invite.language)
}

/// Checks that an invitation can still be used. A member who activated by another invitation has used this one, too.
async fn check_open(db: &Db, now: Timestamp, invite: &Invite) -> Result<(), InviteError> {
    check_usable(db, invite).await?;
    check_time(now, invite)
}

async fn check_usable(db: &Db, invite: &Invite) -> Result<(), InviteError> {
    let member = members::find(db, invite.instance, invite.member).await?;
    match (invite.state, member) {
        (InviteState::Accepted, _) => Err(InviteError::LinkUsed),
        (InviteState::Revoked, _) | (_, None) => Err(InviteError::LinkRevoked),
        (_, Some(member)) if member.state != MemberState::Invited => Err(InviteError::LinkUsed),
        _ => Ok(()),
    }
}

fn check_time(now: Timestamp, invite: &Invite) -> Result<(), InviteError> {
    if now >= invite.expires_at { Err(InviteError::LinkExpired) } else { Ok(()) }
}

/// Activates by a password that the person chose.
///
/// # Errors
/// [`InviteError::PasswordSwitchedOff`], [`InviteError::Password`], and as [`open_link`] when the link was used meanwhile.
pub(super) async fn by_password(
    db: &Db,
    clock: &dyn Clock,
    link: &OpenLink,
    password: SecretString,
    origin: &ChangeOrigin,
) -> Result<NewlyActivatedMember, InviteError> {
    if !link.methods().contains(&ActivationMethod::Password) {
        return Err(InviteError::PasswordSwitchedOff);
    }
    let hash = members::hash_new_password(password, &[&link.invite.email, &link.instance.name]).await?;
    complete(db, clock, &link.invite, IdentityProof::Password(hash), origin).await
}

/// Activates the person who has logged in at Salesforce.
///
/// # Errors
/// [`InviteError::EmailMismatch`], and as [`open_link`].
pub(super) async fn by_salesforce(
    db: &Db,
    clock: &dyn Clock,
    invite: &Invite,
    login: &SalesforceLogin,
    origin: &ChangeOrigin,
) -> Result<NewlyActivatedMember, InviteError> {
    check_open(db, clock.timestamp(), invite).await?;
    if login.email.trim().to_lowercase() != invite.email.to_lowercase() {
        return Err(InviteError::EmailMismatch);
    }
    complete(db, clock, invite, IdentityProof::Salesforce { username: login.username.clone() }, origin).await
}

/// Uses the invitation up, makes the member active and logs them in: all or nothing, and once.
async fn complete(
    db: &Db,
    clock: &dyn Clock,
    invite: &Invite,
    proof: IdentityProof,
    origin: &ChangeOrigin,
) -> Result<NewlyActivatedMember, InviteError> {
    let now = clock.timestamp();
    let mut tx = db.begin().await?;
    // Whoever withdraws the invitation or keeps the person out comes before, or sees an active member.
    members::ensure_everyone(&mut tx, clock, invite.instance).await?;
    let accepted = store::accept(&mut tx, invite.instance, invite.id, now).await?;
    if !accepted || !members::activate(&mut tx, invite.instance, invite.member, &proof, now).await? {
        drop(tx);
        // Somebody was faster, or the time expired since the link was looked at.
        let invite = store::find(db, invite.instance, invite.id).await?.ok_or(InviteError::LinkUnknown)?;
        check_open(db, clock.timestamp(), &invite).await?;
        return Err(InviteError::LinkUsed);
    }
    if !members::claim_login(&mut tx, invite.instance, invite.member).await? {
        return Err(InviteError::LogsInElsewhere);
    }
    // A message that is tried again, because it was not known whether it had left, has nothing to tell any more.
    mail::cancel(&mut tx, invite.instance, invite.id.0, now).await?;
    let session = begin_session_by(&mut tx, clock, invite.instance, invite.member, proof.method(), origin).await?;
    let origin = origin.acting_as(&Actor::Member(invite.member));
    let entry =
        Entry::new("member.activated", "member", invite.member).after(serde_json::json!({ "by": proof.method(), "invite": invite.id }));
    audit::record(&mut tx, clock, invite.instance, &origin, entry).await?;
    tx.commit().await?;
    let member = members::find(db, invite.instance, invite.member).await?.ok_or(InviteError::LinkUnknown)?;
    Ok(NewlyActivatedMember { member, session })
}
