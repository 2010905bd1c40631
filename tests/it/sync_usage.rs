//! The usage of a run is counted, however it ends.

use std::time::Duration;

use msi_actions::sandbox::SandboxSettings;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Engine, TestApp, on_both_engines};
use crate::sync_kills::{VARIABLES, completed, serve_again, start};

/// The API calls that the sandbox has answered for Marketo and Salesforce. Calls for tokens count towards no quota, and canceling what a
/// run has left behind is not part of it.
async fn answered_calls(app: &TestApp) -> [i64; 2] {
    let calls = app.sandbox_says("calls").await;
    ["/marketo/", "/salesforce/services/data/"].map(|vendor| {
        let counted = |operation: &str| {
            operation.contains(vendor) && !["/identity/", "/cancel.json", "DELETE "].iter().any(|other| operation.contains(other))
        };
        calls.as_object().unwrap().iter().filter(|(operation, _)| counted(operation)).map(|(_, count)| count.as_i64().unwrap()).sum()
    })
}

fn counted_calls(run: &Value) -> [i64; 2] {
    ["marketo", "salesforce"].map(|vendor| run["report"]["usage"][vendor]["calls"].as_i64().unwrap_or(0))
}

async fn connected(engine: Engine, played: SandboxSettings) -> (TestApp, String) {
    let app = TestApp::start_guided_with(engine, played).await;
    let token = app.guided_instance().await;
    app.connect_both(&token).await;
    (app, token)
}

fn difference(after: [i64; 2], before: [i64; 2]) -> [i64; 2] {
    [after[0] - before[0], after[1] - before[1]]
}

on_both_engines! {
    async fn a_failed_run_counts_every_call_it_made(engine: Engine) {
        let (app, token) = connected(engine, SandboxSettings { people: 100, ..SandboxSettings::default() }).await;
        for fault in [
            json!({ "target": "marketo", "kind": "wrong_checksum", "times": 1000 }),
            // The run's first call.
            json!({ "target": "marketo", "path_contains": "describe.json", "kind": "marketo_error", "code": "603", "message": "Access denied" }),
        ] {
            let before = answered_calls(&app).await;
            app.fault(fault).await;
            let run = app.run_sync(&token).await;
            assert_eq!(run["state"], "failed", "{run}");
            let made = difference(answered_calls(&app).await, before);
            assert!(made[0] > 0);
            assert_eq!(counted_calls(&run), made, "{run}");
            app.no_more_faults().await;
        }
        app.stop().await;
    }

    async fn a_canceled_run_counts_every_call_it_made(engine: Engine) {
        let (app, token) = connected(engine, SandboxSettings { people: 80, export_processing: Duration::from_secs(3600), ..SandboxSettings::default() }).await;
        let before = answered_calls(&app).await;
        let path = start(&app, &token, "full").await;
        app.until(&token, &path, |run| counted_calls(run)[0] > 3).await;
        app.call(&token, Method::POST, &format!("{path}/cancel"), None).await.expect(202);
        let run = app.until(&token, &path, |run| run["state"] == "canceled").await;
        let (made, counted) = (difference(answered_calls(&app).await, before), counted_calls(&run));
        // One may have been admitted and not sent.
        assert!((made[0]..=made[0] + 1).contains(&counted[0]) && counted[1] == made[1], "{counted:?} of {made:?}: {run}");
        app.stop().await;
    }

    async fn a_run_of_a_killed_process_counts_the_calls_before(engine: Engine) {
        let app = TestApp::without_service_with(engine, SandboxSettings { people: 200, export_processing: Duration::from_secs(2), ..SandboxSettings::default() }).await;
        let process = app.serve_with(app.port(), &VARIABLES);
        let token = app.guided_instance().await;
        app.connect_both(&token).await;
        let before = answered_calls(&app).await;
        let path = start(&app, &token, "full").await;
        app.until(&token, &path, |run| counted_calls(run)[0] > 3).await;
        let seen = answered_calls(&app).await;
        app.until(&token, &path, |run| counted_calls(run)[0] >= seen[0] - before[0]).await;
        process.kill();
        let at_the_kill = answered_calls(&app).await;
        let mut process = serve_again(&app).await;
        let run = completed(&app, &token, &path).await;
        let (made, counted) = (difference(answered_calls(&app).await, before), counted_calls(&run));
        // What was called since they were kept last is lost; one may have been admitted and not sent.
        let lost = difference(at_the_kill, seen);
        assert!((made[0] - lost[0]..=made[0] + 1).contains(&counted[0]), "{counted:?} of {made:?}, {lost:?} may be lost: {run}");
        assert!((made[1] - lost[1]..=made[1] + 1).contains(&counted[1]), "{counted:?} of {made:?}, {lost:?} may be lost: {run}");
        let _ = process.stop();
        app.stop().await;
    }
}
