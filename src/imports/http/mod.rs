//! Inviting by file: `/v1/invite-imports` and what is below it.

mod confirm;
mod events;
mod files;
mod lists;
mod receive;
mod slots;
mod upload;
mod view;

use actix_web::HttpResponse;
use actix_web::http::header;

use super::csv::Unreadable;
use super::import::Import;
use super::{ImportError, changes, store};
use crate::context::Context;
use crate::http::problem::ProblemBody;
use crate::http::{AsProblem, Authorized, Code, Listing, PageParams, PathParams, Problem, QueryParams, Routes, ValidationError, route};
use crate::ids::{ImportId, InstanceId};
use crate::permissions::scope::MembersWrite;

pub use slots::UploadSlots;
use view::{ImportProgress, ImportView};

impl AsProblem for ImportError {
    fn as_problem(&self) -> Problem {
        let problem = |code| Problem::new(code, format!("{self}."));
        match self {
            Self::Unknown => problem(Code::NotFound),
            Self::Confirmed(id) => problem(Code::ImportAlreadyConfirmed).with_link(address(*id)),
            Self::NotConfirmed(id) => problem(Code::ImportNotConfirmed).with_link(address(*id)),
            Self::RowsDeleted { id, .. } => problem(Code::ImportRowsDeleted).with_link(address(*id)),
            Self::Limit(_) => problem(Code::ImportLimitReached).with_link("/v1/invite-imports"),
            Self::UploadsBusy(_) => problem(Code::TooManyRequests).with_header(header::RETRY_AFTER, "10"),
            Self::Unreadable(Unreadable::Lost | Unreadable::Canceled) => problem(Code::Unavailable),
            Self::Unreadable(Unreadable::LimitMet(limit)) => {
                problem(Code::ImportUnreadable).with_errors(vec![ValidationError::new("", limit.name(), format!("{limit}."))])
            }
            Self::Unreadable(_) => problem(Code::ImportUnreadable),
            Self::MappingMismatch { .. } | Self::MappingShared { .. } => problem(Code::MappingMismatch),
            Self::Interrupted => problem(Code::Unavailable),
            Self::Invite(error) => error.as_problem(),
            Self::Member(error) => error.as_problem(),
            Self::Db(error) => error.as_problem(),
        }
    }
}

/// The routes of imports.
pub fn routes(routes: &mut Routes<'_>) {
    upload::routes(routes);
    confirm::routes(routes);
    events::routes(routes);
    lists::routes(routes);
    files::routes(routes);
    routes.add(route!(list_imports)).add(route!(get_import)).add(route!(delete_import));
}

fn address(id: ImportId) -> String {
    format!("/v1/invite-imports/{id}")
}

/// An import whose rows are still there.
async fn found_with_rows(context: &Context, instance: InstanceId, id: ImportId) -> Result<Import, ImportError> {
    let import = changes::find(&context.db, instance, id).await?;
    match import.rows_deleted_at {
        None => Ok(import),
        Some(at) => Err(ImportError::RowsDeleted { id, at, ended: import.completed_at.unwrap_or(import.created_at) }),
    }
}

/// List imports
///
/// In the order they were sent. Those that nobody confirmed are removed after 7 days. Some time after an import has ended, 30 days
/// unless the service is set otherwise, the rows of its file are deleted; what it is and its counts stay.
#[utoipa::path(
    get, path = "/v1/invite-imports", operation_id = "listInviteImports", tag = "Invitations", params(PageParams),
    responses((status = 200, description = "A page of imports.", body = Listing<ImportProgress>))
)]
async fn list_imports(
    context: Context,
    caller: Authorized<MembersWrite>,
    QueryParams(params): QueryParams<PageParams>,
) -> Result<HttpResponse, Problem> {
    let (limit, after) = params.read::<ImportId>()?;
    let now = context.clock.timestamp();
    let rows = store::list(&context.db, caller.instance, after, i64::from(limit) + 1).await?;
    let views = rows.iter().map(|import| ImportProgress::new(import, now)).collect();
    Ok(HttpResponse::Ok().json(Listing::page(views, limit, |row: &ImportProgress| row.id)))
}

/// Get an import
///
/// What is in the file and how far the import has come.
#[utoipa::path(
    get, path = "/v1/invite-imports/{import_id}",
    operation_id = "getInviteImport", tag = "Invitations", params(("import_id" = ImportId, Path, description = "The import's id.")),
    responses((status = 200, description = "The import.", body = ImportView))
)]
async fn get_import(
    context: Context,
    caller: Authorized<MembersWrite>,
    PathParams(id): PathParams<ImportId>,
) -> Result<HttpResponse, Problem> {
    let import = changes::find(&context.db, caller.instance, id).await?;
    Ok(HttpResponse::Ok().json(ImportView::new(import, context.clock.timestamp())))
}

/// Discard an import
///
/// Removes the file and all that is known of it. An import that has been confirmed stays.
#[utoipa::path(
    delete, path = "/v1/invite-imports/{import_id}",
    operation_id = "deleteInviteImport", tag = "Invitations", params(("import_id" = ImportId, Path, description = "The import's id.")),
    responses(
        (status = 204, description = "It is gone."),
        (status = 409, description = "The import was confirmed before.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn delete_import(
    context: Context,
    caller: Authorized<MembersWrite>,
    PathParams(id): PathParams<ImportId>,
) -> Result<HttpResponse, Problem> {
    changes::discard(&context, caller.instance, &caller.origin, id).await?;
    Ok(HttpResponse::NoContent().finish())
}
