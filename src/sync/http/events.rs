use std::convert::Infallible;
use std::time::Duration;

use actix_web::http::header;
use actix_web::web::{Bytes, Data};
use actix_web::{HttpResponse, get};
use futures_util::Stream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use super::body::RunBody;
use crate::http::problem::ProblemBody;
use crate::http::{Code, InstanceCaller, PathParams, Problem};
use crate::ids::{InstanceId, RunId};
use crate::sync::{Run, SyncService};

/// How often the database is asked for news.
const LOOK: Duration = Duration::from_millis(300);
/// Longest silence: proxies cut connections that say nothing.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Longest stream; a client that follows a longer run connects again by itself.
const LONGEST: Duration = Duration::from_secs(900);

/// An event of a run's stream.
#[derive(Debug, utoipa::ToSchema)]
#[allow(dead_code)] // documents; an event is written as text
struct RunEvent {
    event: RunEventName,
    /// The run, as JSON (`SyncRun`).
    #[schema(content_media_type = "application/json")]
    data: String,
}

/// The names of events.
#[derive(Debug, utoipa::ToSchema)]
#[allow(dead_code)] // documents the one name
enum RunEventName {
    #[schema(rename = "run")]
    Run,
}

/// Follow a sync run
///
/// Server-sent events: one named `run` with the run as JSON at once and at each change, a comment as a sign of life every 15
/// seconds. The stream ends with the run, and after 15 minutes.
#[utoipa::path(operation_id = "getSyncRunEvents", tag = "Sync", params(("run_id" = RunId, Path, description = "The run.")), responses(
    (status = 200, description = "The events; the schema is that of one.", body = RunEvent, content_type = "text/event-stream"),
    (status = 429, description = "Too many streams are open.", body = ProblemBody, content_type = "application/problem+json"),
))]
#[get("/v1/sync/runs/{run_id}/events")]
pub(super) async fn get_run_events(
    caller: InstanceCaller,
    sync: Data<SyncService>,
    PathParams(id): PathParams<RunId>,
) -> Result<HttpResponse, Problem> {
    let first = sync.run(caller.instance, id).await?;
    let place = sync.stream_place().ok_or_else(|| {
        let detail = "Too many event streams are open. Ask for the run itself from time to time instead.";
        Problem::new(Code::TooManyRequests, detail).with_header(header::RETRY_AFTER, "10")
    })?;
    let stream = events(sync.get_ref().clone(), caller.instance, first, place);
    Ok(HttpResponse::Ok().content_type("text/event-stream").insert_header((header::CACHE_CONTROL, "no-store")).streaming(stream))
}

fn events(
    sync: SyncService,
    instance: InstanceId,
    first: Run,
    place: OwnedSemaphorePermit,
) -> impl Stream<Item = Result<Bytes, Infallible>> {
    async_stream::stream! {
        let _place = place;
        let end = Instant::now() + LONGEST;
        let mut run = first;
        yield Ok(event(run.clone()));
        let mut said = Instant::now();
        while !run.state.is_final() && Instant::now() < end {
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                // The client connects again, to another process.
                () = sync.stop.cancelled() => break,
            }
            match sync.run(instance, run.id).await {
                Ok(next) if differ(&run, &next) => {
                    run = next;
                    said = Instant::now();
                    yield Ok(event(run.clone()));
                }
                Ok(_) if said.elapsed() < HEARTBEAT => {}
                // Trouble with the database is no end of the run: the next look may tell more.
                Ok(_) | Err(_) => {
                    said = Instant::now();
                    yield Ok(Bytes::from_static(b": still here\n\n"));
                }
            }
        }
    }
}

fn differ(one: &Run, other: &Run) -> bool {
    let told = |run: &Run| (run.updated_at, run.state, run.phase, run.done, run.total, run.requested, run.goes_on_at);
    told(one) != told(other)
}

/// An event of the standard's form (HTML, section 9.2.6): JSON holds no line break, so it is one line of data.
fn event(run: Run) -> Bytes {
    let data = serde_json::to_string(&RunBody::from(run)).unwrap_or_default();
    format!("event: run\ndata: {data}\n\n").into()
}
