//! Inviting by an address list: whoever can be invited is, or nobody, in one transaction.

use serde::Deserialize;

use super::InviteError;
use super::addresses::{AddressEntry, split_name};
use super::context::InviteContext;
use super::invite::{InviteOutcome, InviteOutcomeKind, invite};
use super::message_limit::seconds_until;
use crate::audit::ChangeOrigin;
use crate::auth::Role;
use crate::clock::Timestamp;
use crate::context::Context;
use crate::ids::{InstanceId, TeamId};
use crate::language::Language;
use crate::members::{self, NewMember, NoEmailAddress};

/// What happens when not everybody can be invited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum InviteMode {
    /// Whoever can be invited is.
    #[default]
    Partial,
    /// Nobody is, and the problem names everybody who stands in the way: `invalid`, `no_seat`, `too_many_messages`.
    AllOrNothing,
}

/// An address list, and what its people become.
#[derive(Debug)]
pub(super) struct AddressList {
    pub(super) addresses: Vec<ListedAddress>,
    pub(super) role: Role,
    /// Names or ids of teams besides Everyone.
    pub(super) teams: Vec<String>,
    /// The language of the messages; the instance's unless given.
    pub(super) language: Option<Language>,
    pub(super) mode: InviteMode,
}

/// An entry of an address list, and where the request has it.
#[derive(Debug)]
pub(super) struct ListedAddress {
    /// A JSON pointer.
    pub(super) pointer: String,
    pub(super) entry: AddressEntry,
}

impl ListedAddress {
    /// The address, or the text that holds none.
    pub(super) fn email(&self) -> &str {
        self.entry.read.as_ref().map_or(self.entry.text.as_str(), |email| email.as_str())
    }

    fn person(&self, role: Role, teams: &[TeamId]) -> Option<NewMember> {
        let email = self.entry.read.as_ref().ok()?.clone();
        let (first_name, last_name) = self.entry.name.as_deref().map(split_name).unwrap_or_default();
        Some(NewMember { email, first_name, last_name, role, is_original: false, teams: teams.to_vec() })
    }
}

/// What became of an entry of an address list.
#[derive(Debug)]
pub(super) struct AddressResult {
    pub(super) address: ListedAddress,
    pub(super) outcome: Result<InviteOutcome, NoEmailAddress>,
}

impl AddressResult {
    pub(super) fn outcome_kind(&self) -> InviteOutcomeKind {
        self.outcome.as_ref().map_or(InviteOutcomeKind::Invalid, InviteOutcome::kind)
    }

    /// When the person may be sent another message, if they are sent too many.
    pub(super) fn retry_at(&self) -> Option<Timestamp> {
        match &self.outcome {
            Ok(InviteOutcome::TooManyMessages(next)) => Some(*next),
            _ => None,
        }
    }

    /// Why not everybody can be invited, if it is for this entry.
    fn blocked(&self) -> Option<BlockedAddress> {
        let reason = match &self.outcome {
            Err(why) => format!("{why}."),
            Ok(InviteOutcome::NoSeat) => "No user seat is left.".to_owned(),
            Ok(InviteOutcome::TooManyMessages(_)) => "No more invitations are sent for now.".to_owned(),
            Ok(InviteOutcome::Invited(_) | InviteOutcome::AlreadyMember | InviteOutcome::AlreadyInvited(_)) => return None,
        };
        let address = &self.address;
        Some(BlockedAddress { pointer: address.pointer.clone(), email: address.email().to_owned(), outcome: self.outcome_kind(), reason })
    }
}

/// An entry of an address list that nobody can be invited by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockedAddress {
    /// Where the request has it: a JSON pointer.
    pub pointer: String,
    /// The address, or the text that holds none.
    pub email: String,
    pub outcome: InviteOutcomeKind,
    pub reason: String,
}

/// Invites the people of an address list; the result has one entry for each of the list's, in its order.
///
/// # Errors
/// [`InviteError::NobodyInvited`]; [`InviteError::Member`] for a team that is not there; [`InviteError::NotEverybody`] when all or nobody
/// is to be invited; [`InviteError::TooManyMessages`] when nobody can be. Nothing is changed then.
pub(super) async fn invite_list(
    context: &Context,
    instance: InstanceId,
    origin: &ChangeOrigin,
    list: AddressList,
) -> Result<Vec<AddressResult>, InviteError> {
    let cx = InviteContext { language: list.language, ..InviteContext::new(context, instance, &origin.actor, origin) };
    let mut tx = context.db.begin().await?;
    // From here on nobody else invites in the instance or changes its teams.
    members::ensure_everyone(&mut tx, cx.clock(), instance).await?;
    if !members::has_original_in(&mut tx, instance).await? {
        return Err(InviteError::NobodyInvited);
    }
    let teams = members::teams_in(&mut tx, instance).await?.all_named(list.teams.iter().map(String::as_str))?;
    let people: Vec<_> = list.addresses.iter().filter_map(|address| address.person(list.role, &teams)).collect();
    let mut outcomes = invite(&mut tx, &cx, &people).await?.into_iter();
    let settle = |address: ListedAddress| {
        let outcome = match &address.entry.read {
            Err(why) => Err(*why),
            // There is one for each person.
            Ok(_) => Ok(outcomes.next().unwrap_or(InviteOutcome::NoSeat)),
        };
        AddressResult { address, outcome }
    };
    let results: Vec<_> = list.addresses.into_iter().map(settle).collect();
    let blocked: Vec<_> = results.iter().filter_map(AddressResult::blocked).collect();
    if list.mode == InviteMode::AllOrNothing && !blocked.is_empty() {
        return Err(InviteError::NotEverybody { blocked, total: results.len() });
    }
    if let Some(next) = next_message_at(&results) {
        let wait = seconds_until(next, cx.clock().timestamp());
        return Err(InviteError::TooManyMessages { next, wait, blocked });
    }
    tx.commit().await?;
    Ok(results)
}

/// When somebody of a list can be sent a message, if nobody can now.
fn next_message_at(results: &[AddressResult]) -> Option<Timestamp> {
    let is_refused = |result: &AddressResult| result.outcome_kind() == InviteOutcomeKind::TooManyMessages;
    results.iter().all(is_refused).then(|| results.iter().filter_map(AddressResult::retry_at).min()).flatten()
}
