//! What both vendors' clients share to proxy a call unchanged.

use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, BoxStream, StreamExt};
use reqwest::header::{ACCEPT_ENCODING, CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Response, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::mpsc;
use url::Url;

use super::{CallPermit, causes, without_body};

/// Most chunks of a response buffered for the caller; a chunk is what one read from the connection returns.
const MAX_BUFFERED_CHUNKS: usize = 4;
/// Longest time for a response body: a caller that stops reading must not block others.
const MAX_RESPONSE_TIME: Duration = Duration::from_secs(900);
/// Most bytes of a response read ahead to see whether it is a refusal.
const MAX_PEEKED_BYTES: usize = 64 * 1024;

/// Headers by their names in lower case.
pub type ProxyHeaders = Vec<(String, Vec<u8>)>;

/// A body as it arrives, or an answer's.
pub type ByteStream = BoxStream<'static, io::Result<Bytes>>;

/// The body of a call.
pub enum ProxyBody {
    /// Small enough to be kept, so the call can be repeated.
    Whole(Bytes),
    /// Passed on as it arrives; its length in bytes, if the caller said.
    Stream(ByteStream, Option<u64>),
    /// A stream that was sent already.
    Sent,
}

/// A call to proxy.
pub struct ProxyRequest {
    /// In capitals.
    pub method: String,
    /// Encoded, beginning with a slash; below the vendor's base address.
    pub path: String,
    pub query: Option<String>,
    /// Those that the vendor is to see.
    pub headers: ProxyHeaders,
    pub body: ProxyBody,
}

/// A vendor's response.
pub struct ProxyResponse {
    pub status: u16,
    pub headers: ProxyHeaders,
    /// What of it was read already, then the rest.
    pub body: ByteStream,
}

impl ProxyRequest {
    /// Whether it changes nothing at the vendor (RFC 9110, 9.2.1).
    #[must_use]
    pub fn is_safe(&self) -> bool {
        matches!(self.method.as_str(), "GET" | "HEAD")
    }

    /// Asks for an uncompressed response, whatever the caller accepts.
    pub fn refuse_compression(&mut self) {
        self.headers.retain(|(name, _)| name != "accept-encoding");
    }

    /// Whether it can be made again.
    #[must_use]
    pub fn is_repeatable(&self) -> bool {
        matches!(self.body, ProxyBody::Whole(_))
    }

    /// The request for `base`, with the token in place of whatever the caller sent. A stream is used up by it.
    pub fn request(&mut self, http: &reqwest::Client, base: &Url, token: &SecretString) -> reqwest::RequestBuilder {
        let mut url = base.clone();
        url.set_path(&format!("{}{}", base.path().trim_end_matches('/'), self.path));
        url.set_query(self.query.as_deref());
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            // They were headers before, so they can be again.
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name.as_str()), HeaderValue::from_bytes(value)) {
                headers.append(name, value);
            }
        }
        // Without one the HTTP client would ask for a packed answer by itself, and unpack it.
        headers.entry(ACCEPT_ENCODING).or_insert(HeaderValue::from_static("identity"));
        let method = Method::from_bytes(self.method.as_bytes()).unwrap_or_default();
        let request = http.request(method.clone(), url).headers(headers).bearer_auth(token.expose_secret());
        match std::mem::replace(&mut self.body, ProxyBody::Sent) {
            ProxyBody::Whole(bytes) => {
                self.body = ProxyBody::Whole(bytes.clone());
                if bytes.is_empty() { without_body(request, &method) } else { request.body(bytes) }
            }
            ProxyBody::Stream(stream, length) => {
                let request = match length {
                    Some(length) => request.header(CONTENT_LENGTH, length),
                    None => request,
                };
                request.body(reqwest::Body::wrap_stream(stream))
            }
            ProxyBody::Sent => request,
        }
    }
}

/// A response whose beginning was read ahead.
pub struct PeekedResponse {
    response: Response,
    /// What was read.
    pub start: Bytes,
    /// Whether that is all of it.
    pub whole: bool,
}

impl PeekedResponse {
    /// Reads the beginning of an answer while `wanted` says of what was read so far that it matters.
    ///
    /// # Errors
    /// When the connection breaks.
    pub async fn read(mut response: Response, wanted: impl Fn(&[u8]) -> bool) -> reqwest::Result<Self> {
        let mut start = BytesMut::new();
        while wanted(&start) && start.len() < MAX_PEEKED_BYTES {
            match response.chunk().await? {
                Some(chunk) => start.extend_from_slice(&chunk),
                None => return Ok(Self { response, start: start.freeze(), whole: true }),
            }
        }
        Ok(Self { response, start: start.freeze(), whole: false })
    }

    /// The headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.response.status()
    }

    /// The answer to pass on. A task reads it, some chunks ahead of the caller at most, and holds `permit` until the end;
    /// `arrived` gets the bytes of each chunk.
    pub fn into_answer(self, permit: CallPermit, arrived: impl Fn(u64) + Send + 'static) -> ProxyResponse {
        let Self { mut response, start, .. } = self;
        let headers = response.headers().iter().map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec())).collect();
        let status = response.status().as_u16();
        let (sender, receiver) = mpsc::channel::<io::Result<Bytes>>(MAX_BUFFERED_CHUNKS);
        let reading = async move {
            if !start.is_empty() {
                arrived(start.len() as u64);
                if sender.send(Ok(start)).await.is_err() {
                    return;
                }
            }
            loop {
                let next = match response.chunk().await {
                    Ok(Some(chunk)) => Ok(chunk),
                    Ok(None) => return,
                    Err(error) => Err(io::Error::other(causes(&error.without_url()))),
                };
                arrived(next.as_ref().map_or(0, |chunk| chunk.len() as u64));
                let broken = next.is_err();
                if sender.send(next).await.is_err() || broken {
                    return;
                }
            }
        };
        tokio::spawn(async move {
            let _permit = permit;
            if tokio::time::timeout(MAX_RESPONSE_TIME, reading).await.is_err() {
                tracing::info!("a proxied response took too long and was cut");
            }
        });
        let body = stream::unfold(receiver, |mut receiver| async move { receiver.recv().await.map(|chunk| (chunk, receiver)) });
        ProxyResponse { status, headers, body: body.boxed() }
    }
}
