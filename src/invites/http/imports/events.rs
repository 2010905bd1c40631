use std::convert::Infallible;
use std::time::Duration;

use actix_web::http::header;
use actix_web::web::Bytes;
use actix_web::{HttpResponse, get};
use futures_util::Stream;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use super::found;
use super::view::ImportProgress;
use crate::http::problem::ProblemBody;
use crate::http::{Code, Context, InstanceCaller, PathParams, Problem};
use crate::ids::{ImportId, InstanceId};
use crate::invites::import_store;
use crate::invites::imports::Import;

/// How often the database is asked for news.
const LOOK: Duration = Duration::from_millis(300);
/// Longest silence: proxies cut connections that say nothing.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Longest stream; a client that follows a longer import connects again by itself.
const LONGEST: Duration = Duration::from_secs(900);
/// Streams open at once in this process.
static PLACES: Semaphore = Semaphore::const_new(100);

/// An event of an import's stream.
#[derive(Debug, utoipa::ToSchema)]
#[allow(dead_code)] // documents; an event is written as text
struct ImportEvent {
    event: ImportEventName,
    /// How far the import has come, as JSON (`InviteImportProgress`).
    #[schema(content_media_type = "application/json")]
    data: String,
}

/// The names of events.
#[derive(Debug, utoipa::ToSchema)]
#[allow(dead_code)] // documents the one name
enum ImportEventName {
    #[schema(rename = "import")]
    Import,
}

/// Follow an import
///
/// Server-sent events: one named `import` with the progress as JSON at once and at each change, a comment as a sign of life every
/// 15 seconds. The stream ends with the import, and after 15 minutes.
#[utoipa::path(operation_id = "getInviteImportEvents", tag = "Invitations", params(("import_id" = ImportId, Path, description = "The import's id.")), responses(
    (status = 200, description = "The events; the schema is that of one.", body = ImportEvent, content_type = "text/event-stream"),
    (status = 429, description = "Too many streams are open.", body = ProblemBody, content_type = "application/problem+json"),
))]
#[get("/v1/invite-imports/{import_id}/events")]
pub(super) async fn get_import_events(
    context: Context,
    caller: InstanceCaller,
    PathParams(id): PathParams<ImportId>,
) -> Result<HttpResponse, Problem> {
    let first = found(&context, caller.instance, id).await?;
    let place = PLACES.try_acquire().map_err(|_| {
        let detail = "Too many event streams are open. Ask for the import itself from time to time instead.";
        Problem::new(Code::TooManyRequests, detail).with_header(header::RETRY_AFTER, "10")
    })?;
    let stream = events(context, caller.instance, first, place);
    Ok(HttpResponse::Ok().content_type("text/event-stream").insert_header((header::CACHE_CONTROL, "no-store")).streaming(stream))
}

fn events(
    context: Context,
    instance: InstanceId,
    first: Import,
    place: SemaphorePermit<'static>,
) -> impl Stream<Item = Result<Bytes, Infallible>> {
    async_stream::stream! {
        let _place = place;
        let end = Instant::now() + LONGEST;
        let (id, mut over) = (first.id, first.state.is_final());
        let mut told = mark(&first);
        yield Ok(event(&context, &first));
        let mut said = Instant::now();
        while !over && Instant::now() < end {
            tokio::time::sleep(LOOK).await;
            match import_store::find(&context.db, instance, id).await {
                Ok(Some(next)) if mark(&next) != told => {
                    (told, over, said) = (mark(&next), next.state.is_final(), Instant::now());
                    yield Ok(event(&context, &next));
                }
                // Somebody has discarded it.
                Ok(None) => over = true,
                Ok(_) if said.elapsed() < HEARTBEAT => {}
                // Trouble with the database is no end of the import: the next look may tell more.
                Ok(_) | Err(_) => {
                    said = Instant::now();
                    yield Ok(Bytes::from_static(b": still here\n\n"));
                }
            }
        }
    }
}

/// What an event is worth telling for: not the pace, which changes with the clock.
fn mark(import: &Import) -> (&'static str, u64, u64, u64) {
    let state = if import.state.is_final() {
        "over"
    } else if import.confirmation.is_some() {
        "confirmed"
    } else {
        "analysed"
    };
    (state, import.rows_done, import.analysis.valid_rows, import.analysis.faults_total)
}

/// An event of the standard's form (HTML, section 9.2.6): JSON holds no line break, so it is one line of data.
fn event(context: &Context, import: &Import) -> Bytes {
    let progress = ImportProgress::new(import, context.clock.timestamp());
    let data = serde_json::to_string(&progress).unwrap_or_default();
    format!("event: import\ndata: {data}\n\n").into()
}
