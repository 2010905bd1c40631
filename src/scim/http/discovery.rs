//! What a directory asks first (RFC 7644, section 4).

use actix_web::{HttpRequest, HttpResponse};
use serde_json::Value;

use super::MEDIA_TYPE;
use super::listing::list_of;
use crate::context::Context;
use crate::http::{AuthorizedInstance, Code, PathParams, Problem, Routes, SCIM_ROOT, ScimErrorBody, route};
use crate::permissions::scope::Scim;
use crate::scim::ScimError;
use crate::scim::discovery::{resource_types, schemas, service_provider_config};

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.add(route!(read_config));
    routes.add(route!(list_resource_types)).add(route!(read_resource_type)).add(route!(list_schemas)).add(route!(read_schema));
}

fn document(value: &Value) -> HttpResponse {
    HttpResponse::Ok().content_type(MEDIA_TYPE).body(value.to_string())
}

/// All of them, whatever sorting and paging is asked for; filters are to be refused with 403 (RFC 7644, section 4).
fn all(request: &HttpRequest, documents: Vec<(&'static str, Value)>) -> Result<HttpResponse, Problem> {
    if request.query_string().split('&').any(|pair| pair == "filter" || pair.starts_with("filter=")) {
        return Err(Problem::new(Code::Forbidden, "This list can't be filtered; ask for all of it."));
    }
    let documents: Vec<_> = documents.into_iter().map(|(_, document)| document).collect();
    Ok(document(&list_of(documents.len(), 1, documents)))
}

fn find_document(documents: Vec<(&'static str, Value)>, wanted: &str) -> Result<HttpResponse, Problem> {
    let found = documents.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
    Ok(found.map(|(_, found)| document(&found)).ok_or(ScimError::NotFound)?)
}

/// What this SCIM service can do
///
/// RFC 7643, section 5.
#[utoipa::path(
    get, path = "/scim/v2/ServiceProviderConfig", operation_id = "getScimServiceProviderConfig", tag = "SCIM",
    responses((status = 200, description = "The configuration.", body = Value, content_type = "application/scim+json", example = json!({ "patch": { "supported": true } })))
)]
async fn read_config(_: AuthorizedInstance<Scim>, context: Context) -> HttpResponse {
    document(&service_provider_config(&context.public_url.join(SCIM_ROOT)))
}

/// Kinds of resource
///
/// RFC 7643, section 6.
#[utoipa::path(
    get, path = "/scim/v2/ResourceTypes", operation_id = "listScimResourceTypes", tag = "SCIM",
    responses((status = 200, description = "User and Group.", body = Value, content_type = "application/scim+json"))
)]
async fn list_resource_types(_: AuthorizedInstance<Scim>, request: HttpRequest, context: Context) -> Result<HttpResponse, Problem> {
    all(&request, resource_types(&context.public_url.join(SCIM_ROOT)))
}

/// A kind of resource
#[utoipa::path(
    get, path = "/scim/v2/ResourceTypes/{name}", operation_id = "getScimResourceType", tag = "SCIM",
    params(("name" = String, Path, description = "User or Group.")),
    responses(
        (status = 200, description = "The kind.", body = Value, content_type = "application/scim+json"),
        (status = 404, description = "There is no such kind.", body = ScimErrorBody, content_type = "application/scim+json"),
    )
)]
async fn read_resource_type(
    _: AuthorizedInstance<Scim>,
    context: Context,
    PathParams(name): PathParams<String>,
) -> Result<HttpResponse, Problem> {
    find_document(resource_types(&context.public_url.join(SCIM_ROOT)), &name)
}

/// Schemas
///
/// RFC 7643, section 7: the attributes of users and groups.
#[utoipa::path(
    get, path = "/scim/v2/Schemas", operation_id = "listScimSchemas", tag = "SCIM",
    responses((status = 200, description = "The schemas.", body = Value, content_type = "application/scim+json"))
)]
async fn list_schemas(_: AuthorizedInstance<Scim>, request: HttpRequest, context: Context) -> Result<HttpResponse, Problem> {
    all(&request, schemas(&context.public_url.join(SCIM_ROOT)))
}

/// A schema
#[utoipa::path(
    get, path = "/scim/v2/Schemas/{uri}", operation_id = "getScimSchema", tag = "SCIM",
    params(("uri" = String, Path, description = "The schema's URI.")),
    responses(
        (status = 200, description = "The schema.", body = Value, content_type = "application/scim+json"),
        (status = 404, description = "There is no such schema.", body = ScimErrorBody, content_type = "application/scim+json"),
    )
)]
async fn read_schema(_: AuthorizedInstance<Scim>, context: Context, PathParams(uri): PathParams<String>) -> Result<HttpResponse, Problem> {
    find_document(schemas(&context.public_url.join(SCIM_ROOT)), &uri)
}
