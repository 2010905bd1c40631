//! What incremental runs refuse, reject or can't read, and the remedies.

use msi_actions::sandbox::SandboxSettings;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Engine, TestApp, eventually, on_both_engines};

/// A service after a full run of `contacts` people, with a limit of `limit` people.
async fn synced(engine: Engine, limit: u64, contacts: usize) -> (TestApp, String, Vec<Value>) {
    let played = SandboxSettings { people: 0, ..SandboxSettings::default() };
    let app = TestApp::start_guided_changed(engine, played, |settings| {
        settings.limits.people = limit;
        // One export window is enough for them.
        settings.sync.earliest = "2026-06-01".into();
    })
    .await;
    let token = app.guided_instance().await;
    app.connect_both(&token).await;
    let mut people = Vec::new();
    for _ in 0..contacts {
        people.push(a_contact(&app).await);
    }
    app.sync(&token).await;
    (app, token, people)
}

async fn a_contact(app: &TestApp) -> Value {
    let owner = app.a_salesforce_user().await;
    app.tell_sandbox("people", json!({ "salesforce": "contact", "ownerId": owner, "title": "Clerk" })).await
}

fn id_of(person: &Value) -> i64 {
    person["id"].as_str().unwrap().parse().unwrap()
}

async fn change(app: &TestApp, person: &Value, fields: Value) {
    app.tell_sandbox(&format!("people/{}", id_of(person)), fields).await;
}

/// Runs an incremental sync, which may fail; returns the run.
async fn run_incremental(app: &TestApp, token: &str) -> Value {
    app.clock.advance(time::Duration::seconds(10));
    let run = app.call(token, Method::POST, "/v1/sync/runs", Some(json!({ "kind": "incremental" }))).await.expect(202);
    let path = format!("/v1/sync/runs/{}", run["id"].as_str().unwrap());
    app.until(token, &path, |run| run["state"] == "completed" || run["state"] == "failed").await
}

async fn rejected_rows(app: &TestApp, token: &str, run: &Value) -> Vec<String> {
    let file = app.call(token, Method::GET, &format!("/v1/sync/runs/{}/rejected.csv", run["id"].as_str().unwrap()), None).await;
    assert_eq!(file.status, 200, "{}", file.text);
    file.text.lines().skip(1).map(str::to_owned).collect()
}

fn gaps(run: &Value) -> Vec<(&str, &str)> {
    let gaps = run["report"]["changes"]["gaps"].as_array().unwrap();
    gaps.iter().map(|gap| (gap["code"].as_str().unwrap(), gap["resolution"].as_str().unwrap())).collect()
}

on_both_engines! {
    async fn an_incremental_run_beyond_the_people_limit_fails_and_writes_nobody(engine: Engine) {
        let (app, token, people) = synced(engine, 3, 3).await;
        let instance = app.call(&token, Method::GET, "/v1/instance", None).await.expect(200);
        assert_eq!(instance["limits"]["people"], 3);
        let before = app.people(&token).await;
        a_contact(&app).await;
        change(&app, &people[0], json!({ "title": "Chief" })).await;
        let run = run_incremental(&app, &token).await;
        assert_eq!((&run["state"], &run["error"]["code"]), (&json!("failed"), &json!("people_limit_exceeded")), "{run}");
        assert_eq!(app.people(&token).await, before);
        let full = app.run_sync(&token).await;
        assert_eq!((&full["state"], &full["error"]), (&json!("failed"), &run["error"]), "{full}");
        assert_eq!(app.people(&token).await, before);
        // What wasn't written is read again once there is room.
        app.delete_in_sandbox(&json!(id_of(&people[1])), "marketo").await;
        let run = run_incremental(&app, &token).await;
        let report = &run["report"];
        assert_eq!(["inserted", "updated", "removed"].map(|name| report[name].as_i64()), [Some(1); 3], "{run}");
        assert_eq!(app.people(&token).await.len(), 3);
        app.stop().await;
    }

    async fn people_an_incremental_run_rejects_stay_as_they_were(engine: Engine) {
        let (app, token, people) = synced(engine, 100, 3).await;
        let before = app.people(&token).await;
        change(&app, &people[0], json!({ "title": "x".repeat(9_000) })).await;
        change(&app, &people[1], json!({ "title": "Chief" })).await;
        let run = app.follow(&token).await;
        let report = &run["report"];
        assert_eq!((&report["rejected"], &report["updated"], &report["is_complete"]), (&json!(1), &json!(1), &json!(false)), "{run}");
        let example = &report["rejected_examples"][0];
        assert_eq!((&example["marketo_id"], &example["reason"]), (&json!(id_of(&people[0])), &json!("value_too_long")));
        let rows = rejected_rows(&app, &token, &run).await;
        assert!(rows.len() == 1 && rows[0].starts_with(&format!("{},value_too_long,", id_of(&people[0]))), "{rows:?}");
        let after = app.people(&token).await;
        assert_eq!((&after[0], &after[1]["title"], &after[2]), (&before[0], &json!("Chief"), &before[2]));
        app.stop().await;
    }

    async fn rejected_rows_of_the_ten_newest_runs_of_each_kind_are_kept(engine: Engine) {
        let (app, token, people) = synced(engine, 100, 2).await;
        app.fault(json!({ "target": "marketo", "kind": "malformed_row" })).await;
        app.clock.advance(time::Duration::minutes(1));
        let full = app.run_sync(&token).await;
        let mut runs = Vec::new();
        for number in 0..11 {
            change(&app, &people[0], json!({ "title": format!("{number}{}", "x".repeat(9_000)) })).await;
            runs.push(app.follow(&token).await);
        }
        for run in [&full, &runs[1], &runs[10]] {
            assert_eq!(rejected_rows(&app, &token, run).await.len(), 1, "{run}");
        }
        assert!(rejected_rows(&app, &token, &runs[0]).await.is_empty());
        for _ in 0..10 {
            app.clock.advance(time::Duration::minutes(1));
            app.sync(&token).await;
        }
        assert!(rejected_rows(&app, &token, &full).await.is_empty());
        assert_eq!(rejected_rows(&app, &token, &runs[10]).await.len(), 1);
        app.stop().await;
    }

    async fn a_log_that_refuses_new_paging_tokens_is_replaced_by_exports(engine: Engine) {
        let (app, token, people) = synced(engine, 100, 4).await;
        app.clock.advance(time::Duration::minutes(6));
        app.follow(&token).await;
        app.clock.advance(time::Duration::minutes(6));
        let new = a_contact(&app).await;
        change(&app, &people[0], json!({ "title": "Chief" })).await;
        app.delete_in_sandbox(&json!(id_of(&people[1])), "marketo").await;
        app.delete_in_sandbox(&json!(id_of(&people[2])), "salesforce").await;
        let refusal = json!({ "target": "marketo", "path_contains": "leadchanges", "kind": "marketo_error", "code": "1003", "message": "Invalid value", "times": 2 });
        app.fault(refusal.clone()).await;
        let run = app.follow(&token).await;
        assert_eq!(gaps(&run), [("log_unreadable", "targeted_run")], "{run}");
        assert_eq!((&run["report"]["is_complete"], &run["report"]["removed"]), (&json!(false), &json!(2)), "what else there is to read is read");
        let targeted = async || {
            let full = app.call(&token, Method::GET, "/v1/sync/runs?kind=full", None).await.expect(200);
            full["data"].as_array().unwrap().iter().find(|run| run["started_by"] == "job:schedule").cloned()
        };
        eventually("a run has begun by itself", async || targeted().await.is_some()).await;
        let path = format!("/v1/sync/runs/{}", targeted().await.unwrap()["id"].as_str().unwrap());
        let targeted = app.until(&token, &path, |run| run["state"] == "completed").await;
        let report = &targeted["report"];
        assert!(targeted["changed_since"].as_str().unwrap().starts_with("2026-06-15T12:0"), "{targeted}");
        // Who is new was known by Salesforce's side, and a deletion there changes nothing in Marketo.
        assert_eq!(["read", "inserted", "updated", "removed"].map(|name| report[name].as_i64().unwrap()), [2, 0, 1, 0], "{targeted}");
        // From here on incremental runs work again, and nobody was missed.
        change(&app, &new, json!({ "title": "Chief of all" })).await;
        let run = app.follow(&token).await;
        assert_eq!((gaps(&run), &run["report"]["updated"]), (vec![], &json!(1)), "{run}");
        let titles: Vec<_> = app.people(&token).await.iter().map(|person| person["title"].clone()).collect();
        assert_eq!(titles, ["Chief", "Clerk", "Chief of all"]);
        // A log that stays unreadable isn't made up for every minute.
        app.fault(refusal).await;
        assert_eq!(gaps(&app.follow(&token).await), [("log_unreadable", "full_run_later")]);
        app.stop().await;
    }

    async fn a_purged_record_is_found_in_the_hourly_log_of_deletions(engine: Engine) {
        let (app, token, people) = synced(engine, 100, 2).await;
        app.follow(&token).await;
        app.delete_in_sandbox(&json!(id_of(&people[0])), "salesforce").await;
        app.tell_sandbox("salesforce", json!({ "bin_emptied": true })).await;
        let report = app.follow(&token).await["report"].clone();
        assert_eq!(report["removed"], 0, "nobody tells of it: {report}");
        app.clock.advance(time::Duration::minutes(61));
        let token = app.narrowed_again(&token).await;
        let report = app.follow(&token).await["report"].clone();
        assert_eq!(report["removed"], 1, "{report}");
        let left = app.people(&token).await;
        assert!(left.len() == 1 && left[0]["marketo_id"] == id_of(&people[1]));
        app.stop().await;
    }

    async fn an_idle_run_is_deleted_after_a_week(engine: Engine) {
        let played = SandboxSettings { people: 0, ..SandboxSettings::default() };
        let app = TestApp::start_guided_changed(engine, played, |settings| {
            settings.sync.earliest = "2026-06-01".into();
            settings.sync.incremental_interval_seconds = 60;
        })
        .await;
        let token = app.guided_instance().await;
        app.connect_both(&token).await;
        a_contact(&app).await;
        app.sync(&token).await;
        // The schedule starts the other runs.
        let token = token.as_str();
        let listed = async |token: &str| app.call(token, Method::GET, "/v1/sync/runs", None).await.expect(200)["data"].as_array().unwrap().clone();
        let is_at_rest = async |token: &str, count: usize| {
            let runs = listed(token).await;
            runs.len() == count && runs.iter().all(|run| run["state"] == "completed")
        };
        app.clock.advance(time::Duration::seconds(61));
        eventually("a pass is over", async || is_at_rest(token, 2).await).await;
        a_contact(&app).await;
        app.clock.advance(time::Duration::seconds(70));
        eventually("a pass that found somebody is over", async || is_at_rest(token, 3).await).await;
        let before = listed(token).await;
        app.clock.advance(time::Duration::days(8));
        let token = &app.narrowed_again(token).await;
        let newest = async || listed(token).await[0]["id"] != before[0]["id"] && listed(token).await[0]["state"] == "completed";
        eventually("a pass is over after a week", newest).await;
        let after = listed(token).await;
        assert_eq!(after[1..], [before[0].clone(), before[2].clone()], "the idle one is gone, that which found somebody and the full one are not");
        app.stop().await;
    }
}
