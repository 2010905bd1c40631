//! Routes of the sync.

mod body;
mod control;
mod events;
mod rejected;

use actix_web::HttpResponse;
use actix_web::web::Data;
use serde::Deserialize;

use super::{RunFilter, RunKind, RunState, SyncError, SyncPreview, SyncService};
use crate::auth::Scope;
use crate::context::Context;
use crate::http::problem::ProblemBody;
use crate::http::{AsProblem, Authorized, Code, Listing, OptionalBody, PageParams, PathParams, Problem, QueryParams, Routes, route};
use crate::ids::RunId;
use crate::permissions::scope::{SyncRead, SyncWrite};

use body::RunBody;

impl AsProblem for SyncError {
    fn as_problem(&self) -> Problem {
        let said = format!("{self}.");
        match self {
            Self::StepRequired(step) => Problem::new(Code::StepRequired, said).with_link(step.link()),
            Self::RunActive(active) => Problem::new(Code::SyncRunning, said).with_link(format!("/v1/sync/runs/{}", active.run)),
            Self::RetryTooLate { newer, .. } => Problem::new(Code::RunStateConflict, said).with_link(format!("/v1/sync/runs/{newer}")),
            Self::RunStateConflict(_) => Problem::new(Code::RunStateConflict, self.to_string()),
            Self::RunNotFound => Problem::new(Code::NotFound, said),
            Self::Connection(error) => error.as_problem(),
            Self::Db(error) => error.as_problem(),
            // The rest is met by runs only, whose resource tells of it.
            _ => Problem::new(Code::Internal, "Something went wrong on our side. Quote the request id when you ask for help."),
        }
    }
}

/// The routes.
pub fn routes(routes: &mut Routes<'_>) {
    events::routes(routes);
    routes.add(route!(preview)).add(route!(start_run).idempotent()).add(route!(list_runs)).add(route!(get_run));
    control::routes(routes);
    rejected::routes(routes);
}

/// What to start.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[schema(as = StartSyncRun)]
#[serde(deny_unknown_fields)]
struct StartRun {
    /// Everybody (`full`, also when left out), or who changed since the run before (`incremental`).
    kind: Option<RunKind>,
}

/// Preview the sync
///
/// Step 4. The 13 fields with where each comes from and a few sample values, and how many people a sync would bring, as an estimate
/// whose basis is said. Nothing is written. Values are masked unless the caller has the scope `people:read`.
#[utoipa::path(get, path = "/v1/sync/preview", operation_id = "getSyncPreview", tag = "Sync", responses(
    (status = 200, description = "What a sync would bring.", body = SyncPreview),
    (status = 409, description = "A connection is missing (`link` leads to the step) or a vendor refused.", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn preview(caller: Authorized<SyncRead>, sync: Data<SyncService>) -> Result<HttpResponse, Problem> {
    let preview = sync.preview(caller.instance, caller.may(Scope::PeopleRead)).await?;
    Ok(HttpResponse::Ok().json(preview))
}

/// Start a sync
///
/// Step 4. Reads everybody, or with the kind `incremental` who changed since the run before, which also happens by itself; one run at
/// a time. The answer comes at once; follow the run by its address or its events.
#[utoipa::path(
    post, path = "/v1/sync/runs",
    operation_id = "startSyncRun", tag = "Sync", request_body(content = Option<StartRun>, description = "May be left out."), responses(
    (status = 202, description = "The run, which has yet to begin.", body = RunBody),
    (status = 409, description = "A run is under way, a connection is missing, or everybody must be read first; `link` leads there.", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn start_run(
    context: Context,
    caller: Authorized<SyncWrite>,
    sync: Data<SyncService>,
    OptionalBody(body): OptionalBody<StartRun>,
) -> Result<HttpResponse, Problem> {
    let kind = body.unwrap_or_default().kind.unwrap_or(RunKind::Full);
    let run = sync.start(caller.instance, kind, &caller.origin).await?;
    let location = context.public_url.join(&format!("/v1/sync/runs/{}", run.id));
    Ok(HttpResponse::Accepted().insert_header(("location", location)).json(RunBody::from(run)))
}

/// Which runs to list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct RunParams {
    /// Most rows to return; 100 unless given.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u16>,
    /// `next_cursor` of the page before.
    #[param(pattern = "^[0-9A-Za-z_-]{21}[AQgw]$")]
    cursor: Option<String>,
    /// Only runs of this kind.
    kind: Option<RunKind>,
    /// Only runs in this state.
    state: Option<RunState>,
}

/// List sync runs
///
/// The newest first.
#[utoipa::path(
    get, path = "/v1/sync/runs", operation_id = "listSyncRuns", tag = "Sync", params(RunParams),
    responses((status = 200, description = "A page.", body = Listing<RunBody>))
)]
async fn list_runs(
    caller: Authorized<SyncRead>,
    sync: Data<SyncService>,
    QueryParams(params): QueryParams<RunParams>,
) -> Result<HttpResponse, Problem> {
    let (limit, before) = PageParams { limit: params.limit, cursor: params.cursor }.read::<RunId>()?;
    let filter = RunFilter { kind: params.kind, state: params.state };
    let runs = sync.list_runs(caller.instance, filter, before, i64::from(limit) + 1).await?;
    let runs = runs.into_iter().map(RunBody::from).collect();
    Ok(HttpResponse::Ok().json(Listing::page(runs, limit, RunBody::id)))
}

/// See a sync run
#[utoipa::path(
    get, path = "/v1/sync/runs/{run_id}", operation_id = "getSyncRun", tag = "Sync", params(("run_id" = RunId, Path, description = "The run.")),
    responses((status = 200, description = "The run.", body = RunBody))
)]
async fn get_run(
    caller: Authorized<SyncRead>,
    sync: Data<SyncService>,
    PathParams(id): PathParams<RunId>,
) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(RunBody::from(sync.find_run(caller.instance, id).await?)))
}
