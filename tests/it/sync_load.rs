//! How a full run reads and loads: windows that share an edge, staging that a database loses, partitions, and runs that read only who
//! changed.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Engine, TestApp, on_both_engines, run};

async fn connected(engine: Engine, people: u64) -> (TestApp, String) {
    let app = TestApp::start_guided(engine, people).await;
    let token = app.guided_instance().await;
    app.connect_both(&token).await;
    (app, token)
}

async fn assert_everybody_is_synced(app: &TestApp, token: &str) {
    let truth = app.sandbox_says("summary").await;
    assert_eq!(json!(app.people(token).await.len()), truth["owned_by_a_user"]);
}

/// Runs a sync that reads only people who changed since this time; returns its report.
async fn run_targeted_sync(app: &TestApp, token: &str, since: &str) -> Value {
    // What the run reads is decided once it has seen the fields.
    app.fault(json!({ "target": "marketo", "path_contains": "describe", "kind": "delay", "ms": 1_000 })).await;
    let started = app.call(token, Method::POST, "/v1/sync/runs", None).await.expect(202);
    let since = format!("UPDATE sync_runs SET changed_since = '{since}' WHERE state = 'queued'");
    assert_eq!(app.sql(&since).await, 1);
    let path = format!("/v1/sync/runs/{}", started["id"].as_str().unwrap());
    let ended = app.until(token, &path, |run| run["state"] == "completed" || run["state"] == "failed").await;
    assert_eq!(ended["state"], "completed", "{ended}");
    ended["report"].clone()
}

on_both_engines! {
    async fn a_person_on_the_edge_of_two_windows_is_counted_once(engine: Engine) {
        let (app, token) = connected(engine, 40).await;
        let owner = app.a_salesforce_user().await;
        // The first window begins with 2025-04-01; after fifteen of 31 days comes this midnight.
        app.clock.advance(time::macros::datetime!(2026-07-10 00:00 UTC) - time::macros::datetime!(2026-06-15 12:00 UTC));
        let edge = app.tell_sandbox("people", json!({ "email": "edge@example.com", "salesforce": "lead", "ownerId": owner })).await;
        app.clock.advance(time::Duration::days(2));
        let token = app.narrowed_again(&token).await;
        let report = app.sync(&token).await;
        let truth = app.sandbox_says("summary").await;
        assert_eq!((&report["read"], &report["inserted"]), (&truth["people_in_marketo"], &truth["owned_by_a_user"]));
        assert_eq!(report["export_jobs"], report["export_jobs_planned"]);
        let found = app.call(&token, Method::GET, "/v1/people?email=edge@example.com", None).await.expect(200);
        assert_eq!(found["data"].as_array().unwrap().len(), 1, "{edge}");
        assert_everybody_is_synced(&app, &token).await;
        app.stop().await;
    }

    async fn a_run_changes_nobody_of_another_instance(engine: Engine) {
        let (app, token) = connected(engine, 60).await;
        app.sync(&token).await;
        let (other, other_token) = app.instance("321-CBA-654").await;
        let blob = format!("'{other}'");
        let blob = if matches!(engine, Engine::Sqlite) { format!("X'{}'", other.replace('-', "")) } else { blob };
        if matches!(engine, Engine::Postgres) {
            app.sql(&format!("CREATE TABLE people_{} PARTITION OF people FOR VALUES IN ({blob})", other.replace('-', ""))).await;
        }
        let columns = "marketo_id, last_name, email, salesforce_contact_id, salesforce_lead_id, owner_id, run_id, synced_at, change_number";
        app.sql(&format!("INSERT INTO people (instance_id, first_name, {columns}) SELECT {blob}, 'Other', {columns} FROM people")).await;
        let theirs = app.people(&other_token).await;
        assert!(!theirs.is_empty() && theirs.iter().all(|person| person["first_name"] == "Other"));
        let ours = app.people(&token).await;
        app.clock.advance(time::Duration::minutes(10));
        app.delete_in_sandbox(&ours[0]["marketo_id"], "marketo").await;
        let report = app.sync(&token).await;
        assert_eq!((&report["removed"], &report["updated"], &report["inserted"]), (&json!(1), &json!(0), &json!(0)));
        assert_eq!(app.people(&token).await, ours[1..]);
        assert_eq!(app.people(&other_token).await, theirs);
        app.stop().await;
    }

    async fn a_targeted_run_reads_changed_people_and_removes_nobody_else(engine: Engine) {
        let (app, token) = connected(engine, 80).await;
        app.sync(&token).await;
        let before = app.people(&token).await;
        app.clock.advance(time::Duration::minutes(10));
        let owner = app.a_salesforce_user().await;
        app.tell_sandbox("people", json!({ "email": "new@example.com", "salesforce": "contact", "ownerId": owner })).await;
        app.tell_sandbox(&format!("people/{}", before[0]["marketo_id"]), json!({ "title": "Chief" })).await;
        app.tell_sandbox(&format!("people/{}", before[1]["marketo_id"]), json!({ "salesforce": "none" })).await;
        app.delete_in_sandbox(&before[2]["marketo_id"], "marketo").await;
        let report = run_targeted_sync(&app, &token, "2026-06-15T12:05:00.000000Z").await;
        let counts = ["read", "qualified", "inserted", "updated", "unchanged", "removed"].map(|name| report[name].as_i64().unwrap());
        assert_eq!(counts, [3, 2, 1, 1, 0, 1], "{report}");
        let after = app.people(&token).await;
        assert_eq!(after.len(), before.len());
        assert_eq!(after[0]["title"], "Chief");
        assert!(after.contains(&before[2]), "who was deleted is for another run to find");
        app.stop().await;
    }

    async fn without_marketos_filter_for_changes_everybody_is_read(engine: Engine) {
        let (app, token) = connected(engine, 50).await;
        app.sync(&token).await;
        app.clock.advance(time::Duration::minutes(10));
        app.tell_sandbox("marketo", json!({ "updated_at_filter": false })).await;
        let report = run_targeted_sync(&app, &token, "2026-06-15T12:05:00.000000Z").await;
        assert_eq!(report["read"], app.sandbox_says("summary").await["people_in_marketo"]);
        assert_eq!((&report["unchanged"], &report["removed"]), (&report["qualified"], &json!(0)));
        app.stop().await;
    }
}

#[test]
fn staging_lost_in_a_postgres_crash_is_read_again_without_new_exports() {
    run(async {
        let (app, token) = connected(Engine::Postgres, 300).await;
        app.fault(json!({ "target": "salesforce", "path_contains": "/results", "kind": "delay", "ms": 1_500 })).await;
        let started = app.call(&token, Method::POST, "/v1/sync/runs", None).await.expect(202);
        let id = started["id"].as_str().unwrap();
        let path = format!("/v1/sync/runs/{id}");
        app.until(&token, &path, |run| run["phase"] == "reading_owners").await;
        let exports = app.sandbox_calls("POST /marketo/bulk/v1/leads/export/create.json").await;
        assert!(exports > 0);
        // As recovery leaves unlogged tables.
        app.sql(&format!("TRUNCATE sync_staged_people_{}", id.replace('-', ""))).await;
        let waits = app.until(&token, &path, |run| run["waiting_for"].is_object()).await;
        assert!(waits["waiting_for"]["detail"].as_str().unwrap().contains("lost"), "{waits}");
        app.clock.advance(time::Duration::minutes(1));
        let ended = app.until(&token, &path, |run| run["state"] == "completed").await;
        let truth = app.sandbox_says("summary").await;
        assert_eq!((&ended["report"]["read"], &ended["report"]["inserted"]), (&truth["people_in_marketo"], &truth["owned_by_a_user"]));
        assert_eq!(ended["report"]["export_jobs"], ended["report"]["export_jobs_planned"]);
        assert_eq!(app.sandbox_calls("POST /marketo/bulk/v1/leads/export/create.json").await, exports);
        assert_everybody_is_synced(&app, &token).await;
        app.stop().await;
    });
}
