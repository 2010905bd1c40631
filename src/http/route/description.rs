//! What the routes say of themselves: the OpenAPI document and the table.

use utoipa::openapi::path::{HttpMethod, Parameter, ParameterIn, PathItem, PathsBuilder};
use utoipa::openapi::{Components, OpenApi, RefOr};

use super::table::RouteRule;

/// The document and the rules of the routes described so far.
#[derive(Default)]
pub struct ApiDescription {
    /// The OpenAPI document.
    pub document: OpenApi,
    /// The rules, in the order in which the routes were added.
    pub rules: Vec<RouteRule>,
}

impl std::fmt::Debug for ApiDescription {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("ApiDescription").field("rules", &self.rules).finish_non_exhaustive()
    }
}

impl ApiDescription {
    /// Adds the operation to the document, with the schemas it refers to, and its rule.
    pub(super) fn add_operation<P>(&mut self, mut rule: RouteRule)
    where
        P: utoipa::Path + utoipa::__dev::SchemaReferences + for<'t> utoipa::__dev::Tags<'t>,
    {
        let mut operation = P::operation();
        let tags = P::tags();
        if !tags.is_empty() {
            operation.tags.get_or_insert_default().extend(tags.into_iter().map(ToString::to_string));
        }
        let name_in_query = |parameter: &RefOr<Parameter>| match parameter {
            RefOr::T(parameter) if matches!(parameter.parameter_in, ParameterIn::Query) => Some(parameter.name.clone()),
            _ => None,
        };
        rule.query_parameters = operation.parameters.iter().flatten().filter_map(name_in_query).collect();
        let item = PathItem::new(method_of::<P>(), operation);
        self.document.paths.merge(PathsBuilder::new().path(rule.document_path(), item).build());
        let mut schemas = Vec::new();
        P::schemas(&mut schemas);
        self.document.components.get_or_insert_with(Components::new).schemas.extend(schemas);
        self.rules.push(rule);
    }
}

/// The method of a route: each has one.
pub(super) fn method_of<P: utoipa::Path>() -> HttpMethod {
    P::methods().pop().expect("`#[utoipa::path]` doesn't compile without a method")
}
