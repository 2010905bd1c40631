use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::{Error, HttpMessage};
use tracing::Span;
use tracing_actix_web::{RequestId, RootSpanBuilder};

use super::route::{name_of, route_of};

/// One span and one line a request.
#[derive(Debug)]
pub struct RequestSpan;

impl RootSpanBuilder for RequestSpan {
    fn on_request_start(request: &ServiceRequest) -> Span {
        let route = route_of(request).map_or("(none)", |route| route.pattern);
        let extensions = request.extensions();
        let request_id = extensions.get::<RequestId>().map(tracing::field::display);
        tracing::info_span!("request", request_id, method = name_of(request.method()), route)
    }

    fn on_request_end<B: MessageBody>(_: Span, outcome: &Result<ServiceResponse<B>, Error>) {
        let status = match outcome {
            Ok(response) => response.status(),
            Err(error) => error.as_response_error().status_code(),
        };
        // It is called within the span.
        tracing::info!(status = status.as_u16(), "answered");
    }
}
