//! The REST API: versions, describe, queries with cursors, limits.

use std::time::{Duration, UNIX_EPOCH};

use actix_web::http::StatusCode;
use actix_web::http::header::{Header, IfModifiedSince, LastModified};
use actix_web::middleware::Compress;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use super::errors::ApiError;
use super::query_pages::{self, LARGEST_PAGE};
use super::session::{ApiCall, VERSIONS};
use super::users::organization_id;
use super::{base as base_of, describe, resource, schema};

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/services/data", web::get().to(versions))
        .route("/services/data/", web::get().to(versions))
        .route("/services/data/{version}", web::get().to(resources))
        .route("/services/data/{version}/", web::get().to(resources))
        .route("/services/data/{version}/limits", web::get().to(limits))
        .route("/services/data/{version}/limits/", web::get().to(limits))
        .route("/services/data/{version}/sobjects/{object}/describe", web::get().to(describe_object))
        .route("/services/data/{version}/sobjects/{object}/describe/", web::get().to(describe_object))
        .service(
            resource(["/services/data/{version}/query", "/services/data/{version}/query/"])
                .wrap(Compress::default())
                .route(web::get().to(query)),
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

/// The versions; needs no login.
async fn versions() -> HttpResponse {
    let shown: Vec<Value> = VERSIONS
        .map(|version| {
            let season = ["Spring", "Summer", "Winter"][version as usize % 3];
            json!({"label": format!("{season} '{}", (version + 13) / 3), "url": format!("/services/data/v{version}.0"), "version": format!("{version}.0")})
        })
        .collect();
    HttpResponse::Ok().json(shown)
}

async fn limits(call: ApiCall) -> HttpResponse {
    let (used, most, jobs) = {
        let salesforce = call.sandbox.salesforce();
        (salesforce.api_calls, salesforce.api_limit, salesforce.jobs.made() as u64)
    };
    let limit = |most: u64, used: u64| json!({"Max": most, "Remaining": most.saturating_sub(used)});
    call.answer(Ok(json!({
        "DailyApiRequests": limit(most, used),
        "DailyBulkApiBatches": limit(15_000, 0),
        "DailyBulkV2QueryJobs": limit(10_000, jobs),
        "DailyBulkV2QueryFileStorageMB": limit(976_562, 0),
        "DataStorageMB": limit(1024, 512),
        "FileStorageMB": limit(1024, 12),
    })))
}

/// What a version has, by name, and who the caller is.
async fn resources(call: ApiCall, request: HttpRequest) -> HttpResponse {
    let base = format!("/services/data/{}", call.version);
    let mut shown: Map<String, Value> = ["composite", "jobs", "limits", "query", "queryAll", "sobjects"]
        .map(|name| (name.to_owned(), json!(format!("{base}/{name}"))))
        .into_iter()
        .collect();
    shown.insert("identity".into(), json!(format!("{}/id/{}/{}", base_of(&request), organization_id(), call.user.id)));
    call.answer(Ok(Value::Object(shown)))
}

async fn describe_object(call: ApiCall, request: HttpRequest) -> HttpResponse {
    let Some(object) = schema::find(request.match_info().get("object").unwrap_or_default()) else {
        return ApiError::not_found().response();
    };
    // The org's fields never change, so they date from its beginning.
    let began = UNIX_EPOCH + Duration::from_secs(u64::try_from(call.sandbox.people.earliest_at()).unwrap_or(0));
    if IfModifiedSince::parse(&request).is_ok_and(|IfModifiedSince(since)| std::time::SystemTime::from(since) >= began) {
        return call.builder(StatusCode::NOT_MODIFIED).finish();
    }
    call.builder(StatusCode::OK).insert_header(LastModified(began.into())).json(describe::full(object, &call.version))
}

async fn query(call: ApiCall, request: HttpRequest) -> HttpResponse {
    run(call, request, false).await
}

async fn query_all(call: ApiCall, request: HttpRequest) -> HttpResponse {
    run(call, request, true).await
}

/// `Sforce-Query-Options: batchSize=n`, 200 to 2,000; 2,000 without.
fn batch_size(request: &HttpRequest) -> usize {
    let option = request
        .headers()
        .get("Sforce-Query-Options")
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.trim().strip_prefix("batchSize=")?.trim().parse().ok());
    option.unwrap_or(LARGEST_PAGE).clamp(200, LARGEST_PAGE)
}

async fn run(call: ApiCall, request: HttpRequest, deleted_too: bool) -> HttpResponse {
    let text = form_urlencoded::parse(request.query_string().as_bytes()).find(|(name, _)| name == "q").map(|(_, text)| text.into_owned());
    let Some(text) = text else { return ApiError::bad("MALFORMED_QUERY", "A query string has to be specified").response() };
    let (sandbox, version, batch) = (call.sandbox.clone(), call.version.clone(), batch_size(&request));
    let outcome = web::block(move || query_pages::first_page(&sandbox, &text, deleted_too, batch, &version)).await;
    call.answer(outcome.unwrap_or_else(|_| Err(ApiError::broken())))
}

async fn next_page(call: ApiCall, request: HttpRequest) -> HttpResponse {
    let (sandbox, version, locator) =
        (call.sandbox.clone(), call.version.clone(), request.match_info().get("locator").unwrap_or_default().to_owned());
    let outcome = web::block(move || query_pages::next_page(&sandbox, &locator, &version)).await;
    call.answer(outcome.unwrap_or_else(|_| Err(ApiError::broken())))
}
