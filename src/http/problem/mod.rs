//! The one table from error to HTTP: every code a caller can meet, with its status and title. Features name a code through
//! [`AsProblem`]; the answer is a problem document (RFC 9457) with the request id.

mod codes;

use std::borrow::Cow;

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpResponse, HttpResponseBuilder, ResponseError};
use serde::Serialize;

pub use codes::Code;

use super::excerpt;
use crate::telemetry::error_chain;

/// Longest text of a problem, in characters: what happened and what to do, with a name or a value of the caller's in it.
const MAX_DETAIL: usize = 1000;
/// Longest text of one error, and longest pointer to it.
const MAX_ERROR: usize = 500;
const MAX_POINTER: usize = 200;
/// Errors that one answer lists.
const MAX_ERRORS: usize = 100;

/// One error of the input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ValidationError {
    /// JSON pointer (RFC 6901) into the body, or `#query/NAME`, `#path/NAME`, `#header/NAME`.
    pub pointer: String,
    /// Stable name of the error.
    pub code: String,
    /// What is wrong and what would be accepted.
    pub detail: String,
}

impl ValidationError {
    /// An error at `pointer`. Both texts may hold what the caller sent; they are cut to what an answer repeats of it.
    pub fn new(pointer: impl Into<String>, code: &str, detail: impl Into<String>) -> Self {
        let (pointer, detail) = (bounded(pointer.into(), MAX_POINTER), bounded(detail.into(), MAX_ERROR));
        Self { pointer, code: code.to_owned(), detail }
    }
}

/// `text`, cut to what an answer repeats of a caller's text.
fn bounded(text: String, longest: usize) -> String {
    match excerpt(&text, longest) {
        Cow::Borrowed(_) => text,
        Cow::Owned(cut) => cut,
    }
}

/// The body of every error answer, media type `application/problem+json` (RFC 9457).
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody {
    /// Identifies the kind of problem, and leads to what it means and what to do: `/problems/CODE` of this service.
    #[schema(example = "/problems/invalid_input")]
    pub r#type: String,
    /// The same for every problem of this kind.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened this time and what to do.
    pub detail: String,
    /// Stable name of the problem; branch on this.
    #[schema(example = "invalid_input")]
    pub code: String,
    /// Quote this when asking for help; every log line of the request has it.
    pub request_id: String,
    /// Every error of the input, up to 100.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<ValidationError>,
    /// How many more errors there are than `errors` lists, if there are more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub more_errors: Option<usize>,
    /// Address of what stands in the way or of what to do next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
}

/// What goes back when a request fails.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}: {detail}", code.as_str())]
pub struct Problem {
    code: Code,
    detail: String,
    errors: Vec<ValidationError>,
    more_errors: usize,
    link: Option<String>,
    headers: Vec<(HeaderName, String)>,
}

impl Problem {
    /// A problem of this kind; `detail` says what happened and what to do. It may hold what the caller sent, and is cut to what an
    /// answer repeats of it.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        let detail = bounded(detail.into(), MAX_DETAIL);
        Self { code, detail, errors: Vec::new(), more_errors: 0, link: None, headers: Vec::new() }
    }

    /// Input that can't be used, with every error.
    #[must_use]
    pub fn invalid(errors: Vec<ValidationError>) -> Self {
        let detail = match errors.as_slice() {
            [one] => one.detail.clone(),
            many if many.len() > MAX_ERRORS => {
                format!(
                    "{} values can't be used; errors lists the first {MAX_ERRORS}, {} more follow.",
                    many.len(),
                    many.len() - MAX_ERRORS
                )
            }
            many => format!("{} values can't be used; see errors.", many.len()),
        };
        Self::new(Code::InvalidInput, detail).with_errors(errors)
    }

    /// Adds what is wrong, one by one. Of very many errors the first are listed, and the others counted.
    #[must_use]
    pub fn with_errors(mut self, mut errors: Vec<ValidationError>) -> Self {
        self.more_errors = errors.len().saturating_sub(MAX_ERRORS);
        errors.truncate(MAX_ERRORS);
        self.errors = errors;
        self
    }

    /// Adds the address of what stands in the way.
    #[must_use]
    pub fn with_link(mut self, link: impl Into<String>) -> Self {
        self.link = Some(link.into());
        self
    }

    /// Adds a header to the answer.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The kind of problem.
    #[must_use]
    pub fn code(&self) -> Code {
        self.code
    }

    /// What happened this time.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// Errors of the input, the first of them when there are very many.
    #[must_use]
    pub fn errors(&self) -> &[ValidationError] {
        &self.errors
    }

    /// How many more errors there are.
    #[must_use]
    pub fn more_errors(&self) -> usize {
        self.more_errors
    }

    /// Headers of the answer.
    #[must_use]
    pub fn headers(&self) -> &[(HeaderName, String)] {
        &self.headers
    }

    /// The answer, with the id of the request it answers.
    #[must_use]
    pub fn respond(&self, request_id: &str) -> HttpResponse {
        let mut answer = HttpResponseBuilder::new(self.code.status());
        for (name, value) in &self.headers {
            if let Ok(value) = HeaderValue::from_str(value) {
                answer.insert_header((name.clone(), value));
            }
        }
        let body = ProblemBody {
            r#type: format!("/problems/{}", self.code.as_str()),
            title: self.code.title().to_owned(),
            status: self.code.status().as_u16(),
            detail: self.detail.clone(),
            code: self.code.as_str().to_owned(),
            request_id: request_id.to_owned(),
            errors: self.errors.clone(),
            more_errors: Some(self.more_errors).filter(|more| *more > 0),
            link: self.link.clone(),
        };
        answer.content_type("application/problem+json").json(body)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.code.status()
    }

    fn error_response(&self) -> HttpResponse {
        // The middleware (`http/middleware.rs`) writes the answer again with the request id.
        self.respond("")
    }
}

/// What a feature's error enum implements, beside its routes, so that `?` turns it into a problem.
pub trait AsProblem: std::error::Error {
    /// The problem a caller sees. Internal causes must not appear in it.
    fn as_problem(&self) -> Problem;
}

impl<E: AsProblem + 'static> From<E> for Problem {
    fn from(error: E) -> Self {
        let problem = error.as_problem();
        if problem.code.status().is_server_error() {
            tracing::error!(code = problem.code.as_str(), error = %error_chain(&error), "request failed");
        }
        problem
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_code_has_a_name_of_its_own_and_an_error_status() {
        let names: HashSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(names.len(), Code::ALL.len());
        for code in Code::ALL {
            assert!(code.status().is_client_error() || code.status().is_server_error(), "{code:?}");
            assert_eq!(code.status() == StatusCode::INTERNAL_SERVER_ERROR, *code == Code::Internal, "{code:?}");
        }
    }

    #[test]
    fn of_very_many_errors_the_first_are_listed_and_the_others_counted() {
        let problem = Problem::invalid((0..250).map(|at| ValidationError::new(format!("/{at}"), "wrong", "no")).collect());
        assert_eq!((problem.errors().len(), problem.more_errors()), (100, 150));
        assert!(problem.detail().starts_with("250 values") && problem.detail().contains("150 more"), "{}", problem.detail());
    }
}
