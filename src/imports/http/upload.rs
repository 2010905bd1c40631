use std::fs::File;
use std::io::{self, Seek, Write};

use actix_web::http::header;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::sync::CancellationToken;

use super::address;
use super::receive::{ReceivedFile, receive};
use super::slots::{AnalysisSlot, UploadSlots};
use super::view::ImportView;
use crate::audit::{self, Entry};
use crate::clock::SharedClock;
use crate::context::Context;
use crate::db::{DbError, Tx};
use crate::http::problem::ProblemBody;
use crate::http::{Authorized, Problem, Routes, route};
use crate::ids::ImportId;
use crate::imports::csv::{Analysis, AnalysisBudget, AnalysisLimits, Chunk, ChunkSink, Unreadable, analyse};
use crate::imports::import::{Import, ImportCounts, ImportState, MOST_UNCONFIRMED, UNCONFIRMED_FOR};
use crate::imports::{ImportError, store};
use crate::members::{self, Teams};
use crate::permissions::scope::MembersWrite;

/// The routes of this file.
pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.add(route!(post_import).upload());
}

/// A form with the file.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)] // documents; the form is read as it comes
struct ImportForm {
    /// The file, with its name.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// Send a file of people to invite
///
/// CSV or a spreadsheet (.xlsx), by itself or in the field `file` of a form; at most 50 MB and 200,000 rows. Encoding, delimiter
/// and headers are found out; the answer proposes which column is what and lists what can't be used. Nobody is invited until the
/// import is confirmed.
#[utoipa::path(
    post, path = "/v1/invite-imports", operation_id = "createInviteImport", tag = "Invitations",
    request_body(description = "The file, as it is.", content(
        (String = "text/csv", example = "email,first name,last name\nann@example.com,Ann,Doe\n"),
        (String = "text/tab-separated-values"),
        (String = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (ImportForm = "multipart/form-data"),
    )),
    responses(
        (status = 201, description = "What is in the file.", body = ImportView, headers(("Location" = String, description = "The import."))),
        (status = 408, description = "The file came too slowly.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "Too many imports wait to be confirmed.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "The file is no list of invitations, or reading it takes more than a file may take; the problem says why, and names the limit.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "Too many files are on their way.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn post_import(
    request: HttpRequest,
    context: Context,
    caller: Authorized<MembersWrite>,
    slots: Data<UploadSlots>,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let slot = slots.take(caller.instance)?;
    let since = context.clock.timestamp() - UNCONFIRMED_FOR;
    if store::count_unconfirmed(&context.db, caller.instance, since).await? >= MOST_UNCONFIRMED {
        return Err(ImportError::Limit(MOST_UNCONFIRMED).into());
    }
    let received = receive(&request, payload, context.clock.as_ref()).await?;
    let teams = members::teams(&context.db, caller.instance).await?;
    let file_name = received.name.clone();
    let (analysis, kept) = examine(received, teams, context.clock.clone(), slot.analysis().await?).await?;
    let import = Import {
        id: ImportId(context.clock.new_id()),
        instance: caller.instance,
        state: ImportState::Analysed,
        file_name,
        analysis,
        confirmation: None,
        invited_by: caller.actor.to_string(),
        rows_done: 0,
        counts: ImportCounts::default(),
        error: None,
        created_at: context.clock.timestamp(),
        confirmed_at: None,
        completed_at: None,
        rows_deleted_at: None,
    };
    let mut tx = context.db.begin().await?;
    store::insert(&mut tx, caller.instance, &import).await?;
    store(&mut tx, &import, kept).await?;
    // Others may have been sent since the look at the beginning. Those who are at this point wait for each other here, so that each
    // sees the one before.
    members::ensure_everyone(&mut tx, context.clock.as_ref(), caller.instance).await?;
    if store::count_unconfirmed_in(&mut tx, caller.instance, since).await? > MOST_UNCONFIRMED {
        return Err(ImportError::Limit(MOST_UNCONFIRMED).into());
    }
    let entry = Entry::new("import.created", "import", import.id);
    audit::record(&mut tx, context.clock.as_ref(), caller.instance, &caller.origin, entry).await?;
    tx.commit().await?;
    let view = ImportView::new(import, context.clock.timestamp());
    let id = view.id();
    Ok(HttpResponse::Created().insert_header((header::LOCATION, address(id))).json(view))
}

/// The rows of a file as they will be kept, in a file of our own, and how long each chunk is there.
struct ChunkSpool {
    bodies: File,
    chunks: Vec<(Chunk, usize)>,
}

impl ChunkSink for ChunkSpool {
    fn store(&mut self, mut chunk: Chunk) -> io::Result<()> {
        let body = std::mem::take(&mut chunk.body);
        self.bodies.write_all(&body)?;
        self.chunks.push((chunk, body.len()));
        Ok(())
    }
}

async fn examine(
    mut received: ReceivedFile,
    teams: Teams,
    clock: SharedClock,
    slot: AnalysisSlot,
) -> Result<(Analysis, ChunkSpool), ImportError> {
    let analysis = run_blocking(move |canceled| {
        // The place is free when the work has ended, not when its caller is gone.
        let _slot = slot;
        let budget = AnalysisBudget::new(AnalysisLimits::for_file(received.bytes), received.bytes, clock, canceled);
        let bodies = tempfile::tempfile().map_err(|_| Unreadable::Lost)?;
        let mut kept = ChunkSpool { bodies, chunks: Vec::new() };
        let analysis = analyse(&mut received.file, received.charset.as_deref(), &teams, Some(&mut kept), &budget)?;
        kept.bodies.rewind().map_err(|_| Unreadable::Lost)?;
        Ok((analysis, kept))
    });
    analysis.await?
}

/// Does work that blocks. Whoever waits for it no more, because the connection is gone or the time over, cancels it.
async fn run_blocking<T: Send + 'static>(work: impl FnOnce(CancellationToken) -> T + Send + 'static) -> Result<T, ImportError> {
    let canceled = CancellationToken::new();
    let _canceling = canceled.clone().drop_guard();
    tokio::task::spawn_blocking(move || work(canceled)).await.map_err(|_| ImportError::Interrupted)
}

async fn store(tx: &mut Tx, import: &Import, kept: ChunkSpool) -> Result<(), ImportError> {
    let lost = |_: io::Error| ImportError::Unreadable(Unreadable::Lost);
    let mut bodies = tokio::fs::File::from_std(kept.bodies);
    bodies.rewind().await.map_err(lost)?;
    for (mut chunk, length) in kept.chunks {
        chunk.body.resize(length, 0);
        bodies.read_exact(&mut chunk.body).await.map_err(lost)?;
        store::insert_chunk(tx, import.instance, import.id, &chunk).await.map_err(|error: DbError| error)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn work_ends_when_nobody_waits_for_it_any_more() {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        let (begun, has_begun) = mpsc::channel();
        let (ended, has_ended) = mpsc::channel();
        runtime.block_on(async {
            let mut waiting = Box::pin(run_blocking(move |canceled| {
                begun.send(()).unwrap();
                while !canceled.is_cancelled() {
                    std::thread::yield_now();
                }
                ended.send(()).unwrap();
            }));
            assert!(futures_util::poll!(waiting.as_mut()).is_pending());
            has_begun.recv().unwrap();
            assert!(has_ended.try_recv().is_err());
            drop(waiting);
            has_ended.recv().unwrap();
        });
    }
}
