//! Taking a file in: by itself or in a form, a piece at a time, into a temporary file.

use std::fs::File;
use std::io;
use std::time::Duration;

use actix_multipart::Multipart;
use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderValue};
use actix_web::web::{Bytes, Payload};
use futures_util::{Stream, StreamExt};
use time::OffsetDateTime;
use tokio::io::AsyncWriteExt;

use crate::clock::Clock;
use crate::http::{Code, Problem, ValidationError};
use crate::imports::ImportError;
use crate::imports::csv::{MAX_FILE, Unreadable, shorten};
use crate::imports::new_import::ReceivedFile;

/// Longest wait for the next bytes of a file.
const MAX_PAUSE: Duration = Duration::from_secs(30);
/// How long a file may be on its way at any speed.
const GRACE: time::Duration = time::Duration::seconds(30);
/// Fewest bytes a second on average after that: 128 kbit/s. Who sends slower holds a place that others wait for.
const SLOWEST_RATE: u64 = 16 * 1024;
/// The name of the form's field with the file.
const FIELD: &str = "file";
/// What a file may be called when it is sent by itself. What it is, its first bytes say.
const MEDIA: [&str; 4] = [
    "text/csv",
    "text/tab-separated-values",
    "application/vnd.ms-excel",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
];

/// Receives the file of a request.
///
/// # Errors
/// The problem of a body that is no file, is too large, or comes too slowly.
pub(super) async fn receive(request: &HttpRequest, payload: Payload, clock: &dyn Clock) -> Result<ReceivedFile, Problem> {
    let media = request.headers().get(header::CONTENT_TYPE);
    let (essence, charset) = media_type(media);
    let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    // A form has some bytes more than its file.
    let allowed = if essence == "multipart/form-data" { MAX_FILE + 64 * 1024 } else { MAX_FILE };
    if announced.is_some_and(|length| length > allowed) {
        return Err(too_large());
    }
    let pace = UploadPace { clock, began_at: clock.now() };
    if essence == "multipart/form-data" {
        return receive_form(request, payload, &pace).await;
    }
    if !MEDIA.contains(&essence.as_str()) {
        let detail = format!("Send the file itself as {}, or a form as multipart/form-data with the file in the field {FIELD}.", MEDIA[0]);
        return Err(Problem::new(Code::UnsupportedMediaType, detail));
    }
    let (file, bytes) = spool(payload, &pace, |error| crate::http::unreadable(&error.into())).await?;
    Ok(ReceivedFile { file, bytes, charset, name: None })
}

async fn receive_form(request: &HttpRequest, payload: Payload, pace: &UploadPace<'_>) -> Result<ReceivedFile, Problem> {
    let malformed =
        |error: &actix_multipart::MultipartError| Problem::new(Code::MalformedRequest, format!("The form can't be read: {error}."));
    let mut form = Multipart::new(request.headers(), payload);
    let (mut received, mut errors) = (None, Vec::new());
    while let Some(field) = without_pause(form.next()).await? {
        let mut field = field.map_err(|error| malformed(&error))?;
        let name = field.name().unwrap_or_default().to_owned();
        if name != FIELD || received.is_some() {
            let why = if name == FIELD { "Send one file." } else { "The form has one field, file." };
            errors.push(ValidationError::new(format!("/{}", shorten(&name)), "unknown_field", why));
            break;
        }
        let (_, charset) = media_type(field.headers().get(header::CONTENT_TYPE));
        let called = field.content_disposition().and_then(|disposition| disposition.get_filename()).and_then(clean_name);
        let (file, bytes) = spool(&mut field, pace, |error| malformed(&error)).await?;
        received = Some(ReceivedFile { file, bytes, charset, name: called });
    }
    match received {
        Some(received) if errors.is_empty() => Ok(received),
        None if errors.is_empty() => {
            Err(Problem::invalid(vec![ValidationError::new("/file", "missing", "Send the file in the field file.")]))
        }
        _ => Err(Problem::invalid(errors)),
    }
}

/// The last part of the path that some browsers send, without control characters.
fn clean_name(name: &str) -> Option<String> {
    let last: String = name.rsplit(['/', '\\']).next().unwrap_or_default().chars().filter(|one| !one.is_control()).collect();
    Some(shorten(last.trim())).filter(|name| !name.is_empty())
}

fn too_large() -> Problem {
    Problem::new(Code::BodyTooLarge, format!("A file has at most {} MB; split it.", MAX_FILE / 1024 / 1024))
}

/// The media type without its parameters, and its character set (RFC 7111, section 3).
fn media_type(value: Option<&HeaderValue>) -> (String, Option<String>) {
    let media = value.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut parts = media.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default().to_ascii_lowercase();
    let named = parts.filter_map(|part| part.split_once('=')).find(|(name, _)| name.eq_ignore_ascii_case("charset"));
    (essence, named.map(|(_, value)| value.trim_matches('"').to_owned()))
}

async fn without_pause<T>(waiting: impl Future<Output = T>) -> Result<T, Problem> {
    let detail = format!("Nothing came for {} s. Send the file again.", MAX_PAUSE.as_secs());
    tokio::time::timeout(MAX_PAUSE, waiting).await.map_err(|_| Problem::new(Code::UploadTooSlow, detail))
}

/// How fast a file comes.
struct UploadPace<'a> {
    clock: &'a dyn Clock,
    began_at: OffsetDateTime,
}

impl UploadPace<'_> {
    fn check(&self, received_bytes: u64) -> Result<(), Problem> {
        let taken = self.clock.now() - self.began_at;
        let seconds = u64::try_from(taken.whole_seconds()).unwrap_or(0);
        if taken <= GRACE || received_bytes >= seconds.saturating_mul(SLOWEST_RATE) {
            return Ok(());
        }
        let detail = format!(
            "{received_bytes} bytes came in {seconds} s. After the first {} s a file comes at {} kB/s at least; send it over a faster line, or a smaller one.",
            GRACE.whole_seconds(),
            SLOWEST_RATE / 1024
        );
        Err(Problem::new(Code::UploadTooSlow, detail))
    }
}

/// Writes what comes into a file, a piece at a time; gives it with its length.
async fn spool<E>(
    mut body: impl Stream<Item = Result<Bytes, E>> + Unpin,
    pace: &UploadPace<'_>,
    refuse: impl Fn(E) -> Problem,
) -> Result<(File, u64), Problem> {
    let lost = |_: io::Error| Problem::from(ImportError::Unreadable(Unreadable::Lost));
    let file = tokio::task::spawn_blocking(tempfile::tempfile).await.map_err(|_| ImportError::Interrupted)?.map_err(lost)?;
    let mut file = tokio::fs::File::from_std(file);
    let mut length = 0;
    while let Some(piece) = without_pause(body.next()).await? {
        let piece = piece.map_err(&refuse)?;
        length += piece.len() as u64;
        if length > MAX_FILE {
            return Err(too_large());
        }
        pace.check(length)?;
        file.write_all(&piece).await.map_err(lost)?;
    }
    file.flush().await.map_err(lost)?;
    Ok((file.into_std().await, length))
}
