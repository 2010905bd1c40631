//! Lists of resources: filtered, page by page, with the attributes that were asked for (RFC 7644, sections 3.4.2 and 3.4.3).

use actix_web::HttpResponse;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use super::body::ScimBody;
use super::{MEDIA_TYPE, directory};
use crate::context::Context;
use crate::http::{Authorized, InstanceCaller, Problem, Routes, ScimErrorBody, route};
use crate::permissions::scope::Scim;
use crate::scim::discovery::MAX_RESULTS;
use crate::scim::protocol::filter;
use crate::scim::protocol::projection::Projection;
use crate::scim::protocol::schema::Schema;
use crate::scim::resources::{GROUP, USER};
use crate::scim::{ScimError, ScimRefusal};

/// Resources of a page unless told otherwise.
const USUAL_RESULTS: usize = 100;
/// Most characters of a list of attributes.
const MAX_NAMES_LENGTH: usize = 2000;
const SEARCH_REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.add(route!(search_all)).add(route!(search_users)).add(route!(search_groups));
}

/// What is asked of a list.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(super) struct ListParams {
    /// RFC 7644, section 3.4.2.2, such as `userName eq "sam@example.com"`.
    #[param(max_length = 2000)]
    pub filter: Option<String>,
    /// The first resource wanted, from 1.
    pub start_index: Option<i64>,
    /// Most resources wanted, 100 unless given; never more than 200 come.
    pub count: Option<i64>,
    /// Only these attributes, separated by commas.
    #[param(max_length = 2000)]
    pub attributes: Option<String>,
    /// All but these attributes, separated by commas.
    #[param(max_length = 2000)]
    pub excluded_attributes: Option<String>,
}

/// Which attributes an answer holds.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(super) struct ShownParams {
    /// Only these attributes, separated by commas.
    #[param(max_length = 2000)]
    pub attributes: Option<String>,
    /// All but these attributes, separated by commas.
    #[param(max_length = 2000)]
    pub excluded_attributes: Option<String>,
}

impl ShownParams {
    pub(super) fn projection(&self) -> Result<Projection, ScimError> {
        projection(self.attributes.as_deref(), self.excluded_attributes.as_deref())
    }
}

fn projection(attributes: Option<&str>, excluded: Option<&str>) -> Result<Projection, ScimError> {
    if [attributes, excluded].into_iter().flatten().any(|names| names.chars().count() > MAX_NAMES_LENGTH) {
        return Err(
            ScimRefusal::InvalidValue(format!("attributes and excludedAttributes have at most {MAX_NAMES_LENGTH} characters")).into()
        );
    }
    Ok(Projection::from_attributes(attributes.unwrap_or_default().split(','), excluded.unwrap_or_default().split(','))?)
}

/// A list response.
pub(super) fn list_of(total: usize, start: usize, resources: Vec<Value>) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": total, "startIndex": start, "itemsPerPage": resources.len(), "Resources": resources,
    })
}

/// The page of the resources of these kinds that was asked for.
pub(super) fn page(
    kinds: &[&'static Schema],
    resources: Vec<(&'static Schema, Value)>,
    asked: &ListParams,
) -> Result<HttpResponse, ScimError> {
    let projection = projection(asked.attributes.as_deref(), asked.excluded_attributes.as_deref())?;
    let mut chosen = resources;
    if let Some(text) = asked.filter.as_deref().filter(|text| !text.trim().is_empty()) {
        let filter = filter::parse(text)?;
        // An error of the filter is told even when there is nothing to filter.
        filter::passes(kinds, &Value::Null, &filter)?;
        let mut passing = Vec::new();
        for (schema, resource) in chosen {
            let others = kinds.iter().copied().filter(|kind| kind.id != schema.id);
            let schemas: Vec<_> = std::iter::once(schema).chain(others).collect();
            if filter::passes(&schemas, &resource, &filter)? {
                passing.push((schema, resource));
            }
        }
        chosen = passing;
    }
    let total = chosen.len();
    let start = usize::try_from(asked.start_index.unwrap_or(1).max(1)).unwrap_or(usize::MAX);
    let count = asked.count.map_or(USUAL_RESULTS, |count| usize::try_from(count.max(0)).unwrap_or(usize::MAX)).min(MAX_RESULTS);
    let page: Vec<_> =
        chosen.into_iter().skip(start - 1).take(count).map(|(schema, resource)| projection.of_resource(schema, resource)).collect();
    Ok(HttpResponse::Ok().content_type(MEDIA_TYPE).body(list_of(total, start, page).to_string()))
}

/// The body of a search: what a list is asked in its query.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
struct ScimSearch {
    /// Names `urn:ietf:params:scim:api:messages:2.0:SearchRequest`.
    schemas: Vec<String>,
    #[schema(max_length = 2000)]
    filter: Option<String>,
    start_index: Option<i64>,
    count: Option<i64>,
    #[serde(default, deserialize_with = "names")]
    attributes: Vec<String>,
    #[serde(default, deserialize_with = "names")]
    excluded_attributes: Vec<String>,
}

fn names<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<String>, D::Error> {
    Ok(Option::<Vec<String>>::deserialize(input)?.unwrap_or_default())
}

impl ScimSearch {
    fn read(self) -> Result<ListParams, ScimError> {
        if !self.schemas.iter().any(|one| one.eq_ignore_ascii_case(SEARCH_REQUEST)) {
            return Err(ScimRefusal::InvalidSyntax(format!("schemas must name {SEARCH_REQUEST}")).into());
        }
        let joined = |names: Vec<String>| Some(names.join(",")).filter(|text| !text.is_empty());
        Ok(ListParams {
            filter: self.filter,
            start_index: self.start_index,
            count: self.count,
            attributes: joined(self.attributes),
            excluded_attributes: joined(self.excluded_attributes),
        })
    }
}

async fn find_resources(
    context: Context,
    caller: InstanceCaller,
    search: ScimSearch,
    kinds: &[&'static Schema],
) -> Result<HttpResponse, Problem> {
    let asked = search.read()?;
    let directory = directory(context, caller);
    let mut resources = Vec::new();
    if kinds.contains(&&USER) {
        resources.extend(directory.users().await?.iter().map(|user| (&USER, user.resource(&directory.base))));
    }
    if kinds.contains(&&GROUP) {
        resources.extend(directory.groups().await?.iter().map(|group| (&GROUP, group.resource(&directory.base))));
    }
    Ok(page(kinds, resources, &asked)?)
}

/// Search users and groups
///
/// RFC 7644, section 3.4.3.
#[utoipa::path(
    post, path = "/scim/v2/.search",
    operation_id = "searchScim", tag = "SCIM", request_body(content = ScimSearch, content_type = "application/scim+json"),
    responses(
        (status = 200, description = "A page.", body = Value, content_type = "application/scim+json"),
        (status = 400, description = "The request can't be used.", body = ScimErrorBody, content_type = "application/scim+json"),
    )
)]
async fn search_all(context: Context, caller: Authorized<Scim>, ScimBody(search): ScimBody<ScimSearch>) -> Result<HttpResponse, Problem> {
    find_resources(context, caller.into_caller(), search, &[&USER, &GROUP]).await
}

/// Search users
#[utoipa::path(
    post, path = "/scim/v2/Users/.search",
    operation_id = "searchScimUsers", tag = "SCIM", request_body(content = ScimSearch, content_type = "application/scim+json"),
    responses(
        (status = 200, description = "A page.", body = Value, content_type = "application/scim+json"),
        (status = 400, description = "The request can't be used.", body = ScimErrorBody, content_type = "application/scim+json"),
    )
)]
async fn search_users(context: Context, caller: Authorized<Scim>, ScimBody(search): ScimBody<ScimSearch>) -> Result<HttpResponse, Problem> {
    find_resources(context, caller.into_caller(), search, &[&USER]).await
}

/// Search groups
#[utoipa::path(
    post, path = "/scim/v2/Groups/.search",
    operation_id = "searchScimGroups", tag = "SCIM", request_body(content = ScimSearch, content_type = "application/scim+json"),
    responses(
        (status = 200, description = "A page.", body = Value, content_type = "application/scim+json"),
        (status = 400, description = "The request can't be used.", body = ScimErrorBody, content_type = "application/scim+json"),
    )
)]
async fn search_groups(
    context: Context,
    caller: Authorized<Scim>,
    ScimBody(search): ScimBody<ScimSearch>,
) -> Result<HttpResponse, Problem> {
    find_resources(context, caller.into_caller(), search, &[&GROUP]).await
}
