//! The OpenAPI 3.1 document: what every operation has in common is added here, once.

use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, ClientCredentials, Flow, HttpAuthScheme, HttpBuilder, OAuth2, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{ContentBuilder, Info, License, ObjectBuilder, OpenApi, Ref, RefOr, Required, Type};

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
    info.description = Some(include_str!("openapi.md").to_owned());
    let mut license = License::new("Apache-2.0");
    license.identifier = Some("Apache-2.0".to_owned());
    info.license = Some(license);
    document.info = info;
    document
}

/// Adds what every operation has in common: security, the answers of the middleware, the problem body.
pub fn complete(document: &mut OpenApi, routes: &RouteTable) {
    let components = document.components.get_or_insert_default();
    components.schemas.insert("Problem".into(), <ProblemBody as utoipa::PartialSchema>::schema());
    components.schemas.insert("ScimError".into(), <ScimErrorBody as utoipa::PartialSchema>::schema());
    components.schemas.insert("InputFault".into(), <ValidationError as utoipa::PartialSchema>::schema());
    let scopes = utoipa::openapi::security::Scopes::from_iter(Scope::ALL.iter().map(|scope| (scope.as_str(), scope.as_str())));
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
                let rule = routes.rule_of_operation(method, path);
                complete_operation(operation, rule, path.contains('{'));
                if scim_error::is_for(path) {
                    tell_as_scim(operation);
                }
            }
        }
    }
}

fn complete_operation(operation: &mut Operation, rule: Option<&RouteRule>, has_path_parameter: bool) {
    if let Some(scope) = rule.and_then(|rule| rule.access.scope()) {
        let nothing: [&str; 0] = [];
        let mut ways = vec![SecurityRequirement::new("oauth2", [scope.as_str()]), SecurityRequirement::new("bearer", nothing)];
        if matches!(rule.map(|rule| rule.access), Some(Access::Instance(_))) {
            ways.push(SecurityRequirement::new("session", nothing));
        }
        operation.security = Some(ways);
        add(operation, "401", "The access token is missing, wrong or expired.");
        add(operation, "403", "The caller lacks the scope, or its token is bound to no instance.");
        add(operation, "429", "Too many requests, or a vendor's quota is used up; `Retry-After` says when to ask again.");
    } else {
        operation.security = Some(Vec::new());
    }
    if operation.request_body.is_some() {
        add(operation, "400", "The body can't be read.");
        add(operation, "413", "The body is too large.");
        add(operation, "415", "The media type is not supported.");
        add(operation, "422", "Some values can't be used; every fault is listed.");
    }
    let in_query = |one: &RefOr<Parameter>| matches!(one, RefOr::T(parameter) if matches!(parameter.parameter_in, ParameterIn::Query));
    if operation.parameters.iter().flatten().any(in_query) {
        add(operation, "422", "Some values can't be used; every fault is listed.");
    }
    if rule.is_some_and(|rule| rule.is_idempotent) {
        operation.parameters.get_or_insert_default().push(RefOr::T(key_parameter()));
        add(operation, "409", "The first request with this key is under way, or was lost.");
        add(operation, "422", "The key can't be used, or came with another request.");
    }
    if has_path_parameter {
        add(operation, "400", "The path can't be read: it encodes what needs no encoding, or is broken.");
        add(operation, "404", "There is nothing of this name in the caller's instance.");
    }
    add(operation, "500", "A fault on our side; quote the request id.");
    add(operation, "503", "The service, its database or a vendor can't answer right now.");
    if operation.responses.responses.contains_key("default") {
        // The vendor answers with these statuses, too.
        for response in operation.responses.responses.values_mut() {
            if let RefOr::T(response) = response {
                response.content.entry("*/*".to_owned()).or_insert_with(|| RefOr::T(ContentBuilder::new().build()));
            }
        }
    }
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

/// Errors of SCIM have a form of their own, in which 422 is 400.
fn tell_as_scim(operation: &mut Operation) {
    let responses = &mut operation.responses.responses;
    if responses.remove("422").is_some() {
        responses.entry("400".to_owned()).or_insert_with(|| RefOr::T(problem("Some values can't be used; every fault is named.")));
    }
    for response in responses.values_mut() {
        if let RefOr::T(response) = response
            && response.content.shift_remove("application/problem+json").is_some()
        {
            let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("ScimError"))).build();
            response.content.insert("application/scim+json".to_owned(), RefOr::T(content));
        }
    }
}

fn add(operation: &mut Operation, status: &str, description: &str) {
    operation.responses.responses.entry(status.to_owned()).or_insert_with(|| RefOr::T(problem(description)));
}

fn problem(description: &str) -> Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    ResponseBuilder::new().description(description).content("application/problem+json", content).build()
}
