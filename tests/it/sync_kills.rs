//! Runs whose processes are killed: another process resumes them in time, and the result is that of an undisturbed run.

use std::time::{Duration, Instant};

use msi_actions::sandbox::SandboxSettings;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Engine, RandomChoices, Server, TestApp, reserve_port};

/// The kills for each kind of run and engine, unless SYNC_KILLS says otherwise.
const KILLS: u32 = 6;
/// The longest time until another process resumes the run of one that died.
const MAX_TIME_TO_RESUME: Duration = Duration::from_secs(30);
/// The longest time for an undisturbed run on a busy machine.
const MAX_RUN_TIME: Duration = Duration::from_secs(120);

const CREATED: &str = "POST /marketo/bulk/v1/leads/export/create.json";
const QUEUED: &str = "POST /marketo/bulk/v1/leads/export/{export_id}/enqueue.json";
const DOWNLOADED: &str = "GET /marketo/bulk/v1/leads/export/{export_id}/file.json";

/// Small batches make many transactions, so that kills come between and within them.
pub const VARIABLES: [(&str, &str); 7] = [
    ("MSI_LOG__FILTER", "info"),
    ("MSI_MARKETO__POLL_INTERVAL_SECONDS", "0.02"),
    // Quota granted to a process that is killed counts as used.
    ("MSI_MARKETO__QUOTA_CALLS_PER_20_SECONDS", "2000"),
    ("MSI_MARKETO__QUOTA_CALLS_PER_DAY", "10000000"),
    ("MSI_SYNC__EARLIEST", "2025-04-01"),
    ("MSI_SYNC__BATCH_ROWS", "60"),
    // No run starts by itself.
    ("MSI_SYNC__INCREMENTAL_INTERVAL_SECONDS", "0"),
];

pub async fn start(app: &TestApp, token: &str, kind: &str) -> String {
    let run = app.call(token, Method::POST, "/v1/sync/runs", Some(json!({ "kind": kind }))).await.expect(202);
    format!("/v1/sync/runs/{}", run["id"].as_str().unwrap())
}

/// Waits until a run has completed.
pub async fn completed(app: &TestApp, token: &str, path: &str) -> Value {
    let deadline = Instant::now() + MAX_RUN_TIME;
    loop {
        let run = app.call(token, Method::GET, path, None).await.expect(200);
        match run["state"].as_str().unwrap() {
            "completed" => return run,
            "failed" | "canceled" | "paused" => panic!("{run}"),
            _ => assert!(Instant::now() < deadline, "{run}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The people without the time of their last change.
async fn people(app: &TestApp, token: &str) -> Vec<Value> {
    let mut all = app.people(token).await;
    for person in &mut all {
        person.as_object_mut().unwrap().remove("synced_at");
    }
    all
}

/// Adds, changes and deletes a few people.
async fn change_some_people(app: &TestApp, round: u32, chance: &RandomChoices) {
    let owner = app.a_salesforce_user().await;
    for number in 0..4 {
        let email = format!("round{round}.{number}@example.com");
        let kind = ["contact", "lead", "converted", "contact"][number];
        let added = app.tell_sandbox("people", json!({ "email": email, "salesforce": kind, "ownerId": owner })).await;
        let id = added["id"].as_str().unwrap().to_owned();
        if number == 3 {
            app.delete_in_sandbox(&json!(id.parse::<u64>().unwrap()), if round.is_multiple_of(2) { "marketo" } else { "salesforce" }).await;
        }
    }
    let known = app.sandbox_says("").await["marketo"]["first_marketo_id"].as_u64().unwrap();
    for _ in 0..5 {
        let id = known + chance.below(900);
        app.tell_sandbox(&format!("people/{id}"), json!({ "title": format!("Chief {round}") })).await;
    }
}

/// Starts a process in place of one that was killed, as if the leases of its jobs had expired.
pub async fn serve_again(app: &TestApp) -> Server {
    app.sql("UPDATE jobs SET locked_until = created_at WHERE state = 'running'").await;
    app.serve_with(app.port(), &VARIABLES)
}

/// Exports created, queued and downloaded so far.
pub async fn exports(app: &TestApp) -> [u64; 3] {
    [app.sandbox_calls(CREATED).await, app.sandbox_calls(QUEUED).await, app.sandbox_calls(DOWNLOADED).await]
}

async fn kill_runs_at_any_point(engine: Engine, kills: u32) {
    let chance = RandomChoices::new("killed at any point of a run");
    let app = TestApp::without_service(engine, 900).await;
    let mut server = app.serve_with(app.port(), &VARIABLES);
    let token = app.guided_instance().await;
    app.connect_both(&token).await;
    // How long a run takes here, by which the kills are spread.
    let path = start(&app, &token, "full").await;
    let began = Instant::now();
    completed(&app, &token, &path).await;
    let usual = began.elapsed();
    let (mut done, mut round, mut again) = (0, 0, [0; 3]);
    while done < kills {
        round += 1;
        let token = app.narrowed_again(&token).await;
        change_some_people(&app, round, &chance).await;
        let before = exports(&app).await;
        let path = start(&app, &token, "full").await;
        let mut killed = 0;
        while killed < 4 && done < kills {
            tokio::time::sleep(Duration::from_millis(chance.below(usual.as_millis() as u64 / 2 + 50))).await;
            let over = app.call(&token, Method::GET, &path, None).await.expect(200)["state"] == "completed";
            server.kill();
            (killed, done) = (killed + 1, done + 1);
            server = serve_again(&app).await;
            if over {
                break;
            }
        }
        let run = completed(&app, &token, &path).await;
        let report = &run["report"];
        let needed = report["export_jobs"].as_u64().unwrap();
        let after = exports(&app).await;
        for (index, (after, before)) in after.into_iter().zip(before).enumerate() {
            let made = after - before;
            again[index] += made.saturating_sub(needed);
            // One may be made, queued or downloaded when the kill comes; it is so again only because of that.
            assert!(made <= needed + 2 * killed, "{made} calls for {needed} exports and {killed} kills: {run}");
        }
        let truth = app.sandbox_says("summary").await;
        assert_eq!(
            (&report["read"], &report["qualified"], &report["is_complete"]),
            (&truth["people_in_marketo"], &truth["owned_by_a_user"], &json!(true)),
            "{run}"
        );
        let sum: i64 = ["inserted", "updated", "unchanged"].iter().map(|name| report[name].as_i64().unwrap()).sum();
        assert_eq!(report["qualified"], sum, "{run}");
        let resumed = people(&app, &token).await;
        assert_eq!(app.staging_tables().await, 0);
        app.sql("DELETE FROM people").await;
        let path = start(&app, &token, "full").await;
        completed(&app, &token, &path).await;
        let straight = people(&app, &token).await;
        assert_eq!(json!(straight.len()), truth["owned_by_a_user"]);
        for (one, other) in resumed.iter().zip(&straight) {
            assert_eq!(one, other);
        }
        assert_eq!(resumed.len(), straight.len());
    }
    let [created, queued, downloaded] = again;
    println!(
        "{engine:?}: {kills} kills in {round} runs of some {usual:?}: the people are those of a straight run; {created} exports created again, {queued} queued again, {downloaded} downloaded again"
    );
    let _ = server.stop();
    app.stop().await;
}

pub fn kills() -> u32 {
    std::env::var("SYNC_KILLS").ok().map_or(KILLS, |text| text.parse().expect("SYNC_KILLS is a number"))
}

#[test]
fn a_run_killed_at_any_point_ends_as_an_undisturbed_one_on_sqlite() {
    crate::support::run(kill_runs_at_any_point(Engine::Sqlite, kills()));
}

#[test]
fn a_run_killed_at_any_point_ends_as_an_undisturbed_one_on_postgres() {
    crate::support::run(kill_runs_at_any_point(Engine::Postgres, kills()));
}

/// One process carries out a run and is killed; a second one, idle so far, resumes it.
async fn resumed_in_time(engine: Engine) {
    let played = SandboxSettings { people: 400, export_processing: Duration::from_secs(2), ..SandboxSettings::default() };
    let app = TestApp::without_service_with(engine, played).await;
    let other_port = reserve_port();
    let first = app.serve_with(app.port(), &VARIABLES);
    let token = app.guided_instance().await;
    app.connect_both(&token).await;
    let path = start(&app, &token, "full").await;
    app.until(&token, &path, |run| run["report"]["export_jobs"].as_i64() > Some(1)).await;
    let second: Server = app.serve_with(other_port, &VARIABLES);
    let jobs = async || {
        let url = format!("http://127.0.0.1:{other_port}{path}");
        let run = crate::support::Answer::send(app.http.get(url).bearer_auth(&token)).await.expect(200);
        (run["report"]["export_jobs"].as_i64().unwrap(), run)
    };
    first.kill();
    let killed = Instant::now();
    let (before, _) = jobs().await;
    let run = loop {
        let (after, run) = jobs().await;
        if after > before {
            break run;
        }
        assert!(killed.elapsed() < MAX_TIME_TO_RESUME, "{run}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    println!("{engine:?}: taken over and gone on within {:?}", killed.elapsed());
    let mut ended = run;
    while ended["state"] != "completed" {
        assert!(ended["state"] != "failed" && killed.elapsed() < MAX_RUN_TIME, "{ended}");
        tokio::time::sleep(Duration::from_millis(100)).await;
        ended = jobs().await.1;
    }
    let truth = app.sandbox_says("summary").await;
    assert_eq!(ended["report"]["qualified"], truth["owned_by_a_user"]);
    let made = app.sandbox_calls(CREATED).await;
    assert!(made <= ended["report"]["export_jobs"].as_u64().unwrap() + 1, "{made} exports: {ended}");
    drop(second);
    app.stop().await;
}

#[test]
fn a_killed_run_is_resumed_within_thirty_seconds_on_postgres() {
    crate::support::run(resumed_in_time(Engine::Postgres));
}

#[test]
fn a_killed_run_is_resumed_within_thirty_seconds_on_sqlite() {
    crate::support::run(resumed_in_time(Engine::Sqlite));
}
