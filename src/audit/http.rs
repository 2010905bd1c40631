//! `GET /v1/audit-events` and `GET /v1/audit-events/export`.

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::Bytes;
use futures_util::{StreamExt, stream};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Event, EventFilter, store};
use crate::clock::Timestamp;
use crate::context::Context;
use crate::db::{Db, DbError};
use crate::http::{Authorized, Listing, PageParams, Problem, QueryParams, Routes, ValidationError, harmless_cell, route};
use crate::ids::InstanceId;
use crate::permissions::scope::AuditRead;

/// Events read at a time for an export.
const PAGE: i64 = 500;
/// Most characters of a text that is looked for.
const MAX_TEXT_LENGTH: usize = 200;

/// The routes.
pub fn routes(routes: &mut Routes<'_>) {
    routes.add(route!(list_events)).add(route!(export_events));
}

/// An event of the audit.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = AuditEvent)]
struct EventView {
    /// Its place in the instance's chain, from 1 without a gap.
    #[schema(minimum = 1)]
    sequence_number: i64,
    /// When it was done.
    occurred_at: Timestamp,
    /// Who: `client:ID`, `member:ID`, `job:KIND`, `command:NAME` of an operator, or `anonymous`.
    actor: String,
    /// What was done.
    #[schema(example = "team.renamed")]
    action: String,
    subject: AuditSubject,
    /// What changed, as it was before; absent when there was nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<serde_json::Value>)]
    before: Option<Box<RawValue>>,
    /// What changed, as it was afterwards; absent when there was nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<serde_json::Value>)]
    after: Option<Box<RawValue>>,
    /// IP address of the caller.
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    /// The caller's `User-Agent`, cut at 300 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_agent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    /// SHA-256 of the hash before and this event, in hexadecimal digits.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    hash: String,
}

/// What something was done to.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct AuditSubject {
    #[schema(example = "team")]
    kind: String,
    id: String,
}

impl From<Event> for EventView {
    fn from(event: Event) -> Self {
        let raw = |text: Option<String>| text.and_then(|text| RawValue::from_string(text).ok());
        let hash = event.hash_text();
        Self {
            sequence_number: event.number,
            occurred_at: event.at,
            actor: event.actor,
            action: event.action,
            subject: AuditSubject { kind: event.subject_kind, id: event.subject_id },
            before: raw(event.before),
            after: raw(event.after),
            address: event.address,
            user_agent: event.user_agent,
            request_id: event.request_id,
            hash,
        }
    }
}

/// What is looked for, as it is sent.
#[derive(Debug, Default)]
struct AuditEventParams {
    actor: Option<String>,
    action: Option<String>,
    subject_kind: Option<String>,
    subject_id: Option<String>,
    since: Option<String>,
    until: Option<String>,
}

impl AuditEventParams {
    fn read(self) -> Result<EventFilter, Problem> {
        let mut errors = Vec::new();
        let texts =
            [("actor", &self.actor), ("action", &self.action), ("subject_kind", &self.subject_kind), ("subject_id", &self.subject_id)];
        for (name, text) in texts {
            let Some(text) = text else { continue };
            if text.is_empty() || text.chars().count() > MAX_TEXT_LENGTH || text.contains('\0') {
                let detail = format!("{name} has 1 to {MAX_TEXT_LENGTH} characters, none of them NUL.");
                errors.push(ValidationError::new(format!("#query/{name}"), "length", detail));
            }
        }
        let mut time = |name: &str, text: Option<&str>| {
            let read = text.map(Timestamp::parse);
            if let Some(None) = read {
                let detail = format!("{name} is a date-time of RFC 3339, such as 2026-06-15T12:00:00Z.");
                errors.push(ValidationError::new(format!("#query/{name}"), "not_a_time", detail));
            }
            read.flatten()
        };
        let (since, until) = (time("since", self.since.as_deref()), time("until", self.until.as_deref()));
        if !errors.is_empty() {
            return Err(Problem::invalid(errors));
        }
        let Self { actor, action, subject_kind, subject_id, .. } = self;
        Ok(EventFilter { actor, action, subject_kind, subject_id, since, until })
    }
}

/// Which events are wanted; every condition that is given must hold.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct EventParams {
    /// Most rows to return; 100 unless given.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u16>,
    /// `next_cursor` of the page before.
    #[param(pattern = "^[0-9A-Za-z_-]{21}[AQgw]$")]
    cursor: Option<String>,
    /// Who did it, exactly as the events say.
    #[param(min_length = 1, max_length = 200, pattern = r"^[^\x00]+$", example = "member:0198f2f0-0000-7000-8000-000000000000")]
    actor: Option<String>,
    /// What was done, or with a dot at the end, everything that begins so: `team.` for all that happened to teams.
    #[param(min_length = 1, max_length = 200, pattern = r"^[^\x00]+$", example = "team.renamed")]
    action: Option<String>,
    /// The kind of what it was done to.
    #[param(min_length = 1, max_length = 200, pattern = r"^[^\x00]+$", example = "team")]
    subject_kind: Option<String>,
    /// The id of what it was done to.
    #[param(min_length = 1, max_length = 200, pattern = r"^[^\x00]+$")]
    subject_id: Option<String>,
    /// At this time or later (RFC 3339).
    #[param(value_type = Option<String>, format = DateTime)]
    since: Option<String>,
    /// Before this time (RFC 3339).
    #[param(value_type = Option<String>, format = DateTime)]
    until: Option<String>,
}

/// List audit events
///
/// Who changed what in the instance, newest first. Events are never changed or removed.
#[utoipa::path(
    get, path = "/v1/audit-events", operation_id = "listAuditEvents", tag = "Audit", params(EventParams),
    responses((status = 200, description = "A page.", body = Listing<EventView>))
)]
async fn list_events(
    context: Context,
    caller: Authorized<AuditRead>,
    QueryParams(params): QueryParams<EventParams>,
) -> Result<HttpResponse, Problem> {
    let (limit, before) = PageParams { limit: params.limit, cursor: params.cursor }.read::<i64>()?;
    let EventParams { actor, action, subject_kind, subject_id, since, until, .. } = params;
    let filter = AuditEventParams { actor, action, subject_kind, subject_id, since, until }.read()?;
    let events = store::list(&context.db, caller.instance, &filter, before, i64::from(limit) + 1).await?;
    let views = events.into_iter().map(EventView::from).collect();
    Ok(HttpResponse::Ok().json(Listing::page(views, limit, |event: &EventView| event.sequence_number)))
}

/// How an export is written.
#[derive(Debug, Clone, Copy, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(title = "AuditExportFormat")]
enum AuditExportFormat {
    /// An event a line, in JSON.
    #[default]
    Ndjson,
    /// A table with a line of headers (RFC 4180, UTF-8).
    Csv,
}

/// Which events are wanted, and how.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ExportParams {
    /// `ndjson` unless given.
    #[param(inline)]
    format: Option<AuditExportFormat>,
    /// Who did it, exactly as the events say.
    #[param(min_length = 1, max_length = 200, pattern = r"^[^\x00]+$")]
    actor: Option<String>,
    /// What was done, or with a dot at the end, everything that begins so.
    #[param(min_length = 1, max_length = 200, pattern = r"^[^\x00]+$")]
    action: Option<String>,
    /// The kind of what it was done to.
    #[param(min_length = 1, max_length = 200, pattern = r"^[^\x00]+$")]
    subject_kind: Option<String>,
    /// The id of what it was done to.
    #[param(min_length = 1, max_length = 200, pattern = r"^[^\x00]+$")]
    subject_id: Option<String>,
    /// At this time or later (RFC 3339).
    #[param(value_type = Option<String>, format = DateTime)]
    since: Option<String>,
    /// Before this time (RFC 3339).
    #[param(value_type = Option<String>, format = DateTime)]
    until: Option<String>,
}

const COLUMNS: [&str; 12] = [
    "sequence_number",
    "occurred_at",
    "actor",
    "action",
    "subject_kind",
    "subject_id",
    "before",
    "after",
    "address",
    "user_agent",
    "request_id",
    "hash",
];

/// Export audit events
///
/// All that pass the filter, oldest first. In CSV, cells that a spreadsheet would take for formulas begin with an apostrophe. An
/// export that breaks off, because the database can't answer any more, does not end as HTTP says it must, so that no client
/// takes it for whole.
#[utoipa::path(get, path = "/v1/audit-events/export", operation_id = "exportAuditEvents", tag = "Audit", params(ExportParams), responses(
    (status = 200, description = "The events.", content((String = "application/x-ndjson"), (String = "text/csv"))),
))]
async fn export_events(
    context: Context,
    caller: Authorized<AuditRead>,
    QueryParams(params): QueryParams<ExportParams>,
) -> Result<HttpResponse, Problem> {
    let ExportParams { format, actor, action, subject_kind, subject_id, since, until } = params;
    let filter = AuditEventParams { actor, action, subject_kind, subject_id, since, until }.read()?;
    let format = format.unwrap_or_default();
    let (media, name, head) = match format {
        AuditExportFormat::Ndjson => ("application/x-ndjson", "audit-events.ndjson", Vec::new()),
        AuditExportFormat::Csv => ("text/csv; charset=utf-8", "audit-events.csv", csv_line(COLUMNS)),
    };
    let head = stream::iter((!head.is_empty()).then(|| Ok(Bytes::from(head))));
    let body = head.chain(pages(context.db, caller.instance, filter, format));
    Ok(HttpResponse::Ok()
        .content_type(media)
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .streaming(body))
}

/// The events, a page of the database at a time.
fn pages(
    db: Db,
    chain: InstanceId,
    filter: EventFilter,
    format: AuditExportFormat,
) -> impl futures_util::Stream<Item = Result<Bytes, DbError>> + 'static {
    stream::unfold(Some((db, filter, 0)), move |state| async move {
        let (db, filter, after) = state?;
        let events = match store::list_after(&db, chain, &filter, after, PAGE).await {
            Ok(events) => events,
            Err(error) => return Some((Err(error), None)),
        };
        let after = events.last()?.number;
        let mut text = Vec::new();
        for event in events {
            match format {
                AuditExportFormat::Ndjson => {
                    // What was written as JSON is written as JSON again; it can't fail on a value of ours.
                    text.extend(serde_json::to_vec(&EventView::from(event)).unwrap_or_default());
                    text.push(b'\n');
                }
                AuditExportFormat::Csv => text.extend(csv_line(cells(&event).each_ref().map(String::as_str))),
            }
        }
        Some((Ok(Bytes::from(text)), Some((db, filter, after))))
    })
}

fn cells(event: &Event) -> [String; 12] {
    let given = |text: &Option<String>| text.clone().unwrap_or_default();
    [
        event.number.to_string(),
        event.at.to_string(),
        event.actor.clone(),
        event.action.clone(),
        event.subject_kind.clone(),
        event.subject_id.clone(),
        given(&event.before),
        given(&event.after),
        given(&event.address),
        given(&event.user_agent),
        given(&event.request_id),
        event.hash_text(),
    ]
}

fn csv_line(cells: [&str; 12]) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    // Writing to memory can't fail.
    let _ = writer.write_record(cells.map(|cell| harmless_cell(cell).into_owned()));
    writer.into_inner().unwrap_or_default()
}
