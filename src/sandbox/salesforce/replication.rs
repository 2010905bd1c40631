//! `/sobjects/{T}/updated` and `/deleted`: which records changed in a time window.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};
use url::form_urlencoded;

use super::api_call::{ApiCall, snapshot_org};
use super::errors::SalesforceApiError;
use super::ids::{self, KeyPrefix};
use super::org_snapshot::SalesforceRecord;
use super::resource;
use super::schema::{self, ObjectSchema};
use crate::sandbox::people::person::PersonKind;
use crate::sandbox::state::SandboxState;
use crate::sandbox::timestamps::{self, format_salesforce_json};

/// How many days back changes are known.
const UPDATED_DAYS: i64 = 30;
/// How many days back deletions are known.
const DELETED_DAYS: i64 = 15;
const MAX_IDS: usize = 600_000;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(
            resource(["/services/data/{version}/sobjects/{object}/updated", "/services/data/{version}/sobjects/{object}/updated/"])
                .route(web::get().to(list_updated)),
        )
        .service(
            resource(["/services/data/{version}/sobjects/{object}/deleted", "/services/data/{version}/sobjects/{object}/deleted/"])
                .route(web::get().to(list_deleted)),
        );
}

fn read_window(request: &HttpRequest, sandbox: &SandboxState, days: i64) -> Result<(&'static ObjectSchema, i64, i64), SalesforceApiError> {
    let object = schema::find_object(request.match_info().get("object").unwrap_or_default()).ok_or_else(SalesforceApiError::not_found)?;
    let parse_bound = |parameter: &str| {
        let (_, text) = form_urlencoded::parse(request.query_string().as_bytes())
            .find(|(name, _)| name == parameter)
            .ok_or_else(|| SalesforceApiError::bad_request("MISSING_ARGUMENT", format!("Missing argument: {parameter}")))?;
        timestamps::parse_timestamp(&text)
            .ok_or_else(|| SalesforceApiError::bad_request("INVALID_ARGUMENT", format!("{parameter} is not a valid date/time: {text}")))
    };
    let (start, end) = (parse_bound("start")?, parse_bound("end")?);
    if end - start <= 60 {
        return Err(SalesforceApiError::bad_request("INVALID_REPLICATION_DATE", "startDate must be more than one minute before endDate"));
    }
    if start < sandbox.now() - days * 86_400 {
        return Err(SalesforceApiError::bad_request("INVALID_REPLICATION_DATE", format!("startDate cannot be more than {days} days ago")));
    }
    Ok((object, start, end))
}

async fn list_updated(call: ApiCall, request: HttpRequest) -> HttpResponse {
    let (object, start, end) = match read_window(&request, &call.sandbox, UPDATED_DAYS) {
        Ok(window) => window,
        Err(error) => return error.to_response(),
    };
    let sandbox = call.sandbox.clone();
    let ids = web::block(move || {
        let org = snapshot_org(&sandbox);
        let updated_id = |record: SalesforceRecord| match &record {
            SalesforceRecord::Lead(person) if (start..end).contains(&person.salesforce_updated_at) => person.lead_id(),
            SalesforceRecord::Contact(person) if (start..end).contains(&person.salesforce_updated_at) => person.contact_id(),
            _ => None,
        };
        (0..org.position_count(object))
            .filter_map(|position| org.record_at(object, position, false).and_then(updated_id))
            .take(MAX_IDS + 1)
            .collect::<Vec<_>>()
    })
    .await;
    call.respond(match ids {
        Err(_) => Err(SalesforceApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "UNKNOWN_EXCEPTION", "An unexpected error occurred")),
        Ok(ids) if ids.len() > MAX_IDS => Err(SalesforceApiError::bad_request("EXCEEDED_ID_LIMIT", "Too many records in the window")),
        Ok(ids) => Ok(json!({"ids": ids, "latestDateCovered": latest_covered(&call.sandbox, end)})),
    })
}

fn latest_covered(sandbox: &SandboxState, end: i64) -> String {
    format_salesforce_json(end.min(sandbox.now()))
}

async fn list_deleted(call: ApiCall, request: HttpRequest) -> HttpResponse {
    let outcome = read_window(&request, &call.sandbox, DELETED_DAYS).map(|(object, start, end)| {
        let people = &call.sandbox.people;
        let records: Vec<Value> = people
            .deleted_from_salesforce()
            .into_iter()
            .filter(|(_, at)| (start..end).contains(at))
            .filter_map(|(index, at)| {
                let id = match (object.name, people.kind(index)) {
                    ("Lead", PersonKind::Lead | PersonKind::Converted) => ids::record_id(KeyPrefix::Lead, index),
                    ("Contact", PersonKind::Contact | PersonKind::Converted) => ids::record_id(KeyPrefix::Contact, index),
                    _ => return None,
                };
                Some(json!({"id": id, "deletedDate": format_salesforce_json(at)}))
            })
            .collect();
        json!({
            "deletedRecords": records,
            "earliestDateAvailable": format_salesforce_json(call.sandbox.now() - DELETED_DAYS * 86_400),
            "latestDateCovered": latest_covered(&call.sandbox, end),
        })
    });
    call.respond(outcome)
}
