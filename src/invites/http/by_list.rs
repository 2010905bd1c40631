//! `POST /v1/invites`: inviting by a list, as people paste it.

use actix_web::HttpResponse;
use serde::{Deserialize, Serialize};

use super::{InviteView, ProblemBody, TeamReference, team_errors};
use crate::auth::Role;
use crate::clock::Timestamp;
use crate::context::Context;
use crate::http::{Authorized, Body, Problem, Routes, ValidationError, route};
use crate::invites::address_list::{AddressList, AddressResult, InviteMode, ListedAddress, invite_list};
use crate::invites::addresses::read_addresses;
use crate::invites::invite::InviteOutcomeKind;
use crate::language::Language;
use crate::permissions::scope::MembersWrite;

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.add(route!(post_invites).idempotent());
}

/// Most addresses in one request.
const MAX_ADDRESSES: usize = 500;
/// Most characters of one text.
const MAX_TEXT_LENGTH: usize = 100_000;

/// People to invite.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct InviteRequest {
    /// E-mail addresses, up to 500: one a text, or as people paste them, separated by commas, semicolons or lines, with names, quotes or
    /// comments. Whether a text is an address, the results say.
    #[schema(value_type = Vec<AddressText>, min_items = 1, max_items = 500)]
    emails: Vec<String>,
    /// What they become; `user` unless given.
    role: Option<Role>,
    /// Teams they join besides Everyone; each must exist.
    #[schema(max_items = 20)]
    teams: Option<Vec<TeamReference>>,
    /// The language of their messages; the instance's unless given.
    language: Option<Language>,
    /// `partial` unless given.
    mode: Option<InviteMode>,
}

/// A text with an address, or with several as people paste them.
#[derive(utoipa::ToSchema)]
#[schema(min_length = 1, max_length = 100_000, example = "ann@example.com")]
#[allow(dead_code)] // documents the texts
struct AddressText(String);

/// What became of one address.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct InviteResult {
    /// The address, or the text that holds none, as it was sent.
    email: String,
    /// The text it was found in, when there was more in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    outcome: InviteOutcomeKind,
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
    data: Vec<InviteResult>,
}

impl InviteResult {
    fn new(result: AddressResult, now: Timestamp) -> Self {
        let (outcome, retry_at) = (result.outcome_kind(), result.retry_at());
        let email = result.address.email().to_owned();
        let text = (result.address.entry.text != email).then_some(result.address.entry.text);
        let (invite, reason) = match result.outcome {
            Ok(outcome) => (outcome.into_invite(), None),
            Err(why) => (None, Some(format!("{why}."))),
        };
        let waiting = invite.as_ref().filter(|_| outcome == InviteOutcomeKind::AlreadyInvited);
        let resend_link = waiting.map(|invite| format!("/v1/invites/{}/resend", invite.id));
        let invite = invite.map(|invite| InviteView::new(invite, now));
        Self { email, text, outcome, reason, invite, retry_at, resend_link }
    }
}

/// Invite people
///
/// Each address has a result of its own: what can be done is done, and the rest says why not; or, with `all_or_nothing`, nobody is
/// invited unless everybody can be. Inviting somebody again whose invitation expired, bounced or was revoked makes a new one. The
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
    let results = invite_list(&context, caller.instance, &caller.origin, wanted.read()?).await?;
    let now = context.clock.timestamp();
    let data = results.into_iter().map(|result| InviteResult::new(result, now)).collect();
    Ok(HttpResponse::Ok().json(InviteResults { data }))
}

impl InviteRequest {
    /// The list, its addresses in the order they were sent.
    fn read(self) -> Result<AddressList, Problem> {
        let mut errors = Vec::new();
        let texts: Vec<_> = self.emails.iter().take(MAX_ADDRESSES).enumerate().map(|(at, text)| (format!("/emails/{at}"), text)).collect();
        let read = |(pointer, text): &(String, &String)| -> Vec<ListedAddress> {
            read_addresses(text).into_iter().map(|entry| ListedAddress { pointer: pointer.clone(), entry }).collect()
        };
        let addresses: Vec<_> = texts.iter().flat_map(read).take(MAX_ADDRESSES + 1).collect();
        if !(1..=MAX_ADDRESSES).contains(&self.emails.len()) || addresses.len() > MAX_ADDRESSES {
            let detail = format!("Send 1 to {MAX_ADDRESSES} addresses; use a CSV import for more.");
            errors.push(ValidationError::new("/emails", "out_of_range", detail));
        }
        for (pointer, _) in texts.iter().filter(|(_, text)| !(1..=MAX_TEXT_LENGTH).contains(&text.chars().count())) {
            errors.push(ValidationError::new(pointer, "out_of_range", format!("A text has 1 to {MAX_TEXT_LENGTH} characters.")));
        }
        errors.extend(team_errors(self.teams.as_deref()));
        if !errors.is_empty() {
            return Err(Problem::invalid(errors));
        }
        Ok(AddressList {
            addresses,
            role: self.role.unwrap_or(Role::User),
            teams: self.teams.into_iter().flatten().map(|team| team.0).collect(),
            language: self.language,
            mode: self.mode.unwrap_or_default(),
        })
    }
}
