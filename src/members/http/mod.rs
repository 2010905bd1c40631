//! Routes of members, teams, sessions and passwords.

mod changes;
mod login;
mod own;
mod reset_page;
mod resets;
mod sessions;
mod teams;

use std::collections::HashMap;

use actix_web::HttpResponse;
use actix_web::http::header;
use serde::{Deserialize, Serialize};

use super::store::MemberFilter;
use super::{ActingCaller, LoginError, Member, MemberError, MemberState, PasswordError, store};
use crate::auth::Role;
use crate::clock::Timestamp;
use crate::context::Context;
use crate::http::{
    AsProblem, Authorized, Code, InstanceCaller, Listing, PageParams, PathParams, Problem, QueryParams, Routes, ValidationError, route,
};
use crate::ids::{InstanceId, MemberId, TeamId};
use crate::permissions::scope::MembersRead;

/// Most characters of a text that is looked for.
const MAX_SEARCH: usize = 200;

impl AsProblem for MemberError {
    fn as_problem(&self) -> Problem {
        let problem = |code| Problem::new(code, format!("{self}."));
        match self {
            Self::TeamExists => problem(Code::TeamExists),
            Self::TeamLimit(_) => problem(Code::TeamLimitReached),
            Self::TeamUnknown(_) => problem(Code::TeamUnknown),
            Self::Unknown | Self::NoSuchTeam | Self::NoSuchSession => problem(Code::NotFound),
            Self::OriginalUser(_) => problem(Code::OriginalUserStays),
            Self::LastAdmin(_) => problem(Code::LastAdmin).with_link("/v1/members"),
            Self::Oneself(_) => problem(Code::SelfChangeForbidden),
            Self::OwnsMarketoConnection => problem(Code::OwnsMarketoConnection),
            Self::NotActivated => problem(Code::MemberNotActivated),
            Self::EveryoneIsFixed(_) => problem(Code::EveryoneTeamProtected),
            Self::EmailTaken => problem(Code::EmailTaken),
            Self::Connection(error) => error.as_problem(),
            Self::Db(error) => error.as_problem(),
        }
    }
}

impl AsProblem for PasswordError {
    fn as_problem(&self) -> Problem {
        let error = |code| Problem::invalid(vec![ValidationError::new("/password", code, format!("{self}."))]);
        match self {
            Self::Length => error("out_of_range"),
            Self::Guessable => error("guessable"),
            Self::Busy | Self::Interrupted => Problem::new(Code::Unavailable, format!("{self}.")).with_header(header::RETRY_AFTER, "5"),
        }
    }
}

impl AsProblem for LoginError {
    fn as_problem(&self) -> Problem {
        let problem = |code| Problem::new(code, format!("{self}."));
        match self {
            Self::Refused => problem(Code::LoginRefused).with_link("/v1/password-resets"),
            Self::LockedOut { seconds } => problem(Code::LoginLockedOut).with_header(header::RETRY_AFTER, seconds.to_string()),
            Self::SwitchedOff => problem(Code::PasswordLoginSwitchedOff),
            Self::Deactivated => problem(Code::MemberDeactivated),
            Self::CurrentWrong => problem(Code::CurrentPasswordWrong).with_link("/v1/password-resets"),
            Self::NoPassword => problem(Code::NoPassword).with_link("/v1/password-resets"),
            Self::LinkUnusable => problem(Code::ResetLinkUnusable),
            Self::Password(error) => error.as_problem(),
            Self::Instance(error) => error.as_problem(),
            Self::Auth(error) => error.as_problem(),
            Self::Db(error) => error.as_problem(),
        }
    }
}

/// The routes of members and teams.
pub fn routes(routes: &mut Routes<'_>) {
    own::routes(routes);
    sessions::routes(routes);
    routes.add(route!(list_members)).add(route!(get_member));
    changes::routes(routes);
    teams::routes(routes);
    login::routes(routes);
    resets::routes(routes);
}

/// Who changes members by this request.
fn acting<'a>(context: &'a Context, caller: &'a InstanceCaller) -> ActingCaller<'a> {
    ActingCaller { clock: context.clock.as_ref(), instance: caller.instance, origin: &caller.origin }
}

/// A member of the instance.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Member)]
pub(crate) struct MemberView {
    id: MemberId,
    /// As it was typed; compared without regard to case.
    email: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_name: Option<String>,
    role: Role,
    state: MemberState,
    /// The very first person invited, who must not be removed once data sync has started.
    is_original: bool,
    /// Ids of the teams they are in.
    teams: Vec<TeamId>,
    created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    activated_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deactivated_at: Option<Timestamp>,
}

impl MemberView {
    pub(crate) fn new(member: Member, teams: Vec<TeamId>) -> Self {
        Self {
            id: member.id,
            email: member.email.as_str().to_owned(),
            first_name: member.first_name,
            last_name: member.last_name,
            role: member.role,
            state: member.state,
            is_original: member.is_original,
            teams,
            created_at: member.created_at,
            activated_at: member.activated_at,
            deactivated_at: member.deactivated_at,
        }
    }
}

/// A member with their teams.
async fn to_view(context: &Context, instance: InstanceId, member: Member) -> Result<MemberView, Problem> {
    let teams = store::teams_of(&context.db, instance, member.id, member.id).await?;
    Ok(MemberView::new(member, teams.into_iter().map(|(_, team)| team).collect()))
}

/// The member of this id.
async fn find_member(context: &Context, instance: InstanceId, id: MemberId) -> Result<Member, Problem> {
    Ok(store::find(&context.db, instance, id).await?.ok_or(MemberError::Unknown)?)
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct MemberParams {
    /// Most rows to return; 100 unless given.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u16>,
    /// `next_cursor` of the page before.
    #[param(pattern = "^[0-9A-Za-z_-]{21}[AQgw]$")]
    cursor: Option<String>,
    /// Only members with this state.
    #[param(inline)]
    state: Option<MemberState>,
    /// Only members with this role.
    #[param(inline)]
    role: Option<Role>,
    /// Only members of the team with this id.
    #[param(value_type = Option<String>, format = Uuid)]
    team: Option<TeamId>,
    /// Only members whose first name, last name or address holds this, in whatever case. First and last name stand beside each
    /// other with a space between.
    #[param(min_length = 1, max_length = 200, pattern = r"^[^\x00]+$", example = "ann d")]
    search: Option<String>,
}

/// List members
///
/// Everybody invited, active or deactivated, in the order they were added; every condition that is given must hold.
#[utoipa::path(
    get, path = "/v1/members", operation_id = "listMembers", tag = "Members", params(MemberParams),
    responses((status = 200, description = "A page of members.", body = Listing<MemberView>))
)]
async fn list_members(
    context: Context,
    caller: Authorized<MembersRead>,
    QueryParams(params): QueryParams<MemberParams>,
) -> Result<HttpResponse, Problem> {
    let (limit, after) = PageParams { limit: params.limit, cursor: params.cursor }.read::<MemberId>()?;
    if let Some(text) = &params.search
        && (text.is_empty() || text.chars().count() > MAX_SEARCH || text.contains('\0'))
    {
        let detail = format!("search has 1 to {MAX_SEARCH} characters, none of them NUL.");
        return Err(Problem::invalid(vec![ValidationError::new("#query/search", "length", detail)]));
    }
    let filter = MemberFilter { state: params.state, role: params.role, team: params.team, search: params.search };
    let members = store::list(&context.db, caller.instance, &filter, after, i64::from(limit) + 1).await?;
    let mut teams = teams_of(&context, &caller, &members).await?;
    let views = members.into_iter().map(|member| {
        let own = teams.remove(&member.id).unwrap_or_default();
        MemberView::new(member, own)
    });
    Ok(HttpResponse::Ok().json(Listing::page(views.collect(), limit, |member| member.id)))
}

async fn teams_of(context: &Context, caller: &InstanceCaller, members: &[Member]) -> Result<HashMap<MemberId, Vec<TeamId>>, Problem> {
    let mut teams: HashMap<MemberId, Vec<TeamId>> = HashMap::new();
    if let (Some(first), Some(last)) = (members.first(), members.last()) {
        for (member, team) in store::teams_of(&context.db, caller.instance, first.id, last.id).await? {
            teams.entry(member).or_default().push(team);
        }
    }
    Ok(teams)
}

/// Get a member
#[utoipa::path(
    get, path = "/v1/members/{member_id}",
    operation_id = "getMember", tag = "Members", params(("member_id" = MemberId, Path, description = "The member's id.")),
    responses((status = 200, description = "The member.", body = MemberView))
)]
async fn get_member(
    context: Context,
    caller: Authorized<MembersRead>,
    PathParams(id): PathParams<MemberId>,
) -> Result<HttpResponse, Problem> {
    let member = find_member(&context, caller.instance, id).await?;
    Ok(HttpResponse::Ok().json(to_view(&context, caller.instance, member).await?))
}
