//! `GET` and `POST /v1/teams`, `GET`, `PATCH` and `DELETE /v1/teams/{team_id}`, `POST /v1/teams/{team_id}/members`.

use std::collections::BTreeSet;

use actix_web::HttpResponse;
use actix_web::http::header;
use serde::{Deserialize, Serialize};

use super::acting;
use crate::clock::Timestamp;
use crate::context::Context;
use crate::display_name::NoDisplayName;
use crate::http::problem::ProblemBody;
use crate::http::{Authorized, Body, Listing, PageParams, PathParams, Problem, QueryParams, Routes, ValidationError, route};
use crate::ids::{MemberId, TeamId};
use crate::members::{
    MemberError, Team, TeamMemberOutcome, TeamName, change_team_members, create_team, delete_team as remove_team, rename_team, store,
};
use crate::permissions::scope::{MembersRead, MembersWrite};

/// Most members named in one request, for each list.
const MAX_MEMBERS: usize = 500;

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes
        .add(route!(list_teams))
        .add(route!(get_team))
        .add(route!(post_team).idempotent())
        .add(route!(patch_team))
        .add(route!(delete_team))
        .add(route!(post_members));
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
    get, path = "/v1/teams", operation_id = "listTeams", tag = "Members", params(PageParams),
    responses((status = 200, description = "A page of teams.", body = Listing<TeamView>))
)]
async fn list_teams(
    context: Context,
    caller: Authorized<MembersRead>,
    QueryParams(params): QueryParams<PageParams>,
) -> Result<HttpResponse, Problem> {
    let (limit, after) = params.read::<TeamId>()?;
    let rows = store::list_teams(&context.db, caller.instance, after, i64::from(limit) + 1).await?;
    let views = rows.into_iter().map(TeamView::from).collect();
    Ok(HttpResponse::Ok().json(Listing::page(views, limit, |team: &TeamView| team.id)))
}

/// Get a team
///
/// `GET /v1/members?team=ID` lists who is in it.
#[utoipa::path(
    get, path = "/v1/teams/{team_id}",
    operation_id = "getTeam", tag = "Members", params(("team_id" = TeamId, Path, description = "The team's id.")),
    responses((status = 200, description = "The team.", body = TeamView))
)]
async fn get_team(context: Context, caller: Authorized<MembersRead>, PathParams(id): PathParams<TeamId>) -> Result<HttpResponse, Problem> {
    let found = store::find_team(&context.db, caller.instance, id).await?.ok_or(MemberError::NoSuchTeam)?;
    Ok(HttpResponse::Ok().json(TeamView::from(found)))
}

/// A team to be made.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct CreateTeam {
    /// Unique in the instance without regard to case. No control characters, line separators or marks of direction; spaces around it are dropped.
    #[schema(
        min_length = 1,
        max_length = 100,
        pattern = r"^ *[^\u0000-\u0020\u007f-\u009f\u2028-\u202e\u2066-\u2069][^\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]*$",
        example = "EMEA sales"
    )]
    name: String,
}

fn read_name(text: &str) -> Result<TeamName, Problem> {
    let unusable = |error: NoDisplayName| ValidationError::new("/name", "unusable_name", format!("The text can't be used: {error}."));
    TeamName::parse(text).map_err(|error| Problem::invalid(vec![unusable(error)]))
}

/// Make a team
///
/// An instance can have 20 teams, Everyone included, unless the operator has set another limit.
#[utoipa::path(
    post, path = "/v1/teams", operation_id = "createTeam", tag = "Members", request_body = CreateTeam,
    responses(
        (status = 201, description = "The team.", body = TeamView, headers(("Location" = String, description = "The team."))),
        (status = 409, description = "A team of this name exists, or no more can be made.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn post_team(context: Context, caller: Authorized<MembersWrite>, Body(new): Body<CreateTeam>) -> Result<HttpResponse, Problem> {
    let name = read_name(&new.name)?;
    let mut tx = context.db.begin().await?;
    let made = create_team(&mut tx, &acting(&context, &caller), &name, context.limits.teams).await?;
    tx.commit().await?;
    let location = context.public_url.join(&format!("/v1/teams/{}", made.id));
    Ok(HttpResponse::Created().insert_header((header::LOCATION, location)).json(TeamView::from(made)))
}

/// What is to be changed; what is left out stays.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct UpdateTeam {
    /// Unique in the instance without regard to case. No control characters, line separators or marks of direction; spaces around it are dropped.
    #[schema(
        min_length = 1,
        max_length = 100,
        pattern = r"^ *[^\u0000-\u0020\u007f-\u009f\u2028-\u202e\u2066-\u2069][^\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]*$"
    )]
    name: Option<String>,
}

/// Rename a team
#[utoipa::path(
    patch, path = "/v1/teams/{team_id}", operation_id = "updateTeam", tag = "Members", request_body = UpdateTeam,
    params(("team_id" = TeamId, Path, description = "The team's id.")),
    responses(
        (status = 200, description = "The team as it is now.", body = TeamView),
        (status = 409, description = "A team of this name exists, or it is Everyone.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn patch_team(
    context: Context,
    caller: Authorized<MembersWrite>,
    PathParams(id): PathParams<TeamId>,
    Body(wanted): Body<UpdateTeam>,
) -> Result<HttpResponse, Problem> {
    let name = wanted.name.as_deref().map(read_name).transpose()?;
    let team = match name {
        None => store::find_team(&context.db, caller.instance, id).await?.ok_or(MemberError::NoSuchTeam)?,
        Some(name) => {
            let mut tx = context.db.begin().await?;
            let team = rename_team(&mut tx, &acting(&context, &caller), id, &name).await?;
            tx.commit().await?;
            team
        }
    };
    Ok(HttpResponse::Ok().json(TeamView::from(team)))
}

/// Remove a team
///
/// Its members stay members.
#[utoipa::path(
    delete, path = "/v1/teams/{team_id}",
    operation_id = "deleteTeam", tag = "Members", params(("team_id" = TeamId, Path, description = "The team's id.")),
    responses(
        (status = 204, description = "Removed."),
        (status = 409, description = "It is Everyone.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn delete_team(
    context: Context,
    caller: Authorized<MembersWrite>,
    PathParams(id): PathParams<TeamId>,
) -> Result<HttpResponse, Problem> {
    let mut tx = context.db.begin().await?;
    remove_team(&mut tx, &acting(&context, &caller), id).await?;
    tx.commit().await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Who joins and who leaves. Nobody may stand in both lists.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
struct ChangeTeamMembers {
    /// Ids of members who join.
    #[schema(max_items = 500)]
    add: Vec<MemberId>,
    /// Ids of members who leave.
    #[schema(max_items = 500)]
    remove: Vec<MemberId>,
}

impl ChangeTeamMembers {
    fn check(&self) -> Result<(), Problem> {
        let mut errors = Vec::new();
        for (pointer, list) in [("/add", &self.add), ("/remove", &self.remove)] {
            if list.len() > MAX_MEMBERS {
                errors.push(ValidationError::new(pointer, "out_of_range", format!("Name at most {MAX_MEMBERS} members.")));
            }
        }
        let joining: BTreeSet<_> = self.add.iter().collect();
        for (at, _) in self.remove.iter().enumerate().filter(|(_, member)| joining.contains(member)) {
            errors.push(ValidationError::new(
                format!("/remove/{at}"),
                "in_both",
                "This member is to join and to leave; name them in one list.",
            ));
        }
        if errors.is_empty() { Ok(()) } else { Err(Problem::invalid(errors)) }
    }
}

/// What became of one member.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct TeamMemberResult {
    member_id: MemberId,
    outcome: TeamMemberOutcome,
}

/// One result a member: first those of `add`, then those of `remove`, in the order they were sent.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct TeamMemberResults {
    data: Vec<TeamMemberResult>,
}

/// Add members to a team and take members out
///
/// Each has a result of its own: what can be done is done, and once more does no harm. Nobody leaves Everyone.
#[utoipa::path(
    post, path = "/v1/teams/{team_id}/members", operation_id = "changeTeamMembers", tag = "Members", request_body = ChangeTeamMembers,
    params(("team_id" = TeamId, Path, description = "The team's id.")),
    responses(
        (status = 200, description = "What became of each member.", body = TeamMemberResults),
        (status = 409, description = "It is Everyone, which nobody leaves; nothing was changed.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn post_members(
    context: Context,
    caller: Authorized<MembersWrite>,
    PathParams(id): PathParams<TeamId>,
    Body(wanted): Body<ChangeTeamMembers>,
) -> Result<HttpResponse, Problem> {
    wanted.check()?;
    let mut tx = context.db.begin().await?;
    let outcomes = change_team_members(&mut tx, &acting(&context, &caller), id, &wanted.add, &wanted.remove).await?;
    tx.commit().await?;
    let data = outcomes.into_iter().map(|(member_id, outcome)| TeamMemberResult { member_id, outcome }).collect();
    Ok(HttpResponse::Ok().json(TeamMemberResults { data }))
}
