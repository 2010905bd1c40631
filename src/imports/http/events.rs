use actix_web::HttpResponse;
use actix_web::web::Data;

use super::view::ImportProgress;
use crate::clock::Timestamp;
use crate::context::Context;
use crate::db::DbError;
use crate::http::problem::ProblemBody;
use crate::http::{Authorized, EventStreams, Observation, OngoingAccess, PathParams, Problem, Routes, route};
use crate::ids::ImportId;
use crate::imports::import::Import;
use crate::imports::{changes, store};
use crate::permissions::scope::MembersWrite;

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.add(route!(get_import_events));
}

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
/// 15 seconds. The stream ends with the import, when the caller's session, token or right ends, and after 15 minutes. A caller can have
/// 8 streams open, an instance 24.
#[utoipa::path(
    get, path = "/v1/invite-imports/{import_id}/events",
    operation_id = "getInviteImportEvents", tag = "Invitations", params(("import_id" = ImportId, Path, description = "The import's id.")), responses(
    (status = 200, description = "The events; the schema is that of one.", body = ImportEvent, content_type = "text/event-stream"),
    (status = 429, description = "Too many streams are open.", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn get_import_events(
    context: Context,
    caller: Authorized<MembersWrite>,
    access: OngoingAccess,
    streams: Data<EventStreams>,
    PathParams(id): PathParams<ImportId>,
) -> Result<HttpResponse, Problem> {
    let first = changes::find(&context.db, caller.instance, id).await?;
    streams.follow("import", access, sight(&first, context.clock.timestamp()), async move || {
        let import = store::find(&context.db, caller.instance, id).await?;
        // None when somebody has discarded it.
        Ok::<_, DbError>(import.map(|import| sight(&import, context.clock.timestamp())))
    })
}

fn sight(import: &Import, now: Timestamp) -> Observation<impl PartialEq + use<>> {
    let progress = ImportProgress::new(import, now);
    Observation { mark: mark(import), is_last: import.state.is_final(), data: serde_json::to_string(&progress).unwrap_or_default() }
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
    (state, import.rows_done, import.analysis.valid_rows, import.analysis.error_count)
}
