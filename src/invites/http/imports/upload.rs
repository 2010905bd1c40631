use std::fs::File;
use std::io::{self, Seek, Write};
use std::time::Duration;

use actix_multipart::Multipart;
use actix_web::http::header::{self, HeaderValue};
use actix_web::web::{Bytes, Payload};
use actix_web::{HttpRequest, HttpResponse, post};
use futures_util::{Stream, StreamExt};
use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};
use tokio::sync::Semaphore;

use super::address;
use super::view::ImportView;
use crate::audit::{self, Entry};
use crate::db::{DbError, Tx};
use crate::http::problem::ProblemBody;
use crate::http::{Code, Context, InputFault, InstanceCaller, Problem};
use crate::ids::ImportId;
use crate::invites::csv::{Analysis, Chunk, Keep, LARGEST_FILE, Unreadable, analyse, shorten};
use crate::invites::imports::{Counts, Import, ImportState, MOST_UNCONFIRMED, UNCONFIRMED_FOR};
use crate::invites::{InviteError, import_store};
use crate::members::{self, Teams};

/// Longest wait for the next bytes of a file.
const PATIENCE: Duration = Duration::from_secs(30);
/// Files that this process reads at once; others wait. Each takes some tens of megabytes at most.
static DESKS: Semaphore = Semaphore::const_new(2);
/// The name of the form's field with the file.
const FIELD: &str = "file";
/// What a file may be called when it is sent by itself. What it is, its first bytes say.
const MEDIA: [&str; 4] = [
    "text/csv",
    "text/tab-separated-values",
    "application/vnd.ms-excel",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
];

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
    operation_id = "createInviteImport", tag = "Invitations",
    request_body(description = "The file, as it is.", content(
        (String = "text/csv", example = "email,first name,last name\nann@example.com,Ann,Doe\n"),
        (String = "text/tab-separated-values"),
        (String = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (ImportForm = "multipart/form-data"),
    )),
    responses(
        (status = 201, description = "What is in the file.", body = ImportView, headers(("Location" = String, description = "The import."))),
        (status = 409, description = "Too many imports wait to be confirmed.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "The file is no list of invitations; the problem says why.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[post("/v1/invite-imports")]
pub(super) async fn post_import(
    request: HttpRequest,
    context: Context,
    caller: InstanceCaller,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let since = context.clock.timestamp() - UNCONFIRMED_FOR;
    if import_store::count_unconfirmed(&context.db, caller.instance, since).await? >= MOST_UNCONFIRMED {
        return Err(InviteError::ImportLimit(MOST_UNCONFIRMED).into());
    }
    let sent = receive(&request, payload).await?;
    let teams = members::teams(&context.db, caller.instance).await?;
    let file_name = sent.name.clone();
    let (analysis, kept) = examine(sent, teams).await?;
    let import = Import {
        id: ImportId(context.clock.new_id()),
        instance: caller.instance,
        state: ImportState::Analysed,
        file_name,
        analysis,
        confirmation: None,
        invited_by: caller.actor.to_string(),
        rows_done: 0,
        counts: Counts::default(),
        error: None,
        created_at: context.clock.timestamp(),
        confirmed_at: None,
        completed_at: None,
        rows_deleted_at: None,
    };
    let mut tx = context.db.begin().await?;
    import_store::insert(&mut tx, caller.instance, &import).await?;
    store(&mut tx, &import, kept).await?;
    let entry = Entry::new("import.created", "import", import.id);
    audit::record(&mut tx, context.clock.as_ref(), caller.instance, &caller.origin, entry).await?;
    tx.commit().await?;
    let view = ImportView::new(import, context.clock.timestamp());
    let id = view.id();
    Ok(HttpResponse::Created().insert_header((header::LOCATION, address(id))).json(view))
}

/// A file that has arrived: in a file of our own that goes away when it is closed.
struct Sent {
    file: File,
    charset: Option<String>,
    name: Option<String>,
}

async fn receive(request: &HttpRequest, payload: Payload) -> Result<Sent, Problem> {
    let media = request.headers().get(header::CONTENT_TYPE);
    let (essence, charset) = media_type(media);
    let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    // A form has some bytes more than its file.
    let allowed = if essence == "multipart/form-data" { LARGEST_FILE + 64 * 1024 } else { LARGEST_FILE };
    if announced.is_some_and(|length| length > allowed) {
        return Err(too_large());
    }
    if essence == "multipart/form-data" {
        return receive_form(request, payload).await;
    }
    if !MEDIA.contains(&essence.as_str()) {
        let detail = format!("Send the file itself as {}, or a form as multipart/form-data with the file in the field {FIELD}.", MEDIA[0]);
        return Err(Problem::new(Code::UnsupportedMediaType, detail));
    }
    let file = spool(payload, |error| crate::http::unreadable(&error.into())).await?;
    Ok(Sent { file, charset, name: None })
}

async fn receive_form(request: &HttpRequest, payload: Payload) -> Result<Sent, Problem> {
    let malformed =
        |error: &actix_multipart::MultipartError| Problem::new(Code::MalformedRequest, format!("The form can't be read: {error}."));
    let mut form = Multipart::new(request.headers(), payload);
    let (mut sent, mut faults) = (None, Vec::new());
    while let Some(field) = patiently(form.next()).await? {
        let mut field = field.map_err(|error| malformed(&error))?;
        let name = field.name().unwrap_or_default().to_owned();
        if name != FIELD || sent.is_some() {
            let why = if name == FIELD { "Send one file." } else { "The form has one field, file." };
            faults.push(InputFault::new(format!("/{}", shorten(&name)), "unknown_field", why));
            break;
        }
        let (_, charset) = media_type(field.headers().get(header::CONTENT_TYPE));
        let called = field.content_disposition().and_then(|disposition| disposition.get_filename()).and_then(clean_name);
        let file = spool(&mut field, |error| malformed(&error)).await?;
        sent = Some(Sent { file, charset, name: called });
    }
    match sent {
        Some(sent) if faults.is_empty() => Ok(sent),
        None if faults.is_empty() => Err(Problem::invalid(vec![InputFault::new("/file", "missing", "Send the file in the field file.")])),
        _ => Err(Problem::invalid(faults)),
    }
}

/// The last part of the path that some browsers send, without control characters.
fn clean_name(name: &str) -> Option<String> {
    let last: String = name.rsplit(['/', '\\']).next().unwrap_or_default().chars().filter(|one| !one.is_control()).collect();
    Some(shorten(last.trim())).filter(|name| !name.is_empty())
}

fn too_large() -> Problem {
    Problem::new(Code::BodyTooLarge, format!("A file has at most {} MB; split it.", LARGEST_FILE / 1024 / 1024))
}

/// The media type without its parameters, and its character set (RFC 7111, section 3).
fn media_type(value: Option<&HeaderValue>) -> (String, Option<String>) {
    let media = value.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut parts = media.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default().to_ascii_lowercase();
    let named = parts.filter_map(|part| part.split_once('=')).find(|(name, _)| name.eq_ignore_ascii_case("charset"));
    (essence, named.map(|(_, value)| value.trim_matches('"').to_owned()))
}

async fn patiently<T>(waiting: impl Future<Output = T>) -> Result<T, Problem> {
    let detail = "Nothing came for 30 seconds. Send the file again.";
    tokio::time::timeout(PATIENCE, waiting).await.map_err(|_| Problem::new(Code::MalformedRequest, detail))
}

/// Writes what comes into a file, a piece at a time.
async fn spool<E>(mut body: impl Stream<Item = Result<Bytes, E>> + Unpin, refuse: impl Fn(E) -> Problem) -> Result<File, Problem> {
    let lost = |_: io::Error| Problem::from(InviteError::Unreadable(Unreadable::Lost));
    let file = tokio::task::spawn_blocking(tempfile::tempfile).await.map_err(|_| InviteError::Interrupted)?.map_err(lost)?;
    let mut file = tokio::fs::File::from_std(file);
    let mut length = 0;
    while let Some(piece) = patiently(body.next()).await? {
        let piece = piece.map_err(&refuse)?;
        length += piece.len() as u64;
        if length > LARGEST_FILE {
            return Err(too_large());
        }
        file.write_all(&piece).await.map_err(lost)?;
    }
    file.flush().await.map_err(lost)?;
    Ok(file.into_std().await)
}

/// The rows of a file as they will be kept, in a file of our own, and how long each chunk is there.
struct Kept {
    bodies: File,
    chunks: Vec<(Chunk, usize)>,
}

impl Keep for Kept {
    fn keep(&mut self, mut chunk: Chunk) -> io::Result<()> {
        let body = std::mem::take(&mut chunk.body);
        self.bodies.write_all(&body)?;
        self.chunks.push((chunk, body.len()));
        Ok(())
    }
}

async fn examine(mut sent: Sent, teams: Teams) -> Result<(Analysis, Kept), InviteError> {
    // It is never closed.
    let _desk = DESKS.acquire().await.map_err(|_| InviteError::Interrupted)?;
    let work = tokio::task::spawn_blocking(move || {
        let bodies = tempfile::tempfile().map_err(|_| Unreadable::Lost)?;
        let mut kept = Kept { bodies, chunks: Vec::new() };
        let analysis = analyse(&mut sent.file, sent.charset.as_deref(), &teams, Some(&mut kept))?;
        kept.bodies.rewind().map_err(|_| Unreadable::Lost)?;
        Ok((analysis, kept))
    });
    work.await.map_err(|_| InviteError::Interrupted)?
}

async fn store(tx: &mut Tx, import: &Import, kept: Kept) -> Result<(), InviteError> {
    let lost = |_: io::Error| InviteError::Unreadable(Unreadable::Lost);
    let mut bodies = tokio::fs::File::from_std(kept.bodies);
    bodies.rewind().await.map_err(lost)?;
    for (mut chunk, length) in kept.chunks {
        chunk.body.resize(length, 0);
        bodies.read_exact(&mut chunk.body).await.map_err(lost)?;
        import_store::insert_chunk(tx, import.instance, import.id, &chunk).await.map_err(|error: DbError| error)?;
    }
    Ok(())
}
