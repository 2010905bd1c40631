//! Apex REST: an organization's own programs. This one has classes that return what they were sent.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Map, Value, json};

use super::api_call::ApiCall;
use super::resource;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(resource(["/services/apexrest/echo"]).route(web::post().to(echo_body)))
        .service(resource(["/services/apexrest/headers", "/services/apexrest/headers/{tail:.*}"]).route(web::route().to(echo_headers)));
}

/// Streams the body back.
async fn echo_body(call: ApiCall, body: web::Payload) -> HttpResponse {
    call.response_builder(StatusCode::OK).content_type("application/octet-stream").streaming(body)
}

/// Returns method, address, body and headers, except the token.
async fn echo_headers(call: ApiCall, request: HttpRequest, body: web::Bytes) -> HttpResponse {
    let rendered: Map<String, Value> = request
        .headers()
        .iter()
        .filter(|(name, _)| name.as_str() != "authorization")
        .map(|(name, value)| (name.as_str().to_owned(), json!(String::from_utf8_lossy(value.as_bytes()))))
        .collect();
    let echo = json!({
        "method": request.method().as_str(), "target": request.uri().to_string(), "headers": rendered, "body": String::from_utf8_lossy(&body),
    });
    call.response_builder(StatusCode::OK)
        .insert_header(("etag", "\"apex-1\""))
        .insert_header(("x-request-id", "vendor-1"))
        .insert_header(("set-cookie", "sid=vendor; Path=/"))
        .json(echo)
}
