//! The sandbox driven over HTTP, as a caller would.

mod control;
mod marketo;
mod marketo_activities;
mod salesforce;
mod salesforce_records;

use std::sync::Arc;

use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::Value;
use time::OffsetDateTime;
use time::macros::datetime;

use super::{RunningSandbox, SandboxListeners, SandboxSettings, start};
use crate::clock::MovableClock;
use crate::config::{SandboxUrlSettings, UpstreamSettings};

const START: OffsetDateTime = datetime!(2026-03-02 12:00 UTC);

struct SandboxHarness {
    sandbox: RunningSandbox,
    clock: Arc<MovableClock>,
    client: Client,
}

impl SandboxHarness {
    async fn start(settings: SandboxSettings) -> Self {
        let clock = Arc::new(MovableClock::starting_at(START));
        let listeners = SandboxListeners::on_free_ports().expect("free ports");
        let sandbox = start(settings, clock.clone(), listeners).await.expect("the sandbox starts");
        let upstream = UpstreamSettings { sandbox: SandboxUrlSettings::default(), connect_timeout_seconds: 5, read_timeout_seconds: 30 };
        Self { sandbox, clock, client: upstream.http_client().expect("a client") }
    }

    async fn start_small() -> Self {
        Self::start(SandboxSettings { people: 1_000, ..SandboxSettings::default() }).await
    }

    /// The address of a path, at the origin to which it belongs: the vendors' paths differ from the first segment on.
    fn address(&self, path: &str) -> String {
        let origin = match path.split('/').nth(1) {
            Some("__sandbox") => self.sandbox.url(),
            Some("rest" | "bulk" | "identity" | "userservice") => self.sandbox.marketo_url(),
            _ => self.sandbox.salesforce_url(),
        };
        format!("{origin}{path}")
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(self.address(path))
    }

    fn post(&self, path: &str) -> RequestBuilder {
        self.client.post(self.address(path))
    }

    async fn control(&self, path: &str, body: Value) -> Value {
        let answer = self.post(&format!("/__sandbox{path}")).json(&body).send().await.expect("an answer");
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        let text = answer.text().await.expect("a body");
        if text.is_empty() { Value::Null } else { serde_json::from_str(&text).expect("JSON") }
    }
}

async fn read_json(request: RequestBuilder) -> (StatusCode, Value) {
    let answer = request.send().await.expect("an answer");
    (answer.status(), answer.json().await.expect("JSON"))
}
