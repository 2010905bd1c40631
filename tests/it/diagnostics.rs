//! What went wrong at the vendors, and what an admin is told about it.

use reqwest::Method;
use serde_json::{Value, json};
use time::Duration;

use crate::support::{Engine, TestApp, on_both_engines};

const ALL: &str = "/v1/diagnostics";

async fn connected(engine: Engine) -> (TestApp, String) {
    let app = TestApp::start_guided(engine, 20).await;
    let token = app.guided_instance().await;
    app.connect_both(&token).await;
    (app, token)
}

async fn test_call(app: &TestApp, token: &str, vendor: &str) -> Value {
    app.call(token, Method::POST, &format!("/v1/connections/{vendor}/test"), None).await.expect(200)
}

/// The entries behind `path`, once there are as many failures as expected; they are written a moment after the call.
async fn entries(app: &TestApp, token: &str, path: &str, occurrences: i64) -> Vec<Value> {
    let counted = |body: &Value| body["data"].as_array().unwrap().iter().map(|one| one["occurrences"].as_i64().unwrap()).sum::<i64>();
    let body = app.until(token, path, |body| counted(body) >= occurrences).await;
    assert_eq!(counted(&body), occurrences, "{body}");
    body["data"].as_array().unwrap().clone()
}

fn salesforce_error(status: u16, code: &str, times: u32) -> Value {
    json!({ "target": "salesforce", "path_contains": "/limits", "kind": "salesforce_error", "status": status, "error_code": code,
            "message": "Ann Smith <ann.smith@example.com> is unhappy", "times": times })
}

on_both_engines! {
    async fn a_diagnostic_holds_meaning_and_remedy_but_no_text_of_the_vendor(engine: Engine) {
        let (app, token) = connected(engine).await;
        app.call(&token, Method::GET, ALL, None).await.expect(200);
        app.fault(salesforce_error(403, "API_CURRENTLY_DISABLED", 1)).await;
        assert_eq!(test_call(&app, &token, "salesforce").await["ok"], false);
        let found = entries(&app, &token, ALL, 1).await;
        let one = &found[0];
        assert_eq!((&one["vendor"], &one["code"], &one["category"]), (&json!("salesforce"), &json!("API_CURRENTLY_DISABLED"), &json!("access_validation")));
        assert!(one["remedy"].as_str().unwrap().contains("API Enabled") && one["meaning"].as_str().unwrap().contains("API"));
        assert_eq!((&one["first_seen_at"], &one["last_seen_at"]), (&json!("2026-06-15T12:00:00.000000Z"), &json!("2026-06-15T12:00:00.000000Z")));
        assert!(!one.to_string().contains("Ann") && !one.to_string().contains("example.com"), "{one}");
        let path = format!("{ALL}/{}", one["id"].as_str().unwrap());
        assert_eq!(&app.call(&token, Method::GET, &path, None).await.expect(200), one);

        let (_, other_token) = app.instance("999-ZZZ-999").await;
        app.call(&other_token, Method::GET, &path, None).await.problem(404, "not_found");
        assert_eq!(app.call(&other_token, Method::GET, ALL, None).await.expect(200)["data"], json!([]));
        app.stop().await;
    }

    async fn failures_of_one_kind_are_one_entry_that_counts_repeated_attempts_too(engine: Engine) {
        let (app, token) = connected(engine).await;
        app.fault(salesforce_error(503, "SERVER_UNAVAILABLE", 1)).await;
        assert_eq!(test_call(&app, &token, "salesforce").await["ok"], true, "it was repeated");
        entries(&app, &token, ALL, 1).await;
        app.clock.advance(Duration::minutes(5));
        app.fault(salesforce_error(503, "SERVER_UNAVAILABLE", 1)).await;
        test_call(&app, &token, "salesforce").await;
        let found = entries(&app, &token, ALL, 2).await;
        assert_eq!((found.len(), &found[0]["category"]), (1, &json!("intermittent")));
        assert_eq!((&found[0]["first_seen_at"], &found[0]["last_seen_at"]), (&json!("2026-06-15T12:00:00.000000Z"), &json!("2026-06-15T12:05:00.000000Z")));
        app.stop().await;
    }

    async fn marketos_codes_come_with_the_request_id(engine: Engine) {
        let (app, token) = connected(engine).await;
        for code in ["603", "4711"] {
            app.fault(json!({ "target": "marketo", "path_contains": "describe", "kind": "marketo_error", "code": code, "message": "said of Ann Smith" })).await;
            assert_eq!(test_call(&app, &token, "marketo").await["ok"], false);
            app.clock.advance(Duration::seconds(1));
        }
        let found = entries(&app, &token, ALL, 2).await;
        assert_eq!((&found[0]["code"], &found[1]["code"]), (&json!("4711"), &json!("603")), "the newest kind first");
        assert_eq!((&found[0]["category"], &found[1]["category"]), (&json!("other"), &json!("access_validation")));
        assert!(found[0]["remedy"].as_str().unwrap().contains("Quote"), "{}", found[0]);
        assert!(found.iter().all(|one| one["last_request_id"].is_string() && !one.to_string().contains("Ann")), "{found:?}");
        app.stop().await;
    }

    async fn refused_tokens_and_lost_refreshes_are_kept(engine: Engine) {
        let app = TestApp::start_guided(engine, 20).await;
        let token = app.guided_instance().await;
        let wrong = json!({ "credentials": { "client_id": "sandbox-marketo-client", "client_secret": "guess" } });
        app.call(&token, Method::POST, "/v1/connections/marketo", Some(wrong)).await.problem(409, "marketo_secret_wrong");
        let found = entries(&app, &token, ALL, 1).await;
        assert_eq!((&found[0]["code"], &found[0]["category"]), (&json!("WRONG_SECRET"), &json!("authentication")));
        assert!(found[0]["connection_id"].is_null(), "there is no connection yet");

        app.connect_salesforce_as(&token, "maria.admin@example.com").await;
        app.clock.advance(Duration::hours(3));
        let token = app.narrowed_again(&token).await;
        app.fault(json!({ "target": "salesforce", "path_contains": "oauth2/token", "times": 1, "kind": "cut", "after_bytes": 0 })).await;
        test_call(&app, &token, "salesforce").await;
        let found = entries(&app, &token, "/v1/diagnostics?code=ANSWER_LOST", 1).await;
        assert_eq!((&found[0]["vendor"], &found[0]["category"]), (&json!("salesforce"), &json!("intermittent")));
        assert!(found[0]["connection_id"].is_string());
        app.stop().await;
    }

    async fn the_list_is_filtered_and_paged_and_a_connection_shows_a_summary(engine: Engine) {
        let (app, token) = connected(engine).await;
        let connection = |vendor: &str| format!("/v1/connections/{vendor}");
        assert!(app.call(&token, Method::GET, &connection("marketo"), None).await.expect(200).get("recent_errors").is_none());
        app.fault(json!({ "target": "marketo", "path_contains": "describe", "kind": "marketo_error", "code": "703", "message": null })).await;
        test_call(&app, &token, "marketo").await;
        entries(&app, &token, ALL, 1).await;
        app.clock.advance(Duration::hours(25));
        let token = app.narrowed_again(&token).await;
        for code in ["TXN_SECURITY_NO_ACCESS", "UNKNOWN_EXCEPTION"] {
            app.fault(salesforce_error(400, code, 1)).await;
            test_call(&app, &token, "salesforce").await;
            app.clock.advance(Duration::seconds(1));
        }
        let found = entries(&app, &token, ALL, 3).await;
        let salesforce = found[0]["connection_id"].as_str().unwrap();
        for (filter, codes) in [
            ("vendor=marketo", vec!["703"]),
            ("vendor=salesforce&category=other", vec!["UNKNOWN_EXCEPTION"]),
            ("category=access_validation", vec!["TXN_SECURITY_NO_ACCESS", "703"]),
            ("code=703", vec!["703"]),
            ("since=2026-06-16T12:00:00Z&category=access_validation", vec!["TXN_SECURITY_NO_ACCESS"]),
            (&format!("connection={salesforce}"), vec!["UNKNOWN_EXCEPTION", "TXN_SECURITY_NO_ACCESS"]),
        ] {
            let page = app.call(&token, Method::GET, &format!("{ALL}?{filter}"), None).await.expect(200);
            let seen: Vec<_> = page["data"].as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap()).collect();
            assert_eq!(seen, codes, "{filter}");
        }
        let first = app.call(&token, Method::GET, "/v1/diagnostics?limit=2", None).await.expect(200);
        let next = format!("{ALL}?limit=2&cursor={}", first["next_cursor"].as_str().unwrap());
        let second = app.call(&token, Method::GET, &next, None).await.expect(200);
        assert_eq!((second["data"][0]["code"].as_str(), second["data"].as_array().unwrap().len()), (Some("703"), 1));
        for wrong in ["since=yesterday", "vendor=oracle", "category=bad", "connection=1", "color=red"] {
            app.call(&token, Method::GET, &format!("{ALL}?{wrong}"), None).await.problem(422, "invalid_input");
        }

        let summary = app.call(&token, Method::GET, &connection("salesforce"), None).await.expect(200)["recent_errors"].clone();
        assert_eq!((&summary["kinds"], &summary["latest_code"]), (&json!(2), &json!("UNKNOWN_EXCEPTION")));
        assert!(app.call(&token, Method::GET, &connection("marketo"), None).await.expect(200).get("recent_errors").is_none(), "a day has passed");
        app.stop().await;
    }
}
