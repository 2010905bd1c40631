//! `/sobjects/{T}/updated` and `/deleted`: which records changed in a window.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};
use url::form_urlencoded;

use super::errors::ApiError;
use super::ids::{self, Prefix};
use super::records::Record;
use super::resource;
use super::schema::{self, Object};
use super::session::{ApiCall, org};
use crate::sandbox::moment::{self, iso_salesforce_json};
use crate::sandbox::people::person::PersonKind;
use crate::sandbox::state::SandboxState;

const UPDATED_DAYS: i64 = 30;
const DELETED_DAYS: i64 = 15;
const MOST_IDS: usize = 600_000;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(
            resource(["/services/data/{version}/sobjects/{object}/updated", "/services/data/{version}/sobjects/{object}/updated/"])
                .route(web::get().to(updated)),
        )
        .service(
            resource(["/services/data/{version}/sobjects/{object}/deleted", "/services/data/{version}/sobjects/{object}/deleted/"])
                .route(web::get().to(deleted)),
        );
}

fn window(request: &HttpRequest, sandbox: &SandboxState, days: i64) -> Result<(&'static Object, i64, i64), ApiError> {
    let object = schema::find(request.match_info().get("object").unwrap_or_default()).ok_or_else(ApiError::not_found)?;
    let end_of = |wanted: &str| {
        let (_, text) = form_urlencoded::parse(request.query_string().as_bytes())
            .find(|(name, _)| name == wanted)
            .ok_or_else(|| ApiError::bad("MISSING_ARGUMENT", format!("Missing argument: {wanted}")))?;
        moment::parse(&text).ok_or_else(|| ApiError::bad("INVALID_ARGUMENT", format!("{wanted} is not a valid date/time: {text}")))
    };
    let (start, end) = (end_of("start")?, end_of("end")?);
    if end - start <= 60 {
        return Err(ApiError::bad("INVALID_REPLICATION_DATE", "startDate must be more than one minute before endDate"));
    }
    if start < sandbox.now() - days * 86_400 {
        return Err(ApiError::bad("INVALID_REPLICATION_DATE", format!("startDate cannot be more than {days} days ago")));
    }
    Ok((object, start, end))
}

async fn updated(call: ApiCall, request: HttpRequest) -> HttpResponse {
    let (object, start, end) = match window(&request, &call.sandbox, UPDATED_DAYS) {
        Ok(window) => window,
        Err(error) => return error.response(),
    };
    let sandbox = call.sandbox.clone();
    let ids = web::block(move || {
        let org = org(&sandbox);
        let of = |record: Record| match &record {
            Record::Lead(person) if (start..end).contains(&person.salesforce_updated_at) => person.lead_id(),
            Record::Contact(person) if (start..end).contains(&person.salesforce_updated_at) => person.contact_id(),
            _ => None,
        };
        (0..org.places(object)).filter_map(|place| org.at(object, place, false).and_then(of)).take(MOST_IDS + 1).collect::<Vec<_>>()
    })
    .await;
    call.answer(match ids {
        Err(_) => Err(ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "UNKNOWN_EXCEPTION", "An unexpected error occurred")),
        Ok(ids) if ids.len() > MOST_IDS => Err(ApiError::bad("EXCEEDED_ID_LIMIT", "Too many records in the window")),
        Ok(ids) => Ok(json!({"ids": ids, "latestDateCovered": covered(&call.sandbox, end)})),
    })
}

fn covered(sandbox: &SandboxState, end: i64) -> String {
    iso_salesforce_json(end.min(sandbox.now()))
}

async fn deleted(call: ApiCall, request: HttpRequest) -> HttpResponse {
    let outcome = window(&request, &call.sandbox, DELETED_DAYS).map(|(object, start, end)| {
        let people = &call.sandbox.people;
        let records: Vec<Value> = people
            .deleted_from_salesforce()
            .into_iter()
            .filter(|(_, at)| (start..end).contains(at))
            .filter_map(|(index, at)| {
                let id = match (object.name, people.kind(index)) {
                    ("Lead", PersonKind::Lead | PersonKind::Converted) => ids::id(Prefix::Lead, index),
                    ("Contact", PersonKind::Contact | PersonKind::Converted) => ids::id(Prefix::Contact, index),
                    _ => return None,
                };
                Some(json!({"id": id, "deletedDate": iso_salesforce_json(at)}))
            })
            .collect();
        json!({
            "deletedRecords": records,
            "earliestDateAvailable": iso_salesforce_json(call.sandbox.now() - DELETED_DAYS * 86_400),
            "latestDateCovered": covered(&call.sandbox, end),
        })
    });
    call.answer(outcome)
}
