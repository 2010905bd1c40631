//! `POST /v1/invite-imports`, `GET /v1/invite-imports/{import_id}`, `POST /v1/invite-imports/{import_id}/confirm`.

use actix_web::http::header;
use actix_web::web::{BytesMut, Payload};
use actix_web::{HttpRequest, HttpResponse, get, post};
use futures_util::StreamExt;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa_actix_web::service_config::ServiceConfig;

use super::{ProblemBody, TeamReference, team_faults};
use crate::auth::Role;
use crate::clock::Timestamp;
use crate::http::{Body, Code, Context, InstanceCaller, PathParams, Problem};
use crate::ids::{ImportId, InstanceId};
use crate::invites::csv::{Analysis, Column, Dialect, LARGEST_FILE, Mapping, ProposedMapping, RowFault, analyse};
use crate::invites::imports::{Confirmation, Counts, Import, ImportState, RowResult};
use crate::invites::{InviteError, import_job, import_store};
use crate::jobs::{NewJob, enqueue};
use crate::members::{self, Teams};

/// The routes of CSV imports.
pub(super) fn routes(config: &mut ServiceConfig) {
    config.service(post_import).service(get_import).service(confirm_import);
}

/// An import of a CSV file: what is in it and, once confirmed, how far it has come.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = InviteImport)]
struct ImportView {
    id: ImportId,
    state: ImportState,
    dialect: Dialect,
    columns: Vec<Column>,
    /// The proposed mapping.
    mapping: ProposedMapping,
    /// The first rows, as they are in the file; long cells are cut.
    sample: Vec<Vec<String>>,
    /// The first 100 faults under the proposed mapping.
    faults: Vec<RowFault>,
    /// How many faults there are.
    faults_total: u64,
    /// Rows with something in them, headers not counted.
    rows: u64,
    /// Rows without a fault under the proposed mapping.
    valid_rows: u64,
    /// What was confirmed.
    #[serde(skip_serializing_if = "Option::is_none")]
    confirmation: Option<Confirmation>,
    /// Rows that have a result, of `rows`.
    rows_done: u64,
    /// What became of the rows, so far; there is none before the import is confirmed.
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<ImportResult>,
    /// Why the import can't go on.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    confirmed_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    completed_at: Option<Timestamp>,
}

/// What became of the rows of an import.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct ImportResult {
    /// How many rows ended how.
    counts: Counts,
    /// The first 1000 rows, one by one.
    rows: Vec<RowResult>,
}

impl From<Import> for ImportView {
    fn from(import: Import) -> Self {
        let result = import.confirmation.is_some().then_some(ImportResult { counts: import.counts, rows: import.results });
        let Analysis { dialect, columns, mapping, sample, faults, faults_total, rows, valid_rows } = import.analysis;
        Self {
            id: import.id,
            state: import.state,
            dialect,
            columns,
            mapping,
            sample,
            faults,
            faults_total,
            rows,
            valid_rows,
            confirmation: import.confirmation,
            rows_done: import.rows_done,
            result,
            error: import.error,
            created_at: import.created_at,
            confirmed_at: import.confirmed_at,
            completed_at: import.completed_at,
        }
    }
}

/// Send a CSV file of people to invite
///
/// At most 5 MB and 200,000 rows. Encoding, delimiter and headers are found out; the answer proposes which column is what and
/// lists what can't be used. Nobody is invited until the import is confirmed.
#[utoipa::path(
    operation_id = "createInviteImport", tag = "Invitations",
    request_body(content = String, content_type = "text/csv", description = "The file, as it is.", example = "email,first name,last name\nann@example.com,Ann,Doe\n"),
    responses(
        (status = 201, description = "What is in the file.", body = ImportView, headers(("Location" = String, description = "The import."))),
        (status = 422, description = "The file is no list of invitations; the problem says why.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[post("/v1/invite-imports")]
async fn post_import(request: HttpRequest, context: Context, caller: InstanceCaller, payload: Payload) -> Result<HttpResponse, Problem> {
    let charset = csv_charset(&request)?;
    let file = read_file(&request, payload).await?;
    let teams = members::teams(&context.db, caller.instance).await?;
    let (file, analysis) = examine(file, charset, teams).await?;
    let import = Import {
        id: ImportId(context.clock.new_id()),
        instance: caller.instance,
        state: ImportState::Analysed,
        analysis,
        confirmation: None,
        invited_by: caller.actor.to_string(),
        rows_done: 0,
        counts: Counts::default(),
        results: Vec::new(),
        error: None,
        created_at: context.clock.timestamp(),
        confirmed_at: None,
        completed_at: None,
    };
    let mut tx = context.db.begin().await?;
    import_store::insert(&mut tx, caller.instance, &import, &file).await?;
    tx.commit().await?;
    Ok(HttpResponse::Created().insert_header((header::LOCATION, address(import.id))).json(ImportView::from(import)))
}

async fn examine(file: Vec<u8>, charset: Option<String>, teams: Teams) -> Result<(Vec<u8>, Analysis), InviteError> {
    let work = tokio::task::spawn_blocking(move || {
        let analysis = analyse(&file, charset.as_deref(), &teams)?;
        Ok((file, analysis))
    });
    work.await.map_err(|_| InviteError::Interrupted)?
}

/// The charset parameter, if there is one, of a body that says it is CSV (RFC 7111).
fn csv_charset(request: &HttpRequest) -> Result<Option<String>, Problem> {
    let media = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut parts = media.split(';').map(str::trim);
    if !parts.next().is_some_and(|essence| essence.eq_ignore_ascii_case("text/csv")) {
        return Err(Problem::new(Code::UnsupportedMediaType, "Send the file itself as text/csv."));
    }
    let named = parts.filter_map(|part| part.split_once('=')).find(|(name, _)| name.eq_ignore_ascii_case("charset"));
    Ok(named.map(|(_, value)| value.trim_matches('"').to_owned()))
}

async fn read_file(request: &HttpRequest, mut payload: Payload) -> Result<Vec<u8>, Problem> {
    let too_large = || Problem::new(Code::BodyTooLarge, format!("A file has at most {} MB; split it.", LARGEST_FILE / 1024 / 1024));
    let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > LARGEST_FILE) {
        return Err(too_large());
    }
    let mut file = BytesMut::new();
    while let Some(part) = payload.next().await {
        let part = part.map_err(|error| crate::http::unreadable(&error.into()))?;
        if file.len() + part.len() > LARGEST_FILE {
            return Err(too_large());
        }
        file.extend_from_slice(&part);
    }
    Ok(file.to_vec())
}

fn address(import: ImportId) -> String {
    format!("/v1/invite-imports/{import}")
}

async fn found(context: &Context, instance: InstanceId, id: ImportId) -> Result<Import, InviteError> {
    import_store::find(&context.db, instance, id).await?.ok_or(InviteError::ImportUnknown)
}

/// See an import
///
/// What is in the file and, once confirmed, its progress and results.
#[utoipa::path(
    operation_id = "getInviteImport", tag = "Invitations", params(("import_id" = ImportId, Path, description = "The import's id.")),
    responses((status = 200, description = "The import.", body = ImportView))
)]
#[get("/v1/invite-imports/{import_id}")]
async fn get_import(context: Context, caller: InstanceCaller, PathParams(id): PathParams<ImportId>) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(ImportView::from(found(&context, caller.instance, id).await?)))
}

/// How to invite the people in the file.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct ConfirmRequest {
    /// Which column is what; the proposed mapping unless given.
    #[schema(inline)]
    mapping: Option<Mapping>,
    /// What people become whose row names no role; `user` unless given.
    #[schema(inline)]
    role: Option<Role>,
    /// Teams everybody joins besides Everyone and those of their row; each must exist.
    #[schema(max_items = 20)]
    teams: Option<Vec<TeamReference>>,
}

/// Confirm an import
///
/// Invites the people in the file, in the background. An import can be confirmed once.
#[utoipa::path(
    operation_id = "confirmInviteImport", tag = "Invitations", request_body = ConfirmRequest,
    params(("import_id" = ImportId, Path, description = "The import's id.")),
    responses(
        (status = 202, description = "People are being invited; the import shows the progress.", body = ImportView, headers(("Location" = String, description = "The import."))),
        (status = 409, description = "The first user comes first, the import was confirmed before, a column is not in the file, or a team does not exist.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[post("/v1/invite-imports/{import_id}/confirm")]
async fn confirm_import(
    context: Context,
    caller: InstanceCaller,
    PathParams(id): PathParams<ImportId>,
    Body(wanted): Body<ConfirmRequest>,
) -> Result<HttpResponse, Problem> {
    let faults = team_faults(wanted.teams.as_deref());
    if !faults.is_empty() {
        return Err(Problem::invalid(faults));
    }
    let import = found(&context, caller.instance, id).await?;
    let confirmation = confirmation(&context, &import, &wanted).await?;
    let confirmed_by = caller.actor.to_string();
    let mut tx = context.db.begin().await?;
    if !import_store::confirm(&mut tx, caller.instance, id, &confirmation, &confirmed_by, context.clock.timestamp()).await? {
        return Err(InviteError::ImportConfirmed(id).into());
    }
    let job = NewJob { kind: import_job::KIND, instance: Some(caller.instance), payload: json!({ "import_id": id }) };
    enqueue(&mut tx, context.clock.as_ref(), job).await?;
    tx.commit().await?;
    let view = ImportView::from(found(&context, caller.instance, id).await?);
    Ok(HttpResponse::Accepted().insert_header((header::LOCATION, address(id))).json(view))
}

async fn confirmation(context: &Context, import: &Import, wanted: &ConfirmRequest) -> Result<Confirmation, InviteError> {
    if !members::has_original(&context.db, import.instance).await? {
        return Err(InviteError::NobodyInvited);
    }
    let mapping = wanted.mapping.unwrap_or_else(|| import.analysis.mapping.into());
    let columns = import.analysis.columns.len();
    if let Some((field, column)) = mapping.columns().into_iter().find(|(_, column)| usize::from(*column) >= columns) {
        return Err(InviteError::MappingUnfit { field: field.as_str(), column, last: columns.saturating_sub(1) });
    }
    let teams = members::teams(&context.db, import.instance).await?;
    let teams = teams.all_named(wanted.teams.iter().flatten().map(|team| team.0.as_str()))?;
    Ok(Confirmation { mapping, role: wanted.role.unwrap_or(Role::User), teams })
}
