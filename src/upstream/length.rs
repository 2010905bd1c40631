use reqwest::header::{CONTENT_LENGTH, HeaderValue};
use reqwest::{Method, RequestBuilder};

/// Says of a request without a body that there is none, where its method lets servers expect one (RFC 9110, section 8.6). The HTTP
/// client leaves the header out by itself, and some front ends answer 411 then.
#[must_use]
pub fn without_body(request: RequestBuilder, method: &Method) -> RequestBuilder {
    let expects_body = matches!(*method, Method::POST | Method::PUT | Method::PATCH);
    if expects_body { request.header(CONTENT_LENGTH, HeaderValue::from_static("0")) } else { request }
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::super::{RelayBody, RelayCall};
    use crate::http_stub::{Reply, Stub, http_client};

    #[tokio::test]
    async fn a_call_passed_on_without_a_body_says_so_where_one_could_be() {
        let stub = Stub::start(|_, _| Reply::json(200, "{}")).await;
        for method in ["GET", "HEAD", "DELETE", "POST", "PUT", "PATCH"] {
            let (path, body) = ("/x".to_owned(), RelayBody::Whole(bytes::Bytes::new()));
            let mut call = RelayCall { method: method.into(), path, query: None, headers: Vec::new(), body };
            call.request(&http_client(), &stub.at(""), &SecretString::from("token")).send().await.unwrap();
        }
        let lengths: Vec<_> =
            stub.asked().iter().map(|asked| (asked.method.clone(), asked.header("content-length").map(str::to_owned))).collect();
        let said = |method: &str| matches!(method, "POST" | "PUT" | "PATCH").then(|| "0".to_owned());
        assert_eq!(lengths.len(), 6);
        for (method, length) in lengths {
            assert_eq!(length, said(&method), "{method}");
        }
    }
}
