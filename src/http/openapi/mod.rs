//! The OpenAPI 3.1 document: what every operation has in common is added here, once, and what generators need is put in order.

mod responses;
mod schemas;
mod tags;

use serde_json::Value;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, ClientCredentials, Flow, HttpAuthScheme, HttpBuilder, OAuth2, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{ContactBuilder, Info, License, ObjectBuilder, OpenApi, RefOr, Required, Server, Type};

use self::responses::{CommonResponse, ErrorForm};
use super::browser::{HOST_SESSION_COOKIE, SESSION_COOKIE};
use super::idempotency::{IDEMPOTENCY_KEY, MAX_KEY_LENGTH};
use super::problem::{ProblemBody, ValidationError};
use super::route::{RouteRule, RouteTable};
use super::scim_error::{self, ScimErrorBody};
use crate::permissions::{Access, Scope};

/// The document before any route is added.
#[must_use]
pub fn base() -> OpenApi {
    let mut document = OpenApi::default();
    let mut info = Info::new("MSI Actions", env!("CARGO_PKG_VERSION"));
    info.description = Some(include_str!("description.md").to_owned());
    info.contact = Some(ContactBuilder::new().name(Some("The operator of this service")).build());
    let mut license = License::new("Apache-2.0");
    license.identifier = Some("Apache-2.0".to_owned());
    info.license = Some(license);
    document.info = info;
    let mut server = Server::new("/");
    server.description = Some("The service that serves this document.".to_owned());
    document.servers = Some(vec![server]);
    document.tags = Some(tags::in_order());
    document
}

/// Adds what every operation has in common: security, the answers of the middleware, the problem body. Then names every schema, so
/// that generators have a name for each type.
///
/// # Errors
/// When the document can't be written as JSON, which would be a mistake in a schema.
pub fn complete(mut document: OpenApi, routes: &RouteTable) -> Result<Value, serde_json::Error> {
    let components = document.components.get_or_insert_default();
    components.schemas.insert("Problem".into(), <ProblemBody as utoipa::PartialSchema>::schema());
    components.schemas.insert("ScimError".into(), <ScimErrorBody as utoipa::PartialSchema>::schema());
    components.schemas.insert("ValidationError".into(), <ValidationError as utoipa::PartialSchema>::schema());
    add_security_schemes(components);
    for (path, item) in &mut document.paths.paths {
        let operations = [
            ("GET", &mut item.get),
            ("HEAD", &mut item.head),
            ("POST", &mut item.post),
            ("PUT", &mut item.put),
            ("PATCH", &mut item.patch),
            ("DELETE", &mut item.delete),
        ];
        for (method, operation) in operations {
            if let Some(operation) = operation {
                complete_operation(operation, routes.rule_of_operation(method, path), path);
            }
        }
    }
    let mut document = serde_json::to_value(document)?;
    responses::add_components(&mut document);
    schemas::name_all(&mut document);
    Ok(document)
}

fn add_security_schemes(components: &mut utoipa::openapi::Components) {
    let scopes = utoipa::openapi::security::Scopes::from_iter(Scope::ALL.iter().map(|scope| (scope.as_str(), scope.description())));
    let flow = Flow::ClientCredentials(ClientCredentials::new("/oauth/token", scopes));
    components.add_security_scheme("oauth2", SecurityScheme::OAuth2(OAuth2::new([flow])));
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    let session = format!(
        "A member's session. Methods other than GET want the header X-Requested-With beside it. Over TLS the cookie's name is \
         {HOST_SESSION_COOKIE}, and no other is taken."
    );
    let session = ApiKeyValue::with_description(SESSION_COOKIE, session.as_str());
    components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(session)));
}

fn complete_operation(operation: &mut Operation, rule: Option<&RouteRule>, path: &str) {
    use CommonResponse::*;
    let form = ErrorForm::of_operation(operation, scim_error::is_for(path));
    let mut common = Vec::new();
    if let Some(scope) = rule.and_then(|rule| rule.access.scope()) {
        let nothing: [&str; 0] = [];
        let mut ways = vec![SecurityRequirement::new("oauth2", [scope.as_str()]), SecurityRequirement::new("bearer", nothing)];
        if matches!(rule.map(|rule| rule.access), Some(Access::Instance(_))) {
            ways.push(SecurityRequirement::new("session", nothing));
        }
        operation.security = Some(ways);
        common.extend([Unauthorized, Forbidden, TooManyRequests]);
    } else {
        operation.security = Some(Vec::new());
    }
    if operation.request_body.is_some() {
        common.extend([MalformedRequest, BodyTooLarge, UnsupportedMediaType, InvalidInput]);
    }
    if rule.is_some_and(|rule| !rule.query_parameters.is_empty()) {
        common.push(InvalidInput);
    }
    if rule.is_some_and(|rule| rule.is_idempotent) {
        operation.parameters.get_or_insert_default().push(RefOr::T(key_parameter()));
        common.extend([IdempotencyConflict, InvalidInput]);
    }
    if path.contains('{') {
        common.extend([MalformedRequest, NotFound]);
    }
    common.extend([MethodNotAllowed, InternalError, Unavailable]);
    form.add(operation, &common);
}

fn key_parameter() -> Parameter {
    let key =
        ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(MAX_KEY_LENGTH)).pattern(Some("^[!#-~]+$"));
    ParameterBuilder::new()
        .name(IDEMPOTENCY_KEY)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some("A text of your own making, such as a UUID. A repeat with the same key within a day gets the first answer."))
        .schema(Some(key))
        .build()
}
