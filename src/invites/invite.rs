use std::collections::BTreeMap;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Invite, InviteError, InviteStatus, LIFETIME, send_job, store};
use crate::clock::Clock;
use crate::crypto::{SecretHash, Vault, random_token};
use crate::db::Tx;
use crate::ids::{ImportId, InstanceId, InviteId, MemberId, TeamId};
use crate::instances::{SEAT_LIMIT, ensure_integration_client};
use crate::jobs::{NewJob, enqueue};
use crate::members::{self, EmailAddress, MemberStatus, NewMember, ensure_everyone};

/// What a transaction that invites works with.
pub(super) struct Desk<'a> {
    pub(super) clock: &'a dyn Clock,
    pub(super) vault: &'a Vault,
    pub(super) instance: InstanceId,
    /// `client:ID` or `member:ID`.
    pub(super) invited_by: &'a str,
    /// The CSV import that invites.
    pub(super) import: Option<ImportId>,
}

/// What became of one address.
#[derive(Debug, Clone)]
pub(super) enum Outcome {
    /// A message is on its way.
    Invited(Invite),
    /// The person is active in this instance.
    AlreadyMember,
    /// The person has an invitation that still holds.
    AlreadyInvited(Option<Invite>),
    /// The address belongs to another instance.
    OtherInstance,
    /// No seat is left.
    NoSeat,
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
    /// The address belongs to another instance.
    OtherInstance,
    /// This is no address a message can be sent to, or something else in the row can't be used.
    Invalid,
    /// All user seats are taken.
    NoSeat,
}

impl Outcome {
    /// The name of the outcome.
    pub(super) fn status(&self) -> ResultStatus {
        match self {
            Self::Invited(_) => ResultStatus::Invited,
            Self::AlreadyMember => ResultStatus::AlreadyMember,
            Self::AlreadyInvited(_) => ResultStatus::AlreadyInvited,
            Self::OtherInstance => ResultStatus::OtherInstance,
            Self::NoSeat => ResultStatus::NoSeat,
        }
    }

    /// The invitation made now, or the one that holds.
    pub(super) fn into_invite(self) -> Option<Invite> {
        match self {
            Self::Invited(invite) => Some(invite),
            Self::AlreadyInvited(invite) => invite,
            Self::AlreadyMember | Self::OtherInstance | Self::NoSeat => None,
        }
    }
}

/// What is to be done for one address.
enum Plan {
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
pub(super) async fn invite(tx: &mut Tx, desk: &Desk<'_>, people: &[NewMember]) -> Result<Vec<Outcome>, InviteError> {
    // From here on this transaction is the only one that gives out seats of the instance.
    let everyone = ensure_everyone(tx, desk.clock, desk.instance).await?;
    let mut seats = SEAT_LIMIT - members::count(tx, desk.instance).await?;
    let mut outcomes: Vec<Option<Outcome>> = vec![None; people.len()];
    let mut plans: BTreeMap<String, (usize, Plan)> = BTreeMap::new();
    let mut repeats: Vec<(usize, usize)> = Vec::new();
    for (at, person) in people.iter().enumerate() {
        let key = person.email.key();
        if let Some((first, _)) = plans.get(&key) {
            repeats.push((at, *first));
            continue;
        }
        match examine(tx, desk, &key, &mut seats).await? {
            Ok(plan) => drop(plans.insert(key, (at, plan))),
            Err(outcome) => outcomes[at] = Some(outcome),
        }
    }
    // In the order of their keys: two instances that claim the same addresses then never wait for each other both ways.
    for (at, plan) in plans.into_values() {
        let person = &people[at];
        let (member, is_first) = match plan {
            Plan::Add => (members::add(tx, desk.clock, desk.instance, everyone, person).await?, person.is_original),
            Plan::InviteAgain { member, is_first } => (Some(member), is_first),
        };
        outcomes[at] = Some(match member {
            Some(member) => Outcome::Invited(issue(tx, desk, member, &person.email, is_first).await?),
            // Another transaction took the address between our look and our claim, and this one holds the instance's lock:
            // it was another instance's.
            None => Outcome::OtherInstance,
        });
    }
    for (at, first) in repeats {
        outcomes[at] = Some(match &outcomes[first] {
            Some(Outcome::Invited(invite)) => Outcome::AlreadyInvited(Some(invite.clone())),
            Some(other) => other.clone(),
            None => Outcome::AlreadyInvited(None),
        });
    }
    Ok(outcomes.into_iter().map(|one| one.unwrap_or(Outcome::AlreadyInvited(None))).collect())
}

/// What is to be done for the address with this key, or what became of it when nothing is. Takes a seat for a new member.
async fn examine(tx: &mut Tx, desk: &Desk<'_>, key: &str, seats: &mut i64) -> Result<Result<Plan, Outcome>, InviteError> {
    let Some(holder) = members::holder_of(tx, key).await? else {
        if *seats <= 0 {
            return Ok(Err(Outcome::NoSeat));
        }
        *seats -= 1;
        return Ok(Ok(Plan::Add));
    };
    if holder.instance != desk.instance {
        return Ok(Err(Outcome::OtherInstance));
    }
    if holder.status == MemberStatus::Active {
        return Ok(Err(Outcome::AlreadyMember));
    }
    let newest = store::newest_of(tx, desk.instance, holder.member).await?;
    Ok(match newest {
        Some(invite) if !invite.is_over_at(desk.clock.timestamp()) => Err(Outcome::AlreadyInvited(Some(invite))),
        past => Ok(Plan::InviteAgain { member: holder.member, is_first: past.is_some_and(|invite| invite.is_first) }),
    })
}

/// Makes the invitation of a member and queues its message.
async fn issue(tx: &mut Tx, desk: &Desk<'_>, member: MemberId, email: &EmailAddress, is_first: bool) -> Result<Invite, InviteError> {
    let created_at = desk.clock.timestamp();
    let invite = Invite {
        id: InviteId(desk.clock.new_id()),
        instance: desk.instance,
        member,
        email: email.as_str().to_owned(),
        status: InviteStatus::Pending,
        is_first,
        import: desk.import,
        invited_by: desk.invited_by.to_owned(),
        send_error: None,
        created_at,
        sent_at: None,
        expires_at: created_at + LIFETIME,
        accepted_at: None,
    };
    let token = random_token();
    let sealed = desk.vault.seal(&token_context(desk.instance, invite.id), token.expose_secret().as_bytes())?;
    store::insert(tx, desk.instance, &invite, &SecretHash::of(&token), &sealed).await?;
    let job = NewJob { kind: send_job::KIND, instance: Some(desk.instance), payload: json!({ "invite_id": invite.id }) };
    enqueue(tx, desk.clock, job).await?;
    Ok(invite)
}

/// Invites the first person of the instance, who becomes its original member, and makes the instance's integration client.
///
/// # Errors
/// [`InviteError::FirstUserExists`], [`InviteError::OtherInstance`].
pub(super) async fn invite_first(tx: &mut Tx, desk: &Desk<'_>, person: NewMember) -> Result<Invite, InviteError> {
    // The lock makes a second first invitation wait here, and then see the first.
    ensure_everyone(tx, desk.clock, desk.instance).await?;
    if members::count(tx, desk.instance).await? > 0 {
        return Err(InviteError::FirstUserExists);
    }
    let outcome = invite(tx, desk, &[person]).await?.pop();
    let invited = match outcome {
        Some(Outcome::Invited(invite)) => invite,
        Some(Outcome::NoSeat) => return Err(InviteError::NoSeat(SEAT_LIMIT)),
        Some(Outcome::AlreadyMember | Outcome::AlreadyInvited(_)) => return Err(InviteError::FirstUserExists),
        Some(Outcome::OtherInstance) | None => return Err(InviteError::OtherInstance),
    };
    ensure_integration_client(tx, desk.clock, desk.vault, desk.instance).await?;
    Ok(invited)
}

/// What a sealed token is bound to.
fn token_context(instance: InstanceId, invite: InviteId) -> String {
    format!("invites/{instance}/{invite}/token")
}

/// Opens the token of an invitation whose message is to be sent.
///
/// # Errors
/// [`InviteError::Seal`].
pub(super) fn open_token(vault: &Vault, instance: InstanceId, invite: InviteId, sealed: &[u8]) -> Result<SecretString, InviteError> {
    Ok(vault.open_text(&token_context(instance, invite), sealed)?)
}

/// Adds `teams` to those of a person, each once.
pub(super) fn merge_teams(own: &mut Vec<TeamId>, teams: &[TeamId]) {
    for team in teams {
        if !own.contains(team) {
            own.push(*team);
        }
    }
}
