//! The first person of an instance: a Marketo admin of its subscription.

use super::context::InviteContext;
use super::invite::{InviteOutcome, invite};
use super::message_limit::too_many_messages;
use super::{Invite, InviteError};
use crate::auth::Role;
use crate::connections::{Connections, MarketoAdmin};
use crate::db::Tx;
use crate::display_name::is_unreadable;
use crate::instances::{self, InstanceError, ensure_integration_client};
use crate::members::{self, EmailAddress, MAX_NAME_LENGTH, NewMember, ensure_everyone};

/// Which Marketo admin is to be the first user.
#[derive(Debug)]
pub(super) enum FirstUserChoice {
    Email(EmailAddress),
    UserId(String),
}

impl FirstUserChoice {
    fn is(&self, admin: &MarketoAdmin) -> bool {
        match self {
            Self::Email(email) => email.key() == admin.email.trim().to_lowercase(),
            Self::UserId(id) => *id == admin.user_id,
        }
    }
}

/// Invites the first person of the instance, who becomes its original member, and makes the instance's integration client.
///
/// # Errors
/// [`InviteError::Instance`] while a prerequisite is not met; [`InviteError::FirstUserExists`]; [`InviteError::NotAMarketoAdmin`];
/// [`InviteError::AdminWithoutAddress`]; [`InviteError::Connection`] when Marketo can't be asked; [`InviteError::NoSeat`];
/// [`InviteError::TooManyMessages`].
pub(super) async fn invite_first_user(
    cx: &InviteContext<'_>,
    connections: &Connections,
    choice: &FirstUserChoice,
) -> Result<Invite, InviteError> {
    // Marketo is asked before the transaction begins, which waits for no vendor.
    let person = find_admin(cx, connections, choice).await?;
    let mut tx = cx.context.db.begin().await?;
    let invited = invite_original(&mut tx, cx, person).await?;
    tx.commit().await?;
    Ok(invited)
}

/// The Marketo admin asked for, once everything that must hold before the first invitation does.
async fn find_admin(cx: &InviteContext<'_>, connections: &Connections, choice: &FirstUserChoice) -> Result<NewMember, InviteError> {
    let found = instances::find(&cx.context.db, cx.instance).await?.ok_or(InstanceError::Unknown)?;
    found.prerequisites.check()?;
    if members::has_original(&cx.context.db, cx.instance).await? {
        return Err(InviteError::FirstUserExists);
    }
    let admins = connections.marketo_admins(cx.instance, &found.munchkin_id).await?;
    let admin = admins.into_iter().find(|admin| choice.is(admin)).ok_or(InviteError::NotAMarketoAdmin)?;
    Ok(NewMember {
        email: EmailAddress::parse(&admin.email).map_err(InviteError::AdminWithoutAddress)?,
        first_name: readable_name(&admin.first_name),
        last_name: readable_name(&admin.last_name),
        role: Role::Admin,
        is_original: true,
        teams: Vec::new(),
    })
}

async fn invite_original(tx: &mut Tx, cx: &InviteContext<'_>, person: NewMember) -> Result<Invite, InviteError> {
    // The lock makes a second first invitation wait here, and then see the first.
    ensure_everyone(tx, cx.clock(), cx.instance).await?;
    if members::count(tx, cx.instance).await? > 0 {
        return Err(InviteError::FirstUserExists);
    }
    let outcome = invite(tx, cx, &[person]).await?.pop();
    let invited = match outcome {
        Some(InviteOutcome::Invited(invite)) => invite,
        Some(InviteOutcome::NoSeat) => return Err(InviteError::NoSeat(cx.context.limits.seats)),
        Some(InviteOutcome::TooManyMessages(next)) => return Err(too_many_messages(next, cx.clock().timestamp())),
        Some(InviteOutcome::AlreadyMember | InviteOutcome::AlreadyInvited(_)) | None => return Err(InviteError::FirstUserExists),
    };
    ensure_integration_client(tx, cx.clock(), &cx.context.vault, cx.instance).await?;
    Ok(invited)
}

fn readable_name(text: &str) -> Option<String> {
    let clean: String = text.chars().filter(|one| !is_unreadable(*one)).take(MAX_NAME_LENGTH).collect();
    let clean = clean.trim();
    (!clean.is_empty()).then(|| clean.to_owned())
}
