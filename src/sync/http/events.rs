//! The event stream of a run.

use actix_web::HttpResponse;
use actix_web::web::Data;

use super::body::RunBody;
use crate::http::problem::ProblemBody;
use crate::http::{Authorized, EventStreams, Observation, OngoingAccess, PathParams, Problem, Routes, route};
use crate::ids::RunId;
use crate::permissions::scope::SyncRead;
use crate::sync::{SyncError, SyncRun, SyncService};

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.add(route!(get_run_events));
}

/// An event of a run's stream.
#[derive(Debug, utoipa::ToSchema)]
#[allow(dead_code)] // documents; an event is written as text
#[schema(as = SyncRunEvent)]
struct RunEvent {
    event: RunEventName,
    /// The run, as JSON (`SyncRun`).
    #[schema(content_media_type = "application/json")]
    data: String,
}

/// The names of events.
#[derive(Debug, utoipa::ToSchema)]
#[allow(dead_code)] // documents the one name
#[schema(as = SyncRunEventName)]
enum RunEventName {
    #[schema(rename = "run")]
    Run,
}

/// Follow a sync run
///
/// Server-sent events: one named `run` with the run as JSON at once and at each change, a comment as a sign of life every 15
/// seconds. The stream ends with the run, when the caller's session, token or right ends, and after 15 minutes. A caller can have 8
/// streams open, an instance 24.
#[utoipa::path(
    get, path = "/v1/sync/runs/{run_id}/events",
    operation_id = "getSyncRunEvents", tag = "Sync", params(("run_id" = RunId, Path, description = "The run.")), responses(
    (status = 200, description = "The events; the schema is that of one.", body = RunEvent, content_type = "text/event-stream"),
    (status = 429, description = "Too many streams are open.", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn get_run_events(
    caller: Authorized<SyncRead>,
    access: OngoingAccess,
    sync: Data<SyncService>,
    streams: Data<EventStreams>,
    PathParams(id): PathParams<RunId>,
) -> Result<HttpResponse, Problem> {
    let first = sync.find_run(caller.instance, id).await?;
    let sync = sync.into_inner();
    streams.follow("run", access, sight(first), async move || match sync.find_run(caller.instance, id).await {
        Ok(run) => Ok(Some(sight(run))),
        Err(SyncError::RunNotFound) => Ok(None),
        Err(error) => Err(error),
    })
}

fn sight(run: SyncRun) -> Observation<impl PartialEq> {
    let mark = (run.updated_at, run.state, run.phase, run.done, run.total, run.requested, run.resumes_at);
    Observation { mark, is_last: run.state.is_final(), data: serde_json::to_string(&RunBody::from(run)).unwrap_or_default() }
}
