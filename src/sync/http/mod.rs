//! Routes of the sync.

mod events;

use actix_web::web::Data;
use actix_web::{HttpResponse, get, post};
use serde::Serialize;
use utoipa_actix_web::service_config::ServiceConfig;

use super::{Failure, Phase, Preview, Report, Run, RunState, SyncError, SyncService};
use crate::auth::Scope;
use crate::clock::Timestamp;
use crate::http::problem::ProblemBody;
use crate::http::{AsProblem, Code, Context, InstanceCaller, Listing, PageParams, PathParams, Problem, QueryParams};
use crate::ids::RunId;

impl AsProblem for SyncError {
    fn as_problem(&self) -> Problem {
        let said = format!("{self}.");
        match self {
            Self::StepRequired(step) => Problem::new(Code::StepRequired, said).with_link(step.link()),
            Self::Running(run) => Problem::new(Code::SyncRunning, said).with_link(format!("/v1/sync/runs/{run}")),
            Self::Unknown => Problem::new(Code::NotFound, said),
            Self::Connection(error) => error.as_problem(),
            Self::Db(error) => error.as_problem(),
            // The rest is met by runs only, whose resource tells of it.
            _ => Problem::new(Code::Internal, "Something went wrong on our side. Quote the request id when you ask for help."),
        }
    }
}

/// The routes.
pub fn routes(config: &mut ServiceConfig) {
    config.service(preview).service(start_run).service(list_runs).service(get_run).service(events::get_run_events);
}

/// A run of the sync.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(as = SyncRun)]
struct RunBody {
    id: RunId,
    state: RunState,
    phase: Phase,
    /// How much of the phase is done; the phase says what is counted.
    done: i64,
    /// How much there is to do in the phase; absent while that isn't known.
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<i64>,
    /// What is counted a second since the phase began.
    #[serde(skip_serializing_if = "Option::is_none")]
    rate_per_second: Option<i64>,
    /// When the phase ends at this rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    eta: Option<Timestamp>,
    /// What was done so far; the last word once the run has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    report: Option<Report>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Failure>,
    /// A trouble that passes by itself; the run goes on afterwards.
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting_for: Option<Failure>,
    /// Who started it: `client:ID` or `member:ID`.
    started_by: String,
    created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at: Option<Timestamp>,
    updated_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    finished_at: Option<Timestamp>,
}

impl From<Run> for RunBody {
    fn from(run: Run) -> Self {
        Self {
            id: run.id,
            state: run.state,
            phase: run.phase,
            done: run.done,
            total: run.total,
            rate_per_second: run.rate_per_second,
            eta: run.eta,
            report: run.report,
            error: run.error,
            waiting_for: run.waiting_for,
            started_by: run.started_by,
            created_at: run.created_at,
            started_at: run.started_at,
            updated_at: run.updated_at,
            finished_at: run.finished_at,
        }
    }
}

/// Preview the sync
///
/// Step 4. The 13 fields with where each comes from and a few sample values, and how many people a sync would bring, as an estimate
/// whose basis is said. Nothing is written. Values are masked unless the caller has the scope `people:read`.
#[utoipa::path(operation_id = "getSyncPreview", tag = "Sync", responses(
    (status = 200, description = "What a sync would bring.", body = Preview),
    (status = 409, description = "A connection is missing (`link` leads to the step) or a vendor refused.", body = ProblemBody, content_type = "application/problem+json"),
))]
#[get("/v1/sync/preview")]
async fn preview(caller: InstanceCaller, sync: Data<SyncService>) -> Result<HttpResponse, Problem> {
    let preview = sync.preview(caller.instance, caller.may(Scope::PeopleRead)).await?;
    Ok(HttpResponse::Ok().json(preview))
}

/// Start a sync
///
/// Step 4. Reads everybody; one run at a time. The answer comes at once; follow the run by its address or its events.
#[utoipa::path(operation_id = "startSyncRun", tag = "Sync", responses(
    (status = 202, description = "The run, which has yet to begin.", body = RunBody),
    (status = 409, description = "A run is under way or a connection is missing; `link` leads there.", body = ProblemBody, content_type = "application/problem+json"),
))]
#[post("/v1/sync/runs")]
async fn start_run(context: Context, caller: InstanceCaller, sync: Data<SyncService>) -> Result<HttpResponse, Problem> {
    let run = sync.start(caller.instance, &caller.actor.to_string()).await?;
    let location = context.public_url.of(&format!("/v1/sync/runs/{}", run.id));
    Ok(HttpResponse::Accepted().insert_header(("location", location)).json(RunBody::from(run)))
}

/// List sync runs
///
/// The newest first.
#[utoipa::path(operation_id = "listSyncRuns", tag = "Sync", params(PageParams), responses((status = 200, description = "A page.", body = Listing<RunBody>)))]
#[get("/v1/sync/runs")]
async fn list_runs(
    caller: InstanceCaller,
    sync: Data<SyncService>,
    QueryParams(page): QueryParams<PageParams>,
) -> Result<HttpResponse, Problem> {
    let (limit, before) = page.read::<RunId>()?;
    let runs = sync.runs(caller.instance, before, i64::from(limit) + 1).await?;
    let runs = runs.into_iter().map(RunBody::from).collect();
    Ok(HttpResponse::Ok().json(Listing::page(runs, limit, |run| run.id)))
}

/// See a sync run
#[utoipa::path(operation_id = "getSyncRun", tag = "Sync", params(("run_id" = RunId, Path, description = "The run.")), responses((status = 200, description = "The run.", body = RunBody)))]
#[get("/v1/sync/runs/{run_id}")]
async fn get_run(caller: InstanceCaller, sync: Data<SyncService>, PathParams(id): PathParams<RunId>) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(RunBody::from(sync.run(caller.instance, id).await?)))
}
