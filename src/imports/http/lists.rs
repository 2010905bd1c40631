use actix_web::HttpResponse;
use serde::Deserialize;

use super::found_with_rows;
use crate::context::Context;
use crate::http::problem::ProblemBody;
use crate::http::{Authorized, Listing, PageParams, PathParams, Problem, QueryParams, Routes, route};
use crate::ids::ImportId;
use crate::imports::csv::RowError;
use crate::imports::import::RowResult;
use crate::imports::rows::{errors_after, results_after};
use crate::invites::InviteOutcomeKind;
use crate::members;
use crate::permissions::scope::MembersWrite;

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.add(route!(list_errors)).add(route!(list_results));
}

/// List the errors of an import
///
/// Every error under the mapping, in the order of the rows. Teams made since the file was checked count; `PUT …/mapping` counts
/// anew.
#[utoipa::path(
    get, path = "/v1/invite-imports/{import_id}/errors", operation_id = "listInviteImportErrors", tag = "Invitations",
    params(("import_id" = ImportId, Path, description = "The import's id."), PageParams),
    responses(
        (status = 200, description = "A page of errors.", body = Listing<RowError>),
        (status = 410, description = "The rows have been deleted, some time after the import ended.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn list_errors(
    context: Context,
    caller: Authorized<MembersWrite>,
    PathParams(id): PathParams<ImportId>,
    QueryParams(params): QueryParams<PageParams>,
) -> Result<HttpResponse, Problem> {
    let (limit, after) = params.read::<i64>()?;
    let import = found_with_rows(&context, caller.instance, id).await?;
    let teams = members::teams(&context.db, caller.instance).await?;
    let errors = errors_after(&context.db, &import, &teams, after, usize::from(limit) + 1).await?;
    Ok(HttpResponse::Ok().json(page(errors, limit)))
}

/// What a list of results shows.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ResultParams {
    /// Only rows with this outcome.
    #[param(inline)]
    outcome: Option<InviteOutcomeKind>,
    /// Most rows to return; 100 unless given.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u16>,
    /// `next_cursor` of the page before.
    #[param(pattern = "^[0-9A-Za-z_-]{21}[AQgw]$")]
    cursor: Option<String>,
}

/// List the results of an import
///
/// What became of each row, in the order of the rows; those that are still to be worked off are left out.
#[utoipa::path(
    get, path = "/v1/invite-imports/{import_id}/results", operation_id = "listInviteImportResults", tag = "Invitations",
    params(("import_id" = ImportId, Path, description = "The import's id."), ResultParams),
    responses(
        (status = 200, description = "A page of results.", body = Listing<RowResult>),
        (status = 410, description = "The rows have been deleted, some time after the import ended.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn list_results(
    context: Context,
    caller: Authorized<MembersWrite>,
    PathParams(id): PathParams<ImportId>,
    QueryParams(params): QueryParams<ResultParams>,
) -> Result<HttpResponse, Problem> {
    let (limit, after) = PageParams { limit: params.limit, cursor: params.cursor }.read::<i64>()?;
    let import = found_with_rows(&context, caller.instance, id).await?;
    let results = results_after(&context.db, &import, params.outcome, after, usize::from(limit) + 1).await?;
    Ok(HttpResponse::Ok().json(page(results, limit)))
}

/// A page of rows that are in the order of their places.
fn page<T>(rows: Vec<(i64, T)>, limit: u16) -> Listing<T> {
    let Listing { data, next_cursor } = Listing::page(rows, limit, |(position, _)| *position);
    Listing { data: data.into_iter().map(|(_, row)| row).collect(), next_cursor }
}
