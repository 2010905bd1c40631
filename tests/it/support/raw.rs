//! Requests as no HTTP library would send them.

use reqwest::StatusCode;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::answer::Answer;
use super::app::TestApp;

impl TestApp {
    /// Sends a request whose target, header lines and body are just these; only `Host` and `Connection` are added, and
    /// `Content-Length` when there is a body.
    pub async fn send_raw(&self, method: &str, target: &str, header_lines: &[&str], body: &[u8]) -> Answer {
        let mut request = format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n").into_bytes();
        for line in header_lines {
            request.extend(line.bytes().chain(*b"\r\n"));
        }
        if !body.is_empty() {
            request.extend(format!("Content-Length: {}\r\n", body.len()).bytes());
        }
        request.extend(b"\r\n");
        request.extend(body);
        let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", self.port())).await.unwrap();
        stream.write_all(&request).await.unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.unwrap();
        parse(&bytes)
    }
}

fn parse(bytes: &[u8]) -> Answer {
    let text = String::from_utf8_lossy(bytes);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(':').unwrap();
        headers.append(HeaderName::try_from(name).unwrap(), HeaderValue::from_str(value.trim()).unwrap());
    }
    let is_chunked = headers.get("transfer-encoding").is_some_and(|value| value == "chunked");
    let text = if is_chunked { join_chunks(body) } else { body.to_owned() };
    Answer { status: StatusCode::from_u16(status).unwrap(), headers, text }
}

/// The body behind `Transfer-Encoding: chunked` (RFC 9112, section 7.1).
fn join_chunks(mut rest: &str) -> String {
    let mut body = String::new();
    while let Some((size, after)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        if size == 0 {
            break;
        }
        body.push_str(&after[..size]);
        rest = &after[size + 2..];
    }
    body
}
