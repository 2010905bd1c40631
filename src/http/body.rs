//! Extractors whose failures are problem documents that name the error by its pointer.

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header::{self, HeaderMap};
use actix_web::web::{self, Bytes};
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::LocalBoxFuture;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{Code, HandlerArgument, Problem, ValidationError};

/// A JSON body.
#[derive(Debug)]
pub struct Body<T>(pub T);

impl<T> HandlerArgument for Body<T> {}

impl<T: DeserializeOwned + 'static> FromRequest for Body<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let json = is_json(request);
        let bytes = Bytes::from_request(request, payload);
        Box::pin(async move {
            if !json {
                return Err(Problem::new(Code::UnsupportedMediaType, "Send the body as application/json."));
            }
            read_json(&bytes.await.map_err(|error| unreadable(&error))?).map(Self)
        })
    }
}

/// A JSON body that may be left out, or be null.
#[derive(Debug)]
pub struct OptionalBody<T>(pub Option<T>);

impl<T> HandlerArgument for OptionalBody<T> {}

impl<T: DeserializeOwned + 'static> FromRequest for OptionalBody<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let json = is_json(request);
        let bytes = Bytes::from_request(request, payload);
        Box::pin(async move {
            let bytes = bytes.await.map_err(|error| unreadable(&error))?;
            match (bytes.is_empty(), json) {
                (true, _) => Ok(Self(None)),
                (false, true) => read_json(&bytes).map(Self),
                (false, false) => Err(Problem::new(Code::UnsupportedMediaType, "Send the body as application/json.")),
            }
        })
    }
}

fn is_json(request: &HttpRequest) -> bool {
    essence(request.headers()).eq_ignore_ascii_case("application/json")
}

/// The media type of a body without its parameters, as it was sent; empty when none was said (RFC 9110, section 8.3).
pub(crate) fn essence(headers: &HeaderMap) -> &str {
    let media = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    media.split(';').next().unwrap_or_default().trim()
}

/// Reads what a program sends as JSON and a page as a form; `bad_form` is the problem of a form of another shape.
pub(crate) fn read_json_or_form<T: DeserializeOwned>(
    headers: &HeaderMap,
    bytes: &[u8],
    bad_form: impl FnOnce(serde_urlencoded::de::Error) -> Problem,
) -> Result<T, Problem> {
    match essence(headers).to_ascii_lowercase().as_str() {
        "application/json" => read_json(bytes),
        "application/x-www-form-urlencoded" => serde_urlencoded::from_bytes(bytes).map_err(bad_form),
        _ => Err(Problem::new(Code::UnsupportedMediaType, "Send application/json or application/x-www-form-urlencoded.")),
    }
}

/// The problem of a body that did not arrive.
#[must_use]
pub fn unreadable(error: &actix_web::Error) -> Problem {
    match error.as_error::<PayloadError>() {
        Some(PayloadError::Overflow) => Problem::new(Code::BodyTooLarge, "The body is larger than this route takes."),
        _ if error.as_response_error().status_code() == actix_web::http::StatusCode::PAYLOAD_TOO_LARGE => {
            Problem::new(Code::BodyTooLarge, "The body is larger than this route takes.")
        }
        _ => Problem::new(Code::MalformedRequest, "The body did not arrive whole."),
    }
}

/// Reads JSON, telling text that is no JSON (400) from JSON of another shape (422, with the pointer).
pub(crate) fn read_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // Where an object is wanted, serde would take a list of its values, too.
    if bytes.trim_ascii_start().first() == Some(&b'[') && serde_json::from_slice::<serde::de::IgnoredAny>(bytes).is_ok() {
        return Err(Problem::invalid(vec![ValidationError::new("", "wrong_shape", "The body is a list; send an object.")]));
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let inner = error.inner();
        if inner.is_data() {
            let pointer = pointer_of(error.path());
            Problem::invalid(vec![ValidationError::new(pointer, "wrong_shape", inner.to_string())])
        } else {
            Problem::new(Code::MalformedRequest, format!("The body is no JSON: {inner}."))
        }
    })?;
    reader.end().map_err(|error| Problem::new(Code::MalformedRequest, format!("The body is no JSON: {error}.")))?;
    Ok(value)
}

fn pointer_of(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter()
        .map(|segment| match segment {
            Segment::Seq { index } => format!("/{index}"),
            Segment::Map { key } => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
            Segment::Enum { variant } => format!("/{variant}"),
            Segment::Unknown => "/?".to_owned(),
        })
        .collect()
}

/// Query parameters.
#[derive(Debug)]
pub struct QueryParams<T>(pub T);

impl<T> HandlerArgument for QueryParams<T> {}

impl<T: DeserializeOwned + 'static> FromRequest for QueryParams<T> {
    type Error = Problem;
    type Future = std::future::Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let pairs = url::form_urlencoded::parse(request.query_string().as_bytes());
        let read = serde_path_to_error::deserialize(serde_urlencoded::Deserializer::new(pairs));
        std::future::ready(read.map(Self).map_err(|error| {
            let pointer = format!("#query{}", pointer_of(error.path()));
            Problem::invalid(vec![ValidationError::new(pointer, "wrong_shape", format!("{}.", error.inner()))])
        }))
    }
}

/// Parameters in the path. A value of the wrong form names nothing, so the answer is 404.
#[derive(Debug)]
pub struct PathParams<T>(pub T);

impl<T> HandlerArgument for PathParams<T> {}

impl<T: DeserializeOwned + 'static> FromRequest for PathParams<T> {
    type Error = Problem;
    type Future = std::future::Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let read = web::Path::<T>::from_request(request, payload).into_inner();
        std::future::ready(
            read.map(|path| Self(path.into_inner())).map_err(|_| Problem::new(Code::NotFound, "There is nothing of this name.")),
        )
    }
}

/// For a field that may be left out but is no null: `#[serde(default, deserialize_with = "not_null")]`.
///
/// # Errors
/// When it is null, or no `T`.
pub fn not_null<'de, T: Deserialize<'de>, D: serde::Deserializer<'de>>(input: D) -> Result<Option<T>, D::Error> {
    T::deserialize(input).map(Some)
}
