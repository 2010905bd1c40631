//! Routes of the REST API: versions, limits, describe, queries.

use std::time::{Duration, UNIX_EPOCH};

use actix_web::http::StatusCode;
use actix_web::http::header::{Header, IfModifiedSince, LastModified};
use actix_web::middleware::Compress;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use super::api_call::{API_VERSIONS, ApiCall};
use super::errors::SalesforceApiError;
use super::query_pages::{self, MAX_PAGE_SIZE};
use super::users::organization_id;
use super::{describe, origin, resource, schema};

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/services/data", web::get().to(list_versions))
        .route("/services/data/", web::get().to(list_versions))
        .route("/services/data/{version}", web::get().to(list_resources))
        .route("/services/data/{version}/", web::get().to(list_resources))
        .route("/services/data/{version}/limits", web::get().to(show_limits))
        .route("/services/data/{version}/limits/", web::get().to(show_limits))
        .route("/services/data/{version}/sobjects/{object}/describe", web::get().to(describe_object))
        .route("/services/data/{version}/sobjects/{object}/describe/", web::get().to(describe_object))
        .service(
            resource(["/services/data/{version}/query", "/services/data/{version}/query/"])
                .wrap(Compress::default())
                .route(web::get().to(query_live)),
        )
        .service(
            resource(["/services/data/{version}/queryAll", "/services/data/{version}/queryAll/"])
                .wrap(Compress::default())
                .route(web::get().to(query_all)),
        )
        .service(
            resource(["/services/data/{version}/query/{locator}", "/services/data/{version}/queryAll/{locator}"])
                .wrap(Compress::default())
                .route(web::get().to(next_page)),
        );
}

/// The API versions, which anybody may ask for.
async fn list_versions() -> HttpResponse {
    let rendered: Vec<Value> = API_VERSIONS
        .map(|version| {
            let season = ["Spring", "Summer", "Winter"][version as usize % 3];
            json!({"label": format!("{season} '{}", (version + 13) / 3), "url": format!("/services/data/v{version}.0"), "version": format!("{version}.0")})
        })
        .collect();
    HttpResponse::Ok().json(rendered)
}

async fn show_limits(call: ApiCall) -> HttpResponse {
    let (used, max, jobs) = {
        let salesforce = call.sandbox.salesforce();
        (salesforce.api_calls, salesforce.api_limit, salesforce.jobs.count() as u64)
    };
    let limit = |max: u64, used: u64| json!({"Max": max, "Remaining": max.saturating_sub(used)});
    call.respond(Ok(json!({
        "DailyApiRequests": limit(max, used),
        "DailyBulkApiBatches": limit(15_000, 0),
        "DailyBulkV2QueryJobs": limit(10_000, jobs),
        "DailyBulkV2QueryFileStorageMB": limit(976_562, 0),
        "DataStorageMB": limit(1024, 512),
        "FileStorageMB": limit(1024, 12),
    })))
}

/// The resources of a version by name, and the caller's identity URL.
async fn list_resources(call: ApiCall, request: HttpRequest) -> HttpResponse {
    let base = format!("/services/data/{}", call.version);
    let mut rendered: Map<String, Value> = ["composite", "jobs", "limits", "query", "queryAll", "sobjects"]
        .map(|name| (name.to_owned(), json!(format!("{base}/{name}"))))
        .into_iter()
        .collect();
    rendered.insert("identity".into(), json!(format!("{}/id/{}/{}", origin(&request), organization_id(), call.user.id)));
    call.respond(Ok(Value::Object(rendered)))
}

async fn describe_object(call: ApiCall, request: HttpRequest) -> HttpResponse {
    let Some(object) = schema::find_object(request.match_info().get("object").unwrap_or_default()) else {
        return SalesforceApiError::not_found().to_response();
    };
    // The org's fields never change, so they were last modified when it was created.
    let created_at = UNIX_EPOCH + Duration::from_secs(u64::try_from(call.sandbox.people.earliest_at()).unwrap_or(0));
    if IfModifiedSince::parse(&request).is_ok_and(|IfModifiedSince(since)| std::time::SystemTime::from(since) >= created_at) {
        return call.response_builder(StatusCode::NOT_MODIFIED).finish();
    }
    call.response_builder(StatusCode::OK)
        .insert_header(LastModified(created_at.into()))
        .json(describe::describe_object(object, &call.version))
}

async fn query_live(call: ApiCall, request: HttpRequest) -> HttpResponse {
    run_query(call, request, false).await
}

async fn query_all(call: ApiCall, request: HttpRequest) -> HttpResponse {
    run_query(call, request, true).await
}

/// `Sforce-Query-Options: batchSize=n`, 200 to 2,000; 2,000 without.
fn batch_size(request: &HttpRequest) -> usize {
    let option = request
        .headers()
        .get("Sforce-Query-Options")
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.trim().strip_prefix("batchSize=")?.trim().parse().ok());
    option.unwrap_or(MAX_PAGE_SIZE).clamp(200, MAX_PAGE_SIZE)
}

async fn run_query(call: ApiCall, request: HttpRequest, includes_deleted: bool) -> HttpResponse {
    let text = form_urlencoded::parse(request.query_string().as_bytes()).find(|(name, _)| name == "q").map(|(_, text)| text.into_owned());
    let Some(text) = text else {
        return SalesforceApiError::bad_request("MALFORMED_QUERY", "A query string has to be specified").to_response();
    };
    let (sandbox, version, batch) = (call.sandbox.clone(), call.version.clone(), batch_size(&request));
    let outcome = web::block(move || query_pages::first_page(&sandbox, &text, includes_deleted, batch, &version)).await;
    call.respond(outcome.unwrap_or_else(|_| Err(SalesforceApiError::internal())))
}

async fn next_page(call: ApiCall, request: HttpRequest) -> HttpResponse {
    let (sandbox, version, locator) =
        (call.sandbox.clone(), call.version.clone(), request.match_info().get("locator").unwrap_or_default().to_owned());
    let outcome = web::block(move || query_pages::next_page(&sandbox, &locator, &version)).await;
    call.respond(outcome.unwrap_or_else(|_| Err(SalesforceApiError::internal())))
}
