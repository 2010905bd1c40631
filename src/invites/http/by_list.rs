//! `POST /v1/invites`: inviting by a list, as people paste it.

use actix_web::HttpResponse;
use serde::de::{Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::{ArrayBuilder, OneOfBuilder, Schema, Type};
use utoipa::openapi::{ObjectBuilder, RefOr};

use super::{InviteView, ProblemBody, TeamReference, team_faults};
use crate::auth::Role;
use crate::clock::Timestamp;
use crate::context::Context;
use crate::http::{Authorized, Body, Code, Problem, Routes, ValidationError, route};
use crate::invites::InviteError;
use crate::invites::addresses::{AddressEntry, read_addresses, split_name};
use crate::invites::context::InviteContext;
use crate::invites::invite::{InviteOutcome, ResultStatus, invite};
use crate::invites::message_limit::too_many_messages;
use crate::language::Language;
use crate::members::{self, NewMember};
use crate::permissions::scope::MembersWrite;

/// The routes of this file.
pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.add(route!(post_invites).idempotent());
}

/// Most addresses in one request.
const MOST_ADDRESSES: usize = 500;
/// Most characters of a pasted list.
const LONGEST_LIST: usize = 100_000;
/// Most characters of one text among several.
const LONGEST_TEXT: usize = 1000;

/// The people to invite: one text, or several.
#[derive(Debug)]
enum Emails {
    Text(String),
    Texts(Vec<String>),
}

impl<'de> Deserialize<'de> for Emails {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct Texts;

        impl<'de> Visitor<'de> for Texts {
            type Value = Emails;

            fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                out.write_str("a text with e-mail addresses, or an array of such texts")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Emails, E> {
                Ok(Emails::Text(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut texts: A) -> Result<Emails, A::Error> {
                let mut read = Vec::new();
                while let Some(text) = texts.next_element()? {
                    read.push(text);
                }
                Ok(Emails::Texts(read))
            }
        }

        input.deserialize_any(Texts)
    }
}

// Written by hand: two forms of one value have no form that derives.
impl utoipa::PartialSchema for Emails {
    fn schema() -> RefOr<Schema> {
        let text = |most: usize| ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(most));
        let pasted = text(LONGEST_LIST)
            .title(Some("A pasted list"))
            .examples(["ann@example.com, Bo Lind <bo@example.com>; cy@example.com"])
            .description(Some("Addresses as people paste them: separated by commas, semicolons or lines, with names, quotes or comments."));
        let one = text(LONGEST_TEXT).examples(["ann@example.com"]);
        let texts = ArrayBuilder::new().items(one).min_items(Some(1)).max_items(Some(MOST_ADDRESSES)).title(Some("Several texts"));
        let said = "E-mail addresses, up to 500. Whether a text is one, the results say.";
        OneOfBuilder::new().item(pasted).item(texts).description(Some(said)).into()
    }
}

impl utoipa::ToSchema for Emails {}

/// What happens when not everybody can be invited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
enum Mode {
    /// Whoever can be invited is.
    #[default]
    Partial,
    /// Nobody is, and the problem names everybody who stands in the way: `invalid`, `no_seat`, `too_many_messages`.
    AllOrNothing,
}

/// People to invite.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct InviteRequest {
    #[schema(inline)]
    emails: Emails,
    /// What they become; `user` unless given.
    #[schema(inline)]
    role: Option<Role>,
    /// Teams they join besides Everyone; each must exist.
    #[schema(max_items = 20)]
    teams: Option<Vec<TeamReference>>,
    /// The language of their messages; the instance's unless given.
    #[schema(inline)]
    language: Option<Language>,
    /// `partial` unless given.
    #[schema(inline)]
    mode: Option<Mode>,
}

/// What became of one address.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct InviteResult {
    /// The address, or the text that holds none, as it was sent.
    email: String,
    /// The text it was found in, when there was more in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    status: ResultStatus,
    /// Why the address can't be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// The invitation made now, or the one that holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    invite: Option<InviteView>,
    /// When another message may be sent, for `too_many_messages`.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_at: Option<Timestamp>,
    /// For somebody invited before: POST here sends the invitation again.
    #[serde(skip_serializing_if = "Option::is_none")]
    resend_link: Option<String>,
}

/// One result an address, in the order they were sent.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct InviteResults {
    results: Vec<InviteResult>,
}

/// An address found, and where.
struct FoundAddress {
    pointer: String,
    entry: AddressEntry,
}

impl FoundAddress {
    /// The result, and the fault that keeps everybody from being invited when all or nobody is to be.
    fn settle(self, outcome: Option<InviteOutcome>, now: Timestamp) -> (InviteResult, Option<ValidationError>) {
        let (status, reason) = match (&self.entry.read, &outcome) {
            (Err(why), _) => (ResultStatus::Invalid, Some(format!("{why}."))),
            (Ok(_), Some(outcome)) => (outcome.status(), None),
            (Ok(_), None) => (ResultStatus::NoSeat, None),
        };
        let email = self.entry.read.as_ref().map_or_else(|_| self.entry.text.clone(), |email| email.as_str().to_owned());
        let blocked = match status {
            ResultStatus::Invalid => Some(("invalid", reason.clone().unwrap_or_default())),
            ResultStatus::NoSeat => Some(("no_seat", "No user seat is left.".to_owned())),
            ResultStatus::TooManyMessages => Some(("too_many_messages", "No more invitations are sent for now.".to_owned())),
            ResultStatus::Invited | ResultStatus::AlreadyMember | ResultStatus::AlreadyInvited | ResultStatus::OtherInstance => None,
        };
        let fault = blocked.map(|(code, why)| ValidationError::new(self.pointer, code, format!("{email:?}: {why}")));
        let retry_at = match &outcome {
            Some(InviteOutcome::TooManyMessages(next)) => Some(*next),
            _ => None,
        };
        let invite = outcome.and_then(InviteOutcome::into_invite);
        let waiting = invite.as_ref().filter(|_| status == ResultStatus::AlreadyInvited);
        let resend_link = waiting.map(|invite| format!("/v1/invites/{}/resend", invite.id));
        let text = (self.entry.text != email).then_some(self.entry.text);
        let invite = invite.map(|invite| InviteView::new(invite, now));
        (InviteResult { email, text, status, reason, invite, retry_at, resend_link }, fault)
    }
}

/// Invite people
///
/// Each address has a result of its own: what can be done is done, and the rest says why not; or, with `all_or_nothing`, nobody is
/// invited unless everybody can be. Inviting somebody again whose invitation ran out, bounced or was revoked makes a new one. The
/// first user must have been invited before.
#[utoipa::path(
    post, path = "/v1/invites", operation_id = "createInvites", tag = "Invitations", request_body = InviteRequest,
    responses(
        (status = 200, description = "What became of each address.", body = InviteResults),
        (status = 409, description = "The first user comes first, a team does not exist, or not all could be invited.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "Nobody was invited, since each was sent as many messages as may be within 24 hours.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn post_invites(
    context: Context,
    caller: Authorized<MembersWrite>,
    Body(wanted): Body<InviteRequest>,
) -> Result<HttpResponse, Problem> {
    let found = wanted.read()?;
    if !members::has_original(&context.db, caller.instance).await? {
        return Err(InviteError::NobodyInvited.into());
    }
    let teams = members::teams(&context.db, caller.instance).await?;
    let teams = teams.all_named(wanted.teams.iter().flatten().map(|team| team.0.as_str()))?;
    let role = wanted.role.unwrap_or(Role::User);
    let person = |found: &FoundAddress| {
        let email = found.entry.read.as_ref().ok()?.clone();
        let (first_name, last_name) = found.entry.name.as_deref().map(split_name).unwrap_or_default();
        Some(NewMember { email, first_name, last_name, role, is_original: false, teams: teams.clone() })
    };
    let people: Vec<_> = found.iter().filter_map(person).collect();

    let invited_by = caller.actor.to_string();
    let cx = InviteContext { language: wanted.language, ..InviteContext::new(&context, caller.instance, &invited_by, &caller.origin) };
    let mut tx = context.db.begin().await?;
    let mut outcomes = invite(&mut tx, &cx, &people).await?.into_iter();
    let now = context.clock.timestamp();
    let (mut results, mut faults) = (Vec::with_capacity(found.len()), Vec::new());
    for one in found {
        let outcome = if one.entry.read.is_ok() { outcomes.next() } else { None };
        let (result, fault) = one.settle(outcome, now);
        results.push(result);
        faults.extend(fault);
    }
    if wanted.mode == Some(Mode::AllOrNothing) && !faults.is_empty() {
        let detail = format!("Nobody was invited, because {} of {} can't be; see errors.", faults.len(), results.len());
        return Err(Problem::new(Code::NobodyInvited, detail).with_errors(faults));
    }
    if let Some(next) = next_message_at(&results) {
        return Err(Problem::from(too_many_messages(next, now)).with_errors(faults));
    }
    tx.commit().await?;
    Ok(HttpResponse::Ok().json(InviteResults { results }))
}

/// When something may be done of a request of which nothing could be done, since everybody was sent too many messages.
fn next_message_at(results: &[InviteResult]) -> Option<Timestamp> {
    let is_refused = |result: &InviteResult| result.status == ResultStatus::TooManyMessages;
    results.iter().all(is_refused).then(|| results.iter().filter_map(|result| result.retry_at).min()).flatten()
}

impl InviteRequest {
    /// The addresses, in the order they were sent.
    fn read(&self) -> Result<Vec<FoundAddress>, Problem> {
        let mut faults = Vec::new();
        let length = |text: &String, most: usize| (1..=most).contains(&text.chars().count());
        let number =
            || ValidationError::new("/emails", "out_of_range", format!("Send 1 to {MOST_ADDRESSES} addresses; use a CSV import for more."));
        let texts = match &self.emails {
            Emails::Text(text) if !length(text, LONGEST_LIST) => {
                faults.push(ValidationError::new("/emails", "out_of_range", format!("A list has 1 to {LONGEST_LIST} characters.")));
                Vec::new()
            }
            Emails::Text(text) => vec![("/emails".to_owned(), text)],
            Emails::Texts(texts) if !(1..=MOST_ADDRESSES).contains(&texts.len()) => {
                faults.push(number());
                Vec::new()
            }
            Emails::Texts(texts) => texts.iter().enumerate().map(|(at, text)| (format!("/emails/{at}"), text)).collect(),
        };
        if matches!(self.emails, Emails::Texts(_)) {
            for (pointer, _) in texts.iter().filter(|(_, text)| !length(text, LONGEST_TEXT)) {
                faults.push(ValidationError::new(pointer, "out_of_range", format!("A text has 1 to {LONGEST_TEXT} characters.")));
            }
        }
        let read = |(pointer, text): (String, &String)| {
            read_addresses(text).into_iter().map(move |entry| FoundAddress { pointer: pointer.clone(), entry })
        };
        let found: Vec<_> = texts.into_iter().flat_map(read).take(MOST_ADDRESSES + 1).collect();
        if found.len() > MOST_ADDRESSES {
            faults.push(number());
        }
        faults.extend(team_faults(self.teams.as_deref()));
        if faults.is_empty() { Ok(found) } else { Err(Problem::invalid(faults)) }
    }
}
