//! How the sync handles failures of the vendors.

use msi_actions::clock::Clock;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Engine, TestApp, eventually, on_both_engines};

async fn connected(engine: Engine, people: u64) -> (TestApp, String) {
    let app = TestApp::start_guided(engine, people).await;
    let token = app.guided_instance().await;
    app.connect_both(&token).await;
    (app, token)
}

/// Runs a sync that must fail with this code; returns its error.
async fn failure(app: &TestApp, token: &str, code: &str) -> Value {
    let run = app.run_sync(token).await;
    assert_eq!((&run["state"], &run["error"]["code"]), (&json!("failed"), &json!(code)), "{run}");
    for member in ["detail", "remedy"] {
        assert!(run["error"][member].as_str().is_some_and(|text| !text.is_empty()), "{run}");
    }
    assert!(run["finished_at"].is_string() && run["phase"] == "ended");
    run["error"].clone()
}

async fn assert_everybody_is_synced(app: &TestApp, token: &str) {
    let truth = app.sandbox_says("summary").await;
    assert_eq!(json!(app.people(token).await.len()), truth["owned_by_a_user"]);
}

on_both_engines! {
    async fn a_file_with_a_wrong_checksum_is_downloaded_again(engine: Engine) {
        let (app, token) = connected(engine, 100).await;
        app.fault(json!({ "target": "marketo", "kind": "wrong_checksum", "times": 1 })).await;
        app.sync(&token).await;
        assert_everybody_is_synced(&app, &token).await;
        app.stop().await;
    }

    async fn a_file_that_stays_corrupt_fails_the_run_and_changes_nobody(engine: Engine) {
        let (app, token) = connected(engine, 100).await;
        app.fault(json!({ "target": "marketo", "kind": "wrong_checksum", "times": 100 })).await;
        failure(&app, &token, "marketo_file_corrupt").await;
        assert!(app.people(&token).await.is_empty());
        assert_eq!(app.step(&token, 4).await["state"], "failed");
        app.stop().await;
    }

    async fn a_failed_export_is_created_again(engine: Engine) {
        let (app, token) = connected(engine, 100).await;
        app.fault(json!({ "target": "marketo", "kind": "fail_job", "times": 2 })).await;
        app.sync(&token).await;
        assert_everybody_is_synced(&app, &token).await;
        app.stop().await;
    }

    async fn a_run_waits_while_the_export_queue_is_full(engine: Engine) {
        let (app, token) = connected(engine, 100).await;
        let full = json!({ "target": "marketo", "path_contains": "/enqueue.json", "kind": "marketo_error", "code": "1029", "message": "Too many jobs in queue", "times": 3 });
        app.fault(full).await;
        app.sync(&token).await;
        assert_everybody_is_synced(&app, &token).await;
        app.stop().await;
    }

    async fn a_used_up_quota_pauses_the_run_until_it_resets(engine: Engine) {
        let (app, token) = connected(engine, 100).await;
        // Midnight US Central time, in summer; of Salesforce's last 24 hours the calls come back one by one.
        let quotas = [
            (json!({ "target": "marketo", "path_contains": "/create.json", "kind": "marketo_error", "code": "1029", "message": "Export daily quota 500MB exceeded" }), "marketo_export_quota", "2026-06-16T05:00:00"),
            (json!({ "target": "marketo", "path_contains": "/enqueue.json", "kind": "marketo_error", "code": "607", "message": "Daily API Request Limit Reached" }), "marketo_daily_quota", "2026-06-17T05:00:00"),
            (json!({ "target": "salesforce", "path_contains": "/jobs/query", "kind": "salesforce_error", "status": 403, "error_code": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded." }), "salesforce_request_limit_exceeded", "2026-06-17T05:15:01"),
        ];
        let mut token = token;
        for (fault, code, resumes_at) in quotas {
            app.fault(fault).await;
            let run = app.run_sync(&token).await;
            assert_eq!((&run["state"], &run["pause_reason"], &run["waiting_for"]["code"]), (&json!("paused"), &json!(code), &json!(code)), "{run}");
            assert!(run["resumes_at"].as_str().unwrap().starts_with(resumes_at), "{run}");
            let until: i64 = time::OffsetDateTime::parse(run["resumes_at"].as_str().unwrap(), &time::format_description::well_known::Rfc3339).unwrap().unix_timestamp();
            app.advance_between_jobs(time::Duration::seconds(until - app.clock.now().unix_timestamp() + 1)).await;
            token = app.narrowed_again(&token).await;
            app.until(&token, &format!("/v1/sync/runs/{}", run["id"].as_str().unwrap()), |run| run["state"] == "completed").await;
            assert_everybody_is_synced(&app, &token).await;
        }
        app.stop().await;
    }

    async fn tokens_that_expire_during_a_run_are_refreshed(engine: Engine) {
        let (app, token) = connected(engine, 100).await;
        app.fault(json!({ "target": "marketo", "path_contains": "/status.json", "kind": "expire_sessions" })).await;
        app.fault(json!({ "target": "salesforce", "path_contains": "/results", "kind": "expire_sessions" })).await;
        app.sync(&token).await;
        assert_everybody_is_synced(&app, &token).await;
        app.stop().await;
    }

    async fn a_failed_query_job_is_created_again(engine: Engine) {
        let (app, token) = connected(engine, 100).await;
        app.fault(json!({ "target": "salesforce", "kind": "fail_job", "times": 1 })).await;
        app.sync(&token).await;
        assert_everybody_is_synced(&app, &token).await;
        app.stop().await;
    }

    async fn a_truncated_page_of_owners_is_read_again(engine: Engine) {
        let (app, token) = connected(engine, 400).await;
        app.fault(json!({ "target": "salesforce", "path_contains": "/results", "kind": "cut", "after_bytes": 500 })).await;
        app.sync(&token).await;
        assert_everybody_is_synced(&app, &token).await;
        app.stop().await;
    }

    async fn repeated_rows_are_written_once(engine: Engine) {
        let (app, token) = connected(engine, 100).await;
        app.fault(json!({ "target": "marketo", "kind": "repeat_rows", "times": 20 })).await;
        app.fault(json!({ "target": "salesforce", "kind": "repeat_rows", "times": 2 })).await;
        let report = app.sync(&token).await;
        assert_eq!(report["read"], app.sandbox_says("summary").await["people_in_marketo"]);
        assert_everybody_is_synced(&app, &token).await;
        app.stop().await;
    }

    async fn an_unreadable_row_is_reported_and_removes_nobody(engine: Engine) {
        let (app, token) = connected(engine, 100).await;
        app.sync(&token).await;
        let before = app.people(&token).await;
        app.clock.advance(time::Duration::minutes(10));
        for fault in [json!({ "kind": "malformed_row" }), json!({ "kind": "oversize_line", "bytes": 40_000_000 })] {
            let mut fault = fault;
            fault["target"] = json!("marketo");
            app.fault(fault).await;
            let report = app.sync(&token).await;
            assert_eq!((&report["rejected"], &report["is_complete"], &report["removed"]), (&json!(1), &json!(false), &json!(0)), "{report}");
            let example = &report["rejected_examples"][0];
            assert_eq!(example["reason"], "wrong_number_of_columns");
            assert_eq!(example.as_object().unwrap().keys().collect::<Vec<_>>(), ["marketo_id", "reason", "window_start"], "and nothing of the person");
            assert_eq!(app.people(&token).await, before);
        }
        app.stop().await;
    }

    async fn a_run_waits_for_a_temporary_failure_to_pass(engine: Engine) {
        let (app, token) = connected(engine, 50).await;
        // The client repeats a failed call to Salesforce for some seconds, but not one that may have been carried out.
        app.fault(json!({ "target": "salesforce", "path_contains": "/jobs/query", "method": "POST", "kind": "http_status", "status": 503, "body": null, "times": 1 })).await;
        let run = app.call(&token, Method::POST, "/v1/sync/runs", None).await.expect(202);
        let path = format!("/v1/sync/runs/{}", run["id"].as_str().unwrap());
        let seen = app.until(&token, &path, |run| run["waiting_for"].is_object() || run["state"] == "completed").await;
        if seen["state"] != "completed" {
            assert!(seen["waiting_for"]["code"].as_str().unwrap().starts_with("salesforce_"), "{seen}");
            app.advance_between_jobs(time::Duration::minutes(1)).await;
        }
        let ended = app.until(&token, &path, |run| run["state"] == "completed").await;
        assert!(ended.get("waiting_for").is_none());
        assert_everybody_is_synced(&app, &token).await;
        app.stop().await;
    }

    async fn a_lost_permission_fails_the_run_with_a_remedy(engine: Engine) {
        let (app, token) = connected(engine, 50).await;
        app.tell_sandbox("marketo", json!({ "read_leads": false })).await;
        failure(&app, &token, "marketo_access_denied").await;
        app.stop().await;
    }

    async fn a_brief_failure_of_a_vendor_loses_nothing(engine: Engine) {
        let (app, token) = connected(engine, 150).await;
        let marketo = |path: &str, fault: Value| ("marketo", path.to_owned(), fault);
        let salesforce = |path: &str, fault: Value| ("salesforce", path.to_owned(), fault);
        let status = |status: u16| json!({ "kind": "http_status", "status": status, "body": null });
        let refusal = |code: &str| json!({ "kind": "marketo_error", "code": code });
        let faults = [
            marketo("", json!({ "kind": "delay", "ms": 200, "times": 5 })),
            salesforce("", json!({ "kind": "delay", "ms": 200, "times": 5 })),
            marketo("/file.json", json!({ "kind": "cut", "after_bytes": 300 })),
            marketo("/file.json", json!({ "kind": "cut", "after_bytes": 0 })),
            salesforce("/results", json!({ "kind": "cut", "after_bytes": 300 })),
            marketo("", json!({ "kind": "wrong_checksum" })),
            marketo("/create.json", refusal("601")),
            marketo("/status.json", refusal("602")),
            marketo("/enqueue.json", refusal("608")),
            marketo("/file.json", refusal("608")),
            marketo("/status.json", refusal("615")),
            marketo("/create.json", status(500)),
            marketo("/status.json", status(502)),
            marketo("/file.json", status(503)),
            salesforce("/results", status(500)),
            salesforce("/results", status(502)),
            salesforce("/results", status(503)),
            marketo("/describe.json", json!({ "kind": "expire_sessions" })),
            salesforce("/jobs/query", json!({ "kind": "expire_sessions" })),
        ];
        for (target, path, mut fault) in faults {
            fault["target"] = json!(target);
            fault["path_contains"] = json!(path);
            app.fault(fault.clone()).await;
            let run = app.run_sync(&token).await;
            assert_eq!(run["state"], "completed", "{fault}: {run}");
            assert_eq!((&run["report"]["is_complete"], &run["report"]["removed"]), (&json!(true), &json!(0)), "{fault}: {run}");
            assert_eq!(app.sandbox_says("faults").await, json!([]), "it was suffered: {fault}");
            assert_everybody_is_synced(&app, &token).await;
            app.clock.advance(time::Duration::seconds(30));
        }
        app.stop().await;
    }

    async fn a_lasting_failure_fails_the_run_and_changes_nobody(engine: Engine) {
        let (app, token) = connected(engine, 60).await;
        app.sync(&token).await;
        let before = app.people(&token).await;
        let faults = [
            (json!({ "target": "marketo", "path_contains": "/create.json", "kind": "marketo_error", "code": "601" }), "marketo_token_refused"),
            (json!({ "target": "marketo", "path_contains": "/status.json", "kind": "marketo_error", "code": "602" }), "marketo_token_refused"),
            (json!({ "target": "marketo", "path_contains": "/create.json", "kind": "marketo_error", "code": "603" }), "marketo_access_denied"),
            (json!({ "target": "marketo", "path_contains": "/create.json", "kind": "marketo_error", "code": "1035" }), "marketo_filter_unsupported"),
            (json!({ "target": "marketo", "path_contains": "/create.json", "kind": "marketo_error", "code": "1003" }), "marketo_refused"),
            (json!({ "target": "marketo", "kind": "fail_job" }), "marketo_export_failed"),
            (json!({ "target": "marketo", "kind": "wrong_checksum" }), "marketo_file_corrupt"),
            (json!({ "target": "salesforce", "kind": "fail_job" }), "salesforce_query_failed"),
            (json!({ "target": "salesforce", "path_contains": "/jobs/query", "kind": "salesforce_error", "status": 400, "error_code": "INVALID_FIELD" }), "salesforce_invalid_field"),
        ];
        for (mut fault, code) in faults {
            fault["times"] = json!(100);
            app.clock.advance(time::Duration::seconds(30));
            app.fault(fault.clone()).await;
            failure(&app, &token, code).await;
            app.no_more_faults().await;
            assert_eq!(app.people(&token).await, before, "{fault}");
        }
        app.stop().await;
    }

    async fn a_run_waits_for_the_short_term_call_limit(engine: Engine) {
        let (app, token) = connected(engine, 50).await;
        for fault in [json!({ "kind": "marketo_error", "code": "606" }), json!({ "kind": "http_status", "status": 429, "body": null, "headers": { "retry-after": "1" } })] {
            let mut fault = fault;
            (fault["target"], fault["path_contains"]) = (json!("marketo"), json!("/create.json"));
            app.fault(fault).await;
            let run = app.call(&token, Method::POST, "/v1/sync/runs", None).await.expect(202);
            eventually("the fault is suffered", async || app.sandbox_says("faults").await == json!([])).await;
            let path = format!("/v1/sync/runs/{}", run["id"].as_str().unwrap());
            // No call is made before Marketo's window of 20 seconds is over. The clock moves once the refusal is recorded; before that, the
            // window would begin at the new time.
            eventually("the run is completed", async || {
                let limits = app.call(&token, Method::GET, "/v1/connections/marketo/limits", None).await.expect(200);
                if limits["exhausted"] != json!([]) {
                    app.clock.advance(time::Duration::seconds(25));
                }
                app.call(&token, Method::GET, &path, None).await.expect(200)["state"] == "completed"
            })
            .await;
            assert_everybody_is_synced(&app, &token).await;
        }
        app.stop().await;
    }

    async fn people_with_empty_fields_are_synced(engine: Engine) {
        let (app, token) = connected(engine, 20).await;
        let owner = app.a_salesforce_user().await;
        let names = ["firstName", "lastName", "email", "company", "title", "phone", "linkedInURL", "leadSource"];
        let mut empty = json!({ "salesforce": "contact", "ownerId": owner });
        for name in names {
            empty[name] = Value::Null;
        }
        let added = app.tell_sandbox("people", empty).await;
        app.sync(&token).await;
        assert_everybody_is_synced(&app, &token).await;
        let person = app.call(&token, Method::GET, &format!("/v1/people/{}", added["id"].as_str().unwrap()), None).await.expect(200);
        for name in ["first_name", "last_name", "email", "company", "title", "phone", "linkedin_url", "source"] {
            assert!(person.get(name).is_none(), "{name}: {person}");
        }
        app.stop().await;
    }
}
