//! Invitations on behalf of a directory that provisions members.

use super::context::InviteContext;
use super::invite::{InviteOutcome, Recipient, invite, issue};
use super::message_limit::{take_message, too_many_messages};
use super::{Invite, InviteError, inviting_member, store};
use crate::audit::{self, ChangeOrigin, Entry};
use crate::context::Context;
use crate::db::Tx;
use crate::ids::{InstanceId, MemberId};
use crate::mail;
use crate::members::{self, NewMember};

/// A directory at work in an instance.
#[derive(Debug, Clone, Copy)]
pub struct Provisioning<'a> {
    pub context: &'a Context,
    pub instance: InstanceId,
    pub origin: &'a ChangeOrigin,
}

impl<'a> Provisioning<'a> {
    fn cx(&self) -> InviteContext<'a> {
        InviteContext::new(self.context, self.instance, &self.origin.actor, self.origin)
    }
}

/// Makes a member, and invites them if `inviting`.
///
/// # Errors
/// [`InviteError::NobodyInvited`], [`InviteError::AlreadyMember`], [`InviteError::NoSeat`], [`InviteError::TooManyMessages`],
/// [`InviteError::Db`], [`InviteError::Seal`].
pub async fn provision(tx: &mut Tx, by: &Provisioning<'_>, person: NewMember, inviting: bool) -> Result<MemberId, InviteError> {
    let everyone = members::ensure_everyone(tx, by.context.clock.as_ref(), by.instance).await?;
    if members::count(tx, by.instance).await? == 0 {
        return Err(InviteError::NobodyInvited);
    }
    // Who is here already is told apart before anybody is invited anew.
    if members::holder_of(tx, by.instance, &person.email.key()).await?.is_some() {
        return Err(InviteError::AlreadyMember);
    }
    let seats = by.context.limits.seats;
    if inviting {
        return match invite(tx, &by.cx(), &[person]).await?.pop() {
            Some(InviteOutcome::Invited(invite)) => Ok(invite.member),
            Some(InviteOutcome::NoSeat) => Err(InviteError::NoSeat(seats)),
            Some(InviteOutcome::TooManyMessages(next)) => Err(too_many_messages(next, by.context.clock.timestamp())),
            Some(InviteOutcome::AlreadyMember | InviteOutcome::AlreadyInvited(_)) | None => Err(InviteError::AlreadyMember),
        };
    }
    if members::count(tx, by.instance).await? >= seats {
        return Err(InviteError::NoSeat(seats));
    }
    let added = members::add(tx, by.context.clock.as_ref(), by.instance, everyone, &[&person]).await?;
    let id = *added.first().ok_or(InviteError::AlreadyMember)?;
    let entry = Entry::new("member.provisioned", "member", id).after(serde_json::json!({ "email": person.email, "active": false }));
    audit::record(tx, by.context.clock.as_ref(), by.instance, by.origin, entry).await?;
    Ok(id)
}

/// Invites a member who has not activated once more, at the address they have now; an invitation that holds is taken back.
///
/// # Errors
/// [`InviteError::TooManyMessages`], [`InviteError::Db`], [`InviteError::Seal`].
pub async fn invite_anew(tx: &mut Tx, by: &Provisioning<'_>, member: MemberId) -> Result<(), InviteError> {
    withdraw(tx, by, member).await?;
    let cx = by.cx();
    let Some(found) = members::find_in(tx, by.instance, member).await? else { return Ok(()) };
    take_message(tx, &cx, &found.email.key()).await?;
    let sender = store::invite_sender(tx, by.instance, inviting_member(cx.invited_by)).await?;
    let recipient = Recipient { member, email: found.email.as_str(), is_first: found.is_original };
    let issued = issue(tx, &cx, &sender, &[recipient]).await?;
    let entry = |invite: &Invite| Entry::new("invite.created", "invite", invite.id).after(serde_json::json!({ "member": member }));
    let entries = issued.iter().map(entry).collect();
    Ok(audit::record_all(tx, by.context.clock.as_ref(), by.instance, by.origin, entries).await?)
}

/// Takes a member's invitations back; they stay a member who has not activated.
///
/// # Errors
/// [`InviteError::Db`].
pub async fn withdraw(tx: &mut Tx, by: &Provisioning<'_>, member: MemberId) -> Result<(), InviteError> {
    let now = by.context.clock.timestamp();
    for invite in members::revoke_invitations(tx, by.instance, member, &by.origin.actor, now).await? {
        mail::cancel(tx, by.instance, invite.0, now).await?;
        let entry = Entry::new("invite.revoked", "invite", invite);
        audit::record(tx, by.context.clock.as_ref(), by.instance, by.origin, entry).await?;
    }
    Ok(())
}
