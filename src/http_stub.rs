//! A tiny HTTP/1.1 server for the tests of the vendor clients. It answers one request a connection, remembers what it
//! was asked, and can cut an answer short or give none, which a well-behaved server library won't do.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

use crate::config::{SandboxUrlSettings, UpstreamSettings};
use crate::upstream::{BoxFuture, CallFailure, CallPermit, Quota, QuotaExhausted, QuotaTracker};

/// A request as it arrived.
#[derive(Debug, Clone)]
pub struct StubRequest {
    pub method: String,
    /// Path and query.
    pub target: String,
    headers: Vec<(String, String)>,
    pub body: String,
}

impl StubRequest {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// What to answer.
#[derive(Debug, Clone)]
pub struct StubResponse {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    sent: Option<usize>,
}

impl StubResponse {
    pub fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: vec![("content-type", content_type.to_owned())], body: body.into(), sent: None }
    }

    pub fn json(status: u16, body: &str) -> Self {
        Self::new(status, "application/json", body)
    }

    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// Announces the whole body, sends `bytes` of it and closes the connection.
    pub fn cut_after(mut self, bytes: usize) -> Self {
        self.sent = Some(bytes);
        self
    }

    /// Reads the request and closes the connection without a word.
    pub fn none() -> Self {
        Self { status: 0, headers: Vec::new(), body: Vec::new(), sent: None }
    }
}

/// A running server; it ends with the test's runtime.
pub struct Stub {
    url: Url,
    requests: Arc<Mutex<Vec<StubRequest>>>,
}

impl Stub {
    /// Starts a server that answers request number `n` (from 0) with `answer(request, n)`.
    pub async fn start(answer: impl Fn(&StubRequest, usize) -> StubResponse + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = Url::parse(&format!("http://{}", listener.local_addr().expect("a bound socket"))).expect("a URL");
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (log, answer) = (requests.clone(), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, log.clone(), answer.clone()));
            }
        });
        Self { url, requests }
    }

    /// The server's address with `path` appended.
    pub fn url_of(&self, path: &str) -> Url {
        let mut url = self.url.clone();
        url.set_path(path);
        url
    }

    /// Everything asked so far.
    pub fn requests(&self) -> Vec<StubRequest> {
        self.requests.lock().expect("no test panicked while asking").clone()
    }
}

/// A client as the service makes them.
pub fn http_client() -> reqwest::Client {
    UpstreamSettings { sandbox: SandboxUrlSettings::default(), connect_timeout_seconds: 5, read_timeout_seconds: 5 }
        .http_client()
        .expect("a client")
}

/// A tracker that has room for every call.
pub struct UnlimitedQuota;

impl QuotaTracker for UnlimitedQuota {
    fn admit(&self, _: Duration) -> BoxFuture<'_, Result<CallPermit, QuotaExhausted>> {
        Box::pin(async { Ok(CallPermit::untracked()) })
    }

    fn admit_export(&self) -> BoxFuture<'_, Result<(), QuotaExhausted>> {
        Box::pin(async { Ok(()) })
    }

    fn failed(&self, _: CallFailure) {}
    fn report_usage(&self, _: u64, _: u64) {}
    fn refused(&self, _: Quota, _: Duration) {}
    fn exported(&self, _: u64) {}
}

async fn serve(mut stream: TcpStream, log: Arc<Mutex<Vec<StubRequest>>>, answer: Arc<impl Fn(&StubRequest, usize) -> StubResponse>) {
    let Some(request) = read(&mut stream).await else { return };
    let reply = {
        let mut log = log.lock().expect("no test panicked while asking");
        log.push(request.clone());
        answer(&request, log.len() - 1)
    };
    if reply.status == 0 {
        return;
    }
    let mut head = format!("HTTP/1.1 {} Stub\r\ncontent-length: {}\r\nconnection: close\r\n", reply.status, reply.body.len());
    for (name, value) in &reply.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    let sent = reply.sent.unwrap_or(reply.body.len()).min(reply.body.len());
    let _ = stream.write_all(head.as_bytes()).await;
    let _ = stream.write_all(&reply.body[..sent]).await;
    let _ = stream.shutdown().await;
}

async fn read(stream: &mut TcpStream) -> Option<StubRequest> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: Vec<_> =
        lines.filter_map(|line| line.split_once(':')).map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect();
    let mut request = StubRequest { method, target, headers, body: String::new() };
    let length: usize = request.header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    while bytes.len() < end + 4 + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    request.body = String::from_utf8_lossy(&bytes[end + 4..]).into_owned();
    Some(request)
}
