//! Apex REST: what an organisation has programmed itself. This one has a class that tells what it was sent.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Map, Value, json};

use super::resource;
use super::session::ApiCall;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(resource(["/services/apexrest/echo"]).route(web::post().to(echo)))
        .service(resource(["/services/apexrest/headers", "/services/apexrest/headers/{tail:.*}"]).route(web::route().to(headers)));
}

/// The body, as it arrives.
async fn echo(call: ApiCall, body: web::Payload) -> HttpResponse {
    call.builder(StatusCode::OK).content_type("application/octet-stream").streaming(body)
}

/// Method, address and headers, without the token.
async fn headers(call: ApiCall, request: HttpRequest, body: web::Bytes) -> HttpResponse {
    let shown: Map<String, Value> = request
        .headers()
        .iter()
        .filter(|(name, _)| name.as_str() != "authorization")
        .map(|(name, value)| (name.as_str().to_owned(), json!(String::from_utf8_lossy(value.as_bytes()))))
        .collect();
    let told = json!({
        "method": request.method().as_str(), "target": request.uri().to_string(), "headers": shown, "body": String::from_utf8_lossy(&body),
    });
    call.builder(StatusCode::OK)
        .insert_header(("etag", "\"apex-1\""))
        .insert_header(("x-request-id", "vendor-1"))
        .insert_header(("set-cookie", "sid=vendor; Path=/"))
        .json(told)
}
