//! Processes killed during incremental runs while changes keep coming: none is lost, neither from the people nor from the feed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant};

use msi_actions::clock::{Clock, IdSequence, SystemClock};
use msi_actions::sandbox::SandboxSettings;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Engine, RandomChoices, TestApp};
use crate::sync_differential::assert_equal;
use crate::sync_kills::{VARIABLES, completed, exports, kills, serve_again, start};

/// Seconds that must pass until a run sees all that has happened: it leaves the last moments before Salesforce's present for later.
const LAST_MOMENT: i64 = 10;

/// The machine's clock, set back by the time that is left to catch up.
#[derive(Debug)]
struct LateClock {
    seconds_late: AtomicI64,
}

impl LateClock {
    fn catch_up(&self, seconds: i64) {
        let before = self.seconds_late.fetch_sub(seconds, Ordering::Relaxed);
        assert!(before >= seconds, "the vendors' clock would be ahead of ours");
    }
}

impl Clock for LateClock {
    fn now(&self) -> time::OffsetDateTime {
        SystemClock.now() - time::Duration::seconds(self.seconds_late.load(Ordering::Relaxed))
    }

    fn ids(&self) -> &IdSequence {
        SystemClock.ids()
    }
}

/// Makes changes at the vendors until it is stopped.
struct Stream {
    stop: Arc<AtomicBool>,
    changes: tokio::task::JoinHandle<u64>,
}

impl Stream {
    fn begin(app: &TestApp, round: u64) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (http, stopped) = (app.http.clone(), stop.clone());
        let url = format!("{}/__sandbox/changes", app.sandbox.as_ref().unwrap().url());
        let changes = tokio::spawn(async move {
            let (mut made, mut beat) = (0, 0);
            while !stopped.load(Ordering::Relaxed) {
                beat += 1;
                let some = json!({ "count": 10, "seed": round * 10_000 + beat });
                made += Answer::send(http.post(&url).json(&some)).await.expect(200)["made"].as_u64().unwrap();
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            made
        });
        Self { stop, changes }
    }

    /// Stops making changes; returns how many there were.
    async fn end(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.changes.await.unwrap()
    }
}

/// Keeps a copy of the people by the feed of their changes alone.
#[derive(Default)]
struct FeedReader {
    people: BTreeMap<i64, Value>,
    cursor: Option<String>,
    read: usize,
}

impl FeedReader {
    async fn read_to_end(&mut self, app: &TestApp, token: &str) {
        loop {
            let cursor = self.cursor.as_ref().map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
            let page = app.call(token, Method::GET, &format!("/v1/people/changes?limit=200{cursor}"), None).await.expect(200);
            for change in page["data"].as_array().unwrap() {
                self.read += 1;
                let id = change["marketo_id"].as_i64().unwrap();
                match change["kind"].as_str().unwrap() {
                    "changed" => self.people.insert(id, change["person"].clone()),
                    _ => self.people.remove(&id),
                };
            }
            self.cursor = page["next_cursor"].as_str().map(str::to_owned);
            if page["has_more"] == false {
                return;
            }
        }
    }

    /// Compares the copy with the people row by row; returns their number.
    async fn assert_equal(&self, app: &TestApp, token: &str) -> usize {
        let people = app.people(token).await;
        for person in &people {
            assert_eq!(self.people.get(&person["marketo_id"].as_i64().unwrap()), Some(person), "by the feed, and as it is");
        }
        assert_eq!(self.people.len(), people.len(), "the feed tells of everybody who is gone");
        people.len()
    }
}

/// Makes an undisturbed incremental run.
async fn follow(app: &TestApp, token: &str) -> Value {
    let path = start(app, token, "incremental").await;
    completed(app, token, &path).await
}

fn assert_nothing_missed(run: &Value) {
    let report = &run["report"];
    assert_eq!((&report["is_complete"], &report["changes"]["gaps"]), (&json!(true), &json!([])), "{run}");
}

async fn kill_incremental_runs_at_any_point(engine: Engine, kills: u32) {
    let chance = RandomChoices::new("killed at any point while changes are followed");
    let vendors = Arc::new(LateClock { seconds_late: (LAST_MOMENT * i64::from(2 * kills + 10)).into() });
    let played = SandboxSettings { people: 900, ..SandboxSettings::default() };
    let app = TestApp::without_service_at(engine, played, vendors.clone()).await;
    let mut server = app.serve_with(app.port(), &VARIABLES);
    let mut token = app.guided_instance().await;
    app.connect_both(&token).await;
    let path = start(&app, &token, "full").await;
    completed(&app, &token, &path).await;
    let before = exports(&app).await;
    // So that kills come between a run's calls as often as elsewhere.
    for target in ["marketo", "salesforce"] {
        app.fault(json!({ "target": target, "kind": "delay", "ms": 15, "times": 1_000_000 })).await;
    }
    app.tell_sandbox("changes", json!({ "count": 400, "seed": 1 })).await;
    let began = Instant::now();
    follow(&app, &token).await;
    let usual = began.elapsed();
    let (mut feed_reader, mut round, mut killed, mut changes, mut rows) = (FeedReader::default(), 0, 0, 0, 0);
    while killed < kills {
        round += 1;
        token = app.narrowed_again(&token).await;
        // Every third run has more to read than one transaction takes.
        let at_once = [100, 600, 4000][round as usize % 3];
        let made = app.tell_sandbox("changes", json!({ "count": at_once, "seed": round })).await;
        changes += made["made"].as_u64().unwrap();
        let stream = Stream::begin(&app, round);
        let path = start(&app, &token, "incremental").await;
        for _ in 0..4 {
            tokio::time::sleep(Duration::from_millis(chance.below(usual.as_millis() as u64 + 50))).await;
            feed_reader.read_to_end(&app, &token).await;
            server.kill();
            let was_under_way = app.count("SELECT COUNT(*) FROM sync_runs WHERE state <> 'completed'").await > 0;
            server = serve_again(&app).await;
            // One that came after the run's end is no kill of a run.
            killed += u32::from(was_under_way);
            if !was_under_way || killed == kills {
                break;
            }
        }
        assert_nothing_missed(&completed(&app, &token, &path).await);
        changes += stream.end().await;
        vendors.catch_up(LAST_MOMENT);
        assert_nothing_missed(&follow(&app, &token).await);
        assert_equal(&app, &token, &format!("round {round}, {killed} kills")).await;
        feed_reader.read_to_end(&app, &token).await;
        rows += feed_reader.assert_equal(&app, &token).await;
    }
    assert_eq!(exports(&app).await, before, "following changes takes no exports");
    // A straight run finds nothing that is missing, wrong or too much.
    app.no_more_faults().await;
    let path = start(&app, &token, "full").await;
    let straight = completed(&app, &token, &path).await["report"].clone();
    assert_eq!([&straight["inserted"], &straight["updated"], &straight["removed"]], [0, 0, 0], "{straight}");
    assert_eq!(json!(feed_reader.people.len()), straight["unchanged"]);
    assert_eq!(app.staging_tables().await, 0);
    println!(
        "{engine:?}: {killed} kills in {round} incremental runs of some {usual:?} under {changes} changes: {rows} rows are those of the \
         reference and of the feed ({} changes read of it); a straight run changes none of {}; no export was made",
        feed_reader.read, straight["unchanged"]
    );
    let _ = server.stop();
    app.stop().await;
}

#[test]
fn no_change_is_lost_when_incremental_runs_are_killed_on_sqlite() {
    crate::support::run(kill_incremental_runs_at_any_point(Engine::Sqlite, kills()));
}

#[test]
fn no_change_is_lost_when_incremental_runs_are_killed_on_postgres() {
    crate::support::run(kill_incremental_runs_at_any_point(Engine::Postgres, kills()));
}
