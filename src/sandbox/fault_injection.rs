//! The middleware that lets requests suffer the faults ordered for them.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, UNIX_EPOCH};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpResponse, web};
use bytes::Bytes;
use serde_json::{Value, json};

use super::faults::FaultKind;
use super::listeners::SandboxVendor;
use super::marketo::dot_segments;
use super::marketo::error::MarketoApiError;
use super::state::SandboxState;

/// Counts each request to a vendor and applies the faults ordered for it.
///
/// # Errors
/// Those of the routes.
pub async fn inject_faults(mut request: ServiceRequest, next: Next<impl MessageBody + 'static>) -> Result<ServiceResponse<BoxBody>, Error> {
    let Some((sandbox, vendor)) = request.app_data::<web::Data<SandboxState>>().cloned().zip(request.app_data::<SandboxVendor>().copied())
    else {
        return Ok(next.call(request).await?.map_into_boxed_body());
    };
    if vendor == SandboxVendor::Marketo {
        dot_segments::resolve_dot_segments(&mut request);
    }
    let (method, path) = (request.method().to_string(), request.path().to_owned());
    sandbox.count_call(&format!("{method} /{}{}", vendor.name(), request.match_pattern().unwrap_or_else(|| " unknown path".into())));
    let _in_progress = (vendor == SandboxVendor::Marketo).then(|| CallInProgress::begin(sandbox.clone()));

    let (mut cut, mut is_delayed) = (None, false);
    // A request suffers at most one delay and one cut; further ones stay ordered.
    while let Some(kind) = sandbox.take_fault(vendor, &method, &path, |kind| match kind {
        FaultKind::Cut { .. } => cut.is_none(),
        FaultKind::Delay { .. } => !is_delayed,
        kind => kind.strikes_before_handler(),
    }) {
        let answer = match kind {
            FaultKind::Delay { ms } => {
                is_delayed = true;
                tokio::time::sleep(Duration::from_millis(ms)).await;
                continue;
            }
            FaultKind::Cut { after_bytes } => {
                cut = Some(after_bytes);
                continue;
            }
            FaultKind::ExpireSessions => {
                let now = sandbox.now();
                match vendor {
                    SandboxVendor::Marketo => sandbox.marketo().tokens.expire_all(now),
                    SandboxVendor::Salesforce => sandbox.salesforce().expire_sessions(now),
                }
                continue;
            }
            FaultKind::MarketoError { code, message } => {
                let error = MarketoApiError::new(&code, message.unwrap_or_else(|| "Fault ordered".into()));
                if path.contains("/userservice/") {
                    error.to_user_management_response(&sandbox, StatusCode::INTERNAL_SERVER_ERROR)
                } else {
                    error.to_response(&sandbox)
                }
            }
            FaultKind::SalesforceError { status, error_code, message } => HttpResponse::build(parse_status(status))
                .json(json!([{"message": message.unwrap_or_else(|| "Fault ordered".into()), "errorCode": error_code}])),
            FaultKind::HttpStatus { status, body, headers } => {
                let mut answer = HttpResponse::build(parse_status(status));
                for (name, value) in headers {
                    answer.insert_header((name, value));
                }
                match body {
                    None => answer.finish(),
                    Some(Value::String(text)) => answer.content_type("text/plain").body(text),
                    Some(value) => answer.json(value),
                }
            }
            FaultKind::WrongChecksum
            | FaultKind::FailJob
            | FaultKind::MalformedRow
            | FaultKind::OversizeLine { .. }
            | FaultKind::RepeatRows => continue,
        };
        let mut answer = request.into_response(answer).map_into_boxed_body();
        finish_headers(&mut answer, &sandbox);
        return Ok(answer);
    }

    let mut answer = next.call(request).await?.map_into_boxed_body();
    finish_headers(&mut answer, &sandbox);
    Ok(match cut {
        None => answer,
        Some(left) => answer.map_body(|_, body| BoxBody::new(TruncatedBody { body, left, pauses: 3 })),
    })
}

/// A call to Marketo, counted as in progress until dropped.
struct CallInProgress(web::Data<SandboxState>);

impl CallInProgress {
    fn begin(sandbox: web::Data<SandboxState>) -> Self {
        sandbox.begin_call();
        Self(sandbox)
    }
}

impl Drop for CallInProgress {
    fn drop(&mut self) {
        self.0.end_call();
    }
}

/// Gives every answer the injected clock's time, because callers take their windows from the vendor's clock, and names of headers as
/// the vendors' servers write them, because airbyte-source-salesforce looks them up with their case.
fn finish_headers(answer: &mut ServiceResponse<BoxBody>, sandbox: &SandboxState) {
    answer.headers_mut().insert(header::DATE, date_header(sandbox.now()));
    answer.response_mut().head_mut().set_camel_case_headers(true);
}

fn date_header(seconds: i64) -> HeaderValue {
    let at = UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
    HeaderValue::try_from(header::HttpDate::from(at).to_string()).unwrap_or_else(|_| HeaderValue::from_static(""))
}

fn parse_status(number: u16) -> StatusCode {
    StatusCode::from_u16(number).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// A body that announces its full length and breaks off before it.
struct TruncatedBody {
    body: BoxBody,
    /// Bytes until it breaks off.
    left: usize,
    /// How often it still yields to the server, which sends what it has before the connection ends.
    pauses: u8,
}

impl MessageBody for TruncatedBody {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let this = self.get_mut();
        if this.left == 0 && this.pauses > 0 {
            this.pauses -= 1;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        if this.left == 0 {
            return Poll::Ready(Some(Err("the connection was cut on order".into())));
        }
        Pin::new(&mut this.body).poll_next(context).map_ok(|chunk| {
            let sent = chunk.len().min(this.left);
            this.left -= sent;
            chunk.slice(..sent)
        })
    }
}
