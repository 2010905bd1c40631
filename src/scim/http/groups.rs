use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::Value;

use super::body::ScimBody;
use super::listing::{ListParams, ShownParams, page};
use super::{ScimRequest, directory, header_of};
use crate::context::Context;
use crate::http::{Authorized, PathParams, Problem, QueryParams, Routes, ScimErrorBody, route};
use crate::ids::TeamId;
use crate::permissions::scope::Scim;
use crate::scim::ScimError;
use crate::scim::groups::ProvisionedGroup;
use crate::scim::protocol::patch::{Patch, apply};
use crate::scim::resources::GROUP;

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.add(route!(list)).add(route!(create)).add(route!(read)).add(route!(replace)).add(route!(change)).add(route!(remove));
}

/// List groups
///
/// Teams, Everyone included (RFC 7644, section 3.4.2).
#[utoipa::path(
    get, path = "/scim/v2/Groups", operation_id = "listScimGroups", tag = "SCIM", params(ListParams),
    responses(
        (status = 200, description = "A page.", body = Value, content_type = "application/scim+json"),
        (status = 400, description = "The filter can't be used.", body = ScimErrorBody, content_type = "application/scim+json"),
    )
)]
async fn list(context: Context, caller: Authorized<Scim>, QueryParams(asked): QueryParams<ListParams>) -> Result<HttpResponse, Problem> {
    let directory = directory(context, caller.into_caller());
    let groups = directory.groups().await?;
    Ok(page(&[&GROUP], groups.iter().map(|group| (&GROUP, group.resource(&directory.base))).collect(), &asked)?)
}

/// Create a group
///
/// RFC 7644, section 3.3.
#[utoipa::path(
    post, path = "/scim/v2/Groups", operation_id = "createScimGroup", tag = "SCIM", params(ShownParams),
    request_body(content = Value, content_type = "application/scim+json", example = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "West"
    })),
    responses(
        (status = 201, description = "The group.", body = Value, content_type = "application/scim+json"),
        (status = 400, description = "The group can't be read; every error is named.", body = ScimErrorBody, content_type = "application/scim+json"),
        (status = 409, description = "A team of this name exists, or there are as many as there may be.", body = ScimErrorBody, content_type = "application/scim+json"),
    )
)]
async fn create(scim: ScimRequest, ScimBody(body): ScimBody<Value>) -> Result<HttpResponse, Problem> {
    let wanted = ProvisionedGroup::read(&body).map_err(ScimError::from)?;
    let group = scim.directory.create_group(wanted).await?;
    Ok(scim.answer(StatusCode::CREATED, &GROUP, group.resource(&scim.directory.base)))
}

/// Read a group
///
/// With `If-None-Match`, 304 when it has not changed.
#[utoipa::path(
    get, path = "/scim/v2/Groups/{group_id}",
    operation_id = "getScimGroup", tag = "SCIM", params(("group_id" = TeamId, Path, description = "The group's id."), ShownParams),
    responses(
        (status = 200, description = "The group.", body = Value, content_type = "application/scim+json"),
        (status = 304, description = "It has not changed."),
        (status = 400, description = "The request can't be used.", body = ScimErrorBody, content_type = "application/scim+json"),
        (status = 404, description = "There is no such group.", body = ScimErrorBody, content_type = "application/scim+json"),
    )
)]
async fn read(scim: ScimRequest, PathParams(id): PathParams<TeamId>) -> Result<HttpResponse, Problem> {
    let group = scim.directory.group(id).await?;
    Ok(scim.answer_read(&GROUP, group.resource(&scim.directory.base)))
}

/// Replace a group
///
/// RFC 7644, section 3.5.1. Everyone keeps its name and its members.
#[utoipa::path(
    put, path = "/scim/v2/Groups/{group_id}",
    operation_id = "replaceScimGroup", tag = "SCIM", params(("group_id" = TeamId, Path, description = "The group's id."), ShownParams),
    request_body(content = Value, content_type = "application/scim+json"),
    responses(
        (status = 200, description = "The group.", body = Value, content_type = "application/scim+json"),
        (status = 400, description = "The group can't be read; every error is named.", body = ScimErrorBody, content_type = "application/scim+json"),
        (status = 404, description = "There is no such group.", body = ScimErrorBody, content_type = "application/scim+json"),
        (status = 409, description = "The rules of teams forbid it.", body = ScimErrorBody, content_type = "application/scim+json"),
        (status = 412, description = "It has changed since.", body = ScimErrorBody, content_type = "application/scim+json"),
    )
)]
async fn replace(scim: ScimRequest, PathParams(id): PathParams<TeamId>, ScimBody(body): ScimBody<Value>) -> Result<HttpResponse, Problem> {
    let wanted = ProvisionedGroup::read(&body).map_err(ScimError::from)?;
    let group = scim.directory.change_group(id, scim.if_match.as_deref(), |_| Ok(wanted)).await?;
    Ok(scim.answer(StatusCode::OK, &GROUP, group.resource(&scim.directory.base)))
}

/// Change a group
///
/// All operations or none (RFC 7644, section 3.5.2).
#[utoipa::path(
    patch, path = "/scim/v2/Groups/{group_id}",
    operation_id = "changeScimGroup", tag = "SCIM", params(("group_id" = TeamId, Path, description = "The group's id."), ShownParams),
    request_body(content = Value, content_type = "application/scim+json", example = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{ "op": "replace", "path": "displayName", "value": "West" }]
    })),
    responses(
        (status = 200, description = "The group.", body = Value, content_type = "application/scim+json"),
        (status = 400, description = "An operation can't be applied.", body = ScimErrorBody, content_type = "application/scim+json"),
        (status = 404, description = "There is no such group.", body = ScimErrorBody, content_type = "application/scim+json"),
        (status = 409, description = "The rules of teams forbid it.", body = ScimErrorBody, content_type = "application/scim+json"),
        (status = 412, description = "It has changed since.", body = ScimErrorBody, content_type = "application/scim+json"),
    )
)]
async fn change(scim: ScimRequest, PathParams(id): PathParams<TeamId>, ScimBody(body): ScimBody<Patch>) -> Result<HttpResponse, Problem> {
    let wish = |before: &Value| ProvisionedGroup::read(&apply(&GROUP, before, &body)?);
    let group = scim.directory.change_group(id, scim.if_match.as_deref(), wish).await?;
    Ok(scim.answer(StatusCode::OK, &GROUP, group.resource(&scim.directory.base)))
}

/// Delete a group
///
/// The team is removed; its members stay members (RFC 7644, section 3.6).
#[utoipa::path(
    delete, path = "/scim/v2/Groups/{group_id}",
    operation_id = "deleteScimGroup", tag = "SCIM", params(("group_id" = TeamId, Path, description = "The group's id.")),
    responses(
        (status = 204, description = "Deleted."),
        (status = 404, description = "There is no such group.", body = ScimErrorBody, content_type = "application/scim+json"),
        (status = 409, description = "Everyone can't be removed.", body = ScimErrorBody, content_type = "application/scim+json"),
        (status = 412, description = "It has changed since.", body = ScimErrorBody, content_type = "application/scim+json"),
    )
)]
async fn remove(
    request: HttpRequest,
    context: Context,
    caller: Authorized<Scim>,
    PathParams(id): PathParams<TeamId>,
) -> Result<HttpResponse, Problem> {
    let directory = directory(context, caller.into_caller());
    directory.delete_group(id, header_of(&request, header::IF_MATCH).as_deref()).await?;
    Ok(HttpResponse::NoContent().finish())
}
