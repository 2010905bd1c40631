//! `GET /v1/members`, `GET /v1/teams`, `GET /v1/teams/{team_id}`, `POST /v1/teams`.

use std::collections::HashMap;

use actix_web::http::header;
use actix_web::{HttpResponse, get, post};
use serde::{Deserialize, Serialize};
use utoipa_actix_web::service_config::ServiceConfig;

use super::store::MemberFilter;
use super::{Member, MemberError, MemberStatus, Team, TeamName, create_team, store};
use crate::auth::Role;
use crate::clock::Timestamp;
use crate::http::{AsProblem, Body, Code, Context, InputFault, InstanceCaller, Listing, PageParams, PathParams, Problem, QueryParams};
use crate::ids::{MemberId, TeamId};

impl AsProblem for MemberError {
    fn as_problem(&self) -> Problem {
        match self {
            Self::TeamExists => Problem::new(Code::TeamExists, format!("{self}.")),
            Self::TeamLimit(_) => Problem::new(Code::TeamLimitReached, format!("{self}.")),
            Self::TeamUnknown(_) => Problem::new(Code::TeamUnknown, format!("{self}.")),
            Self::Db(error) => error.as_problem(),
        }
    }
}

/// The routes of members and teams.
pub fn routes(config: &mut ServiceConfig) {
    config.service(list_members).service(list_teams).service(get_team).service(post_team);
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
    status: MemberStatus,
    /// The very first person invited, who must not be removed once data sync has started.
    is_original: bool,
    /// Ids of the teams they are in.
    teams: Vec<TeamId>,
    created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    activated_at: Option<Timestamp>,
}

impl MemberView {
    pub(crate) fn new(member: Member, teams: Vec<TeamId>) -> Self {
        Self {
            id: member.id,
            email: member.email.as_str().to_owned(),
            first_name: member.first_name,
            last_name: member.last_name,
            role: member.role,
            status: member.status,
            is_original: member.is_original,
            teams,
            created_at: member.created_at,
            activated_at: member.activated_at,
        }
    }
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
    /// Only members with this status.
    #[param(inline)]
    status: Option<MemberStatus>,
    /// Only members with this role.
    #[param(inline)]
    role: Option<Role>,
}

/// List members
///
/// Everybody invited or active, in the order they were added.
#[utoipa::path(
    operation_id = "listMembers", tag = "Members", params(MemberParams),
    responses((status = 200, description = "A page of members.", body = Listing<MemberView>))
)]
#[get("/v1/members")]
async fn list_members(
    context: Context,
    caller: InstanceCaller,
    QueryParams(params): QueryParams<MemberParams>,
) -> Result<HttpResponse, Problem> {
    let (limit, after) = PageParams { limit: params.limit, cursor: params.cursor }.read::<MemberId>()?;
    let filter = MemberFilter { status: params.status, role: params.role };
    let members = store::list(&context.db, caller.instance, filter, after, i64::from(limit) + 1).await?;
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

/// A team.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Team)]
struct TeamView {
    id: TeamId,
    name: String,
    /// Every member is in this one.
    is_everyone: bool,
    /// How many members it has, invited ones included.
    #[schema(minimum = 0)]
    members: i64,
    created_at: Timestamp,
}

impl From<Team> for TeamView {
    fn from(team: Team) -> Self {
        Self { id: team.id, name: team.name, is_everyone: team.is_everyone, members: team.members, created_at: team.created_at }
    }
}

/// List teams
///
/// Everyone, which holds every member, and the teams made since.
#[utoipa::path(
    operation_id = "listTeams", tag = "Members", params(PageParams),
    responses((status = 200, description = "A page of teams.", body = Listing<TeamView>))
)]
#[get("/v1/teams")]
async fn list_teams(
    context: Context,
    caller: InstanceCaller,
    QueryParams(params): QueryParams<PageParams>,
) -> Result<HttpResponse, Problem> {
    let (limit, after) = params.read::<TeamId>()?;
    let rows = store::list_teams(&context.db, caller.instance, after, i64::from(limit) + 1).await?;
    let views = rows.into_iter().map(TeamView::from).collect();
    Ok(HttpResponse::Ok().json(Listing::page(views, limit, |team: &TeamView| team.id)))
}

/// Get a team
#[utoipa::path(
    operation_id = "getTeam", tag = "Members", params(("team_id" = TeamId, Path, description = "The team's id.")),
    responses((status = 200, description = "The team.", body = TeamView))
)]
#[get("/v1/teams/{team_id}")]
async fn get_team(context: Context, caller: InstanceCaller, PathParams(id): PathParams<TeamId>) -> Result<HttpResponse, Problem> {
    let found = store::find_team(&context.db, caller.instance, id).await?;
    let found = found.ok_or_else(|| Problem::new(Code::NotFound, "There is no such team in this instance."))?;
    Ok(HttpResponse::Ok().json(TeamView::from(found)))
}

/// A team to be made.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct NewTeam {
    /// Unique in the instance without regard to case. No control characters; spaces around it are dropped.
    #[schema(
        min_length = 1,
        max_length = 100,
        pattern = r"^ *[^\u0000-\u0020\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]*$",
        example = "EMEA sales"
    )]
    name: String,
}

/// Make a team
///
/// An instance can have 20 teams, Everyone included.
#[utoipa::path(
    operation_id = "createTeam", tag = "Members", request_body = NewTeam,
    responses(
        (status = 201, description = "The team.", body = TeamView, headers(("Location" = String, description = "The team."))),
        (status = 409, description = "A team of this name exists, or no more can be made.", body = crate::http::problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
#[post("/v1/teams")]
async fn post_team(context: Context, caller: InstanceCaller, Body(new): Body<NewTeam>) -> Result<HttpResponse, Problem> {
    let name = TeamName::parse(&new.name).ok_or_else(|| {
        let detail = "A name has 1 to 100 characters, something to read among them and no control character.";
        Problem::invalid(vec![InputFault::new("/name", "unusable_name", detail)])
    })?;
    let mut tx = context.db.begin().await?;
    let made = create_team(&mut tx, context.clock.as_ref(), caller.instance, &name).await?;
    tx.commit().await?;
    let location = format!("/v1/teams/{}", made.id);
    Ok(HttpResponse::Created().insert_header((header::LOCATION, location)).json(TeamView::from(made)))
}
