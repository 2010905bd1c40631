//! Routes that cancel, pause, resume and retry runs.

use actix_web::HttpResponse;
use actix_web::web::Data;

use super::body::RunBody;
use crate::http::problem::ProblemBody;
use crate::http::{Authorized, PathParams, Problem, Routes, route};
use crate::ids::RunId;
use crate::permissions::scope::SyncWrite;
use crate::sync::{ControlOutcome, SyncService};

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.add(route!(cancel_run)).add(route!(pause_run)).add(route!(resume_run)).add(route!(retry_run));
}

fn respond(outcome: ControlOutcome) -> HttpResponse {
    match outcome {
        ControlOutcome::Unchanged(run) => HttpResponse::Ok().json(RunBody::from(run)),
        ControlOutcome::Accepted(run) => HttpResponse::Accepted().json(RunBody::from(run)),
    }
}

/// Cancel a sync run
///
/// The run ends within a few seconds, at its next batch. What it has merged stays, what it has only read is deleted, and what the
/// vendors still prepare for it is called off.
#[utoipa::path(
    post, path = "/v1/sync/runs/{run_id}/cancel",
    operation_id = "cancelSyncRun", tag = "Sync", params(("run_id" = RunId, Path, description = "The run.")), responses(
    (status = 200, description = "It is canceled, or about to be, already.", body = RunBody),
    (status = 202, description = "It will be; follow the run.", body = RunBody),
    (status = 409, description = "The run is over.", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn cancel_run(
    caller: Authorized<SyncWrite>,
    sync: Data<SyncService>,
    PathParams(id): PathParams<RunId>,
) -> Result<HttpResponse, Problem> {
    Ok(respond(sync.cancel(caller.instance, id, &caller.origin).await?))
}

/// Pause a sync run
///
/// The run stops within a few seconds, at its next batch, and keeps what it has read until somebody resumes it. A run that waits
/// for a vendor's quota doesn't go on by itself any more.
#[utoipa::path(
    post, path = "/v1/sync/runs/{run_id}/pause",
    operation_id = "pauseSyncRun", tag = "Sync", params(("run_id" = RunId, Path, description = "The run.")), responses(
    (status = 200, description = "It is paused, or about to be, already.", body = RunBody),
    (status = 202, description = "It will be; follow the run.", body = RunBody),
    (status = 409, description = "The run is over or being canceled.", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn pause_run(
    caller: Authorized<SyncWrite>,
    sync: Data<SyncService>,
    PathParams(id): PathParams<RunId>,
) -> Result<HttpResponse, Problem> {
    Ok(respond(sync.pause(caller.instance, id, &caller.origin).await?))
}

/// Resume a sync run
///
/// A paused run goes on where it stopped. If it waited for a quota that is still used up, it pauses again.
#[utoipa::path(
    post, path = "/v1/sync/runs/{run_id}/resume",
    operation_id = "resumeSyncRun", tag = "Sync", params(("run_id" = RunId, Path, description = "The run.")), responses(
    (status = 200, description = "It isn't paused.", body = RunBody),
    (status = 202, description = "It goes on.", body = RunBody),
    (status = 409, description = "The run is over or being canceled; the detail says what to do instead.", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn resume_run(
    caller: Authorized<SyncWrite>,
    sync: Data<SyncService>,
    PathParams(id): PathParams<RunId>,
) -> Result<HttpResponse, Problem> {
    Ok(respond(sync.resume(caller.instance, id, &caller.origin).await?))
}

/// Retry a sync run
///
/// A failed run goes on where it failed, for a day; after that, and when what it has read is no use, it begins anew.
#[utoipa::path(
    post, path = "/v1/sync/runs/{run_id}/retry",
    operation_id = "retrySyncRun", tag = "Sync", params(("run_id" = RunId, Path, description = "The run.")), responses(
    (status = 200, description = "It is under way already.", body = RunBody),
    (status = 202, description = "It goes on.", body = RunBody),
    (status = 409, description = "It has not failed, another run was begun since (`link` leads to one under way) or a connection is missing.", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn retry_run(
    caller: Authorized<SyncWrite>,
    sync: Data<SyncService>,
    PathParams(id): PathParams<RunId>,
) -> Result<HttpResponse, Problem> {
    Ok(respond(sync.retry(caller.instance, id, &caller.origin).await?))
}
