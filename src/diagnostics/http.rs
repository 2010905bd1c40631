use actix_web::HttpResponse;
use serde::Deserialize;

use super::{Diagnostic, DiagnosticFilter, store};
use crate::clock::Timestamp;
use crate::context::Context;
use crate::http::{Authorized, Code, Listing, PageParams, PathParams, Problem, QueryParams, Routes, ValidationError, route};
use crate::ids::{ConnectionId, DiagnosticId};
use crate::permissions::scope::ConnectionsRead;
use crate::upstream::{CallFailure, Category, Vendor};

/// The routes of this feature.
pub fn routes(routes: &mut Routes<'_>) {
    routes.add(route!(list_diagnostics)).add(route!(get_diagnostic));
}

/// Which failures are asked for; every condition that is given must hold.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct DiagnosticParams {
    /// Most rows to return; 100 unless given.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u16>,
    /// `next_cursor` of the page before.
    #[param(pattern = "^[0-9A-Za-z_-]{21}[AQgw]$")]
    cursor: Option<String>,
    /// Whose API was called.
    #[param(inline)]
    vendor: Option<Vendor>,
    /// What kind of trouble it is.
    #[param(inline)]
    category: Option<Category>,
    /// The code, exactly.
    #[param(pattern = "^[0-9A-Za-z_.#()-]{1,80}$", example = "API_CURRENTLY_DISABLED")]
    code: Option<String>,
    /// Met at this time or later (RFC 3339).
    #[param(value_type = Option<String>, format = DateTime)]
    since: Option<String>,
    /// Id of the connection.
    #[param(value_type = Option<String>, format = Uuid)]
    connection: Option<ConnectionId>,
}

impl DiagnosticParams {
    fn read(self) -> Result<(u16, Option<DiagnosticId>, DiagnosticFilter), Problem> {
        let mut errors = Vec::new();
        let since = self.since.as_deref().map(Timestamp::parse);
        if let Some(None) = since {
            errors.push(ValidationError::new(
                "#query/since",
                "not_a_time",
                "since is a date-time of RFC 3339, such as 2026-06-15T12:00:00Z.",
            ));
        }
        if self.code.as_deref().is_some_and(|code| !CallFailure::is_code(code)) {
            errors.push(ValidationError::new("#query/code", "not_a_code", "A code has 1 to 80 letters, digits and signs of _-.#()."));
        }
        if !errors.is_empty() {
            return Err(Problem::invalid(errors));
        }
        let (limit, after) = PageParams { limit: self.limit, cursor: self.cursor }.read()?;
        let Self { vendor, category, code, connection, .. } = self;
        Ok((limit, after, DiagnosticFilter { vendor, category, code, since: since.flatten(), connection }))
    }
}

/// List what went wrong at the vendors
///
/// One entry for each code met by a connection, with what it means, what to do and how often it was met; the kind met last for
/// the first time comes first. There is nothing of people in it, and none of the vendors' own texts.
#[utoipa::path(
    get, path = "/v1/diagnostics", operation_id = "listDiagnostics", tag = "Connections", params(DiagnosticParams),
    responses((status = 200, description = "A page.", body = Listing<Diagnostic>))
)]
async fn list_diagnostics(
    context: Context,
    caller: Authorized<ConnectionsRead>,
    QueryParams(params): QueryParams<DiagnosticParams>,
) -> Result<HttpResponse, Problem> {
    let (limit, after, filter) = params.read()?;
    let found = store::list_diagnostics(&context.db, caller.instance, &filter, after, i64::from(limit) + 1).await?;
    Ok(HttpResponse::Ok().json(Listing::page(found, limit, |one| one.id)))
}

/// See one kind of failure
#[utoipa::path(
    get, path = "/v1/diagnostics/{diagnostic_id}", operation_id = "getDiagnostic", tag = "Connections", params(("diagnostic_id" = DiagnosticId, Path, description = "Id of the entry.")),
    responses((status = 200, description = "The entry.", body = Diagnostic))
)]
async fn get_diagnostic(
    context: Context,
    caller: Authorized<ConnectionsRead>,
    PathParams(id): PathParams<DiagnosticId>,
) -> Result<HttpResponse, Problem> {
    let found = store::find_diagnostic(&context.db, caller.instance, id).await?;
    let found = found.ok_or_else(|| Problem::new(Code::NotFound, "There is no such entry."))?;
    Ok(HttpResponse::Ok().json(found))
}
