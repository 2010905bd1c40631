//! `POST` and `GET /v1/invites/first`, `POST /v1/invites`, `GET /v1/invites`, `GET /v1/invites/{invite_id}`; activation and imports have
//! files of their own.

mod activation;
mod first;
mod imports;

use actix_web::{HttpResponse, get, post};
use serde::{Deserialize, Serialize};
use utoipa_actix_web::service_config::ServiceConfig;

use super::invite::{Desk, Outcome, ResultStatus, invite};
use super::{Invite, InviteError, InviteStatus, store};
use crate::auth::Role;
use crate::clock::Timestamp;
use crate::http::problem::ProblemBody;
use crate::http::{AsProblem, Body, Code, Context, InputFault, InstanceCaller, Listing, PageParams, PathParams, Problem, QueryParams};
use crate::ids::{ImportId, InviteId, MemberId};
use crate::members::{self, EmailAddress, NewMember, NoEmailAddress};

pub use activation::Activations;

/// Most addresses in one request.
const MOST_ADDRESSES: usize = 100;
/// Most teams named in one request; an instance can't have more.
const MOST_TEAMS: usize = 20;

impl AsProblem for InviteError {
    fn as_problem(&self) -> Problem {
        let problem = |code| Problem::new(code, format!("{self}."));
        match self {
            Self::NotAMarketoAdmin | Self::AdminWithoutAddress(_) => problem(Code::NotAMarketoAdmin).with_link("/v1/marketo/admins"),
            Self::FirstUserExists => problem(Code::FirstUserExists).with_link("/v1/invites/first"),
            Self::NobodyInvited => problem(Code::StepRequired).with_link("/v1/invites/first"),
            Self::OtherInstance => problem(Code::EmailTaken),
            Self::NoSeat(_) => problem(Code::SeatLimitReached),
            Self::LinkUnknown => problem(Code::ActivationUnknown),
            Self::LinkUsed => problem(Code::ActivationUsed),
            Self::LinkExpired => problem(Code::ActivationExpired),
            Self::PasswordSwitchedOff => problem(Code::ActivationMethodNotAllowed),
            Self::PasswordUnfit => Problem::invalid(vec![InputFault::new("/password", "out_of_range", format!("{self}."))]),
            Self::PasswordLost => problem(Code::Internal),
            Self::EmailMismatch => problem(Code::EmailMismatch),
            Self::ImportUnknown => problem(Code::NotFound),
            Self::ImportConfirmed(id) => problem(Code::ImportAlreadyConfirmed).with_link(format!("/v1/invite-imports/{id}")),
            Self::Unreadable(_) => problem(Code::ImportUnreadable),
            Self::MappingUnfit { .. } => problem(Code::MappingUnfit),
            Self::Interrupted => problem(Code::Unavailable),
            Self::Member(error) => error.as_problem(),
            Self::Instance(error) => error.as_problem(),
            Self::Connection(error) => error.as_problem(),
            Self::Db(error) => error.as_problem(),
            Self::Seal(error) => error.as_problem(),
        }
    }
}

/// The routes of invitations.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(first::post_first_invite)
        .service(first::get_first_invite)
        .service(post_invites)
        .service(list_invites)
        .service(get_invite);
    imports::routes(config);
    activation::routes(config);
}

/// An invitation.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Invite)]
struct InviteView {
    id: InviteId,
    member_id: MemberId,
    /// As it was typed.
    email: String,
    status: InviteStatus,
    /// Whether it went to the first person of the instance.
    is_first: bool,
    /// The CSV import it came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    import_id: Option<ImportId>,
    /// Who invited: `client:ID` or `member:ID`.
    invited_by: String,
    /// Why the message has not left yet, or never will.
    #[serde(skip_serializing_if = "Option::is_none")]
    send_error: Option<String>,
    created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    sent_at: Option<Timestamp>,
    expires_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    accepted_at: Option<Timestamp>,
}

impl InviteView {
    fn new(invite: Invite, now: Timestamp) -> Self {
        Self {
            id: invite.id,
            member_id: invite.member,
            status: invite.status_at(now),
            email: invite.email,
            is_first: invite.is_first,
            import_id: invite.import,
            invited_by: invite.invited_by,
            send_error: invite.send_error,
            created_at: invite.created_at,
            sent_at: invite.sent_at,
            expires_at: invite.expires_at,
            accepted_at: invite.accepted_at,
        }
    }
}

/// An e-mail address, or what should be one: whether it is, the result says.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(transparent)]
#[schema(min_length = 1, max_length = 1000, example = "ann@example.com")]
struct AddressText(String);

/// A team's name, whatever its case, or its id.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(transparent)]
#[schema(min_length = 1, max_length = 100, example = "EMEA sales")]
struct TeamReference(String);

/// People to invite.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct InviteRequest {
    /// Their addresses.
    #[schema(min_items = 1, max_items = 100)]
    emails: Vec<AddressText>,
    /// What they become; `user` unless given.
    #[schema(inline)]
    role: Option<Role>,
    /// Teams they join besides Everyone; each must exist.
    #[schema(max_items = 20)]
    teams: Option<Vec<TeamReference>>,
}

/// What became of one address.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct InviteResult {
    /// As it was sent.
    email: String,
    status: ResultStatus,
    /// Why the address can't be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// The invitation made now, or the one that holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    invite: Option<InviteView>,
}

/// One result an address, in the order they were sent.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct InviteResults {
    results: Vec<InviteResult>,
}

impl InviteResult {
    fn invalid(email: String, why: NoEmailAddress) -> Self {
        Self { email, status: ResultStatus::Invalid, reason: Some(format!("{why}.")), invite: None }
    }

    fn new(email: String, outcome: Outcome, now: Timestamp) -> Self {
        let status = outcome.status();
        let invite = outcome.into_invite().map(|invite| InviteView::new(invite, now));
        Self { email, status, reason: None, invite }
    }
}

/// Invite people
///
/// Each address has a result of its own: what can be done is done, and the rest says why not. Inviting somebody again whose
/// invitation ran out or could not be delivered makes a new one. The first user must have been invited before.
#[utoipa::path(
    operation_id = "createInvites", tag = "Invitations", request_body = InviteRequest,
    responses(
        (status = 200, description = "What became of each address.", body = InviteResults),
        (status = 409, description = "The first user comes first, or a team does not exist.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[post("/v1/invites")]
async fn post_invites(context: Context, caller: InstanceCaller, Body(wanted): Body<InviteRequest>) -> Result<HttpResponse, Problem> {
    check_sizes(&wanted)?;
    if !members::has_original(&context.db, caller.instance).await? {
        return Err(InviteError::NobodyInvited.into());
    }
    let teams = members::teams(&context.db, caller.instance).await?;
    let teams = teams.all_named(wanted.teams.iter().flatten().map(|team| team.0.as_str()))?;
    let role = wanted.role.unwrap_or(Role::User);
    let member = |email| NewMember { email, first_name: None, last_name: None, role, is_original: false, teams: teams.clone() };
    let read: Vec<_> = wanted.emails.iter().map(|text| EmailAddress::parse(&text.0).map(member)).collect();
    let people: Vec<_> = read.iter().flatten().cloned().collect();

    let invited_by = caller.actor.to_string();
    let desk =
        Desk { clock: context.clock.as_ref(), vault: &context.vault, instance: caller.instance, invited_by: &invited_by, import: None };
    let mut tx = context.db.begin().await?;
    let mut outcomes = invite(&mut tx, &desk, &people).await?.into_iter();
    tx.commit().await?;

    let now = context.clock.timestamp();
    let results = wanted.emails.into_iter().zip(read).filter_map(|(text, read)| match read {
        Err(why) => Some(InviteResult::invalid(text.0, why)),
        Ok(_) => outcomes.next().map(|outcome| InviteResult::new(text.0, outcome, now)),
    });
    Ok(HttpResponse::Ok().json(InviteResults { results: results.collect() }))
}

fn check_sizes(wanted: &InviteRequest) -> Result<(), Problem> {
    let mut faults = Vec::new();
    if !(1..=MOST_ADDRESSES).contains(&wanted.emails.len()) {
        faults.push(InputFault::new(
            "/emails",
            "out_of_range",
            format!("Send 1 to {MOST_ADDRESSES} addresses; use a CSV import for more."),
        ));
    }
    for (at, text) in wanted.emails.iter().enumerate() {
        if !(1..=1000).contains(&text.0.chars().count()) {
            faults.push(InputFault::new(format!("/emails/{at}"), "out_of_range", "An address has 1 to 1000 characters."));
        }
    }
    faults.extend(team_faults(wanted.teams.as_deref()));
    if faults.is_empty() { Ok(()) } else { Err(Problem::invalid(faults)) }
}

fn team_faults(teams: Option<&[TeamReference]>) -> Vec<InputFault> {
    let mut faults = Vec::new();
    let teams = teams.unwrap_or_default();
    if teams.len() > MOST_TEAMS {
        faults.push(InputFault::new("/teams", "out_of_range", format!("Name at most {MOST_TEAMS} teams.")));
    }
    for (at, team) in teams.iter().enumerate() {
        if !(1..=100).contains(&team.0.chars().count()) {
            faults.push(InputFault::new(format!("/teams/{at}"), "out_of_range", "A team's name has 1 to 100 characters."));
        }
    }
    faults
}

/// List invitations
///
/// In the order they were made.
#[utoipa::path(
    operation_id = "listInvites", tag = "Invitations", params(PageParams),
    responses((status = 200, description = "A page of invitations.", body = Listing<InviteView>))
)]
#[get("/v1/invites")]
async fn list_invites(
    context: Context,
    caller: InstanceCaller,
    QueryParams(params): QueryParams<PageParams>,
) -> Result<HttpResponse, Problem> {
    let (limit, after) = params.read::<InviteId>()?;
    let now = context.clock.timestamp();
    let rows = store::list(&context.db, caller.instance, after, i64::from(limit) + 1).await?;
    let views = rows.into_iter().map(|row| InviteView::new(row, now)).collect();
    Ok(HttpResponse::Ok().json(Listing::page(views, limit, |row: &InviteView| row.id)))
}

/// Get an invitation
#[utoipa::path(
    operation_id = "getInvite", tag = "Invitations", params(("invite_id" = InviteId, Path, description = "The invitation's id.")),
    responses((status = 200, description = "The invitation.", body = InviteView))
)]
#[get("/v1/invites/{invite_id}")]
async fn get_invite(context: Context, caller: InstanceCaller, PathParams(id): PathParams<InviteId>) -> Result<HttpResponse, Problem> {
    let found = store::find(&context.db, caller.instance, id).await?;
    let found = found.ok_or_else(|| Problem::new(Code::NotFound, "There is no such invitation in this instance."))?;
    Ok(HttpResponse::Ok().json(InviteView::new(found, context.clock.timestamp())))
}
