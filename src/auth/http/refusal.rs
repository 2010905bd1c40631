use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use serde::Serialize;

use crate::auth::AuthError;
use crate::http::{Problem, excerpt};

/// Longest description of a refusal, in characters.
const MAX_DESCRIPTION_LENGTH: usize = 1000;

/// Why a request is refused.
#[derive(Debug)]
pub(super) enum TokenRequestError {
    Auth(AuthError),
    /// What was presented is not good for a token; the problem's code says why.
    NotGranted(Problem),
}

impl From<AuthError> for TokenRequestError {
    fn from(error: AuthError) -> Self {
        Self::Auth(error)
    }
}

impl From<Problem> for TokenRequestError {
    fn from(problem: Problem) -> Self {
        Self::NotGranted(problem)
    }
}

/// What the endpoints of the authorization server answer when they refuse (RFC 6749, section 5.2).
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = TokenError)]
pub(super) struct TokenErrorBody {
    /// `invalid_request`, `invalid_client`, `invalid_grant`, `unsupported_grant_type`, `invalid_scope`, `invalid_target`, or
    /// `temporarily_unavailable` with status 429.
    error: &'static str,
    /// What is wrong, for people.
    error_description: String,
    /// Stable name of the reason, where `error` names several.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
}

/// The answer to a refused request: in the form of RFC 6749, section 5.2, or a problem when the fault is not the client's.
pub(super) fn refuse(refusal: impl Into<TokenRequestError>) -> Result<HttpResponse, Problem> {
    let error = match refusal.into() {
        TokenRequestError::Auth(error) => error,
        TokenRequestError::NotGranted(problem) if problem.code().status().is_client_error() => {
            let body = TokenErrorBody {
                error: "invalid_grant",
                error_description: problem.detail().to_owned(),
                code: Some(problem.code().as_str()),
            };
            return Ok(HttpResponse::BadRequest().insert_header((header::CACHE_CONTROL, "no-store")).json(body));
        }
        TokenRequestError::NotGranted(problem) => return Err(problem),
    };
    let (status, name) = match &error {
        AuthError::InvalidClient => (StatusCode::UNAUTHORIZED, "invalid_client"),
        // Section 5.2 has no name for it; this is the one of section 4.1.2.1 for what passes by itself.
        AuthError::TooManyRequests { .. } => (StatusCode::TOO_MANY_REQUESTS, "temporarily_unavailable"),
        AuthError::NotYours | AuthError::BadAssertion(_) => (StatusCode::BAD_REQUEST, "invalid_grant"),
        AuthError::UnsupportedGrantType(_) => (StatusCode::BAD_REQUEST, "unsupported_grant_type"),
        AuthError::InvalidRequest(_) => (StatusCode::BAD_REQUEST, "invalid_request"),
        AuthError::InvalidScope(_) => (StatusCode::BAD_REQUEST, "invalid_scope"),
        AuthError::InvalidTarget(_) => (StatusCode::BAD_REQUEST, "invalid_target"),
        _ => return Err(error.into()),
    };
    let mut answer = HttpResponse::build(status);
    if status == StatusCode::UNAUTHORIZED {
        answer.insert_header((header::WWW_AUTHENTICATE, "Basic realm=\"msi-actions\""));
    }
    if let AuthError::TooManyRequests { retry_after_seconds } = &error {
        answer.insert_header((header::RETRY_AFTER, retry_after_seconds.to_string()));
    }
    answer.insert_header((header::CACHE_CONTROL, "no-store"));
    // A name of the caller's may be in it.
    let error_description = excerpt(&error.to_string(), MAX_DESCRIPTION_LENGTH).into_owned();
    Ok(answer.json(TokenErrorBody { error: name, error_description, code: None }))
}
