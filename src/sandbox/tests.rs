//! The sandbox driven over HTTP, as a caller would.

mod control;
mod marketo;
mod salesforce;

use std::net::TcpListener;
use std::sync::Arc;

use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::Value;
use time::OffsetDateTime;
use time::macros::datetime;

use super::{RunningSandbox, SandboxSettings, start};
use crate::clock::MovableClock;
use crate::config::UpstreamSettings;

const START: OffsetDateTime = datetime!(2026-03-02 12:00 UTC);

struct Harness {
    sandbox: RunningSandbox,
    clock: Arc<MovableClock>,
    client: Client,
}

impl Harness {
    async fn new(settings: SandboxSettings) -> Self {
        let clock = Arc::new(MovableClock::starting_at(START));
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let sandbox = start(settings, clock.clone(), listener).await.expect("the sandbox starts");
        let upstream = UpstreamSettings { sandbox_url: sandbox.url(), connect_timeout_seconds: 5, read_timeout_seconds: 30 };
        Self { sandbox, clock, client: upstream.http_client().expect("a client") }
    }

    async fn small() -> Self {
        Self::new(SandboxSettings { people: 1_000, ..SandboxSettings::default() }).await
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.sandbox.url()))
    }

    fn post(&self, path: &str) -> RequestBuilder {
        self.client.post(format!("{}{path}", self.sandbox.url()))
    }

    async fn control(&self, path: &str, body: Value) -> Value {
        let answer = self.post(&format!("/__sandbox{path}")).json(&body).send().await.expect("an answer");
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        let text = answer.text().await.expect("a body");
        if text.is_empty() { Value::Null } else { serde_json::from_str(&text).expect("JSON") }
    }
}

async fn json_of(request: RequestBuilder) -> (StatusCode, Value) {
    let answer = request.send().await.expect("an answer");
    (answer.status(), answer.json().await.expect("JSON"))
}
