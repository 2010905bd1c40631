//! The routes of bulk extract: `/bulk/v1/leads/export` and `/bulk/v1/activities/export`, without `/rest`.

use std::io::SeekFrom;

use actix_web::body::SizedStream;
use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;

use super::activities::DELETE_LEAD;
use super::calls::MarketoCall;
use super::envelope::respond;
use super::error::MarketoApiError;
use super::export_job::{ExportFileFormat, ExportKind, ExportOrder, ExportSelection, LeadExportFilter};
use super::export_writer;
use super::fields;
use super::request_parameters::RequestParameters;
use crate::sandbox::faults::FaultKind;
use crate::sandbox::listeners::SandboxVendor;
use crate::sandbox::state::SandboxState;
use crate::sandbox::timestamps;

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

const MAX_WINDOW_SECONDS: i64 = 31 * 86_400;
/// Jobs older than this aren't listed.
const LISTED_SECONDS: i64 = 7 * 86_400;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    for kind in [ExportKind::Leads, ExportKind::Activities] {
        let base = format!("/bulk/v1/{}/export", kind.name());
        config
            .route(&format!("{base}.json"), web::get().to(list_jobs))
            .route(&format!("{base}/create.json"), web::post().to(create_job))
            .route(&format!("{base}/{{export_id}}/enqueue.json"), web::post().to(enqueue_job))
            .route(&format!("{base}/{{export_id}}/cancel.json"), web::post().to(cancel_job))
            .route(&format!("{base}/{{export_id}}/status.json"), web::get().to(show_status))
            .route(&format!("{base}/{{export_id}}/file.json"), web::get().to(download_file));
    }
}

/// What a request exports, by its address.
fn export_kind(request: &HttpRequest) -> ExportKind {
    if request.path().starts_with("/bulk/v1/activities/") { ExportKind::Activities } else { ExportKind::Leads }
}

/// Brings the jobs to the clock's time and writes the files that are due, on the blocking pool.
async fn advance_jobs(sandbox: &web::Data<SandboxState>) {
    let _writing = sandbox.export_writer.lock().await;
    let processing = i64::try_from(sandbox.settings.export_processing.as_secs()).unwrap_or(i64::MAX);
    let due = {
        let mut marketo = sandbox.marketo();
        marketo.exports.advance(sandbox.now(), processing);
        marketo.exports.jobs_without_file()
    };
    for (id, order) in due {
        let status_path = format!("/bulk/v1/{}/export/{id}/status.json", order.selection.kind().name());
        if sandbox.take_fault(SandboxVendor::Marketo, "GET", &status_path, |kind| *kind == FaultKind::FailJob).is_some() {
            sandbox.marketo().exports.record_file(&id, Err("Failed on order".into()));
            continue;
        }
        let (writer, job) = (sandbox.clone(), id.clone());
        let outcome = match web::block(move || export_writer::write_file(&writer, &job, &order)).await {
            Ok(written) => written.map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        sandbox.marketo().exports.record_file(&id, outcome);
    }
}

async fn create_job(call: MarketoCall, request: HttpRequest, body: web::Bytes) -> HttpResponse {
    advance_jobs(&call.sandbox).await;
    let outcome = read_order(&call.sandbox, &request, &body).and_then(|order| {
        let mut marketo = call.sandbox.marketo();
        let id = call.sandbox.clock.new_id().to_string();
        marketo.exports.create(id, order, call.sandbox.now()).map(|job| json!({"result": [job.status()]}))
    });
    respond(&call.sandbox, outcome)
}

fn read_order(sandbox: &SandboxState, request: &HttpRequest, body: &[u8]) -> Result<ExportOrder, MarketoApiError> {
    let is_json = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|kind| kind.starts_with("application/json"));
    if !is_json {
        return Err(MarketoApiError::new("612", "Invalid Content Type"));
    }
    let body: Value = serde_json::from_slice(body).map_err(|_| MarketoApiError::new("609", "Invalid JSON"))?;
    let kind = export_kind(request);
    let fields: Vec<String> = match body.get("fields").and_then(Value::as_array) {
        Some(list) if !list.is_empty() => list
            .iter()
            .map(|field| field.as_str().map(str::to_owned).ok_or_else(|| MarketoApiError::invalid("fields")))
            .collect::<Result<_, _>>()?,
        // Activities have few columns; all of them come when none is named.
        _ if kind == ExportKind::Activities => ACTIVITY_COLUMNS.map(str::to_owned).to_vec(),
        _ => return Err(MarketoApiError::missing("fields")),
    };
    let is_known = |name: &str| match kind {
        ExportKind::Leads => fields::find_field(name).is_some(),
        ExportKind::Activities => ACTIVITY_COLUMNS.contains(&name),
    };
    if let Some(unknown) = fields.iter().find(|name| !is_known(name)) {
        return Err(MarketoApiError::unknown_field(unknown));
    }
    let format = match body.get("format").map(|format| format.as_str().unwrap_or_default()) {
        None | Some("CSV") => ExportFileFormat::Csv,
        Some("TSV") => ExportFileFormat::Tsv,
        Some("SSV") => ExportFileFormat::Ssv,
        Some(_) => return Err(MarketoApiError::invalid("format")),
    };
    let renamed = body.get("columnHeaderNames").cloned().unwrap_or_else(|| json!({}));
    if let Some(unknown) = renamed.as_object().and_then(|names| names.keys().find(|name| !fields.contains(name))) {
        return Err(MarketoApiError::unknown_field(unknown));
    }
    let headers = fields.iter().map(|field| renamed[field].as_str().unwrap_or(field).to_owned()).collect();
    let selection = match kind {
        ExportKind::Leads => ExportSelection::Leads(read_lead_filter(sandbox, body.get("filter"))?),
        ExportKind::Activities => read_activity_filter(body.get("filter"))?,
    };
    Ok(ExportOrder { fields, headers, format, selection })
}

/// Reads `createdAt`, which is required, and `activityTypeIds` (the vendor's page "Bulk Activity Extract"). Deletions can't be exported.
fn read_activity_filter(filter: Option<&Value>) -> Result<ExportSelection, MarketoApiError> {
    let filter = filter.and_then(Value::as_object).ok_or_else(|| MarketoApiError::missing("filter"))?;
    if filter.keys().any(|name| name != "createdAt" && name != "activityTypeIds") {
        return Err(MarketoApiError::invalid("filter"));
    }
    let (from, to) = read_window("createdAt", filter.get("createdAt").ok_or_else(|| MarketoApiError::missing("createdAt"))?)?;
    let invalid = || MarketoApiError::invalid("activityTypeIds");
    let types = match filter.get("activityTypeIds") {
        None => Vec::new(),
        Some(Value::Array(types)) => types
            .iter()
            .map(|id| id.as_u64().and_then(|id| u32::try_from(id).ok()).filter(|&id| id != DELETE_LEAD).ok_or_else(invalid))
            .collect::<Result<_, _>>()?,
        Some(_) => return Err(invalid()),
    };
    Ok(ExportSelection::Activities { from, to, types })
}

fn read_lead_filter(sandbox: &SandboxState, filter: Option<&Value>) -> Result<LeadExportFilter, MarketoApiError> {
    let filter = filter.and_then(Value::as_object).ok_or_else(|| MarketoApiError::missing("filter"))?;
    let mut kinds = filter.iter();
    let (Some((kind, value)), None) = (kinds.next(), kinds.next()) else { return Err(MarketoApiError::invalid("filter")) };
    let unsupported = || MarketoApiError::new("1035", format!("Unsupported filter type for target subscription: {kind}"));
    match kind.as_str() {
        "createdAt" => read_window(kind, value).map(|(from, to)| LeadExportFilter::CreatedAt(from, to)),
        "updatedAt" if !sandbox.marketo().has_updated_at_filter => Err(unsupported()),
        "updatedAt" => read_window(kind, value).map(|(from, to)| LeadExportFilter::UpdatedAt(from, to)),
        "smartListId" | "smartListName" => Err(unsupported()),
        _ => Err(MarketoApiError::invalid("filter")),
    }
}

fn read_window(kind: &str, value: &Value) -> Result<(i64, i64), MarketoApiError> {
    // The vendor's page wants date-times without milliseconds.
    let end = |name: &str| {
        value[name]
            .as_str()
            .filter(|text| !text.contains('.'))
            .and_then(timestamps::parse_timestamp)
            .ok_or_else(|| MarketoApiError::invalid(kind))
    };
    let (from, to) = (end("startAt")?, end("endAt")?);
    if from > to || to - from > MAX_WINDOW_SECONDS {
        return Err(MarketoApiError::invalid(kind));
    }
    Ok((from, to))
}

async fn enqueue_job(call: MarketoCall, path: web::Path<String>, request: HttpRequest) -> HttpResponse {
    advance_jobs(&call.sandbox).await;
    let outcome = call
        .sandbox
        .marketo()
        .exports
        .enqueue(export_kind(&request), &path, call.sandbox.now())
        .map(|job| json!({"result": [job.status()]}));
    respond(&call.sandbox, outcome)
}

async fn cancel_job(call: MarketoCall, path: web::Path<String>, request: HttpRequest) -> HttpResponse {
    advance_jobs(&call.sandbox).await;
    let outcome = call
        .sandbox
        .marketo()
        .exports
        .cancel(export_kind(&request), &path, call.sandbox.now())
        .map(|job| json!({"result": [job.status()]}));
    respond(&call.sandbox, outcome)
}

async fn show_status(call: MarketoCall, path: web::Path<String>, request: HttpRequest) -> HttpResponse {
    advance_jobs(&call.sandbox).await;
    let is_lagging = call.sandbox.settings.throttles;
    let outcome =
        call.sandbox.marketo().exports.job(export_kind(&request), &path).map(|job| job.show_status(call.sandbox.now(), is_lagging));
    respond(
        &call.sandbox,
        outcome.map(|mut rendered| {
            if rendered.get("fileChecksum").is_some()
                && call
                    .sandbox
                    .take_fault(SandboxVendor::Marketo, "GET", request.path(), |kind| *kind == FaultKind::WrongChecksum)
                    .is_some()
            {
                rendered["fileChecksum"] = json!(format!("sha256:{}", "0".repeat(64)));
            }
            json!({"result": [rendered]})
        }),
    )
}

async fn list_jobs(call: MarketoCall, request: HttpRequest) -> HttpResponse {
    advance_jobs(&call.sandbox).await;
    respond(&call.sandbox, select_jobs(&call.sandbox, export_kind(&request), &RequestParameters::from_query(&request)))
}

fn select_jobs(sandbox: &SandboxState, kind: ExportKind, params: &RequestParameters) -> Result<Value, MarketoApiError> {
    let batch = params.batch_size()?;
    // Marketo's OpenAPI file spells it "cancelled", its answers "Canceled".
    let states: Vec<String> =
        params.get_list("status").into_iter().map(|state| state.to_lowercase().replace("cancelled", "canceled")).collect();
    let offset: usize = params.get("nextPageToken").map_or(Ok(0), str::parse).map_err(|_| MarketoApiError::invalid("nextPageToken"))?;
    let since = sandbox.now() - LISTED_SECONDS;
    let marketo = sandbox.marketo();
    let jobs: Vec<_> = marketo
        .exports
        .jobs(kind)
        .filter(|job| job.created_at >= since && (states.is_empty() || states.contains(&job.state.name().to_lowercase())))
        .collect();
    let page: Vec<Value> = jobs.iter().skip(offset).take(batch).map(|job| job.status()).collect();
    let mut members = json!({"result": page});
    if offset + batch < jobs.len() {
        members["nextPageToken"] = json!((offset + batch).to_string());
    }
    Ok(members)
}

async fn download_file(call: MarketoCall, path: web::Path<String>, request: HttpRequest) -> HttpResponse {
    advance_jobs(&call.sandbox).await;
    let file = call.sandbox.marketo().exports.file(export_kind(&request), &path, call.sandbox.now());
    let missing = || HttpResponse::NotFound().content_type("text/plain").body("The export file was not found");
    let Some(file) = file else { return missing() };
    let range = request.headers().get(header::RANGE).and_then(|value| value.to_str().ok());
    let Ok((from, length)) = range.map_or(Ok((0, file.bytes)), |text| read_range(text, file.bytes)) else {
        return HttpResponse::RangeNotSatisfiable().insert_header((header::CONTENT_RANGE, format!("bytes */{}", file.bytes))).finish();
    };
    let Ok(mut opened) = tokio::fs::File::open(&file.path).await else { return missing() };
    if opened.seek(SeekFrom::Start(from)).await.is_err() {
        return missing();
    }
    let mut answer = HttpResponse::build(if range.is_some() { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK });
    answer.insert_header((header::ACCEPT_RANGES, "bytes")).content_type("text/csv; charset=UTF-8");
    if range.is_some() {
        answer.insert_header((header::CONTENT_RANGE, format!("bytes {from}-{}/{}", from + length - 1, file.bytes)));
    }
    // The call keeps its slot until the last byte is sent.
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
