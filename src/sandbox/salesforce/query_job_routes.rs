//! The routes of Bulk API 2.0 queries, `/services/data/vXX.X/jobs/query`.

use actix_web::http::{StatusCode, header};
use actix_web::middleware::Compress;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use serde_json::{Value, json};
use url::form_urlencoded;

use super::api_call::{ApiCall, snapshot_org};
use super::errors::SalesforceApiError;
use super::ids::{self, KeyPrefix};
use super::query_jobs::{self, ColumnDelimiter, MAX_PAGE_ROWS, ResultLocator, SandboxQueryJob, SandboxQueryJobState};
use super::query_plan::QueryPlan;
use super::resource;
use super::soql::SelectClause;
use crate::sandbox::faults::FaultKind;
use crate::sandbox::listeners::SandboxVendor;
use crate::sandbox::state::SandboxState;

/// Most pages listed in one answer of `resultPages`.
const MAX_LISTED_PAGES: usize = 5;
/// The first API version with `resultPages`.
const RESULT_PAGES_SINCE: f64 = 58.0;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(
            resource(["/services/data/{version}/jobs/query", "/services/data/{version}/jobs/query/"])
                .route(web::post().to(create_job))
                .route(web::get().to(list_jobs)),
        )
        .service(
            resource(["/services/data/{version}/jobs/query/{job}", "/services/data/{version}/jobs/query/{job}/"])
                .route(web::get().to(show_status))
                .route(web::patch().to(abort_job))
                .route(web::delete().to(delete_job)),
        )
        .service(
            resource(["/services/data/{version}/jobs/query/{job}/results"]).wrap(Compress::default()).route(web::get().to(read_results)),
        )
        .service(resource(["/services/data/{version}/jobs/query/{job}/resultPages"]).route(web::get().to(list_result_pages)));
}

/// How long jobs take, in seconds.
fn processing_seconds(sandbox: &SandboxState) -> i64 {
    i64::try_from(sandbox.settings.export_processing.as_secs()).unwrap_or(i64::MAX)
}

async fn create_job(call: ApiCall, body: web::Bytes) -> HttpResponse {
    call.respond(read_job(&call, &body).map(|job| {
        let created = job.render_created();
        call.sandbox.salesforce().jobs.add(job);
        created
    }))
}

fn read_job(call: &ApiCall, body: &[u8]) -> Result<SandboxQueryJob, SalesforceApiError> {
    let body: Value =
        serde_json::from_slice(body).map_err(|error| SalesforceApiError::bad_request("JSON_PARSER_ERROR", error.to_string()))?;
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let operation = match text("operation") {
        Some("query") => "query",
        Some("queryAll") => "queryAll",
        _ => return Err(SalesforceApiError::bad_request("INVALIDJOB", "operation must be query or queryAll")),
    };
    if text("contentType").is_some_and(|kind| kind != "CSV") {
        return Err(SalesforceApiError::bad_request("INVALIDJOB", "contentType must be CSV"));
    }
    let delimiter = ColumnDelimiter::from_name(text("columnDelimiter").unwrap_or("COMMA"))
        .ok_or_else(|| SalesforceApiError::bad_request("INVALIDJOB", "columnDelimiter is not known"))?;
    let has_crlf = match text("lineEnding").unwrap_or("LF") {
        "LF" => false,
        "CRLF" => true,
        _ => return Err(SalesforceApiError::bad_request("INVALIDJOB", "lineEnding must be LF or CRLF")),
    };
    let query = text("query").ok_or_else(|| SalesforceApiError::bad_request("MALFORMED_QUERY", "A query string has to be specified"))?;
    let mut plan = QueryPlan::new(query, operation == "queryAll")?;
    if !matches!(plan.query.select, SelectClause::Fields(_)) {
        return Err(SalesforceApiError::bad_request("FUNCTIONALITY_NOT_ENABLED", "Aggregate Relationships not supported in Bulk Query"));
    }
    if plan.query.offset.take().is_some() {
        return Err(SalesforceApiError::bad_request("FUNCTIONALITY_NOT_ENABLED", "OFFSET is not supported in Bulk Query"));
    }
    let number = call.sandbox.salesforce().next_job_number();
    Ok(SandboxQueryJob {
        id: ids::record_id(KeyPrefix::Job, number),
        operation,
        plan,
        version: call.version.clone(),
        user_id: call.user.id.clone(),
        created_at: call.sandbox.now(),
        delimiter,
        has_crlf,
        is_aborted: false,
        has_failed: false,
        rows: None,
    })
}

/// The request's job and its state; the rows of a complete one are counted first, on the blocking pool.
async fn find_job(call: &ApiCall, request: &HttpRequest) -> Result<(SandboxQueryJob, SandboxQueryJobState), SalesforceApiError> {
    let id = request.match_info().get("job").unwrap_or_default().to_owned();
    let job = call.sandbox.salesforce().jobs.find(&id).cloned().ok_or_else(SalesforceApiError::not_found)?;
    let state = job.state_at(call.sandbox.now(), processing_seconds(&call.sandbox));
    if state != SandboxQueryJobState::JobComplete || job.rows.is_some() {
        return Ok((job, state));
    }
    if call.sandbox.take_fault(SandboxVendor::Salesforce, "GET", request.path(), |kind| *kind == FaultKind::FailJob).is_some() {
        if let Some(stored) = call.sandbox.salesforce().jobs.find(&id) {
            stored.has_failed = true;
        }
        return Ok((job, SandboxQueryJobState::Failed));
    }
    let sandbox = call.sandbox.clone();
    let counted = web::block(move || {
        let mut job = job;
        let org = snapshot_org(&sandbox);
        let key = job.cache_key(sandbox.people.revision());
        job.plan.prepare(&org);
        let cached = sandbox.settings.keep_results.then(|| sandbox.result_cache.find_count(&key)).flatten();
        let rows = cached.unwrap_or_else(|| job.plan.count_records(&org));
        job.rows = Some(rows);
        if sandbox.settings.keep_results {
            sandbox.result_cache.store_count(key, rows);
        }
        job
    })
    .await
    .map_err(|_| SalesforceApiError::internal())?;
    if let Some(stored) = call.sandbox.salesforce().jobs.find(&id) {
        *stored = counted.clone();
    }
    Ok((counted, state))
}

async fn show_status(call: ApiCall, request: HttpRequest) -> HttpResponse {
    let outcome = find_job(&call, &request).await;
    call.respond(outcome.map(|(job, state)| job.render_status(state, processing_seconds(&call.sandbox))))
}

async fn list_jobs(call: ApiCall) -> HttpResponse {
    let (now, processing) = (call.sandbox.now(), processing_seconds(&call.sandbox));
    let records: Vec<Value> =
        call.sandbox.salesforce().jobs.all().iter().map(|job| job.render_status(job.state_at(now, processing), processing)).collect();
    call.respond(Ok(json!({"done": true, "records": records, "nextRecordsUrl": null})))
}

async fn abort_job(call: ApiCall, request: HttpRequest, body: web::Bytes) -> HttpResponse {
    let change: Value = serde_json::from_slice(&body).unwrap_or_default();
    if change["state"] != "Aborted" {
        return SalesforceApiError::bad_request("INVALIDJOBSTATE", "A job's state can only be changed to Aborted").to_response();
    }
    let outcome = find_job(&call, &request).await.and_then(|(mut job, state)| {
        if state.is_final() {
            return Err(SalesforceApiError::bad_request("INVALIDJOBSTATE", "Aborting already Completed Job not allowed"));
        }
        job.is_aborted = true;
        if let Some(stored) = call.sandbox.salesforce().jobs.find(&job.id) {
            stored.is_aborted = true;
        }
        Ok(job.render_status(SandboxQueryJobState::Aborted, processing_seconds(&call.sandbox)))
    });
    call.respond(outcome)
}

async fn delete_job(call: ApiCall, request: HttpRequest) -> HttpResponse {
    match find_job(&call, &request).await {
        Err(error) => error.to_response(),
        Ok((_, state)) if !state.is_final() => SalesforceApiError::bad_request("INVALIDJOBSTATE", "The job is still working").to_response(),
        Ok((job, _)) => {
            call.sandbox.salesforce().jobs.remove(&job.id);
            call.response_builder(StatusCode::NO_CONTENT).finish()
        }
    }
}

/// What both result calls need: the job, asked for in the version that created it, and where to begin; `None` while it isn't complete.
async fn find_results(call: &ApiCall, request: &HttpRequest) -> Result<Option<(SandboxQueryJob, ResultLocator)>, SalesforceApiError> {
    let (job, state) = find_job(call, request).await?;
    if job.version != call.version {
        return Err(SalesforceApiError::new(
            StatusCode::CONFLICT,
            "API_ERROR",
            format!("The job was created with API version {}", job.version),
        ));
    }
    if state != SandboxQueryJobState::JobComplete {
        return Ok(None);
    }
    let locator = form_urlencoded::parse(request.query_string().as_bytes()).find(|(name, text)| name == "locator" && !text.is_empty());
    let from = match locator {
        None => ResultLocator::START,
        Some((_, text)) => {
            ResultLocator::decode(&text).ok_or_else(|| SalesforceApiError::bad_request("INVALID_QUERY_LOCATOR", "invalid query locator"))?
        }
    };
    Ok(Some((job, from)))
}

async fn read_results(call: ApiCall, request: HttpRequest) -> HttpResponse {
    let max_records = form_urlencoded::parse(request.query_string().as_bytes())
        .find(|(name, _)| name == "maxRecords")
        .map(|(_, text)| text.parse::<usize>());
    let max_records = match max_records {
        None => MAX_PAGE_ROWS,
        Some(Ok(max_records)) if max_records > 0 => max_records,
        Some(_) => return SalesforceApiError::bad_request("INVALID_ARGUMENT", "maxRecords must be a positive number").to_response(),
    };
    let (job, from) = match find_results(&call, &request).await {
        Ok(Some(found)) => found,
        Ok(None) => return call.response_builder(StatusCode::NO_CONTENT).finish(),
        Err(error) => return error.to_response(),
    };
    let row_fault = call.sandbox.take_fault(SandboxVendor::Salesforce, "GET", request.path(), FaultKind::corrupts_rows);
    let key = format!("{} {from:?} {max_records}", job.cache_key(call.sandbox.people.revision()));
    let is_cached = call.sandbox.settings.keep_results && row_fault.is_none();
    if is_cached && let Some(answer) = cached_page(&call, &request, &key).await {
        return answer;
    }
    let (sandbox, name) = (call.sandbox.clone(), format!("{}-{}", job.id, from.encode()));
    let write_page = move || {
        let page = query_jobs::write_page(&job, &snapshot_org(&sandbox), from, max_records, row_fault.as_ref())?;
        if is_cached {
            sandbox.result_cache.store_page(key, &page, &sandbox.directory, &name)?;
        }
        Ok::<_, std::io::Error>(page)
    };
    match web::block(write_page).await {
        Ok(Ok(page)) => page_response(&call, page.rows, page.next).body(page.csv),
        _ => SalesforceApiError::internal().to_response(),
    }
}

fn page_response(call: &ApiCall, rows: usize, next: Option<ResultLocator>) -> HttpResponseBuilder {
    let mut answer = call.response_builder(StatusCode::OK);
    answer
        .content_type("text/csv; charset=UTF-8")
        .insert_header(("Sforce-NumberOfRecords", rows.to_string()))
        .insert_header(("Sforce-Locator", next.map_or_else(|| "null".to_owned(), ResultLocator::encode)))
        .insert_header((header::CACHE_CONTROL, "no-cache"));
    answer
}

/// A page from the result cache, for a caller who accepts it compressed.
async fn cached_page(call: &ApiCall, request: &HttpRequest, key: &str) -> Option<HttpResponse> {
    let accepts_gzip = request.headers().get(header::ACCEPT_ENCODING)?.to_str().is_ok_and(|text| text.contains("gzip"));
    let page = accepts_gzip.then(|| call.sandbox.result_cache.find_page(key)).flatten()?;
    let compressed = tokio::fs::read(&page.path).await.ok()?;
    Some(page_response(call, page.rows, page.next).insert_header((header::CONTENT_ENCODING, "gzip")).body(compressed))
}

async fn list_result_pages(call: ApiCall, request: HttpRequest) -> HttpResponse {
    if call.version.trim_start_matches('v').parse::<f64>().is_ok_and(|version| version < RESULT_PAGES_SINCE) {
        return SalesforceApiError::not_found().to_response();
    }
    let (job, from) = match find_results(&call, &request).await {
        Ok(Some(found)) => found,
        Ok(None) => return call.response_builder(StatusCode::NO_CONTENT).finish(),
        Err(error) => return error.to_response(),
    };
    let base = format!("/services/data/{}/jobs/query/{}", call.version, job.id);
    let sandbox = call.sandbox.clone();
    let outcome = web::block(move || query_jobs::find_page_starts(&job, &snapshot_org(&sandbox), from, MAX_LISTED_PAGES))
        .await
        .map_err(|_| SalesforceApiError::internal());
    call.respond(outcome.map(|(starts, next)| {
        let pages: Vec<Value> =
            starts.into_iter().map(|start| json!({"resultUrl": format!("{base}/results?locator={}", start.encode())})).collect();
        let mut rendered = json!({"resultPages": pages, "done": next.is_none()});
        if let Some(next) = next {
            rendered["nextRecordUrl"] = json!(format!("{base}/resultPages?locator={}", next.encode()));
        }
        rendered
    }))
}
