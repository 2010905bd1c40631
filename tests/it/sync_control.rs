//! Controlling runs: pause, resume, cancel, retry; the messages about them; and processes that stop.

use std::time::{Duration, Instant};

use msi_actions::auth::{Scope, Scopes};
use msi_actions::sandbox::SandboxSettings;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Engine, FIRST_USER, TestApp, eventually, on_both_engines};

const CANCELED_EXPORTS: &str = "POST /marketo/bulk/v1/leads/export/{export_id}/cancel.json";

async fn connected(engine: Engine, people: u64) -> (TestApp, String) {
    let app = TestApp::start_guided(engine, people).await;
    let token = app.guided_instance().await;
    app.connect_both(&token).await;
    (app, token)
}

/// A run that waits for its first export, which takes an hour of a clock that stands still.
async fn run_waiting_for_an_export(engine: Engine) -> (TestApp, String, String) {
    let played = SandboxSettings { people: 80, export_processing: Duration::from_secs(3600), ..SandboxSettings::default() };
    let app = TestApp::start_guided_with(engine, played).await;
    let token = app.guided_instance().await;
    app.connect_both(&token).await;
    let path = start(&app, &token).await;
    app.until(&token, &path, |run| run["report"]["usage"]["marketo"]["calls"].as_i64() > Some(3) || run["state"] == "extracting").await;
    (app, token, path)
}

/// The exports that Marketo has created; the calls for one are more when it has refused some.
async fn exports_made(app: &TestApp) -> u64 {
    app.sandbox_says("").await["marketo"]["exports_made"].as_u64().unwrap()
}

async fn start(app: &TestApp, token: &str) -> String {
    let run = app.call(token, Method::POST, "/v1/sync/runs", None).await.expect(202);
    format!("/v1/sync/runs/{}", run["id"].as_str().unwrap())
}

async fn control(app: &TestApp, token: &str, path: &str, verb: &str) -> Answer {
    app.call(token, Method::POST, &format!("{path}/{verb}"), None).await
}

/// Advances the clock by an hour at a time until the run is complete: whenever its job waits, and now and then, because a running job may
/// wait, too.
async fn complete(app: &TestApp, token: &str, path: &str) -> Value {
    const WAITS: &str = "SELECT COUNT(*) FROM jobs WHERE kind = 'sync_run' AND state = 'queued' AND is_due = FALSE";
    let deadline = Instant::now() + Duration::from_secs(120);
    let mut moved = None::<Instant>;
    while Instant::now() < deadline {
        if app.count(WAITS).await > 0 || moved.is_none_or(|moved| moved.elapsed() > Duration::from_millis(700)) {
            app.clock.advance(time::Duration::hours(1));
            moved = Some(Instant::now());
        }
        let token = app.narrowed_again(token).await;
        let run = app.call(&token, Method::GET, path, None).await.expect(200);
        match run["state"].as_str().unwrap() {
            "completed" => return run,
            "failed" | "canceled" => panic!("{run}"),
            _ => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
    panic!("the run does not end")
}

async fn assert_everybody_is_synced(app: &TestApp, token: &str) {
    let token = app.narrowed_again(token).await;
    let truth = app.sandbox_says("summary").await;
    assert_eq!(json!(app.people(&token).await.len()), truth["owned_by_a_user"]);
}

on_both_engines! {
    async fn resuming_continues_a_paused_run_where_it_stopped(engine: Engine) {
        let (app, token, path) = run_waiting_for_an_export(engine).await;
        eventually("an export is being made", async || exports_made(&app).await > 0).await;
        let asked = control(&app, &token, &path, "pause").await.expect(202);
        assert_eq!(asked["requested"], "pause");
        let paused = app.until(&token, &path, |run| run["state"] == "paused").await;
        assert_eq!(paused["pause_reason"], "requested");
        assert!(paused.get("resumes_at").is_none() && paused.get("requested").is_none(), "{paused}");
        assert_eq!(control(&app, &token, &path, "pause").await.expect(200)["state"], "paused");
        let problem = app.call(&token, Method::POST, "/v1/sync/runs", None).await.problem(409, "sync_running");
        assert_eq!(problem["link"], path.as_str());
        let made = exports_made(&app).await;
        app.clock.advance(time::Duration::hours(2));
        let token = app.narrowed_again(&token).await;
        assert_eq!(app.call(&token, Method::GET, &path, None).await.expect(200)["state"], "paused");
        let waiting = "SELECT COUNT(*) FROM jobs WHERE kind = 'sync_run' AND state = 'queued'";
        eventually("no job is left for it", async || app.count(waiting).await == 0).await;
        assert_eq!(control(&app, &token, &path, "resume").await.expect(202)["state"], "extracting");
        assert_eq!(control(&app, &token, &path, "resume").await.expect(200)["state"], "extracting");
        let run = complete(&app, &token, &path).await;
        assert_eq!(run["report"]["export_jobs"], run["report"]["export_jobs_planned"]);
        assert!(made > 0);
        assert_eq!(json!(exports_made(&app).await), run["report"]["export_jobs"], "no export was made twice");
        assert_everybody_is_synced(&app, &token).await;
        app.stop().await;
    }

    async fn a_canceled_run_ends_at_once_and_leaves_nothing_behind(engine: Engine) {
        let (app, token, path) = run_waiting_for_an_export(engine).await;
        assert_eq!(control(&app, &token, &path, "cancel").await.expect(202)["requested"], "cancel");
        let run = app.until(&token, &path, |run| run["state"] == "canceled").await;
        assert!(run["finished_at"].is_string() && run["phase"] == "ended" && run.get("error").is_none(), "{run}");
        assert_eq!(control(&app, &token, &path, "cancel").await.expect(200)["state"], "canceled");
        let events = app.call(&token, Method::GET, "/v1/audit-events?action=sync.canceled", None).await.expect(200);
        assert_eq!(events["data"].as_array().unwrap().len(), 1, "asked twice, done once: {events}");
        for (verb, why) in [("pause", "only a run under way"), ("resume", "Start another one"), ("retry", "was canceled")] {
            let problem = control(&app, &token, &path, verb).await.problem(409, "run_state_conflict");
            assert!(problem["detail"].as_str().unwrap().contains(why), "{verb}: {problem}");
        }
        eventually("what Marketo still prepares is called off", async || app.sandbox_calls(CANCELED_EXPORTS).await >= 1).await;
        eventually("what it has read is deleted", async || app.staging_tables().await == 0).await;
        assert!(app.people(&token).await.is_empty());
        assert_eq!(app.step(&token, 4).await["state"], "ready");
        let next = start(&app, &token).await;
        assert_ne!(next, path);
        app.stop().await;
    }

    async fn a_paused_run_can_be_canceled(engine: Engine) {
        let (app, token, path) = run_waiting_for_an_export(engine).await;
        control(&app, &token, &path, "pause").await.expect(202);
        app.until(&token, &path, |run| run["state"] == "paused").await;
        control(&app, &token, &path, "cancel").await.expect(202);
        let refused = control(&app, &token, &path, "resume").await;
        assert_eq!(refused.status, 409, "{}", refused.text);
        app.until(&token, &path, |run| run["state"] == "canceled").await;
        app.stop().await;
    }

    async fn a_run_paused_by_a_quota_resumes_by_itself_unless_paused_by_a_person(engine: Engine) {
        let (app, token) = connected(engine, 60).await;
        app.tell_sandbox("marketo", json!({ "export_daily_bytes": 0 })).await;
        let path = start(&app, &token).await;
        let paused = app.until(&token, &path, |run| run["state"] == "paused").await;
        assert_eq!((&paused["pause_reason"], &paused["waiting_for"]["code"]), (&json!("marketo_export_quota"), &json!("marketo_export_quota")));
        // Midnight US Central time, in summer.
        assert!(paused["resumes_at"].as_str().unwrap().starts_with("2026-06-16T05:00:0"), "{paused}");
        // Resumed too soon, it pauses again.
        control(&app, &token, &path, "resume").await.expect(202);
        app.until(&token, &path, |run| run["state"] == "paused").await;
        // Paused by a person, it doesn't resume by itself any more.
        let held = control(&app, &token, &path, "pause").await.expect(202);
        assert!(held["pause_reason"] == "requested" && held.get("resumes_at").is_none(), "{held}");
        app.tell_sandbox("marketo", json!({ "export_daily_bytes": 1_000_000 })).await;
        app.clock.advance(time::Duration::hours(18));
        let token = app.narrowed_again(&token).await;
        control(&app, &token, &path, "resume").await.expect(202);
        app.until(&token, &path, |run| run["state"] == "completed").await;
        assert_everybody_is_synced(&app, &token).await;
        app.stop().await;
    }

    async fn no_incremental_run_starts_while_a_full_run_is_paused(engine: Engine) {
        let played = SandboxSettings { people: 30, ..SandboxSettings::default() };
        let app = TestApp::start_guided_changed(engine, played, |settings| settings.sync.incremental_interval_seconds = 60).await;
        let token = app.guided_instance().await;
        app.connect_both(&token).await;
        app.sync(&token).await;
        app.tell_sandbox("marketo", json!({ "export_daily_bytes": 0 })).await;
        let path = start(&app, &token).await;
        app.until(&token, &path, |run| run["state"] == "paused").await;
        let refused = async |why: &str| {
            let problem = app.call(&token, Method::POST, "/v1/sync/runs", Some(json!({ "kind": "incremental" }))).await.problem(409, "sync_running");
            assert_eq!(problem["link"], path.as_str());
            let detail = problem["detail"].as_str().unwrap();
            for part in [why, path.rsplit('/').next().unwrap(), &format!("POST {path}/resume"), &format!("POST {path}/cancel")] {
                assert!(detail.contains(part), "{part}: {detail}");
            }
        };
        refused("paused (marketo_export_quota) and goes on by itself at 2026-06-16T05:00:0").await;
        let looked = async || app.count("SELECT COALESCE(MAX(attempts), 0) FROM jobs WHERE kind = 'sync_schedule' AND state = 'queued'").await;
        for _ in 0..2 {
            let before = looked().await;
            app.clock.advance(time::Duration::seconds(61));
            eventually("the schedule has looked", async || looked().await > before).await;
        }
        let runs = app.call(&token, Method::GET, "/v1/sync/runs", None).await.expect(200);
        assert_eq!(runs["data"].as_array().unwrap().len(), 2, "{runs}");
        control(&app, &token, &path, "pause").await.expect(202);
        refused("paused until somebody resumes it").await;
        control(&app, &token, &path, "cancel").await.expect(202);
        app.until(&token, &path, |run| run["state"] == "canceled").await;
        app.clock.advance(time::Duration::seconds(61));
        let followed = async || {
            let runs = app.call(&token, Method::GET, "/v1/sync/runs?kind=incremental&state=completed", None).await.expect(200);
            !runs["data"].as_array().unwrap().is_empty()
        };
        eventually("the schedule goes on", followed).await;
        app.stop().await;
    }

    async fn a_failed_run_is_not_retried_once_a_newer_run_exists(engine: Engine) {
        let (app, token) = connected(engine, 30).await;
        app.sync(&token).await;
        app.clock.advance(time::Duration::minutes(1));
        app.fault(json!({ "target": "salesforce", "path_contains": "/jobs/query", "kind": "salesforce_error", "status": 403, "error_code": "API_DISABLED_FOR_ORG", "times": 50 })).await;
        let failed = app.run_sync(&token).await;
        assert_eq!(failed["state"], "failed", "{failed}");
        app.no_more_faults().await;
        let newer = app.follow(&token).await;
        let newer = newer["id"].as_str().unwrap();
        let problem = control(&app, &token, &format!("/v1/sync/runs/{}", failed["id"].as_str().unwrap()), "retry").await.problem(409, "run_state_conflict");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(newer) && detail.contains(r#"POST /v1/sync/runs {"kind":"full"}"#), "{detail}");
        assert_eq!(problem["link"], format!("/v1/sync/runs/{newer}"));
        app.stop().await;
    }

    async fn a_retry_continues_a_failed_run_where_it_failed(engine: Engine) {
        let (app, token) = connected(engine, 60).await;
        app.fault(json!({ "target": "salesforce", "path_contains": "/jobs/query", "kind": "salesforce_error", "status": 403, "error_code": "API_DISABLED_FOR_ORG", "times": 50 })).await;
        let failed = app.run_sync(&token).await;
        assert_eq!((&failed["state"], &failed["error"]["code"]), (&json!("failed"), &json!("salesforce_api_disabled_for_org")), "{failed}");
        let path = format!("/v1/sync/runs/{}", failed["id"].as_str().unwrap());
        control(&app, &token, &path, "resume").await.problem(409, "run_state_conflict");
        let made = exports_made(&app).await;
        app.no_more_faults().await;
        let again = control(&app, &token, &path, "retry").await.expect(202);
        assert!(again["state"] == "qualifying" && again.get("error").is_none() && again.get("finished_at").is_none(), "{again}");
        let once_more = control(&app, &token, &path, "retry").await;
        assert!(matches!(once_more.status.as_u16(), 200 | 409), "under way, or complete by now: {}", once_more.text);
        app.until(&token, &path, |run| run["state"] == "completed").await;
        assert_eq!(exports_made(&app).await, made, "what was read is not read again");
        let events = app.call(&token, Method::GET, "/v1/audit-events?action=sync.retried", None).await.expect(200);
        assert_eq!(events["data"].as_array().unwrap().len(), 1, "asked twice, done once: {events}");
        assert_everybody_is_synced(&app, &token).await;
        control(&app, &token, &path, "retry").await.problem(409, "run_state_conflict");
        app.stop().await;
    }

    async fn a_retry_after_a_day_starts_a_failed_run_over(engine: Engine) {
        let (app, token) = connected(engine, 30).await;
        app.fault(json!({ "target": "salesforce", "path_contains": "/jobs/query", "kind": "salesforce_error", "status": 403, "error_code": "API_DISABLED_FOR_ORG", "times": 50 })).await;
        let failed = app.run_sync(&token).await;
        let path = format!("/v1/sync/runs/{}", failed["id"].as_str().unwrap());
        app.no_more_faults().await;
        let made = exports_made(&app).await;
        app.clock.advance(time::Duration::hours(25));
        let token = app.narrowed_again(&token).await;
        eventually("what it had read is deleted", async || app.count("SELECT COUNT(*) FROM sync_runs WHERE keeps_staging").await == 0).await;
        eventually("nothing is staged", async || app.staging_tables().await == 0).await;
        let again = control(&app, &token, &path, "retry").await.expect(202);
        assert_eq!(again["state"], "queued");
        app.until(&token, &path, |run| run["state"] == "completed").await;
        assert!(exports_made(&app).await > made);
        assert_everybody_is_synced(&app, &token).await;
        app.stop().await;
    }

    async fn jobs_that_ended_a_month_ago_are_deleted_within_an_hour(engine: Engine) {
        let (app, token) = connected(engine, 5).await;
        app.sync(&token).await;
        let ended = async || app.count("SELECT COUNT(*) FROM jobs WHERE kind = 'sync_run' AND state = 'done'").await;
        eventually("the run's job is done", async || ended().await == 1).await;
        app.clock.advance(time::Duration::days(29));
        // The next job is younger than a month in the end.
        let token = app.narrowed_again(&token).await;
        app.sync(&token).await;
        eventually("two jobs are done", async || ended().await == 2).await;
        app.clock.advance(time::Duration::days(2));
        eventually("the older one is gone", async || ended().await == 1).await;
        app.stop().await;
    }

    async fn runs_are_listed_by_kind_and_state(engine: Engine) {
        let (app, token) = connected(engine, 5).await;
        app.sync(&token).await;
        app.clock.advance(time::Duration::minutes(1));
        app.fault(json!({ "target": "salesforce", "path_contains": "/jobs/query", "kind": "salesforce_error", "status": 403, "error_code": "API_DISABLED_FOR_ORG", "times": 50 })).await;
        let failed = app.run_sync(&token).await;
        let listed = async |query: &str| {
            let page = app.call(&token, Method::GET, &format!("/v1/sync/runs?{query}"), None).await.expect(200);
            page["data"].as_array().unwrap().iter().map(|run| run["id"].clone()).collect::<Vec<_>>()
        };
        assert_eq!(listed("state=failed").await, [failed["id"].clone()]);
        assert_eq!(listed("kind=full").await.len(), 2);
        assert!(listed("kind=incremental").await.is_empty());
        assert_eq!(listed("kind=full&state=completed").await.len(), 1);
        app.call(&token, Method::GET, "/v1/sync/runs?state=lost", None).await.problem(422, "invalid_input");
        app.stop().await;
    }

    async fn admins_get_a_message_when_a_run_ends(engine: Engine) {
        let (app, token) = connected(engine, 30).await;
        app.call(&token, Method::POST, "/v1/invites/first", Some(json!({ "email": FIRST_USER }))).await.expect(201);
        app.call(&token, Method::POST, "/v1/invites", Some(json!({ "emails": ["tom.ops@example.com"] }))).await.expect(200);
        app.sql("UPDATE members SET status = 'active'").await;
        eventually("the invitations have left", async || app.messages() == 2).await;
        let report = app.sync(&token).await;
        eventually("one message for the one admin", async || app.messages() == 3).await;
        let texts = app.texts();
        let told = texts.iter().find(|text| text.contains("The people sync of Instance 123-ABC-456 is complete")).expect("a subject");
        assert!(told.contains(&format!("To: {FIRST_USER}")) && told.contains(&format!("Qualified: {}", report["qualified"])), "{told}");
        app.clock.advance(time::Duration::minutes(1));
        app.call(&token, Method::PATCH, "/v1/instance", Some(json!({ "language": "de" }))).await.expect(200);
        app.tell_sandbox("marketo", json!({ "read_leads": false })).await;
        let failed = app.run_sync(&token).await;
        let remedy = format!("Was zu tun ist (auf Englisch): {}", failed["error"]["remedy"].as_str().unwrap());
        let parts = ["die Personensynchronisierung von Instance 123-ABC-456 ist fehlgeschlagen.", &remedy, "Content-Language: de\r\n"];
        eventually("and of a failure, in the instance's language", async || {
            app.texts().iter().any(|text| parts.iter().all(|part| text.contains(part)))
        })
        .await;
        assert_eq!(app.messages(), 4);
        app.stop().await;
    }

    async fn a_retry_cancels_the_unsent_message_about_the_failure(engine: Engine) {
        let played = SandboxSettings { people: 30, ..SandboxSettings::default() };
        // No server listens there, so no message is sent.
        let app = TestApp::start_guided_changed(engine, played, |settings| {
            settings.mail.smtp_url = "smtp://127.0.0.1:1".into();
            settings.mail.messages_per_minute = 0;
        })
        .await;
        let token = app.guided_instance().await;
        app.connect_both(&token).await;
        app.call(&token, Method::POST, "/v1/invites/first", Some(json!({ "email": FIRST_USER }))).await.expect(201);
        app.sql("UPDATE members SET status = 'active'").await;
        app.fault(json!({ "target": "salesforce", "path_contains": "/jobs/query", "kind": "salesforce_error", "status": 403, "error_code": "API_DISABLED_FOR_ORG", "times": 50 })).await;
        let failed = app.run_sync(&token).await;
        assert_eq!(failed["state"], "failed", "{failed}");
        let operator = app.operator_token().await;
        let notices = async || app.call(&operator, Method::GET, "/v1/mail/outbox?kind=sync_notice", None).await.expect(200)["data"].clone();
        // It is queued as soon as the run has ended, and waits for another attempt after the first has failed.
        assert_eq!(notices().await.as_array().unwrap().len(), 1);
        eventually("a try in vain", async || {
            let notice = notices().await[0].clone();
            notice["attempts"] == 1 && notice["state"] == "queued"
        }).await;
        app.no_more_faults().await;
        let path = format!("/v1/sync/runs/{}", failed["id"].as_str().unwrap());
        control(&app, &token, &path, "retry").await.expect(202);
        assert_eq!(notices().await[0]["state"], "canceled");
        app.until(&token, &path, |run| run["state"] == "completed").await;
        let told = notices().await;
        let canceled = told.as_array().unwrap().iter().filter(|notice| notice["state"] == "canceled").count();
        assert_eq!((told.as_array().unwrap().len(), canceled), (2, 1), "{told}");
        app.stop().await;
    }

    async fn rejected_rows_can_be_downloaded(engine: Engine) {
        let (app, token) = connected(engine, 60).await;
        app.fault(json!({ "target": "marketo", "kind": "malformed_row", "times": 2 })).await;
        let report = app.sync(&token).await;
        assert_eq!(report["rejected"], 2);
        let run = app.call(&token, Method::GET, "/v1/sync/runs", None).await.expect(200)["data"][0]["id"].clone();
        let path = format!("/v1/sync/runs/{}/rejected.csv", run.as_str().unwrap());
        let file = app.call(&token, Method::GET, &path, None).await;
        assert_eq!((file.status.as_u16(), file.headers["content-type"].to_str().unwrap()), (200, "text/csv; charset=utf-8"));
        let lines: Vec<_> = file.text.lines().collect();
        assert_eq!((lines[0], lines.len()), ("marketo_id,reason,window_start,record,row", 3), "{}", file.text);
        assert!(lines[1].contains("wrong_number_of_columns") && lines[1].contains('@'), "{}", file.text);
        let narrow = app.scoped(&token, &[Scope::SyncRead]).await;
        let file = app.call(&narrow, Method::GET, &path, None).await;
        assert!(file.status == 200 && !file.text.contains('@') && file.text.lines().count() == 3, "{}", file.text);
        app.stop().await;
    }

    async fn a_stopping_process_hands_its_run_over_at_once(engine: Engine) {
        let played = SandboxSettings { people: 80, export_processing: Duration::from_secs(3600), ..SandboxSettings::default() };
        // The clock stands still: no lease expires, and waiting for the run would take the whole time for shutting down.
        let mut app = TestApp::start_guided_changed(engine, played, |settings| settings.server.shutdown_timeout_seconds = 20).await;
        let token = app.guided_instance().await;
        app.connect_both(&token).await;
        let path = start(&app, &token).await;
        app.until(&token, &path, |run| run["state"] == "extracting").await;
        let replica = app.replica().await;
        let operator = app.client(None, Scopes::of_an_operator()).await;
        let began = Instant::now();
        app.stop_service().await;
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
        let made = exports_made(&app).await;
        let deadline = Instant::now() + Duration::from_secs(120);
        while Instant::now() < deadline {
            app.clock.advance(time::Duration::minutes(50));
            let token = replica.narrowed(&operator, &token).await;
            let run = replica.get(&token, &path).await.expect(200);
            assert_ne!(run["state"], "failed", "{run}");
            if run["state"] == "completed" {
                assert_eq!(json!(exports_made(&app).await), run["report"]["export_jobs"], "{made} were made before");
                replica.stop().await;
                app.stop().await;
                return;
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        panic!("nobody resumes the run");
    }
}
