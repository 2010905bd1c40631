//! Problems in the form that SCIM asks for (RFC 7644, section 3.12).

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::HeaderValue;
use serde::Serialize;

use super::{Code, Problem, ValidationError};

/// Where SCIM is; its clients know no problem documents.
pub const SCIM_ROOT: &str = "/scim/v2";

/// Errors that one text names.
const MAX_ERRORS: usize = 20;

/// The body of every error answer of SCIM. The request id is in the header `X-Request-Id`.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ScimError)]
#[serde(rename_all = "camelCase")]
pub struct ScimErrorBody {
    /// `urn:ietf:params:scim:api:messages:2.0:Error`.
    schemas: [&'static str; 1],
    /// The HTTP status, as a text.
    status: String,
    /// Which of SCIM's kinds of error it is, if one fits.
    #[serde(skip_serializing_if = "Option::is_none")]
    scim_type: Option<&'static str>,
    /// What happened this time and what to do.
    detail: String,
}

/// Whether errors at this path are told in SCIM's form.
pub(super) fn is_for(path: &str) -> bool {
    path.strip_prefix(SCIM_ROOT).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The status of the answer with this problem.
pub(super) fn status_of(problem: &Problem) -> StatusCode {
    let status = problem.code().status();
    // The keywords but one belong to 400, and SCIM has no other status for input that can't be used.
    let is_bad_request = kind_of(problem).is_some_and(|kind| kind != "uniqueness");
    if is_bad_request || status == StatusCode::UNPROCESSABLE_ENTITY { StatusCode::BAD_REQUEST } else { status }
}

/// The answer to a request of SCIM that failed.
pub(super) fn respond(problem: &Problem) -> HttpResponse {
    let status = status_of(problem);
    let mut answer = HttpResponse::build(status);
    for (name, value) in problem.headers() {
        if let Ok(value) = HeaderValue::from_str(value) {
            answer.insert_header((name.clone(), value));
        }
    }
    let body = ScimErrorBody {
        schemas: ["urn:ietf:params:scim:api:messages:2.0:Error"],
        status: status.as_u16().to_string(),
        scim_type: kind_of(problem),
        detail: detail_of(problem),
    };
    answer.content_type("application/scim+json").json(body)
}

/// What happened, with every error of the input, for which SCIM has no place of its own.
fn detail_of(problem: &Problem) -> String {
    let to_text = |error: &ValidationError| match error.pointer.as_str() {
        "" => error.detail.clone(),
        pointer => format!("{pointer}: {}", error.detail),
    };
    let mut errors: Vec<_> = problem.errors().iter().take(MAX_ERRORS).map(to_text).collect();
    let more = problem.errors().len() - errors.len() + problem.more_errors();
    if more > 0 {
        errors.push(format!("and {more} more"));
    }
    if errors.is_empty() { problem.detail().to_owned() } else { errors.join("; ") }
}

/// The detail error keyword (RFC 7644, table 9).
fn kind_of(problem: &Problem) -> Option<&'static str> {
    match problem.code() {
        Code::ScimInvalidFilter => Some("invalidFilter"),
        Code::ScimInvalidPath => Some("invalidPath"),
        Code::ScimNoTarget => Some("noTarget"),
        Code::InvalidInput if problem.errors().iter().all(|error| error.pointer.starts_with('#')) => Some("invalidValue"),
        Code::ScimInvalidValue => Some("invalidValue"),
        Code::ScimInvalidSyntax | Code::MalformedRequest | Code::InvalidInput => Some("invalidSyntax"),
        Code::ScimMutability | Code::EveryoneTeamProtected => Some("mutability"),
        Code::ScimUserNameTaken | Code::AlreadyMember | Code::EmailTaken | Code::TeamExists => Some("uniqueness"),
        _ => None,
    }
}
