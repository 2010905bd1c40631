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
use crate::http::{Authorized, Body, Problem, Routes, ValidationError, route};
use crate::invites::address_list::{AddressList, AddressResult, InviteMode, ListedAddress, invite_list};
use crate::invites::addresses::read_addresses;
use crate::invites::invite::ResultStatus;
use crate::language::Language;
use crate::permissions::scope::MembersWrite;

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.add(route!(post_invites).idempotent());
}

/// Most addresses in one request.
const MAX_ADDRESSES: usize = 500;
/// Most characters of a pasted list.
const MAX_LIST_LENGTH: usize = 100_000;
/// Most characters of one text among several.
const MAX_TEXT_LENGTH: usize = 1000;

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
        let pasted = text(MAX_LIST_LENGTH)
            .title(Some("A pasted list"))
            .examples(["ann@example.com, Bo Lind <bo@example.com>; cy@example.com"])
            .description(Some("Addresses as people paste them: separated by commas, semicolons or lines, with names, quotes or comments."));
        let one = text(MAX_TEXT_LENGTH).examples(["ann@example.com"]);
        let texts = ArrayBuilder::new().items(one).min_items(Some(1)).max_items(Some(MAX_ADDRESSES)).title(Some("Several texts"));
        let said = "E-mail addresses, up to 500. Whether a text is one, the results say.";
        OneOfBuilder::new().item(pasted).item(texts).description(Some(said)).into()
    }
}

impl utoipa::ToSchema for Emails {}

/// People to invite.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct InviteRequest {
    #[schema(inline)]
    emails: Emails,
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

impl InviteResult {
    fn new(result: AddressResult, now: Timestamp) -> Self {
        let (status, retry_at) = (result.status(), result.retry_at());
        let email = result.address.email().to_owned();
        let text = (result.address.entry.text != email).then_some(result.address.entry.text);
        let (invite, reason) = match result.outcome {
            Ok(outcome) => (outcome.into_invite(), None),
            Err(why) => (None, Some(format!("{why}."))),
        };
        let waiting = invite.as_ref().filter(|_| status == ResultStatus::AlreadyInvited);
        let resend_link = waiting.map(|invite| format!("/v1/invites/{}/resend", invite.id));
        let invite = invite.map(|invite| InviteView::new(invite, now));
        Self { email, text, status, reason, invite, retry_at, resend_link }
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
    let results = results.into_iter().map(|result| InviteResult::new(result, now)).collect();
    Ok(HttpResponse::Ok().json(InviteResults { results }))
}

impl InviteRequest {
    /// The list, its addresses in the order they were sent.
    fn read(self) -> Result<AddressList, Problem> {
        let mut faults = Vec::new();
        let length = |text: &String, most: usize| (1..=most).contains(&text.chars().count());
        let number =
            || ValidationError::new("/emails", "out_of_range", format!("Send 1 to {MAX_ADDRESSES} addresses; use a CSV import for more."));
        let texts = match &self.emails {
            Emails::Text(text) if !length(text, MAX_LIST_LENGTH) => {
                faults.push(ValidationError::new("/emails", "out_of_range", format!("A list has 1 to {MAX_LIST_LENGTH} characters.")));
                Vec::new()
            }
            Emails::Text(text) => vec![("/emails".to_owned(), text)],
            Emails::Texts(texts) if !(1..=MAX_ADDRESSES).contains(&texts.len()) => {
                faults.push(number());
                Vec::new()
            }
            Emails::Texts(texts) => texts.iter().enumerate().map(|(at, text)| (format!("/emails/{at}"), text)).collect(),
        };
        if matches!(self.emails, Emails::Texts(_)) {
            for (pointer, _) in texts.iter().filter(|(_, text)| !length(text, MAX_TEXT_LENGTH)) {
                faults.push(ValidationError::new(pointer, "out_of_range", format!("A text has 1 to {MAX_TEXT_LENGTH} characters.")));
            }
        }
        let read = |(pointer, text): (String, &String)| {
            read_addresses(text).into_iter().map(move |entry| ListedAddress { pointer: pointer.clone(), entry })
        };
        let addresses: Vec<_> = texts.into_iter().flat_map(read).take(MAX_ADDRESSES + 1).collect();
        if addresses.len() > MAX_ADDRESSES {
            faults.push(number());
        }
        faults.extend(team_faults(self.teams.as_deref()));
        if !faults.is_empty() {
            return Err(Problem::invalid(faults));
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
