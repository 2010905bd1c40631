use reqwest::header::{CONTENT_LENGTH, HeaderValue};
use reqwest::{Method, RequestBuilder};

/// Says of a request without a body that there is none, where its method lets servers expect one (RFC 9110, section 8.6). The HTTP
/// client leaves the header out by itself, and some front ends answer 411 then.
pub fn without_body(request: RequestBuilder, method: &Method) -> RequestBuilder {
    let expects_body = matches!(*method, Method::POST | Method::PUT | Method::PATCH);
    if expects_body { request.header(CONTENT_LENGTH, HeaderValue::from_static("0")) } else { request }
}
