//! The REST API: versions, describe, queries with cursors, limits.

use std::collections::BTreeMap;
use std::time::{Duration, UNIX_EPOCH};

use actix_web::http::StatusCode;
use actix_web::http::header::{Header, IfModifiedSince, LastModified};
use actix_web::middleware::Compress;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use super::errors::ApiError;
use super::query::Plan;
use super::records::{Org, Record};
use super::session::{ApiCall, VERSIONS, org};
use super::soql::{Resolved, Select};
use super::users::organization_id;
use super::{base as base_of, describe, resource, schema};
use crate::sandbox::world::World;

const CURSOR_SECONDS: i64 = 2 * 86_400;
const MOST_CURSORS: usize = 10;
const MOST_OFFSET: u64 = 2000;
/// Records of a page, unless the caller asks for fewer.
pub const LARGEST_PAGE: usize = 2000;

/// Answers that are fetched page by page.
#[derive(Debug, Default)]
pub struct Cursors(Vec<Cursor>);

#[derive(Debug, Clone)]
struct Cursor {
    id: String,
    plan: Plan,
    total: u64,
    batch: usize,
    made_at: i64,
    /// Where each page begins: records shown before it, and the step of the plan.
    starts: BTreeMap<u64, u64>,
}

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
        let salesforce = call.world.salesforce();
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
    let began = UNIX_EPOCH + Duration::from_secs(u64::try_from(call.world.people.began()).unwrap_or(0));
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
    let (world, version, batch) = (call.world.clone(), call.version.clone(), batch_size(&request));
    let outcome = web::block(move || first_page(&world, &text, deleted_too, batch, &version)).await;
    call.answer(outcome.unwrap_or_else(|_| Err(ApiError::broken())))
}

/// The answer to a query: its first page.
///
/// # Errors
/// Those of the query.
pub(super) fn first_page(world: &World, text: &str, deleted_too: bool, batch: usize, version: &str) -> Result<Value, ApiError> {
    let mut plan = Plan::new(text, deleted_too)?;
    if plan.query.offset.is_some_and(|offset| offset > MOST_OFFSET) {
        return Err(ApiError::bad("NUMBER_OUTSIDE_VALID_RANGE", format!("Maximum SOQL offset allowed is {MOST_OFFSET}")));
    }
    let org = org(world);
    plan.prepare(&org);
    if let Select::Aggregates(asked) = &plan.query.select {
        let records = plan.aggregate(&org, asked, LARGEST_PAGE)?;
        return Ok(json!({"totalSize": records.len(), "done": true, "records": records}));
    }
    let total = plan.total(&org);
    if plan.query.select == Select::Count {
        return Ok(json!({"totalSize": total, "done": true, "records": []}));
    }
    let cursor = Cursor { id: String::new(), plan, total, batch, made_at: world.now(), starts: BTreeMap::from([(0, 0)]) };
    Ok(page(world, &org, cursor, 0, 0, version))
}

fn page(world: &World, org: &Org<'_>, mut cursor: Cursor, shown: u64, step: u64, version: &str) -> Value {
    let mut records: Vec<Value> = Vec::new();
    let next =
        cursor.plan.walk(org, step, shown, cursor.batch, |record| records.push(shown_record(org, &record, cursor.plan.fields(), version)));
    let mut body = json!({"totalSize": cursor.total, "done": next.is_none(), "records": records});
    if let Some(next) = next {
        let after = shown + body["records"].as_array().map_or(0, Vec::len) as u64;
        if cursor.id.is_empty() {
            cursor.id = format!("01g5g00000{}", &world.secret()[..8]);
        }
        cursor.starts.insert(after, next);
        body["nextRecordsUrl"] = json!(format!("/services/data/{version}/query/{}-{after}", cursor.id));
        let mut salesforce = world.salesforce();
        let open = &mut salesforce.cursors.0;
        open.retain(|other| other.id != cursor.id && other.made_at + CURSOR_SECONDS > cursor.made_at);
        open.push(cursor);
        if open.len() > MOST_CURSORS {
            open.remove(0);
        }
    }
    body
}

async fn next_page(call: ApiCall, request: HttpRequest) -> HttpResponse {
    let (world, version, locator) =
        (call.world.clone(), call.version.clone(), request.match_info().get("locator").unwrap_or_default().to_owned());
    let outcome = web::block(move || {
        let invalid = || ApiError::bad("INVALID_QUERY_LOCATOR", "invalid query locator");
        let (id, shown) = locator.rsplit_once('-').ok_or_else(invalid)?;
        let shown: u64 = shown.parse().map_err(|_| invalid())?;
        let cursor = world.salesforce().cursors.0.iter().find(|cursor| cursor.id == id).cloned().ok_or_else(invalid)?;
        let step = cursor.starts.get(&shown).copied().ok_or_else(invalid)?;
        if cursor.made_at + CURSOR_SECONDS <= world.now() {
            return Err(invalid());
        }
        Ok(page(&world, &org(&world), cursor, shown, step, &version))
    })
    .await;
    call.answer(outcome.unwrap_or_else(|_| Err(ApiError::broken())))
}

fn attributes(kind: &str, id: &Value, version: &str) -> Value {
    json!({"type": kind, "url": format!("/services/data/{version}/sobjects/{kind}/{}", id.as_str().unwrap_or_default())})
}

fn kind_of(record: &Record) -> &'static str {
    match record {
        Record::Lead(_) => "Lead",
        Record::Contact(_) => "Contact",
        Record::Account(_) => "Account",
        Record::User(_) => "User",
        Record::Queue(_) => "Group",
        Record::Written(record) => record.object.name,
        Record::Opportunity(_) => "Opportunity",
        Record::Organization => "Organization",
    }
}

/// A record as nested JSON: each relationship is an object of its own, or null when it leads nowhere.
pub(super) fn shown_record(org: &Org<'_>, record: &Record, fields: &[Resolved], version: &str) -> Value {
    let id_field = |record: &Record| {
        schema::find(kind_of(record)).and_then(|object| object.field("Id")).map(|field| Resolved { path: Vec::new(), field })
    };
    let id_of = |record: &Record| id_field(record).map_or(Value::Null, |field| org.value(record, &field).json());
    let mut shown = Map::new();
    shown.insert("attributes".into(), attributes(kind_of(record), &id_of(record), version));
    for field in fields {
        let value = org.value(record, field).json();
        let Some((first, rest)) = field.path.split_first() else {
            shown.insert(field.field.name.into(), value);
            continue;
        };
        // Deeper paths than one are flattened into their first relationship's object.
        let name = rest.iter().chain([&field.field.name]).copied().collect::<Vec<_>>().join(".");
        match org.related(record, first) {
            None => {
                shown.insert((*first).into(), Value::Null);
            }
            Some(related) => {
                let nested =
                    shown.entry(*first).or_insert_with(|| json!({"attributes": attributes(kind_of(&related), &id_of(&related), version)}));
                nested[name] = value;
            }
        }
    }
    Value::Object(shown)
}
