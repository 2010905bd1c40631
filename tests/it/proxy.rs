//! Calls that are passed on to the vendors.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use reqwest::Method;
use serde_json::{Value, json};
use time::Duration;

use crate::support::{Answer, Engine, TestApp, on_both_engines};

const APEX: &str = "/v1/salesforce/services/apexrest";

/// A connected service, and the token of a client that may make the calls that `rules` allow.
async fn connected(engine: Engine, rules: &[&str]) -> (TestApp, String) {
    let app = TestApp::start_guided(engine, 20).await;
    let admin = app.guided_instance().await;
    app.connect_both(&admin).await;
    let token = app.integrator(&admin, rules).await;
    (app, token)
}

/// How often the sandbox was called in a way.
async fn calls(app: &TestApp, operation: &str) -> u64 {
    app.sandbox_says("calls").await[operation].as_u64().unwrap_or(0)
}

fn seen<'a>(echo: &'a Value, header: &str) -> Option<&'a str> {
    echo["headers"][header].as_str()
}

on_both_engines! {
    async fn a_call_goes_to_the_connection_with_its_token_and_comes_back_as_it_is(engine: Engine) {
        let (app, token) = connected(engine, &["salesforce GET /services/data/", "marketo GET /rest/v1"]).await;
        let query = "/v1/salesforce/services/data/v66.0/query?q=SELECT+COUNT%28%29+FROM+User";
        let answer = app.call(&token, Method::GET, query, None).await;
        assert!(answer.expect(200)["totalSize"].as_u64().unwrap() > 0);
        assert!(answer.headers["sforce-limit-info"].to_str().unwrap().starts_with("api-usage="), "{:?}", answer.headers);
        assert!(answer.headers.contains_key("x-request-id"));

        let wrong = app.call(&token, Method::GET, "/v1/salesforce/services/data/v66.0/query?q=nonsense", None).await;
        assert_eq!((wrong.status.as_u16(), wrong.json()[0]["errorCode"].as_str()), (400, Some("MALFORMED_QUERY")), "Salesforce's own words");
        assert_ne!(wrong.headers["content-type"], "application/problem+json");
        let missing = app.call(&token, Method::GET, "/v1/salesforce/services/data/v66.0/nowhere", None).await;
        assert_eq!((missing.status.as_u16(), missing.json()[0]["errorCode"].as_str()), (404, Some("NOT_FOUND")));

        let fields = app.call(&token, Method::GET, "/v1/marketo/rest/v1/leads/describe.json", None).await.expect(200);
        assert_eq!((fields["success"].as_bool(), fields["requestId"].is_string()), (Some(true), true));
        let unknown = app.call(&token, Method::GET, "/v1/marketo/rest/v1/nowhere.json", None).await.expect(200);
        assert_eq!(unknown["errors"][0]["code"], "610", "a refusal of Marketo's, with its status");
        app.call(&token, Method::GET, "/v1/connections/marketo", None).await.problem(403, "forbidden");
        app.stop().await;
    }

    async fn what_no_rule_allows_is_refused_and_says_what_to_ask_for(engine: Engine) {
        let (app, token) = connected(engine, &["salesforce GET /services/data/v66.0/query"]).await;
        let before = app.sandbox_says("calls").await;
        for (method, path) in [
            (Method::POST, "/services/data/v66.0/query"),
            (Method::GET, "/services/data/v66.0/sobjects"),
            (Method::GET, "/services/data/v66.0/queryAll"),
            (Method::GET, "/services/data/v66.0/query?_HttpMethod=DELETE"),
            (Method::GET, "/services/data/v66.0/query/%2e%2e/sobjects"),
            (Method::GET, "/services/data/v66.0/query//x"),
            (Method::GET, "/services/oauth2/userinfo"),
            (Method::GET, "/"),
        ] {
            let problem = app.call(&token, method.clone(), &format!("/v1/salesforce{path}"), None).await.problem(403, "call_not_allowed");
            if path == "/services/data/v66.0/sobjects" {
                let detail = problem["detail"].as_str().unwrap();
                assert!(detail.contains("client allow") && detail.contains("salesforce GET /services/data/v66.0/sobjects"), "{detail}");
            }
        }
        app.call(&token, Method::GET, "/v1/marketo/rest/v1/leads/describe.json", None).await.problem(403, "call_not_allowed");
        let traced = Answer::send(app.request(Method::TRACE, &format!("{APEX}/echo")).bearer_auth(&token)).await;
        traced.problem(405, "method_not_allowed");
        assert_eq!(app.sandbox_says("calls").await, before, "nothing reached the vendors");

        let without = app.integrator(&app.instance("111-AAA-111").await.1, &["salesforce ANY /services/data"]).await;
        app.call(&without, Method::GET, "/v1/salesforce/services/data/v66.0/limits", None).await.problem(404, "not_connected");
        app.stop().await;
    }

    async fn the_vendor_never_sees_the_caller_nor_the_caller_its_cookies(engine: Engine) {
        let (app, token) = connected(engine, &["salesforce ANY /services/apexrest/"]).await;
        let request = app
            .request(Method::PUT, &format!("{APEX}/headers/a%20b?x=%2F&y"))
            .bearer_auth(&token)
            .header("cookie", "msi_session=secret")
            .header("x-forwarded-for", "10.1.2.3")
            .header("forwarded", "for=10.1.2.3")
            .header("x-http-method-override", "DELETE")
            .header("connection", "x-hop")
            .header("x-hop", "1")
            .header("if-match", "\"7\"")
            .header("sforce-query-options", "batchSize=200")
            .header("content-type", "application/json")
            .body("{\"a\":1}");
        let answer = Answer::send(request).await;
        let echo = answer.expect(200);
        assert_eq!((&echo["method"], &echo["target"], &echo["body"]), (&json!("PUT"), &json!("/services/apexrest/headers/a%20b?x=%2F&y"), &json!("{\"a\":1}")));
        assert_eq!((seen(&echo, "if-match"), seen(&echo, "sforce-query-options")), (Some("\"7\""), Some("batchSize=200")));
        for gone in ["cookie", "x-forwarded-for", "forwarded", "x-http-method-override", "x-hop"] {
            assert!(seen(&echo, gone).is_none(), "{gone}: {echo}");
        }
        assert!(!echo.to_string().contains("10.1.2.3"));
        let header = |name: &str| answer.headers.get(name).map(|value| value.to_str().unwrap());
        assert_eq!((header("etag"), header("x-upstream-request-id"), header("set-cookie")), (Some("\"apex-1\""), Some("vendor-1"), None));
        assert!(header("x-request-id").is_some_and(|id| id != "vendor-1"));
        app.stop().await;
    }

    async fn a_refused_token_is_renewed_once_and_the_call_repeated(engine: Engine) {
        let (app, token) = connected(engine, &["salesforce ANY /services/apexrest", "marketo GET /rest"]).await;
        app.fault(json!({ "target": "salesforce", "path_contains": "/echo", "kind": "expire_sessions" })).await;
        let echoed = Answer::send(app.request(Method::POST, &format!("{APEX}/echo")).bearer_auth(&token).body("small")).await;
        assert_eq!((echoed.status.as_u16(), echoed.text.as_str()), (200, "small"));
        assert_eq!(calls(&app, "salesforce token refresh_token").await, 1);

        app.fault(json!({ "target": "marketo", "path_contains": "describe", "kind": "marketo_error", "code": "602", "message": "Access token expired" })).await;
        let described = app.call(&token, Method::GET, "/v1/marketo/rest/v1/leads/describe.json", None).await.expect(200);
        assert_eq!(described["success"], true, "{described}");

        // What was streamed is gone: the refusal is passed on, with the token renewed for the next call.
        app.fault(json!({ "target": "salesforce", "path_contains": "/echo", "kind": "expire_sessions" })).await;
        let large = vec![b'x'; 300_000];
        let send = async || Answer::send(app.request(Method::POST, &format!("{APEX}/echo")).bearer_auth(&token).body(large.clone())).await;
        assert_eq!(send().await.status, 401);
        let again = send().await;
        assert_eq!((again.status.as_u16(), again.text.len()), (200, large.len()));
        assert_eq!(calls(&app, "salesforce token refresh_token").await, 2);
        app.stop().await;
    }

    async fn a_passed_on_call_counts_towards_the_quotas_and_its_failure_is_kept(engine: Engine) {
        let (app, token) = connected(engine, &["marketo ANY /rest", "salesforce GET /services/data"]).await;
        app.fault(json!({ "target": "marketo", "path_contains": "describe", "kind": "marketo_error", "code": "607", "message": "Daily quota reached" })).await;
        let path = "/v1/marketo/rest/v1/leads/describe.json";
        let refused = app.call(&token, Method::GET, path, None).await.expect(200);
        assert_eq!(refused["errors"][0]["code"], "607", "Marketo's answer comes as it is");
        let next = app.call(&token, Method::GET, path, None).await;
        next.problem(429, "daily_quota_exhausted");
        assert_eq!(next.headers["retry-after"], (17 * 3600).to_string().as_str());
        app.clock.advance(Duration::minutes(1));
        let instance = app.narrowed_again(&token).await;
        let diagnostics = app.until(&instance, "/v1/diagnostics", |body| body["data"][0].is_object()).await;
        assert_eq!((&diagnostics["data"][0]["code"], &diagnostics["data"][0]["vendor"]), (&json!("607"), &json!("marketo")));
        app.stop().await;
    }
}

/// A body of so many bytes, made as it is taken; `taken` counts them.
fn body_of(bytes: u64, taken: Arc<AtomicU64>) -> reqwest::Body {
    let chunk = Bytes::from(vec![7_u8; 64 * 1024]);
    let chunks = bytes / chunk.len() as u64;
    reqwest::Body::wrap_stream(stream::iter(0..chunks).map(move |_| {
        taken.fetch_add(chunk.len() as u64, Ordering::Relaxed);
        Ok::<_, std::io::Error>(chunk.clone())
    }))
}

#[test]
fn two_hundred_megabytes_pass_with_bounded_memory_and_back_pressure() {
    const SIZE: u64 = 200 * 1024 * 1024;
    crate::support::run(async {
        let (app, token) = connected(Engine::Sqlite, &["salesforce POST /services/apexrest"]).await;
        let taken = Arc::new(AtomicU64::new(0));
        let sending = app.request(Method::POST, &format!("{APEX}/echo")).bearer_auth(&token).body(body_of(SIZE, taken.clone())).send();
        let response = sending.await.unwrap();
        assert_eq!(response.status(), 200);
        // Nobody reads the answer now, so the echo stops, and with it everything up to the sender; what is on the way are the
        // buffers of sockets and of the programs.
        let (mut before, mut unchanged) = (0, 0);
        while unchanged < 10 {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            let now = taken.load(Ordering::Relaxed);
            unchanged = if now == before { unchanged + 1 } else { 0 };
            before = now;
        }
        assert!(before < SIZE / 4, "{before} bytes were taken while nobody read");
        let mut received = 0;
        let mut rest = response.bytes_stream();
        while let Some(chunk) = rest.next().await {
            received += chunk.unwrap().len() as u64;
        }
        assert_eq!((received, taken.load(Ordering::Relaxed)), (SIZE, SIZE));
        app.stop().await;
    });
}
