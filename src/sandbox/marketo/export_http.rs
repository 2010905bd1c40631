//! The routes of bulk extract, under `/bulk/v1/leads/export` and `/bulk/v1/activities/export` (without `/rest`).

use std::io::SeekFrom;

use actix_web::body::SizedStream;
use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;

use super::activities::NEVER_EXPORTED;
use super::call::Call;
use super::envelope::answer;
use super::error::Refusal;
use super::export_file;
use super::export_job::{ExportKind, Filter, Format, Order, Selection};
use super::fields;
use super::params::Params;
use crate::sandbox::faults::FaultKind;
use crate::sandbox::listeners::SandboxVendor;
use crate::sandbox::moment;
use crate::sandbox::state::SandboxState;

/// The columns of a file of activities (the vendor's page "Bulk Activity Extract").
const ACTIVITY_COLUMNS: [&str; 8] = [
    "marketoGUID",
    "leadId",
    "activityDate",
    "activityTypeId",
    "campaignId",
    "primaryAttributeValueId",
    "primaryAttributeValue",
    "attributes",
];

const LONGEST_WINDOW_SECONDS: i64 = 31 * 86_400;
const LISTED_SECONDS: i64 = 7 * 86_400;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    for kind in [ExportKind::Leads, ExportKind::Activities] {
        let base = format!("/bulk/v1/{}/export", kind.name());
        config
            .route(&format!("{base}.json"), web::get().to(list))
            .route(&format!("{base}/create.json"), web::post().to(create))
            .route(&format!("{base}/{{export_id}}/enqueue.json"), web::post().to(enqueue))
            .route(&format!("{base}/{{export_id}}/cancel.json"), web::post().to(cancel))
            .route(&format!("{base}/{{export_id}}/status.json"), web::get().to(status))
            .route(&format!("{base}/{{export_id}}/file.json"), web::get().to(file));
    }
}

/// What a request is about, by its address.
fn kind_of(request: &HttpRequest) -> ExportKind {
    if request.path().starts_with("/bulk/v1/activities/") { ExportKind::Activities } else { ExportKind::Leads }
}

/// Brings the jobs up to the clock and writes the files that are due, on the blocking pool.
async fn settle(sandbox: &web::Data<SandboxState>) {
    let _writing = sandbox.export_writer.lock().await;
    let processing = i64::try_from(sandbox.settings.export_processing.as_secs()).unwrap_or(i64::MAX);
    let due = {
        let mut state = sandbox.marketo();
        state.exports.advance(sandbox.now(), processing);
        state.exports.unwritten()
    };
    for (id, order) in due {
        let status = format!("/bulk/v1/{}/export/{id}/status.json", order.selection.kind().name());
        if sandbox.take_fault(SandboxVendor::Marketo, "GET", &status, |kind| *kind == FaultKind::FailJob).is_some() {
            sandbox.marketo().exports.written(&id, Err("Failed on order".into()));
            continue;
        }
        let (writer, job) = (sandbox.clone(), id.clone());
        let outcome = match web::block(move || export_file::write(&writer, &job, &order)).await {
            Ok(written) => written.map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        sandbox.marketo().exports.written(&id, outcome);
    }
}

async fn create(call: Call, request: HttpRequest, body: web::Bytes) -> HttpResponse {
    settle(&call.sandbox).await;
    let outcome = read_order(&call.sandbox, &request, &body).and_then(|order| {
        let mut state = call.sandbox.marketo();
        let id = call.sandbox.clock.new_id().to_string();
        state.exports.create(id, order, call.sandbox.now()).map(|job| json!({"result": [job.status()]}))
    });
    answer(&call.sandbox, outcome)
}

fn read_order(sandbox: &SandboxState, request: &HttpRequest, body: &[u8]) -> Result<Order, Refusal> {
    let json_sent = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|kind| kind.starts_with("application/json"));
    if !json_sent {
        return Err(Refusal::new("612", "Invalid Content Type"));
    }
    let asked: Value = serde_json::from_slice(body).map_err(|_| Refusal::new("609", "Invalid JSON"))?;
    let kind = kind_of(request);
    let fields: Vec<String> = match asked.get("fields").and_then(Value::as_array) {
        Some(list) if !list.is_empty() => list
            .iter()
            .map(|field| field.as_str().map(str::to_owned).ok_or_else(|| Refusal::invalid("fields")))
            .collect::<Result<_, _>>()?,
        // Activities have few columns; all of them come when none is named.
        _ if kind == ExportKind::Activities => ACTIVITY_COLUMNS.map(str::to_owned).to_vec(),
        _ => return Err(Refusal::missing("fields")),
    };
    let is_known = |name: &str| match kind {
        ExportKind::Leads => fields::find(name).is_some(),
        ExportKind::Activities => ACTIVITY_COLUMNS.contains(&name),
    };
    if let Some(unknown) = fields.iter().find(|name| !is_known(name)) {
        return Err(Refusal::no_field(unknown));
    }
    let format = match asked.get("format").map(|format| format.as_str().unwrap_or_default()) {
        None | Some("CSV") => Format::Csv,
        Some("TSV") => Format::Tsv,
        Some("SSV") => Format::Ssv,
        Some(_) => return Err(Refusal::invalid("format")),
    };
    let renamed = asked.get("columnHeaderNames").cloned().unwrap_or_else(|| json!({}));
    if let Some(unknown) = renamed.as_object().and_then(|names| names.keys().find(|name| !fields.contains(name))) {
        return Err(Refusal::no_field(unknown));
    }
    let headers = fields.iter().map(|field| renamed[field].as_str().unwrap_or(field).to_owned()).collect();
    let selection = match kind {
        ExportKind::Leads => Selection::Leads(read_filter(sandbox, asked.get("filter"))?),
        ExportKind::Activities => read_activity_filter(asked.get("filter"))?,
    };
    Ok(Order { fields, headers, format, selection })
}

/// `createdAt`, which is required, and `activityTypeIds` (the vendor's page "Bulk Activity Extract"). Deletions can't be exported.
fn read_activity_filter(filter: Option<&Value>) -> Result<Selection, Refusal> {
    let filter = filter.and_then(Value::as_object).ok_or_else(|| Refusal::missing("filter"))?;
    if filter.keys().any(|name| name != "createdAt" && name != "activityTypeIds") {
        return Err(Refusal::invalid("filter"));
    }
    let (from, to) = read_window("createdAt", filter.get("createdAt").ok_or_else(|| Refusal::missing("createdAt"))?)?;
    let invalid = || Refusal::invalid("activityTypeIds");
    let types = match filter.get("activityTypeIds") {
        None => Vec::new(),
        Some(Value::Array(types)) => types
            .iter()
            .map(|id| id.as_u64().and_then(|id| u32::try_from(id).ok()).filter(|&id| id != NEVER_EXPORTED).ok_or_else(invalid))
            .collect::<Result<_, _>>()?,
        Some(_) => return Err(invalid()),
    };
    Ok(Selection::Activities { from, to, types })
}

fn read_filter(sandbox: &SandboxState, filter: Option<&Value>) -> Result<Filter, Refusal> {
    let filter = filter.and_then(Value::as_object).ok_or_else(|| Refusal::missing("filter"))?;
    let mut kinds = filter.iter();
    let (Some((kind, value)), None) = (kinds.next(), kinds.next()) else { return Err(Refusal::invalid("filter")) };
    let unsupported = || Refusal::new("1035", format!("Unsupported filter type for target subscription: {kind}"));
    match kind.as_str() {
        "createdAt" => read_window(kind, value).map(|(from, to)| Filter::CreatedAt(from, to)),
        "updatedAt" if !sandbox.marketo().updated_at_filter => Err(unsupported()),
        "updatedAt" => read_window(kind, value).map(|(from, to)| Filter::UpdatedAt(from, to)),
        "smartListId" | "smartListName" => Err(unsupported()),
        _ => Err(Refusal::invalid("filter")),
    }
}

fn read_window(kind: &str, value: &Value) -> Result<(i64, i64), Refusal> {
    // The page asks for date-times without milliseconds.
    let end =
        |name: &str| value[name].as_str().filter(|text| !text.contains('.')).and_then(moment::parse).ok_or_else(|| Refusal::invalid(kind));
    let (from, to) = (end("startAt")?, end("endAt")?);
    if from > to || to - from > LONGEST_WINDOW_SECONDS {
        return Err(Refusal::invalid(kind));
    }
    Ok((from, to))
}

async fn enqueue(call: Call, path: web::Path<String>, request: HttpRequest) -> HttpResponse {
    settle(&call.sandbox).await;
    let outcome =
        call.sandbox.marketo().exports.enqueue(kind_of(&request), &path, call.sandbox.now()).map(|job| json!({"result": [job.status()]}));
    answer(&call.sandbox, outcome)
}

async fn cancel(call: Call, path: web::Path<String>, request: HttpRequest) -> HttpResponse {
    settle(&call.sandbox).await;
    let outcome =
        call.sandbox.marketo().exports.cancel(kind_of(&request), &path, call.sandbox.now()).map(|job| json!({"result": [job.status()]}));
    answer(&call.sandbox, outcome)
}

async fn status(call: Call, path: web::Path<String>, request: HttpRequest) -> HttpResponse {
    settle(&call.sandbox).await;
    let lagging = call.sandbox.settings.throttles;
    let outcome = call.sandbox.marketo().exports.job(kind_of(&request), &path).map(|job| job.status_shown(call.sandbox.now(), lagging));
    answer(
        &call.sandbox,
        outcome.map(|mut shown| {
            if shown.get("fileChecksum").is_some()
                && call
                    .sandbox
                    .take_fault(SandboxVendor::Marketo, "GET", request.path(), |kind| *kind == FaultKind::WrongChecksum)
                    .is_some()
            {
                shown["fileChecksum"] = json!(format!("sha256:{}", "0".repeat(64)));
            }
            json!({"result": [shown]})
        }),
    )
}

async fn list(call: Call, request: HttpRequest) -> HttpResponse {
    settle(&call.sandbox).await;
    answer(&call.sandbox, listed(&call.sandbox, kind_of(&request), &Params::of_query(&request)))
}

fn listed(sandbox: &SandboxState, kind: ExportKind, params: &Params) -> Result<Value, Refusal> {
    let batch = params.batch_size()?;
    // The swagger file spells it "cancelled", answers "Canceled".
    let wanted: Vec<String> =
        params.list("status").into_iter().map(|state| state.to_lowercase().replace("cancelled", "canceled")).collect();
    let offset: usize = params.one("nextPageToken").map_or(Ok(0), str::parse).map_err(|_| Refusal::invalid("nextPageToken"))?;
    let since = sandbox.now() - LISTED_SECONDS;
    let state = sandbox.marketo();
    let jobs: Vec<_> = state
        .exports
        .jobs(kind)
        .filter(|job| job.created_at >= since && (wanted.is_empty() || wanted.contains(&job.state.name().to_lowercase())))
        .collect();
    let page: Vec<Value> = jobs.iter().skip(offset).take(batch).map(|job| job.status()).collect();
    let mut members = json!({"result": page});
    if offset + batch < jobs.len() {
        members["nextPageToken"] = json!((offset + batch).to_string());
    }
    Ok(members)
}

async fn file(call: Call, path: web::Path<String>, request: HttpRequest) -> HttpResponse {
    settle(&call.sandbox).await;
    let product = call.sandbox.marketo().exports.file(kind_of(&request), &path, call.sandbox.now());
    let missing = || HttpResponse::NotFound().content_type("text/plain").body("The export file was not found");
    let Some(product) = product else { return missing() };
    let range = request.headers().get(header::RANGE).and_then(|value| value.to_str().ok());
    let Ok((from, length)) = range.map_or(Ok((0, product.bytes)), |text| read_range(text, product.bytes)) else {
        return HttpResponse::RangeNotSatisfiable().insert_header((header::CONTENT_RANGE, format!("bytes */{}", product.bytes))).finish();
    };
    let Ok(mut opened) = tokio::fs::File::open(&product.path).await else { return missing() };
    if opened.seek(SeekFrom::Start(from)).await.is_err() {
        return missing();
    }
    let mut answer = HttpResponse::build(if range.is_some() { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK });
    answer.insert_header((header::ACCEPT_RANGES, "bytes")).content_type("text/csv; charset=UTF-8");
    if range.is_some() {
        answer.insert_header((header::CONTENT_RANGE, format!("bytes {from}-{}/{}", from + length - 1, product.bytes)));
    }
    // The call holds its place until the last byte was sent.
    let slot = call.slot;
    let chunks = ReaderStream::with_capacity(opened.take(length), 64 * 1024).map(move |chunk| {
        let _ = &slot;
        chunk
    });
    answer.body(SizedStream::new(length, chunks))
}

/// Reads `bytes=a-b`, `bytes=a-` or `bytes=-n` (RFC 9110 §14.1.2) into start and length.
fn read_range(text: &str, size: u64) -> Result<(u64, u64), ()> {
    let (first, last) = text.strip_prefix("bytes=").and_then(|range| range.split_once('-')).ok_or(())?;
    let number = |text: &str| text.trim().parse::<u64>().map_err(|_| ());
    let (from, to) = match (first.trim(), last.trim()) {
        ("", suffix) => (size.saturating_sub(number(suffix)?), size.saturating_sub(1)),
        (from, "") => (number(from)?, size.saturating_sub(1)),
        (from, to) => (number(from)?, number(to)?.min(size.saturating_sub(1))),
    };
    if from > to || from >= size { Err(()) } else { Ok((from, to - from + 1)) }
}
