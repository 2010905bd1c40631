use actix_web::dev::ServiceResponse;
use actix_web::http::StatusCode;
use actix_web::{Error, HttpResponse};

use super::{Code, Problem};

/// The problem of an error response: ours, or an error that the framework raised.
pub(super) fn problem_of<B>(response: &ServiceResponse<B>) -> Option<Problem> {
    let error = response.response().error()?;
    Some(from_actix(error))
}

/// Errors that the framework raises before a handler runs, as problems.
pub(super) fn from_actix(error: &Error) -> Problem {
    if let Some(problem) = error.as_error::<Problem>() {
        return problem.clone();
    }
    let response: HttpResponse = error.as_response_error().error_response();
    match response.status() {
        StatusCode::NOT_FOUND => Problem::new(Code::NotFound, "There is nothing at this address."),
        StatusCode::METHOD_NOT_ALLOWED => Problem::new(Code::MethodNotAllowed, "The method is not allowed here."),
        StatusCode::PAYLOAD_TOO_LARGE => Problem::new(Code::BodyTooLarge, "The body is too large."),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Problem::new(Code::UnsupportedMediaType, "The media type is not supported."),
        status if status.is_client_error() => Problem::new(Code::MalformedRequest, error.to_string()),
        _ => {
            tracing::error!(reason = %error, "the framework failed a request");
            Problem::new(Code::Internal, "Something went wrong on our side. Quote the request id when you ask for help.")
        }
    }
}
