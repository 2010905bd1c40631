//! The OpenAPI 3.1 document: what every operation has in common is added here, once.

use utoipa::openapi::path::{HttpMethod, Operation, Parameter, ParameterIn};
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, ClientCredentials, Flow, HttpAuthScheme, HttpBuilder, OAuth2, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{ContentBuilder, Info, License, OpenApi, Ref, RefOr};

use super::gate::SESSION_COOKIE;
use super::problem::{InputFault, ProblemBody};
use crate::auth::permissions::{Access, RULES, Rule, Scope, rules_of};

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

/// Adds what every operation has in common: security, the answers of the gate, the problem body.
pub fn complete(document: &mut OpenApi) {
    let components = document.components.get_or_insert_default();
    components.schemas.insert("Problem".into(), <ProblemBody as utoipa::PartialSchema>::schema());
    components.schemas.insert("InputFault".into(), <InputFault as utoipa::PartialSchema>::schema());
    let scopes = utoipa::openapi::security::Scopes::from_iter(Scope::ALL.iter().map(|scope| (scope.as_str(), scope.as_str())));
    let flow = Flow::ClientCredentials(ClientCredentials::new("/oauth/token", scopes));
    components.add_security_scheme("oauth2", SecurityScheme::OAuth2(OAuth2::new([flow])));
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    let session = "A member's session. Methods other than GET want the header X-Requested-With beside it.";
    let session = ApiKeyValue::with_description(SESSION_COOKIE, session);
    components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(session)));

    for (path, item) in &mut document.paths.paths {
        let operations = [
            (HttpMethod::Get, &mut item.get),
            (HttpMethod::Post, &mut item.post),
            (HttpMethod::Put, &mut item.put),
            (HttpMethod::Patch, &mut item.patch),
            (HttpMethod::Delete, &mut item.delete),
        ];
        for (method, operation) in operations {
            if let Some(operation) = operation {
                let rule = rules_of(path).find(|rule| rule.method == method_name(&method));
                complete_operation(operation, rule, path.contains('{'));
            }
        }
    }
}

fn complete_operation(operation: &mut Operation, rule: Option<&Rule>, has_path_parameter: bool) {
    let scope = match rule.map(|rule| rule.access) {
        Some(Access::Operator(scope) | Access::Instance(scope)) => Some(scope),
        _ => None,
    };
    if let Some(scope) = scope {
        let nothing: [&str; 0] = [];
        let mut ways = vec![SecurityRequirement::new("oauth2", [scope.as_str()]), SecurityRequirement::new("bearer", nothing)];
        if matches!(rule.map(|rule| rule.access), Some(Access::Instance(_))) {
            ways.push(SecurityRequirement::new("session", nothing));
        }
        operation.security = Some(ways);
        add(operation, "401", "The access token is missing, wrong or expired.");
        add(operation, "403", "The caller lacks the scope, or its token is bound to no instance.");
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
    if has_path_parameter {
        add(operation, "404", "There is nothing of this name in the caller's instance.");
    }
    add(operation, "500", "A fault on our side; quote the request id.");
    add(operation, "503", "The service, its database or a vendor can't answer right now.");
}

fn add(operation: &mut Operation, status: &str, description: &str) {
    operation.responses.responses.entry(status.to_owned()).or_insert_with(|| RefOr::T(problem(description)));
}

fn problem(description: &str) -> Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    ResponseBuilder::new().description(description).content("application/problem+json", content).build()
}

fn method_name(method: &HttpMethod) -> &'static str {
    match method {
        HttpMethod::Get => "GET",
        HttpMethod::Post => "POST",
        HttpMethod::Put => "PUT",
        HttpMethod::Patch => "PATCH",
        HttpMethod::Delete => "DELETE",
        _ => "",
    }
}

/// Routes of the document that the permission table doesn't have: the service must not start with any.
#[must_use]
pub fn unlisted_routes(document: &OpenApi) -> Vec<String> {
    let mut missing = Vec::new();
    for (path, item) in &document.paths.paths {
        let operations = [("GET", &item.get), ("POST", &item.post), ("PUT", &item.put), ("PATCH", &item.patch), ("DELETE", &item.delete)];
        for (method, operation) in operations {
            if operation.is_some() && !RULES.iter().any(|rule| (rule.method, rule.path) == (method, path.as_str())) {
                missing.push(format!("{method} {path}"));
            }
        }
    }
    missing
}
