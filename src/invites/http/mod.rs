//! `GET /v1/invites`, `GET /v1/invites/{invite_id}`, and what all routes of invitations share; the first invitation, those by list,
//! changes and activation have files of their own.

mod activation;
mod activation_page;
mod by_list;
mod changes;
mod first;

use actix_web::HttpResponse;
use actix_web::http::header;
use serde::{Deserialize, Serialize};

use super::store::InviteFilter;
use super::{BlockedAddress, Invite, InviteError, InviteState, store};
use crate::clock::Timestamp;
use crate::context::Context;
use crate::http::problem::ProblemBody;
use crate::http::{AsProblem, Authorized, Code, Listing, PageParams, PathParams, Problem, QueryParams, Routes, ValidationError, route};
use crate::ids::{ImportId, InviteId, MailId, MemberId};
use crate::language::Language;
use crate::members::MAX_ADDRESS_LENGTH;
use crate::permissions::scope::MembersRead;

pub use activation::Activations;

/// Most teams named in one request; an instance can't have more.
const MAX_TEAMS: usize = 20;

impl AsProblem for InviteError {
    fn as_problem(&self) -> Problem {
        let problem = |code| Problem::new(code, format!("{self}."));
        match self {
            Self::NotAMarketoAdmin | Self::AdminWithoutAddress(_) => problem(Code::NotAMarketoAdmin).with_link("/v1/marketo/admins"),
            Self::FirstUserExists => problem(Code::FirstUserExists).with_link("/v1/invites/first"),
            Self::NobodyInvited => problem(Code::StepRequired).with_link("/v1/invites/first"),
            Self::LogsInElsewhere => problem(Code::EmailTaken),
            Self::TooManyMessages { wait, blocked, .. } => {
                problem(Code::InviteLimitReached).with_header(header::RETRY_AFTER, wait.to_string()).with_errors(blocked_errors(blocked))
            }
            Self::NotEverybody { blocked, .. } => problem(Code::NobodyInvited).with_errors(blocked_errors(blocked)),
            Self::NoSeat(_) => problem(Code::SeatLimitReached),
            Self::AlreadyMember => problem(Code::AlreadyMember),
            Self::LinkUnknown => problem(Code::ActivationUnknown),
            Self::LinkUsed => problem(Code::ActivationUsed),
            Self::LinkExpired => problem(Code::ActivationExpired),
            Self::LinkRevoked => problem(Code::ActivationRevoked),
            Self::LinkReplaced => problem(Code::ActivationReplaced),
            Self::Unknown => problem(Code::NotFound),
            Self::OnItsWay => problem(Code::InviteOnItsWay),
            Self::Settled(_) => problem(Code::InviteSettled),
            Self::TooSoon { wait, .. } => problem(Code::ResendTooSoon).with_header(header::RETRY_AFTER, wait.to_string()),
            Self::OriginalUserStays => problem(Code::OriginalUserStays),
            Self::PasswordSwitchedOff => problem(Code::ActivationMethodNotAllowed),
            Self::Password(error) => error.as_problem(),
            Self::EmailMismatch => problem(Code::EmailMismatch),
            Self::Member(error) => error.as_problem(),
            Self::Instance(error) => error.as_problem(),
            Self::Connection(error) => error.as_problem(),
            Self::Db(error) => error.as_problem(),
            Self::Seal(error) => error.as_problem(),
        }
    }
}

fn blocked_errors(blocked: &[BlockedAddress]) -> Vec<ValidationError> {
    let error = |one: &BlockedAddress| ValidationError::new(&one.pointer, one.outcome.as_str(), format!("{:?}: {}", one.email, one.reason));
    blocked.iter().map(error).collect()
}

/// The routes of invitations.
pub fn routes(routes: &mut Routes<'_>) {
    first::routes(routes);
    by_list::routes(routes);
    routes.add(route!(list_invites)).add(route!(get_invite));
    changes::routes(routes);
    activation::routes(routes);
}

/// An invitation.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Invite)]
struct InviteView {
    id: InviteId,
    member_id: MemberId,
    /// As it was typed.
    email: String,
    state: InviteState,
    /// Whether it went to the first person of the instance.
    is_first: bool,
    /// The CSV import it came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    import_id: Option<ImportId>,
    /// The newest message, as operators see it in the outbox.
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<MailId>,
    /// The language of the messages.
    language: Language,
    /// Who invited: `client:ID` or `member:ID`.
    invited_by: String,
    /// Why the message has not left yet, never will, or may not have arrived.
    #[serde(skip_serializing_if = "Option::is_none")]
    send_error: Option<String>,
    created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    sent_at: Option<Timestamp>,
    expires_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    accepted_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_at: Option<Timestamp>,
    /// Who revoked: `client:ID` or `member:ID`.
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_by: Option<String>,
}

impl InviteView {
    fn new(invite: Invite, now: Timestamp) -> Self {
        Self {
            id: invite.id,
            member_id: invite.member,
            state: invite.state_at(now),
            email: invite.email,
            is_first: invite.is_first,
            import_id: invite.import,
            message_id: invite.message,
            language: invite.language,
            invited_by: invite.invited_by,
            send_error: invite.send_error,
            created_at: invite.created_at,
            sent_at: invite.sent_at,
            expires_at: invite.expires_at,
            accepted_at: invite.accepted_at,
            revoked_at: invite.revoked_at,
            revoked_by: invite.revoked_by,
        }
    }
}

/// A team's name, whatever its case, or its id.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(transparent)]
#[schema(min_length = 1, max_length = 100, example = "EMEA sales")]
pub(crate) struct TeamReference(pub(crate) String);

pub(crate) fn team_errors(teams: Option<&[TeamReference]>) -> Vec<ValidationError> {
    let mut errors = Vec::new();
    let teams = teams.unwrap_or_default();
    if teams.len() > MAX_TEAMS {
        errors.push(ValidationError::new("/teams", "out_of_range", format!("Name at most {MAX_TEAMS} teams.")));
    }
    for (at, team) in teams.iter().enumerate() {
        if !(1..=100).contains(&team.0.chars().count()) {
            errors.push(ValidationError::new(format!("/teams/{at}"), "out_of_range", "A team's name has 1 to 100 characters."));
        }
    }
    errors
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct InviteParams {
    /// Most rows to return; 100 unless given.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u16>,
    /// `next_cursor` of the page before.
    #[param(pattern = "^[0-9A-Za-z_-]{21}[AQgw]$")]
    cursor: Option<String>,
    /// Only invitations with this state.
    #[param(inline)]
    state: Option<InviteState>,
    /// Only invitations to addresses with this in them; case doesn't matter.
    #[param(pattern = "^[!-~]{1,254}$", example = "@example.com")]
    email: Option<String>,
    /// Only invitations by this client or member, written as in `invited_by`.
    #[param(pattern = "^(client|member):[0-9A-Za-z_-]{1,64}$")]
    invited_by: Option<String>,
    /// Only invitations of this CSV import.
    import_id: Option<ImportId>,
}

impl InviteParams {
    fn read(self) -> Result<(u16, Option<InviteId>, InviteFilter), Problem> {
        let mut errors = Vec::new();
        // What no address and no id has in it can't be looked for, either.
        let unfit = |text: &str, most: usize| text.is_empty() || text.len() > most || text.chars().any(|one| one.is_control());
        if self.email.as_deref().is_some_and(|text| unfit(text, MAX_ADDRESS_LENGTH)) {
            errors.push(ValidationError::new(
                "#query/email",
                "out_of_range",
                format!("A part of an address has 1 to {MAX_ADDRESS_LENGTH} bytes."),
            ));
        }
        let kinds = ["client:", "member:"];
        let is_actor = |text: &str| kinds.iter().any(|kind| text.starts_with(kind)) && !unfit(text, 100);
        if self.invited_by.as_deref().is_some_and(|text| !is_actor(text)) {
            errors.push(ValidationError::new("#query/invited_by", "unknown_actor", "Write client:ID or member:ID, as in invited_by."));
        }
        let page = PageParams { limit: self.limit, cursor: self.cursor }.read::<InviteId>();
        if !errors.is_empty() {
            return Err(Problem::invalid(errors));
        }
        let (limit, after) = page?;
        Ok((limit, after, InviteFilter { state: self.state, email: self.email, invited_by: self.invited_by, import: self.import_id }))
    }
}

/// List invitations
///
/// In the order they were made. Those of people who are no members any more are deleted some time after they ended, 30 days unless
/// the service is set otherwise.
#[utoipa::path(
    get, path = "/v1/invites", operation_id = "listInvites", tag = "Invitations", params(InviteParams),
    responses((status = 200, description = "A page of invitations.", body = Listing<InviteView>))
)]
async fn list_invites(
    context: Context,
    caller: Authorized<MembersRead>,
    QueryParams(params): QueryParams<InviteParams>,
) -> Result<HttpResponse, Problem> {
    let (limit, after, filter) = params.read()?;
    let now = context.clock.timestamp();
    let rows = store::list(&context.db, caller.instance, &filter, now, after, i64::from(limit) + 1).await?;
    let views = rows.into_iter().map(|row| InviteView::new(row, now)).collect();
    Ok(HttpResponse::Ok().json(Listing::page(views, limit, |row: &InviteView| row.id)))
}

/// Get an invitation
#[utoipa::path(
    get, path = "/v1/invites/{invite_id}",
    operation_id = "getInvite", tag = "Invitations", params(("invite_id" = InviteId, Path, description = "The invitation's id.")),
    responses((status = 200, description = "The invitation.", body = InviteView))
)]
async fn get_invite(
    context: Context,
    caller: Authorized<MembersRead>,
    PathParams(id): PathParams<InviteId>,
) -> Result<HttpResponse, Problem> {
    let found = store::find(&context.db, caller.instance, id).await?;
    Ok(HttpResponse::Ok().json(InviteView::new(found.ok_or(InviteError::Unknown)?, context.clock.timestamp())))
}
