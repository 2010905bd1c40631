use actix_web::http::{StatusCode, header};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::Value;

use super::body::ScimBody;
use super::listing::{ListParams, ShownParams, page};
use super::{ScimRequest, directory, header_of};
use crate::connections::Connections;
use crate::context::Context;
use crate::http::{Authorized, PathParams, Problem, QueryParams, Routes, ScimErrorBody, route};
use crate::ids::MemberId;
use crate::permissions::scope::Scim;
use crate::scim::ScimError;
use crate::scim::protocol::patch::{Patch, apply};
use crate::scim::resources::USER;
use crate::scim::service::AbsentAttributes;
use crate::scim::users::ProvisionedUser;

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.add(route!(list)).add(route!(create)).add(route!(read)).add(route!(replace)).add(route!(change)).add(route!(remove));
}

/// List users
///
/// Members, invited and deactivated ones included (RFC 7644, section 3.4.2).
#[utoipa::path(
    get, path = "/scim/v2/Users", operation_id = "listScimUsers", tag = "SCIM", params(ListParams),
    responses(
        (status = 200, description = "A page.", body = Value, content_type = "application/scim+json"),
        (status = 400, description = "The filter can't be used.", body = ScimErrorBody, content_type = "application/scim+json"),
    )
)]
async fn list(context: Context, caller: Authorized<Scim>, QueryParams(asked): QueryParams<ListParams>) -> Result<HttpResponse, Problem> {
    let directory = directory(context, caller.into_caller());
    let users = directory.users().await?;
    Ok(page(&[&USER], users.iter().map(|user| (&USER, user.resource(&directory.base))).collect(), &asked)?)
}

/// Create a user
///
/// The person becomes a member and gets an invitation by mail, unless `active` is false (RFC 7644, section 3.3).
#[utoipa::path(
    post, path = "/scim/v2/Users", operation_id = "createScimUser", tag = "SCIM", params(ShownParams),
    request_body(content = Value, content_type = "application/scim+json", example = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "sam", "emails": [{ "value": "sam@example.com" }]
    })),
    responses(
        (status = 201, description = "The user.", body = Value, content_type = "application/scim+json"),
        (status = 400, description = "The user can't be read; every error is named.", body = ScimErrorBody, content_type = "application/scim+json"),
        (status = 409, description = "The userName or the address is taken, or there is no seat.", body = ScimErrorBody, content_type = "application/scim+json"),
    )
)]
async fn create(scim: ScimRequest, ScimBody(body): ScimBody<Value>) -> Result<HttpResponse, Problem> {
    let wanted = ProvisionedUser::read(&body).map_err(ScimError::from)?;
    let user = scim.directory.create_user(wanted).await?;
    Ok(scim.answer(StatusCode::CREATED, &USER, user.resource(&scim.directory.base)))
}

/// Read a user
///
/// With `If-None-Match`, 304 when it has not changed.
#[utoipa::path(
    get, path = "/scim/v2/Users/{user_id}",
    operation_id = "getScimUser", tag = "SCIM", params(("user_id" = MemberId, Path, description = "The user's id."), ShownParams),
    responses(
        (status = 200, description = "The user.", body = Value, content_type = "application/scim+json"),
        (status = 304, description = "It has not changed."),
        (status = 400, description = "The request can't be used.", body = ScimErrorBody, content_type = "application/scim+json"),
        (status = 404, description = "There is no such user.", body = ScimErrorBody, content_type = "application/scim+json"),
    )
)]
async fn read(scim: ScimRequest, PathParams(id): PathParams<MemberId>) -> Result<HttpResponse, Problem> {
    let user = scim.directory.user(id).await?;
    Ok(scim.answer_read(&USER, user.resource(&scim.directory.base)))
}

/// Replace a user
///
/// `active` and `roles` stay when they are absent; all else that is absent is taken away (RFC 7644, section 3.5.1).
#[utoipa::path(
    put, path = "/scim/v2/Users/{user_id}",
    operation_id = "replaceScimUser", tag = "SCIM", params(("user_id" = MemberId, Path, description = "The user's id."), ShownParams),
    request_body(content = Value, content_type = "application/scim+json"),
    responses(
        (status = 200, description = "The user.", body = Value, content_type = "application/scim+json"),
        (status = 400, description = "The user can't be read; every error is named.", body = ScimErrorBody, content_type = "application/scim+json"),
        (status = 404, description = "There is no such user.", body = ScimErrorBody, content_type = "application/scim+json"),
        (status = 409, description = "The rules of members forbid it.", body = ScimErrorBody, content_type = "application/scim+json"),
        (status = 412, description = "It has changed since.", body = ScimErrorBody, content_type = "application/scim+json"),
    )
)]
async fn replace(
    scim: ScimRequest,
    PathParams(id): PathParams<MemberId>,
    ScimBody(body): ScimBody<Value>,
) -> Result<HttpResponse, Problem> {
    let wanted = ProvisionedUser::read(&body).map_err(ScimError::from)?;
    let user = scim.directory.change_user(id, AbsentAttributes::Stays, scim.if_match.as_deref(), |_| Ok(wanted)).await?;
    Ok(scim.answer(StatusCode::OK, &USER, user.resource(&scim.directory.base)))
}

/// Change a user
///
/// All operations or none (RFC 7644, section 3.5.2).
#[utoipa::path(
    patch, path = "/scim/v2/Users/{user_id}",
    operation_id = "changeScimUser", tag = "SCIM", params(("user_id" = MemberId, Path, description = "The user's id."), ShownParams),
    request_body(content = Value, content_type = "application/scim+json", example = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{ "op": "replace", "path": "active", "value": false }]
    })),
    responses(
        (status = 200, description = "The user.", body = Value, content_type = "application/scim+json"),
        (status = 400, description = "An operation can't be applied.", body = ScimErrorBody, content_type = "application/scim+json"),
        (status = 404, description = "There is no such user.", body = ScimErrorBody, content_type = "application/scim+json"),
        (status = 409, description = "The rules of members forbid it.", body = ScimErrorBody, content_type = "application/scim+json"),
        (status = 412, description = "It has changed since.", body = ScimErrorBody, content_type = "application/scim+json"),
    )
)]
async fn change(scim: ScimRequest, PathParams(id): PathParams<MemberId>, ScimBody(body): ScimBody<Patch>) -> Result<HttpResponse, Problem> {
    let wish = |before: &Value| ProvisionedUser::read(&apply(&USER, before, &body)?);
    let user = scim.directory.change_user(id, AbsentAttributes::IsUsual, scim.if_match.as_deref(), wish).await?;
    Ok(scim.answer(StatusCode::OK, &USER, user.resource(&scim.directory.base)))
}

/// Delete a user
///
/// The member is removed; what they owned passes to the directory's token (RFC 7644, section 3.6).
#[utoipa::path(
    delete, path = "/scim/v2/Users/{user_id}",
    operation_id = "deleteScimUser", tag = "SCIM", params(("user_id" = MemberId, Path, description = "The user's id.")),
    responses(
        (status = 204, description = "Deleted."),
        (status = 404, description = "There is no such user.", body = ScimErrorBody, content_type = "application/scim+json"),
        (status = 409, description = "The original user and the last admin stay, or Salesforce refused.", body = ScimErrorBody, content_type = "application/scim+json"),
        (status = 412, description = "It has changed since.", body = ScimErrorBody, content_type = "application/scim+json"),
    )
)]
async fn remove(
    request: HttpRequest,
    context: Context,
    caller: Authorized<Scim>,
    connections: Data<Connections>,
    PathParams(id): PathParams<MemberId>,
) -> Result<HttpResponse, Problem> {
    let directory = directory(context, caller.into_caller());
    directory.delete_user(&connections, id, header_of(&request, header::IF_MATCH).as_deref()).await?;
    Ok(HttpResponse::NoContent().finish())
}
