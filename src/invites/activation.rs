use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::{Invite, InviteError, InviteStatus, LONGEST_PASSWORD, SHORTEST_PASSWORD, store};
use crate::auth::{NewSession, begin_session};
use crate::clock::{Clock, Timestamp};
use crate::connections::{SalesforceHost, SalesforceLogin};
use crate::crypto::{SecretHash, hash_password};
use crate::db::Db;
use crate::instances::{self, Environment, Instance, LoginManagement};
use crate::members::{self, Member, MemberStatus, Proof};

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
pub(super) struct Activated {
    pub(super) member: Member,
    pub(super) session: NewSession,
}

/// Finds what a link is for.
///
/// # Errors
/// [`InviteError::LinkUnknown`], [`InviteError::LinkUsed`], [`InviteError::LinkExpired`].
pub(super) async fn open_link(db: &Db, now: Timestamp, token: &SecretString) -> Result<OpenLink, InviteError> {
    let invite = store::find_by_token(db, &SecretHash::of(token)).await?.ok_or(InviteError::LinkUnknown)?;
    check_open(db, now, &invite).await?;
    let instance = instances::find(db, invite.instance).await?.ok_or(InviteError::LinkUnknown)?;
    Ok(OpenLink { invite, instance })
}

/// Checks that an invitation can still be used. A member who activated by another invitation has used this one, too.
async fn check_open(db: &Db, now: Timestamp, invite: &Invite) -> Result<(), InviteError> {
    let member = members::find(db, invite.instance, invite.member).await?.ok_or(InviteError::LinkUnknown)?;
    if invite.status == InviteStatus::Accepted || member.status == MemberStatus::Active {
        return Err(InviteError::LinkUsed);
    }
    if now >= invite.expires_at { Err(InviteError::LinkExpired) } else { Ok(()) }
}

/// Checks the length of a password.
///
/// # Errors
/// [`InviteError::PasswordUnfit`].
pub(super) fn check_password(password: &SecretString) -> Result<(), InviteError> {
    let length = password.expose_secret().chars().count();
    if (SHORTEST_PASSWORD..=LONGEST_PASSWORD).contains(&length) { Ok(()) } else { Err(InviteError::PasswordUnfit) }
}

/// Activates by a password that the person chose.
///
/// # Errors
/// [`InviteError::PasswordSwitchedOff`], [`InviteError::PasswordUnfit`], and as [`open_link`] when the link was used meanwhile.
pub(super) async fn by_password(db: &Db, clock: &dyn Clock, link: &OpenLink, password: SecretString) -> Result<Activated, InviteError> {
    if !link.methods().contains(&ActivationMethod::Password) {
        return Err(InviteError::PasswordSwitchedOff);
    }
    check_password(&password)?;
    // The tasks of the blocking pool are bounded by the runtime; one takes 19 MiB for some tens of milliseconds.
    let hashed = tokio::task::spawn_blocking(move || hash_password(&password)).await;
    let hash = hashed.map_err(|_| InviteError::PasswordLost)?.map_err(|_| InviteError::PasswordLost)?;
    complete(db, clock, &link.invite, Proof::Password(hash)).await
}

/// Activates the person who has logged in at Salesforce.
///
/// # Errors
/// [`InviteError::EmailMismatch`], and as [`open_link`].
pub(super) async fn by_salesforce(db: &Db, clock: &dyn Clock, invite: &Invite, login: &SalesforceLogin) -> Result<Activated, InviteError> {
    check_open(db, clock.timestamp(), invite).await?;
    if login.email.trim().to_lowercase() != invite.email.to_lowercase() {
        return Err(InviteError::EmailMismatch);
    }
    complete(db, clock, invite, Proof::Salesforce { username: login.username.clone() }).await
}

/// Uses the invitation up, makes the member active and logs them in: all or nothing, and once.
async fn complete(db: &Db, clock: &dyn Clock, invite: &Invite, proof: Proof) -> Result<Activated, InviteError> {
    let now = clock.timestamp();
    let mut tx = db.begin().await?;
    let accepted = store::accept(&mut tx, invite.instance, invite.id, now).await?;
    if !accepted || !members::activate(&mut tx, invite.instance, invite.member, &proof, now).await? {
        drop(tx);
        // Somebody was faster, or the time ran out since the link was looked at.
        check_open(db, clock.timestamp(), invite).await?;
        return Err(InviteError::LinkUsed);
    }
    let session = begin_session(&mut tx, clock, invite.instance, invite.member).await?;
    tx.commit().await?;
    let member = members::find(db, invite.instance, invite.member).await?.ok_or(InviteError::LinkUnknown)?;
    Ok(Activated { member, session })
}
