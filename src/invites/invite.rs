use std::collections::BTreeMap;

use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::context::InviteContext;
use super::message_limit::MessageAllowance;
use super::message_store::{self, InviteMessage};
use super::store::{self, InviteSender};
use super::{Invite, InviteError, InviteStatus, LIFETIME, inviting_member};
use crate::audit::{self, Entry};
use crate::clock::Timestamp;
use crate::crypto::{SecretHash, random_token};
use crate::db::Tx;
use crate::ids::{InviteId, MailId, MemberId, TeamId};
use crate::mail::{self, InvitationMail, Inviter, MailTemplate, NewMail};
use crate::members::{self, MemberStatus, NewMember, ensure_everyone};

/// What became of one address.
#[derive(Debug, Clone)]
pub(super) enum InviteOutcome {
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

/// What became of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ResultStatus {
    /// A message is on its way.
    Invited,
    /// The person is active in this instance.
    AlreadyMember,
    /// The person has an invitation that still holds; no second message is sent.
    AlreadyInvited,
    /// Only in results of imports that earlier versions made: the address was in use.
    OtherInstance,
    /// This is no address a message can be sent to, or something else in the row can't be used.
    Invalid,
    /// All user seats are taken.
    NoSeat,
    /// The person, or everybody whom the instance invites, was sent as many messages as may be within 24 hours.
    TooManyMessages,
}

impl ResultStatus {
    /// The name as the API shows it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invited => "invited",
            Self::AlreadyMember => "already_member",
            Self::AlreadyInvited => "already_invited",
            Self::OtherInstance => "other_instance",
            Self::Invalid => "invalid",
            Self::NoSeat => "no_seat",
            Self::TooManyMessages => "too_many_messages",
        }
    }
}

impl InviteOutcome {
    /// The name of the outcome.
    pub(super) fn status(&self) -> ResultStatus {
        match self {
            Self::Invited(_) => ResultStatus::Invited,
            Self::AlreadyMember => ResultStatus::AlreadyMember,
            Self::AlreadyInvited(_) => ResultStatus::AlreadyInvited,
            Self::NoSeat => ResultStatus::NoSeat,
            Self::TooManyMessages(_) => ResultStatus::TooManyMessages,
        }
    }

    /// The invitation made now, or the one that holds.
    pub(super) fn into_invite(self) -> Option<Invite> {
        match self {
            Self::Invited(invite) => Some(invite),
            Self::AlreadyInvited(invite) => invite,
            Self::AlreadyMember | Self::NoSeat | Self::TooManyMessages(_) => None,
        }
    }
}

/// What is to be done for one address.
enum InvitePlan {
    Add,
    /// The person was invited before and nothing came of it: a new invitation for the same member.
    InviteAgain {
        member: MemberId,
        is_first: bool,
    },
}

/// Invites people, in the order given as long as there are seats; the result has one outcome a person. Nobody is invited
/// whose invitation still holds, so inviting the same list twice sends nothing twice. An invitation that ran out or could not
/// be delivered is followed by a new one.
///
/// # Errors
/// [`InviteError::Db`], [`InviteError::Seal`].
pub(super) async fn invite(tx: &mut Tx, cx: &InviteContext<'_>, people: &[NewMember]) -> Result<Vec<InviteOutcome>, InviteError> {
    // From here on this transaction is the only one that gives out seats of the instance.
    let everyone = ensure_everyone(tx, cx.clock(), cx.instance).await?;
    let head = store::invite_sender(tx, cx.instance, inviting_member(cx.invited_by)).await?;
    let mut seats = cx.context.limits.seats - members::count(tx, cx.instance).await?;
    let mut allowance = MessageAllowance::load(tx, cx).await?;
    let mut outcomes: Vec<Option<InviteOutcome>> = vec![None; people.len()];
    let mut plans: BTreeMap<String, (usize, InvitePlan)> = BTreeMap::new();
    let mut repeats: Vec<(usize, usize)> = Vec::new();
    for (at, person) in people.iter().enumerate() {
        let key = person.email.key();
        if let Some((first, _)) = plans.get(&key) {
            repeats.push((at, *first));
            continue;
        }
        match plan_invite(tx, cx, &key, (&mut seats, &mut allowance)).await? {
            Ok(plan) => drop(plans.insert(key, (at, plan))),
            Err(outcome) => outcomes[at] = Some(outcome),
        }
    }
    for (at, plan) in plans.into_values() {
        let person = &people[at];
        let (member, is_first) = match plan {
            InvitePlan::Add => (members::add(tx, cx.clock(), cx.instance, everyone, person).await?, person.is_original),
            InvitePlan::InviteAgain { member, is_first } => (Some(member), is_first),
        };
        outcomes[at] = Some(match member {
            Some(member) => InviteOutcome::Invited(issue(tx, cx, &head, member, person.email.as_str(), is_first).await?),
            // This transaction holds the instance's lock, so nobody took the address since it was looked for.
            None => InviteOutcome::AlreadyMember,
        });
    }
    for (at, first) in repeats {
        outcomes[at] = Some(match &outcomes[first] {
            Some(InviteOutcome::Invited(invite)) => InviteOutcome::AlreadyInvited(Some(invite.clone())),
            Some(other) => other.clone(),
            None => InviteOutcome::AlreadyInvited(None),
        });
    }
    for (person, outcome) in people.iter().zip(&outcomes) {
        let Some(InviteOutcome::Invited(invite)) = outcome else { continue };
        let after =
            json!({ "member": invite.member, "email": invite.email, "role": person.role, "teams": person.teams, "import": invite.import });
        let entry = Entry::new("invite.created", "invite", invite.id).after(after);
        audit::record(tx, cx.clock(), cx.instance, cx.origin, entry).await?;
    }
    Ok(outcomes.into_iter().map(|one| one.unwrap_or(InviteOutcome::AlreadyInvited(None))).collect())
}

/// What is to be done for the address with this key, or what became of it when nothing is. Takes a seat for a new member, and a message
/// of the allowance.
async fn plan_invite(
    tx: &mut Tx,
    cx: &InviteContext<'_>,
    key: &str,
    (seats, allowance): (&mut i64, &mut MessageAllowance),
) -> Result<Result<InvitePlan, InviteOutcome>, InviteError> {
    let Some(holder) = members::holder_of(tx, cx.instance, key).await? else {
        if *seats <= 0 {
            return Ok(Err(InviteOutcome::NoSeat));
        }
        return Ok(match allowance.take(tx, cx, key).await? {
            Ok(()) => {
                *seats -= 1;
                Ok(InvitePlan::Add)
            }
            Err(next) => Err(InviteOutcome::TooManyMessages(next)),
        });
    };
    if holder.status != MemberStatus::Invited {
        return Ok(Err(InviteOutcome::AlreadyMember));
    }
    let newest = store::newest_of(tx, cx.instance, holder.member).await?;
    Ok(match newest {
        Some(invite) if !invite.is_over_at(cx.clock().timestamp()) => Err(InviteOutcome::AlreadyInvited(Some(invite))),
        past => match allowance.take(tx, cx, key).await? {
            Ok(()) => Ok(InvitePlan::InviteAgain { member: holder.member, is_first: past.is_some_and(|invite| invite.is_first) }),
            Err(next) => Err(InviteOutcome::TooManyMessages(next)),
        },
    })
}

/// Makes the invitation of a member and queues its message.
pub(super) async fn issue(
    tx: &mut Tx,
    cx: &InviteContext<'_>,
    head: &InviteSender,
    member: MemberId,
    email: &str,
    is_first: bool,
) -> Result<Invite, InviteError> {
    let created_at = cx.clock().timestamp();
    let mut invite = Invite {
        id: InviteId(cx.clock().new_id()),
        instance: cx.instance,
        member,
        email: email.to_owned(),
        status: InviteStatus::Pending,
        is_first,
        import: cx.import,
        message: None,
        language: cx.language.unwrap_or(head.language),
        invited_by: cx.invited_by.to_owned(),
        send_error: None,
        created_at,
        sent_at: None,
        expires_at: created_at + LIFETIME,
        accepted_at: None,
        revoked_at: None,
        revoked_by: None,
    };
    invite.message = Some(write(tx, cx, head, &invite, created_at).await?);
    store::insert(tx, cx.instance, &invite).await?;
    Ok(invite)
}

/// Makes a link for an invitation and queues the message with it.
pub(super) async fn write(
    tx: &mut Tx,
    cx: &InviteContext<'_>,
    head: &InviteSender,
    invite: &Invite,
    now: Timestamp,
) -> Result<MailId, InviteError> {
    let context = cx.context;
    let sent = InviteMessage { id: cx.clock().new_id(), email_key: invite.email.to_lowercase(), invited_by: cx.invited_by, queued_at: now };
    message_store::insert(tx, cx.instance, &sent).await?;
    let token = random_token();
    store::insert_link(tx, invite.instance, invite.id, &SecretHash::of(&token), now).await?;
    let invited_by = match &head.inviter {
        Some(name) => Inviter::Named(name.clone()),
        None if invite.is_first => Inviter::MarketoAdmin,
        None => Inviter::Admin,
    };
    let template = MailTemplate::Invitation(InvitationMail {
        instance: head.instance.clone(),
        invited_by,
        link: context.public_url.of(&format!("/activate/{}", token.expose_secret())),
        expires_at: invite.expires_at.instant(),
    });
    let mail = NewMail {
        instance: invite.instance,
        to: &invite.email,
        language: invite.language,
        template: &template,
        about: invite.id.0,
        useful_until: invite.expires_at,
    };
    Ok(mail::queue(tx, context.clock.as_ref(), &context.vault, mail).await?)
}

/// Adds `teams` to those of a person, each once.
pub(super) fn merge_teams(own: &mut Vec<TeamId>, teams: &[TeamId]) {
    for team in teams {
        if !own.contains(team) {
            own.push(*team);
        }
    }
}
