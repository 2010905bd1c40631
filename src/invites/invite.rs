use std::collections::{BTreeMap, HashMap};

use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::context::InviteContext;
use super::message_limit::MessageAllowance;
use super::message_store::{self, InviteMessage};
use super::store::{self, InviteSender};
use super::{Invite, InviteError, InviteState, LIFETIME, inviting_member};
use crate::audit::{self, Entry};
use crate::clock::Timestamp;
use crate::crypto::{SecretHash, random_token};
use crate::db::{Tx, text_enum};
use crate::ids::{InviteId, MemberId};
use crate::mail::{self, InvitationMail, Inviter, MailTemplate, NewMail};
use crate::members::{self, AddressHolder, MemberState, NewMember, ensure_everyone};

/// What became of one address.
#[derive(Debug, Clone)]
pub enum InviteOutcome {
    /// A message is on its way.
    Invited(Invite),
    /// The person is active in this instance.
    AlreadyMember,
    /// The person has an invitation that still holds.
    AlreadyInvited(Option<Invite>),
    /// No seat is left.
    NoSeat,
    /// The person can be sent another invitation at this time.
    TooManyMessages(Timestamp),
}

text_enum! {
    /// What became of an address.
    #[schema(as = InviteOutcome)]
    pub enum InviteOutcomeKind {
        /// A message is on its way.
        Invited = "invited",
        /// The person is active in this instance.
        AlreadyMember = "already_member",
        /// The person has an invitation that still holds; no second message is sent.
        AlreadyInvited = "already_invited",
        /// Only in results of imports that earlier versions made: the address was in use.
        OtherInstance = "other_instance",
        /// This is no address a message can be sent to, or something else in the row can't be used.
        Invalid = "invalid",
        /// All user seats are taken.
        NoSeat = "no_seat",
        /// The person, or everybody whom the instance invites, was sent as many messages as may be within 24 hours.
        TooManyMessages = "too_many_messages",
    }
}

impl InviteOutcome {
    /// Which of the outcomes it is.
    #[must_use]
    pub fn kind(&self) -> InviteOutcomeKind {
        match self {
            Self::Invited(_) => InviteOutcomeKind::Invited,
            Self::AlreadyMember => InviteOutcomeKind::AlreadyMember,
            Self::AlreadyInvited(_) => InviteOutcomeKind::AlreadyInvited,
            Self::NoSeat => InviteOutcomeKind::NoSeat,
            Self::TooManyMessages(_) => InviteOutcomeKind::TooManyMessages,
        }
    }

    /// The invitation made now, or the one that holds.
    #[must_use]
    pub fn into_invite(self) -> Option<Invite> {
        match self {
            Self::Invited(invite) => Some(invite),
            Self::AlreadyInvited(invite) => invite,
            Self::AlreadyMember | Self::NoSeat | Self::TooManyMessages(_) => None,
        }
    }
}

/// What is to be done for one address.
#[derive(Debug, Clone, Copy)]
enum InvitePlan {
    Add,
    /// The person was invited before and nothing came of it: a new invitation for the same member.
    InviteAgain {
        member: MemberId,
        is_first: bool,
    },
}

/// Invites people, in the order given as long as there are seats; the result has one outcome a person. Nobody is invited
/// whose invitation still holds, so inviting the same list twice sends nothing twice. An invitation that expired or could not
/// be delivered is followed by a new one.
///
/// # Errors
/// [`InviteError::Db`], [`InviteError::Seal`].
pub async fn invite(tx: &mut Tx, cx: &InviteContext<'_>, people: &[NewMember]) -> Result<Vec<InviteOutcome>, InviteError> {
    // From here on this transaction is the only one that gives out seats of the instance.
    let everyone = ensure_everyone(tx, cx.clock(), cx.instance).await?;
    let sender = store::invite_sender(tx, cx.instance, inviting_member(cx.invited_by)).await?;
    let keys: Vec<String> = people.iter().map(|person| person.email.key()).collect();
    let mut planner = InvitePlanner::load(tx, cx, &keys).await?;
    let mut outcomes: Vec<Option<InviteOutcome>> = vec![None; people.len()];
    let mut plans: BTreeMap<&str, (usize, InvitePlan)> = BTreeMap::new();
    let mut repeats: Vec<(usize, usize)> = Vec::new();
    for (at, key) in keys.iter().enumerate() {
        if let Some((first, _)) = plans.get(key.as_str()) {
            repeats.push((at, *first));
            continue;
        }
        match planner.plan(key) {
            Ok(plan) => drop(plans.insert(key, (at, plan))),
            Err(outcome) => outcomes[at] = Some(*outcome),
        }
    }
    let added: Vec<&NewMember> = plans.values().filter(|(_, plan)| matches!(plan, InvitePlan::Add)).map(|(at, _)| &people[*at]).collect();
    let mut added = members::add(tx, cx.clock(), cx.instance, everyone, &added).await?.into_iter();
    let recipient = |(at, plan): &(usize, InvitePlan)| {
        let person = &people[*at];
        let (member, is_first) = match plan {
            InvitePlan::Add => (added.next()?, person.is_original),
            InvitePlan::InviteAgain { member, is_first } => (*member, *is_first),
        };
        Some((*at, Recipient { member, email: person.email.as_str(), is_first }))
    };
    let (indexes, recipients): (Vec<usize>, Vec<Recipient<'_>>) = plans.values().filter_map(recipient).unzip();
    for (at, invite) in indexes.into_iter().zip(issue(tx, cx, &sender, &recipients).await?) {
        outcomes[at] = Some(InviteOutcome::Invited(invite));
    }
    for (at, first) in repeats {
        outcomes[at] = Some(match &outcomes[first] {
            Some(InviteOutcome::Invited(invite)) => InviteOutcome::AlreadyInvited(Some(invite.clone())),
            Some(other) => other.clone(),
            None => InviteOutcome::AlreadyInvited(None),
        });
    }
    let entry = |(person, outcome): (&NewMember, &Option<InviteOutcome>)| {
        let Some(InviteOutcome::Invited(invite)) = outcome else { return None };
        let after =
            json!({ "member": invite.member, "email": invite.email, "role": person.role, "teams": person.teams, "import": invite.import });
        Some(Entry::new("invite.created", "invite", invite.id).after(after))
    };
    let entries = people.iter().zip(&outcomes).filter_map(entry).collect();
    audit::record_all(tx, cx.clock(), cx.instance, cx.origin, entries).await?;
    Ok(outcomes.into_iter().map(|one| one.unwrap_or(InviteOutcome::AlreadyInvited(None))).collect())
}

/// Decides what is to be done for addresses, one after the other, by what the transaction has read of all of them. Whoever changes what
/// it has read waits for the transaction's end.
struct InvitePlanner {
    now: Timestamp,
    seats: i64,
    allowance: MessageAllowance,
    /// By the key of the address.
    holders: HashMap<String, AddressHolder>,
    /// The newest invitation of each holder who has not activated.
    newest: HashMap<MemberId, Invite>,
}

impl InvitePlanner {
    /// Reads what the decisions for the addresses with these keys rest on.
    async fn load(tx: &mut Tx, cx: &InviteContext<'_>, keys: &[String]) -> Result<Self, InviteError> {
        let mut distinct: Vec<&str> = keys.iter().map(String::as_str).collect();
        distinct.sort_unstable();
        distinct.dedup();
        let seats = cx.context.limits.seats - members::count(tx, cx.instance).await?;
        let allowance = MessageAllowance::load(tx, cx, &distinct).await?;
        let holders = members::holders_of(tx, cx.instance, &distinct).await?;
        let is_invited = |holder: &&AddressHolder| holder.state == MemberState::Invited;
        let invited: Vec<MemberId> = holders.values().filter(is_invited).map(|holder| holder.member).collect();
        let newest = store::newest_of_each(tx, cx.instance, &invited).await?;
        Ok(Self { now: cx.clock().timestamp(), seats, allowance, holders, newest })
    }

    /// What is to be done for the address with this key, or what became of it when nothing is. Takes a seat for a new member, and a
    /// message of the allowance.
    fn plan(&mut self, key: &str) -> Result<InvitePlan, Box<InviteOutcome>> {
        let Some(holder) = self.holders.get(key) else {
            if self.seats <= 0 {
                return Err(InviteOutcome::NoSeat.into());
            }
            self.allowance.take(key).map_err(|next| Box::new(InviteOutcome::TooManyMessages(next)))?;
            self.seats -= 1;
            return Ok(InvitePlan::Add);
        };
        if holder.state != MemberState::Invited {
            return Err(InviteOutcome::AlreadyMember.into());
        }
        let newest = self.newest.get(&holder.member);
        if let Some(invite) = newest.filter(|invite| !invite.is_over_at(self.now)) {
            return Err(InviteOutcome::AlreadyInvited(Some(invite.clone())).into());
        }
        self.allowance.take(key).map_err(|next| Box::new(InviteOutcome::TooManyMessages(next)))?;
        Ok(InvitePlan::InviteAgain { member: holder.member, is_first: newest.is_some_and(|invite| invite.is_first) })
    }
}

/// A member to be invited.
#[derive(Debug, Clone, Copy)]
pub(super) struct Recipient<'a> {
    pub(super) member: MemberId,
    /// As it was typed.
    pub(super) email: &'a str,
    pub(super) is_first: bool,
}

/// Makes the invitations of members and queues their messages; gives one for each, in the same order.
pub(super) async fn issue(
    tx: &mut Tx,
    cx: &InviteContext<'_>,
    sender: &InviteSender,
    recipients: &[Recipient<'_>],
) -> Result<Vec<Invite>, InviteError> {
    let created_at = cx.clock().timestamp();
    let invite = |to: &Recipient<'_>| Invite {
        id: InviteId(cx.clock().new_id()),
        instance: cx.instance,
        member: to.member,
        email: to.email.to_owned(),
        state: InviteState::Pending,
        is_first: to.is_first,
        import: cx.import,
        message: None,
        language: cx.language.unwrap_or(sender.language),
        invited_by: cx.invited_by.to_owned(),
        send_error: None,
        created_at,
        sent_at: None,
        expires_at: created_at + LIFETIME,
        accepted_at: None,
        revoked_at: None,
        revoked_by: None,
    };
    let mut invites: Vec<Invite> = recipients.iter().map(invite).collect();
    write_messages(tx, cx, sender, &mut invites, created_at).await?;
    store::insert_all(tx, cx.instance, &invites).await?;
    Ok(invites)
}

/// Makes a link for each invitation, queues the message with it, and notes the message in the invitation.
pub(super) async fn write_messages(
    tx: &mut Tx,
    cx: &InviteContext<'_>,
    sender: &InviteSender,
    invites: &mut [Invite],
    now: Timestamp,
) -> Result<(), InviteError> {
    let counted = |invite: &Invite| InviteMessage { id: cx.clock().new_id(), email_key: invite.email.to_lowercase() };
    let messages: Vec<_> = invites.iter().map(counted).collect();
    message_store::insert_all(tx, cx.instance, cx.invited_by, &messages, now).await?;
    let tokens: Vec<_> = invites.iter().map(|_| random_token()).collect();
    let links: Vec<_> = invites.iter().zip(&tokens).map(|(invite, token)| (invite.id, SecretHash::of_secret(token))).collect();
    store::insert_links(tx, cx.instance, &links, now).await?;
    let template = |(invite, token): (&Invite, &SecretString)| {
        let invited_by = match &sender.inviter {
            Some(name) => Inviter::Named(name.clone()),
            None if invite.is_first => Inviter::MarketoAdmin,
            None => Inviter::Admin,
        };
        MailTemplate::Invitation(InvitationMail {
            instance: sender.instance.clone(),
            invited_by,
            link: cx.context.public_url.join(&format!("/activate/{}", token.expose_secret())),
            expires_at: invite.expires_at.instant(),
        })
    };
    let templates: Vec<_> = invites.iter().zip(&tokens).map(template).collect();
    let mails = invites.iter().zip(&templates).map(|(invite, template)| new_mail(invite, template)).collect();
    let queued = mail::queue_all(tx, cx.clock(), &cx.context.vault, cx.instance, mails).await?;
    for (invite, message) in invites.iter_mut().zip(queued) {
        invite.message = Some(message);
    }
    Ok(())
}

fn new_mail<'a>(invite: &'a Invite, template: &'a MailTemplate) -> NewMail<'a> {
    NewMail {
        instance: invite.instance,
        to: &invite.email,
        language: invite.language,
        template,
        about: invite.id.0,
        useful_until: invite.expires_at,
    }
}
