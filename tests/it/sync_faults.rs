//! What the sync makes of vendors that misbehave.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Engine, TestApp, on_both_engines};

async fn connected(engine: Engine, people: u64) -> (TestApp, String) {
    let app = TestApp::start_guided(engine, people).await;
    let token = app.guided_instance().await;
    app.connect_both(&token).await;
    (app, token)
}

/// Runs a sync that must fail with this code; gives its error.
async fn failure(app: &TestApp, token: &str, code: &str) -> Value {
    let run = app.run_sync(token).await;
    assert_eq!((&run["state"], &run["error"]["code"]), (&json!("failed"), &json!(code)), "{run}");
    for member in ["detail", "what_to_do"] {
        assert!(run["error"][member].as_str().is_some_and(|text| !text.is_empty()), "{run}");
    }
    assert!(run["finished_at"].is_string() && run["phase"] == "ended");
    run["error"].clone()
}

async fn everybody_is_there(app: &TestApp, token: &str) {
    let truth = app.sandbox_says("summary").await;
    assert_eq!(json!(app.people(token).await.len()), truth["owned_by_a_user"]);
}

on_both_engines! {
    async fn a_file_that_is_not_what_was_announced_is_downloaded_again(engine: Engine) {
        let (app, token) = connected(engine, 100).await;
        app.fault(json!({ "target": "marketo", "kind": "wrong_checksum", "times": 1 })).await;
        app.sync(&token).await;
        everybody_is_there(&app, &token).await;
        app.stop().await;
    }

    async fn a_file_that_stays_corrupt_fails_the_run_and_nobody_is_written(engine: Engine) {
        let (app, token) = connected(engine, 100).await;
        app.fault(json!({ "target": "marketo", "kind": "wrong_checksum", "times": 100 })).await;
        failure(&app, &token, "marketo_file_corrupt").await;
        assert!(app.people(&token).await.is_empty());
        assert_eq!(app.step(&token, 4).await["state"], "failed");
        app.stop().await;
    }

    async fn an_export_that_fails_is_made_again(engine: Engine) {
        let (app, token) = connected(engine, 100).await;
        app.fault(json!({ "target": "marketo", "kind": "fail_job", "times": 2 })).await;
        app.sync(&token).await;
        everybody_is_there(&app, &token).await;
        app.stop().await;
    }

    async fn a_full_export_queue_is_waited_for(engine: Engine) {
        let (app, token) = connected(engine, 100).await;
        let full = json!({ "target": "marketo", "path_contains": "/enqueue.json", "kind": "marketo_error", "code": "1029", "message": "Too many jobs in queue", "times": 3 });
        app.fault(full).await;
        app.sync(&token).await;
        everybody_is_there(&app, &token).await;
        app.stop().await;
    }

    async fn a_used_up_export_quota_fails_the_run_and_says_when_it_begins_afresh(engine: Engine) {
        let (app, token) = connected(engine, 100).await;
        app.tell_sandbox("marketo", json!({ "export_daily_bytes": 0 })).await;
        let error = failure(&app, &token, "marketo_export_quota").await;
        // Midnight US Central time, in summer.
        assert!(error["detail"].as_str().unwrap().contains("2026-06-16T05:00:00"), "{error}");
        app.tell_sandbox("marketo", json!({ "export_daily_bytes": 1_000_000 })).await;
        let error = failure(&app, &token, "marketo_export_quota").await;
        assert!(error["detail"].as_str().unwrap().contains("2026-06-16T05:00:00"), "what Marketo said holds until then: {error}");
        app.clock.advance(time::Duration::hours(17));
        let token = app.narrowed_again(&token).await;
        app.sync(&token).await;
        everybody_is_there(&app, &token).await;
        app.stop().await;
    }

    async fn expired_tokens_are_renewed_on_the_way(engine: Engine) {
        let (app, token) = connected(engine, 100).await;
        app.fault(json!({ "target": "marketo", "path_contains": "/status.json", "kind": "expire_sessions" })).await;
        app.fault(json!({ "target": "salesforce", "path_contains": "/results", "kind": "expire_sessions" })).await;
        app.sync(&token).await;
        everybody_is_there(&app, &token).await;
        app.stop().await;
    }

    async fn a_query_job_that_fails_is_made_again(engine: Engine) {
        let (app, token) = connected(engine, 100).await;
        app.fault(json!({ "target": "salesforce", "kind": "fail_job", "times": 1 })).await;
        app.sync(&token).await;
        everybody_is_there(&app, &token).await;
        app.stop().await;
    }

    async fn a_cut_page_of_owners_is_read_again(engine: Engine) {
        let (app, token) = connected(engine, 400).await;
        app.fault(json!({ "target": "salesforce", "path_contains": "/results", "kind": "cut", "after_bytes": 500 })).await;
        app.sync(&token).await;
        everybody_is_there(&app, &token).await;
        app.stop().await;
    }

    async fn rows_that_come_twice_are_written_once(engine: Engine) {
        let (app, token) = connected(engine, 100).await;
        app.fault(json!({ "target": "marketo", "kind": "repeat_rows", "times": 20 })).await;
        app.fault(json!({ "target": "salesforce", "kind": "repeat_rows", "times": 2 })).await;
        let report = app.sync(&token).await;
        assert_eq!(report["read"], app.sandbox_says("summary").await["people_in_marketo"]);
        everybody_is_there(&app, &token).await;
        app.stop().await;
    }

    async fn a_row_that_can_not_be_read_is_reported_and_costs_nobody_their_place(engine: Engine) {
        let (app, token) = connected(engine, 100).await;
        app.sync(&token).await;
        let before = app.people(&token).await;
        app.clock.advance(time::Duration::minutes(10));
        for fault in [json!({ "kind": "malformed_row" }), json!({ "kind": "oversize_line", "bytes": 40_000_000 })] {
            let mut fault = fault;
            fault["target"] = json!("marketo");
            app.fault(fault).await;
            let report = app.sync(&token).await;
            assert_eq!((&report["rejected"], &report["saw_everything"], &report["removed"]), (&json!(1), &json!(false), &json!(0)), "{report}");
            let example = &report["rejected_examples"][0];
            assert_eq!(example["reason"], "wrong_number_of_columns");
            assert_eq!(example.as_object().unwrap().keys().collect::<Vec<_>>(), ["marketo_id", "reason", "window_start"], "and nothing of the person");
            assert_eq!(app.people(&token).await, before);
        }
        app.stop().await;
    }

    async fn trouble_that_passes_is_waited_for(engine: Engine) {
        let (app, token) = connected(engine, 50).await;
        // Between the calls of Salesforce that the client repeats by itself and those after which it gives up lie seconds; one that
        // may have been carried out is not repeated at all.
        app.fault(json!({ "target": "salesforce", "path_contains": "/jobs/query", "method": "POST", "kind": "http_status", "status": 503, "body": null, "times": 1 })).await;
        let run = app.call(&token, Method::POST, "/v1/sync/runs", None).await.expect(202);
        let path = format!("/v1/sync/runs/{}", run["id"].as_str().unwrap());
        let seen = app.until(&token, &path, |run| run["waiting_for"].is_object() || run["state"] == "completed").await;
        if seen["state"] != "completed" {
            assert!(seen["waiting_for"]["code"].as_str().unwrap().starts_with("salesforce_"), "{seen}");
            app.clock.advance(time::Duration::minutes(1));
        }
        let ended = app.until(&token, &path, |run| run["state"] == "completed").await;
        assert!(ended.get("waiting_for").is_none());
        everybody_is_there(&app, &token).await;
        app.stop().await;
    }

    async fn a_connection_that_was_ended_fails_the_run_with_what_to_do(engine: Engine) {
        let (app, token) = connected(engine, 50).await;
        app.tell_sandbox("marketo", json!({ "read_leads": false })).await;
        failure(&app, &token, "marketo_access_denied").await;
        app.stop().await;
    }
}
