use actix_web::HttpResponse;
use actix_web::http::header;
use serde::Deserialize;

use super::address;
use super::view::ImportView;
use crate::auth::Role;
use crate::context::Context;
use crate::http::problem::ProblemBody;
use crate::http::{Authorized, Body, PathParams, Problem, Routes, route};
use crate::ids::ImportId;
use crate::imports::changes::{self, ConfirmationRequest};
use crate::imports::csv::Mapping;
use crate::invites::{TeamReference, team_errors};
use crate::permissions::scope::MembersWrite;

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.add(route!(put_mapping)).add(route!(confirm_import).idempotent());
}

/// Which column is what.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangeImportMapping {
    mapping: Mapping,
}

/// Choose the mapping
///
/// Says which column is what; the whole file is checked anew under it, with the teams there are now. The answer is as that to
/// sending the file.
#[utoipa::path(
    put, path = "/v1/invite-imports/{import_id}/mapping",
    operation_id = "setInviteImportMapping", tag = "Invitations", request_body = ChangeImportMapping,
    params(("import_id" = ImportId, Path, description = "The import's id.")),
    responses(
        (status = 200, description = "What is in the file under this mapping.", body = ImportView),
        (status = 409, description = "The import was confirmed before, a column is not in the file, or two fields have the same.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn put_mapping(
    context: Context,
    caller: Authorized<MembersWrite>,
    PathParams(id): PathParams<ImportId>,
    Body(wanted): Body<ChangeImportMapping>,
) -> Result<HttpResponse, Problem> {
    let import = changes::choose_mapping(&context, caller.instance, &caller.origin, id, wanted.mapping).await?;
    Ok(HttpResponse::Ok().json(ImportView::new(import, context.clock.timestamp())))
}

/// How to invite the people in the file.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct ConfirmImport {
    /// Which column is what; that of the import unless given.
    mapping: Option<Mapping>,
    /// What people become whose row names no role; `user` unless given.
    role: Option<Role>,
    /// Teams everybody joins besides Everyone and those of their row; each must exist.
    #[schema(max_items = 20)]
    teams: Option<Vec<TeamReference>>,
}

/// Confirm an import
///
/// Invites the people in the file, in the background. An import can be confirmed once; whoever sends the same file again invites
/// nobody twice.
#[utoipa::path(
    post, path = "/v1/invite-imports/{import_id}/confirm",
    operation_id = "confirmInviteImport", tag = "Invitations", request_body = ConfirmImport,
    params(("import_id" = ImportId, Path, description = "The import's id.")),
    responses(
        (status = 202, description = "People are being invited; the import shows the progress.", body = ImportView, headers(("Location" = String, description = "The import."))),
        (status = 409, description = "The first user comes first, the import was confirmed before, the mapping does not fit the file, or a team does not exist.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn confirm_import(
    context: Context,
    caller: Authorized<MembersWrite>,
    PathParams(id): PathParams<ImportId>,
    Body(wanted): Body<ConfirmImport>,
) -> Result<HttpResponse, Problem> {
    let errors = team_errors(wanted.teams.as_deref());
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    let request = ConfirmationRequest {
        mapping: wanted.mapping,
        role: wanted.role.unwrap_or(Role::User),
        teams: wanted.teams.into_iter().flatten().map(|team| team.0).collect(),
    };
    let import = changes::confirm(&context, caller.instance, &caller.origin, id, request).await?;
    let view = ImportView::new(import, context.clock.timestamp());
    Ok(HttpResponse::Accepted().insert_header((header::LOCATION, context.public_url.join(&address(id)))).json(view))
}
