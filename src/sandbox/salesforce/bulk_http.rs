//! The routes of Bulk API 2.0 queries, `/services/data/vXX.X/jobs/query`.

use actix_web::http::{StatusCode, header};
use actix_web::middleware::Compress;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use serde_json::{Value, json};
use url::form_urlencoded;

use super::bulk::{self, Delimiter, Job, Locator, PAGE, State};
use super::errors::ApiError;
use super::ids::{self, Prefix};
use super::query::Plan;
use super::resource;
use super::session::{ApiCall, org};
use super::soql::Select;
use crate::sandbox::faults::FaultKind;
use crate::sandbox::listeners::SandboxVendor;
use crate::sandbox::state::SandboxState;

/// Pages named in one answer of `resultPages`.
const PAGES_NAMED: usize = 5;
/// Version that brought `resultPages`.
const PAGES_SINCE: f64 = 58.0;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(
            resource(["/services/data/{version}/jobs/query", "/services/data/{version}/jobs/query/"])
                .route(web::post().to(create))
                .route(web::get().to(list)),
        )
        .service(
            resource(["/services/data/{version}/jobs/query/{job}", "/services/data/{version}/jobs/query/{job}/"])
                .route(web::get().to(status))
                .route(web::patch().to(change))
                .route(web::delete().to(delete)),
        )
        .service(resource(["/services/data/{version}/jobs/query/{job}/results"]).wrap(Compress::default()).route(web::get().to(results)))
        .service(resource(["/services/data/{version}/jobs/query/{job}/resultPages"]).route(web::get().to(result_pages)));
}

fn processing(sandbox: &SandboxState) -> i64 {
    i64::try_from(sandbox.settings.export_processing.as_secs()).unwrap_or(i64::MAX)
}

async fn create(call: ApiCall, body: web::Bytes) -> HttpResponse {
    call.answer(read_job(&call, &body).map(|job| {
        let made = job.made();
        call.sandbox.salesforce().jobs.add(job);
        made
    }))
}

fn read_job(call: &ApiCall, body: &[u8]) -> Result<Job, ApiError> {
    let asked: Value = serde_json::from_slice(body).map_err(|error| ApiError::bad("JSON_PARSER_ERROR", error.to_string()))?;
    let text = |name: &str| asked.get(name).and_then(Value::as_str);
    let operation = match text("operation") {
        Some("query") => "query",
        Some("queryAll") => "queryAll",
        _ => return Err(ApiError::bad("INVALIDJOB", "operation must be query or queryAll")),
    };
    if text("contentType").is_some_and(|kind| kind != "CSV") {
        return Err(ApiError::bad("INVALIDJOB", "contentType must be CSV"));
    }
    let delimiter = Delimiter::named(text("columnDelimiter").unwrap_or("COMMA"))
        .ok_or_else(|| ApiError::bad("INVALIDJOB", "columnDelimiter is not known"))?;
    let crlf = match text("lineEnding").unwrap_or("LF") {
        "LF" => false,
        "CRLF" => true,
        _ => return Err(ApiError::bad("INVALIDJOB", "lineEnding must be LF or CRLF")),
    };
    let query = text("query").ok_or_else(|| ApiError::bad("MALFORMED_QUERY", "A query string has to be specified"))?;
    let mut plan = Plan::new(query, operation == "queryAll")?;
    if !matches!(plan.query.select, Select::Fields(_)) {
        return Err(ApiError::bad("FUNCTIONALITY_NOT_ENABLED", "Aggregate Relationships not supported in Bulk Query"));
    }
    if plan.query.offset.take().is_some() {
        return Err(ApiError::bad("FUNCTIONALITY_NOT_ENABLED", "OFFSET is not supported in Bulk Query"));
    }
    let number = call.sandbox.salesforce().next_job();
    Ok(Job {
        id: ids::id(Prefix::Job, number),
        operation,
        plan,
        version: call.version.clone(),
        user_id: call.user.id.clone(),
        created_at: call.sandbox.now(),
        delimiter,
        crlf,
        aborted: false,
        failed: false,
        rows: None,
    })
}

/// The job of the request at its present state; a complete one is counted first, on the blocking pool.
async fn settled(call: &ApiCall, request: &HttpRequest) -> Result<(Job, State), ApiError> {
    let id = request.match_info().get("job").unwrap_or_default().to_owned();
    let job = call.sandbox.salesforce().jobs.find(&id).cloned().ok_or_else(ApiError::not_found)?;
    let state = job.state(call.sandbox.now(), processing(&call.sandbox));
    if state != State::JobComplete || job.rows.is_some() {
        return Ok((job, state));
    }
    if call.sandbox.take_fault(SandboxVendor::Salesforce, "GET", request.path(), |kind| *kind == FaultKind::FailJob).is_some() {
        if let Some(kept) = call.sandbox.salesforce().jobs.find(&id) {
            kept.failed = true;
        }
        return Ok((job, State::Failed));
    }
    let sandbox = call.sandbox.clone();
    let counted = web::block(move || {
        let mut job = job;
        let org = org(&sandbox);
        let question = job.question(sandbox.people.revision());
        job.plan.prepare(&org);
        let kept = sandbox.settings.keep_results.then(|| sandbox.result_cache.find_count(&question)).flatten();
        let rows = kept.unwrap_or_else(|| job.plan.total(&org));
        job.rows = Some(rows);
        if sandbox.settings.keep_results {
            sandbox.result_cache.store_count(question, rows);
        }
        job
    })
    .await
    .map_err(|_| ApiError::broken())?;
    if let Some(kept) = call.sandbox.salesforce().jobs.find(&id) {
        *kept = counted.clone();
    }
    Ok((counted, state))
}

async fn status(call: ApiCall, request: HttpRequest) -> HttpResponse {
    let outcome = settled(&call, &request).await;
    call.answer(outcome.map(|(job, state)| job.status(state, processing(&call.sandbox))))
}

async fn list(call: ApiCall) -> HttpResponse {
    let (now, processing) = (call.sandbox.now(), processing(&call.sandbox));
    let records: Vec<Value> =
        call.sandbox.salesforce().jobs.all().iter().map(|job| job.status(job.state(now, processing), processing)).collect();
    call.answer(Ok(json!({"done": true, "records": records, "nextRecordsUrl": null})))
}

async fn change(call: ApiCall, request: HttpRequest, body: web::Bytes) -> HttpResponse {
    let wanted: Value = serde_json::from_slice(&body).unwrap_or_default();
    if wanted["state"] != "Aborted" {
        return ApiError::bad("INVALIDJOBSTATE", "A job's state can only be changed to Aborted").response();
    }
    let outcome = settled(&call, &request).await.and_then(|(mut job, state)| {
        if state.is_final() {
            return Err(ApiError::bad("INVALIDJOBSTATE", "Aborting already Completed Job not allowed"));
        }
        job.aborted = true;
        if let Some(kept) = call.sandbox.salesforce().jobs.find(&job.id) {
            kept.aborted = true;
        }
        Ok(job.status(State::Aborted, processing(&call.sandbox)))
    });
    call.answer(outcome)
}

async fn delete(call: ApiCall, request: HttpRequest) -> HttpResponse {
    match settled(&call, &request).await {
        Err(error) => error.response(),
        Ok((_, state)) if !state.is_final() => ApiError::bad("INVALIDJOBSTATE", "The job is still working").response(),
        Ok((job, _)) => {
            call.sandbox.salesforce().jobs.remove(&job.id);
            call.builder(StatusCode::NO_CONTENT).finish()
        }
    }
}

/// What both result calls share: a complete job, asked for in the version that made it, and where to begin.
async fn begin(call: &ApiCall, request: &HttpRequest) -> Result<Option<(Job, Locator)>, ApiError> {
    let (job, state) = settled(call, request).await?;
    if job.version != call.version {
        return Err(ApiError::new(StatusCode::CONFLICT, "API_ERROR", format!("The job was created with API version {}", job.version)));
    }
    if state != State::JobComplete {
        return Ok(None);
    }
    let locator = form_urlencoded::parse(request.query_string().as_bytes()).find(|(name, text)| name == "locator" && !text.is_empty());
    let from = match locator {
        None => Locator::START,
        Some((_, text)) => Locator::read(&text).ok_or_else(|| ApiError::bad("INVALID_QUERY_LOCATOR", "invalid query locator"))?,
    };
    Ok(Some((job, from)))
}

async fn results(call: ApiCall, request: HttpRequest) -> HttpResponse {
    let most = form_urlencoded::parse(request.query_string().as_bytes())
        .find(|(name, _)| name == "maxRecords")
        .map(|(_, text)| text.parse::<usize>());
    let most = match most {
        None => PAGE,
        Some(Ok(most)) if most > 0 => most,
        Some(_) => return ApiError::bad("INVALID_ARGUMENT", "maxRecords must be a positive number").response(),
    };
    let (job, from) = match begin(&call, &request).await {
        Ok(Some(begun)) => begun,
        Ok(None) => return call.builder(StatusCode::NO_CONTENT).finish(),
        Err(error) => return error.response(),
    };
    let row_fault = call.sandbox.take_fault(SandboxVendor::Salesforce, "GET", request.path(), FaultKind::corrupts_rows);
    let question = format!("{} {from:?} {most}", job.question(call.sandbox.people.revision()));
    let keep = call.sandbox.settings.keep_results && row_fault.is_none();
    if keep && let Some(answer) = kept_page(&call, &request, &question).await {
        return answer;
    }
    let (sandbox, name) = (call.sandbox.clone(), format!("{}-{}", job.id, from.text()));
    let made = move || {
        let page = bulk::page(&job, &org(&sandbox), from, most, row_fault.as_ref())?;
        if keep {
            sandbox.result_cache.store_page(question, &page, &sandbox.directory, &name)?;
        }
        Ok::<_, std::io::Error>(page)
    };
    match web::block(made).await {
        Ok(Ok(page)) => begin_page(&call, page.rows, page.next).body(page.csv),
        _ => ApiError::broken().response(),
    }
}

fn begin_page(call: &ApiCall, rows: usize, next: Option<Locator>) -> HttpResponseBuilder {
    let mut answer = call.builder(StatusCode::OK);
    answer
        .content_type("text/csv; charset=UTF-8")
        .insert_header(("Sforce-NumberOfRecords", rows.to_string()))
        .insert_header(("Sforce-Locator", next.map_or_else(|| "null".to_owned(), Locator::text)))
        .insert_header((header::CACHE_CONTROL, "no-cache"));
    answer
}

/// A page that was made before, for a caller who takes it compressed.
async fn kept_page(call: &ApiCall, request: &HttpRequest, question: &str) -> Option<HttpResponse> {
    let takes_gzip = request.headers().get(header::ACCEPT_ENCODING)?.to_str().is_ok_and(|text| text.contains("gzip"));
    let page = takes_gzip.then(|| call.sandbox.result_cache.find_page(question)).flatten()?;
    let compressed = tokio::fs::read(&page.path).await.ok()?;
    Some(begin_page(call, page.rows, page.next).insert_header((header::CONTENT_ENCODING, "gzip")).body(compressed))
}

async fn result_pages(call: ApiCall, request: HttpRequest) -> HttpResponse {
    if call.version.trim_start_matches('v').parse::<f64>().is_ok_and(|version| version < PAGES_SINCE) {
        return ApiError::not_found().response();
    }
    let (job, from) = match begin(&call, &request).await {
        Ok(Some(begun)) => begun,
        Ok(None) => return call.builder(StatusCode::NO_CONTENT).finish(),
        Err(error) => return error.response(),
    };
    let base = format!("/services/data/{}/jobs/query/{}", call.version, job.id);
    let sandbox = call.sandbox.clone();
    let outcome = web::block(move || bulk::page_starts(&job, &org(&sandbox), from, PAGES_NAMED)).await.map_err(|_| ApiError::broken());
    call.answer(outcome.map(|(starts, next)| {
        let pages: Vec<Value> =
            starts.into_iter().map(|start| json!({"resultUrl": format!("{base}/results?locator={}", start.text())})).collect();
        let mut shown = json!({"resultPages": pages, "done": next.is_none()});
        if let Some(next) = next {
            shown["nextRecordUrl"] = json!(format!("{base}/resultPages?locator={}", next.text()));
        }
        shown
    }))
}
