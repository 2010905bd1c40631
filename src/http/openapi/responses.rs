//! The error answers that operations have in common, each described once in `components.responses`, and the headers of all answers.

use serde_json::{Map, Value, json};
use utoipa::openapi::path::Operation;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};

/// An answer of the middleware or of the extractors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CommonResponse {
    MalformedRequest,
    Unauthorized,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    IdempotencyConflict,
    BodyTooLarge,
    UnsupportedMediaType,
    InvalidInput,
    TooManyRequests,
    InternalError,
    Unavailable,
}

impl CommonResponse {
    const ALL: [Self; 12] = [
        Self::MalformedRequest,
        Self::Unauthorized,
        Self::Forbidden,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::IdempotencyConflict,
        Self::BodyTooLarge,
        Self::UnsupportedMediaType,
        Self::InvalidInput,
        Self::TooManyRequests,
        Self::InternalError,
        Self::Unavailable,
    ];

    fn status(self) -> &'static str {
        match self {
            Self::MalformedRequest => "400",
            Self::Unauthorized => "401",
            Self::Forbidden => "403",
            Self::NotFound => "404",
            Self::MethodNotAllowed => "405",
            Self::IdempotencyConflict => "409",
            Self::BodyTooLarge => "413",
            Self::UnsupportedMediaType => "415",
            Self::InvalidInput => "422",
            Self::TooManyRequests => "429",
            Self::InternalError => "500",
            Self::Unavailable => "503",
        }
    }

    fn description(self) -> &'static str {
        match self {
            Self::MalformedRequest => "The body, the path or a header isn't well-formed.",
            Self::Unauthorized => "The access token or session is missing, wrong or expired.",
            Self::Forbidden => "The caller lacks the scope, or its token is bound to no instance.",
            Self::NotFound => "The caller's instance has no such resource.",
            Self::MethodNotAllowed => "The address exists, but not with this method; `Allow` lists those it has.",
            Self::IdempotencyConflict => "The first request with this idempotency key is being carried out, or was cut short.",
            Self::BodyTooLarge => "The body is too large.",
            Self::UnsupportedMediaType => "The media type is not supported.",
            Self::InvalidInput => "Some values can't be used; `errors` lists every one.",
            Self::TooManyRequests => "Too many requests, or a vendor's quota is used up; `Retry-After` says when to ask again.",
            Self::InternalError => "The service failed; quote the request id.",
            Self::Unavailable => "The service, its database or a vendor can't answer right now.",
        }
    }

    /// Headers beside `X-Request-Id`.
    fn headers(self) -> &'static [&'static str] {
        match self {
            Self::Unauthorized | Self::Forbidden => &["WWW-Authenticate"],
            Self::MethodNotAllowed => &["Allow"],
            Self::IdempotencyConflict | Self::TooManyRequests | Self::Unavailable => &["Retry-After"],
            _ => &[],
        }
    }

    fn component(self, form: ErrorForm) -> String {
        let prefix = if form == ErrorForm::Scim { "Scim" } else { "" };
        format!("{prefix}{self:?}")
    }
}

/// In which form an operation tells of errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ErrorForm {
    /// Problem documents (RFC 9457).
    Problem,
    /// Those of RFC 7644, section 3.12, in which 422 is 400.
    Scim,
    /// Problem documents, unless the answer is the vendor's, which has these statuses, too.
    ProblemOrVendor,
}

impl ErrorForm {
    pub(super) fn of_operation(operation: &Operation, is_scim: bool) -> Self {
        if is_scim {
            Self::Scim
        } else if operation.responses.responses.contains_key("default") {
            Self::ProblemOrVendor
        } else {
            Self::Problem
        }
    }

    /// Adds those of `common` for whose status the operation has no answer of its own.
    pub(super) fn add(self, operation: &mut Operation, common: &[CommonResponse]) {
        let responses = &mut operation.responses.responses;
        for response in common {
            let response = match (self, response) {
                (Self::Scim, CommonResponse::InvalidInput) => CommonResponse::MalformedRequest,
                _ => *response,
            };
            let described = || match self {
                Self::ProblemOrVendor => RefOr::T(problem(response.description())),
                Self::Problem | Self::Scim => RefOr::Ref(Ref::new(format!("#/components/responses/{}", response.component(self)))),
            };
            responses.entry(response.status().to_owned()).or_insert_with(described);
        }
        for response in responses.values_mut() {
            let RefOr::T(response) = response else { continue };
            match self {
                Self::Problem => {}
                Self::Scim => {
                    if response.content.shift_remove("application/problem+json").is_some() {
                        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("ScimError"))).build();
                        response.content.insert("application/scim+json".to_owned(), RefOr::T(content));
                    }
                }
                Self::ProblemOrVendor => {
                    response.content.entry("*/*".to_owned()).or_insert_with(|| RefOr::T(ContentBuilder::new().build()));
                }
            }
        }
    }
}

fn problem(description: &str) -> Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    ResponseBuilder::new().description(description).content("application/problem+json", content).build()
}

/// The headers of answers: name, description, schema.
fn headers() -> [(&'static str, &'static str, Value); 4] {
    let text = json!({ "type": "string" });
    [
        ("X-Request-Id", "Quote this when asking for help; every log line of the request has it.", text.clone()),
        ("Retry-After", "When to ask again, in seconds (RFC 9110, section 10.2.3).", json!({ "type": "integer", "minimum": 0 })),
        ("WWW-Authenticate", "How to authenticate, and which scope is missing (RFC 6750, section 3).", text.clone()),
        ("Allow", "The methods that the address has (RFC 9110, section 10.2.1).", text),
    ]
}

fn header_references<'a>(names: impl IntoIterator<Item = &'a str>) -> Map<String, Value> {
    names.into_iter().map(|name| (name.to_owned(), json!({ "$ref": format!("#/components/headers/{name}") }))).collect()
}

/// Describes the common answers and the headers, and gives `X-Request-Id` to every answer.
pub(super) fn add_components(document: &mut Value) {
    let mut responses = Map::new();
    for form in [ErrorForm::Problem, ErrorForm::Scim] {
        let (media_type, schema) = match form {
            ErrorForm::Scim => ("application/scim+json", "ScimError"),
            ErrorForm::Problem | ErrorForm::ProblemOrVendor => ("application/problem+json", "Problem"),
        };
        for response in CommonResponse::ALL {
            let described = json!({
                "description": response.description(),
                "headers": header_references(["X-Request-Id"].into_iter().chain(response.headers().iter().copied())),
                "content": { media_type: { "schema": { "$ref": format!("#/components/schemas/{schema}") } } },
            });
            responses.insert(response.component(form), described);
        }
    }
    let used = document["paths"].to_string();
    responses.retain(|name, _| used.contains(&format!("\"#/components/responses/{name}\"")));
    document["components"]["responses"] = Value::Object(responses);
    let described = headers().map(|(name, description, schema)| (name.to_owned(), json!({ "description": description, "schema": schema })));
    document["components"]["headers"] = Value::Object(described.into_iter().collect());
    for operation in operations(document) {
        let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) else { continue };
        for response in responses.values_mut().filter_map(Value::as_object_mut).filter(|response| !response.contains_key("$ref")) {
            let headers = response.entry("headers").or_insert_with(|| json!({}));
            headers["X-Request-Id"] = json!({ "$ref": "#/components/headers/X-Request-Id" });
        }
    }
}

/// Every operation of the document.
pub(super) fn operations(document: &mut Value) -> impl Iterator<Item = &mut Value> {
    let items = document["paths"].as_object_mut().into_iter().flat_map(|paths| paths.values_mut());
    items
        .filter_map(Value::as_object_mut)
        .flat_map(|item| item.iter_mut().filter(|(key, _)| *key != "parameters").map(|(_, operation)| operation))
}
