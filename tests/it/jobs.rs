//! Work outside requests: lanes, turns, leases and the end of the process.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use futures_util::future::BoxFuture;
use msi_actions::clock::Clock;
use msi_actions::config::Settings;
use msi_actions::db::claim::ClaimedJob;
use msi_actions::ids::{InstanceId, JobId};
use msi_actions::jobs::{JobHandler, JobKind, JobOutcome, Lane, NewJob, enqueue, enqueue_at};
use msi_actions::sandbox::SandboxSettings;
use reqwest::Method;
use serde_json::{Value, json};
use time::Duration;
use tokio::sync::watch;

use crate::dead_letters::until_dead;
use crate::support::{Engine, FIRST_USER, TestApp, eventually, on_both_engines};

type Attempt = Box<dyn Fn(ClaimedJob) -> BoxFuture<'static, JobOutcome> + Send + Sync>;

/// Runs jobs as a test says.
pub struct TestHandler {
    kind: JobKind,
    period: Option<Duration>,
    attempt: Attempt,
}

impl TestHandler {
    pub fn new<F>(kind: JobKind, attempt: impl Fn(ClaimedJob) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = JobOutcome> + Send + 'static,
    {
        Self { kind, period: None, attempt: Box::new(move |job| Box::pin(attempt(job))) }
    }

    /// The same of a periodic kind.
    pub fn every(self, period: Duration) -> Self {
        Self { period: Some(period), ..self }
    }
}

impl JobHandler for TestHandler {
    fn kind(&self) -> JobKind {
        self.kind
    }

    fn run<'a>(&'a self, job: &'a ClaimedJob) -> BoxFuture<'a, JobOutcome> {
        (self.attempt)(job.clone())
    }

    fn period(&self) -> Option<Duration> {
        self.period
    }
}

pub async fn handling(engine: Engine, handler: TestHandler, change: impl FnOnce(&mut Settings)) -> TestApp {
    let played = SandboxSettings { people: 10, ..SandboxSettings::default() };
    TestApp::start_with_jobs(engine, played, vec![Arc::new(handler)], change).await
}

pub async fn queue(app: &TestApp, kind: JobKind, instance: Option<InstanceId>) -> JobId {
    let mut tx = app.db().begin().await.unwrap();
    let id = enqueue(&mut tx, &*app.clock, NewJob { kind, instance, payload: json!({ "secret": "of the job" }) }).await.unwrap();
    tx.commit().await.unwrap();
    id
}

pub async fn start_run(app: &TestApp, token: &str) -> String {
    let run = app.call(token, Method::POST, "/v1/sync/runs", None).await.expect(202);
    format!("/v1/sync/runs/{}", run["id"].as_str().unwrap())
}

/// A service whose exports take an hour of a clock that stands still, and are asked for every ten minutes.
pub async fn slow_vendor(engine: Engine, change: impl FnOnce(&mut Settings)) -> TestApp {
    let hour = std::time::Duration::from_secs(3600);
    let played = SandboxSettings { people: 40, export_processing: hour, ..SandboxSettings::default() };
    TestApp::start_guided_changed(engine, played, |settings| {
        settings.marketo.poll_interval_seconds = 600.0;
        settings.sync.earliest = "2026-06-01".into();
        change(settings);
    })
    .await
}

/// Waits until so many runs wait for their vendor and have given their place back.
pub async fn until_waiting(app: &TestApp, runs: i64) {
    let waiting = "SELECT COUNT(*) FROM jobs WHERE kind = 'sync_run' AND state = 'queued' AND is_due = FALSE";
    eventually("the runs wait for their exports", async || app.count(waiting).await == runs).await;
}

/// Moves the clock on, until the run is complete.
pub async fn complete(app: &TestApp, token: &str, path: &str) {
    for _ in 0..40 {
        app.clock.advance(Duration::minutes(20));
        let token = app.narrowed_again(token).await;
        let seen = Instant::now();
        while seen.elapsed() < std::time::Duration::from_millis(500) {
            let run = app.call(&token, Method::GET, path, None).await.expect(200);
            if run["state"] == "completed" {
                return;
            }
            assert_ne!(run["state"], "failed", "{run}");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }
    panic!("the run does not end");
}

/// Set when dropped.
struct SetOnDrop(Arc<AtomicBool>);

impl Drop for SetOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

on_both_engines! {
    async fn mails_leave_while_four_syncs_wait_in_their_lane(engine: Engine) {
        let hour = std::time::Duration::from_secs(3600);
        let played = SandboxSettings { people: 20, export_processing: hour, ..SandboxSettings::default() };
        // The short poll interval has each of them hold its place.
        let app = TestApp::start_guided_changed(engine, played, |settings| settings.marketo.poll_interval_seconds = 0.2).await;
        for number in 1..=4 {
            let (_, token) = app.instance(&format!("20{number}-ABC-456")).await;
            app.connect_both(&token).await;
            start_run(&app, &token).await;
        }
        let exports = "SELECT COUNT(*) FROM sync_runs WHERE state = 'extracting'";
        eventually("four runs wait for their exports", async || app.count(exports).await == 4).await;
        let holding = "SELECT COUNT(*) FROM jobs WHERE kind = 'sync_run' AND state = 'running'";
        assert_eq!(app.count(holding).await, 4);
        let token = app.guided_instance().await;
        app.call(&token, Method::POST, "/v1/invites/first", Some(json!({ "email": FIRST_USER }))).await.expect(201);
        let mut fastest = std::time::Duration::MAX;
        for number in 1..=3 {
            let began = Instant::now();
            let body = json!({ "emails": [format!("p{number}@example.com")] });
            app.call(&token, Method::POST, "/v1/invites", Some(body)).await.expect(200);
            let left = "SELECT COUNT(*) FROM mail_messages WHERE status <> 'sent'";
            eventually("the message has left", async || app.count(left).await == 0).await;
            fastest = fastest.min(began.elapsed());
        }
        assert!(fastest < std::time::Duration::from_secs(2), "the fastest of three messages took {fastest:?}");
        assert_eq!(app.count(holding).await, 4, "the runs held their places all along");
        app.stop().await;
    }

    async fn a_run_that_waits_for_an_export_leaves_its_place_to_others(engine: Engine) {
        let app = slow_vendor(engine, |settings| settings.jobs.sync_limit = 1).await;
        let mut runs = Vec::new();
        for number in 1..=2 {
            let (_, token) = app.instance(&format!("20{number}-ABC-456")).await;
            app.connect_both(&token).await;
            let path = start_run(&app, &token).await;
            runs.push((token, path));
        }
        until_waiting(&app, 2).await;
        let run = app.call(&runs[0].0, Method::GET, &runs[0].1, None).await.expect(200);
        assert_eq!((&run["state"], &run["waiting_for"]), (&json!("extracting"), &Value::Null), "{run}");
        app.call(&runs[0].0, Method::POST, &format!("{}/pause", runs[0].1), None).await.expect(202);
        app.until(&runs[0].0, &runs[0].1, |run| run["state"] == "paused").await;
        complete(&app, &runs[1].0, &runs[1].1).await;
        let token = app.narrowed_again(&runs[0].0).await;
        app.call(&token, Method::POST, &format!("{}/resume", runs[0].1), None).await.expect(202);
        complete(&app, &token, &runs[0].1).await;
        assert_eq!(app.sandbox_calls("POST /marketo/bulk/v1/leads/export/create.json").await, 2, "no export was made twice");
        app.stop().await;
    }

    async fn a_worker_that_loses_its_lease_stops_within_a_heartbeat(engine: Engine) {
        const KIND: JobKind = JobKind::new("test_waits", Lane::Imports);
        let (began, dropped) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let seen = (began.clone(), dropped.clone());
        let handler = TestHandler::new(KIND, move |_| {
            let (began, dropped) = seen.clone();
            async move {
                let _dropped = SetOnDrop(dropped);
                began.store(true, Ordering::SeqCst);
                std::future::pending::<JobOutcome>().await
            }
        });
        // A heartbeat a second.
        let app = handling(engine, handler, |settings| settings.jobs.lease_seconds = 4).await;
        queue(&app, KIND, None).await;
        eventually("the work is under way", async || began.load(Ordering::SeqCst)).await;
        // As another process does that takes the job over.
        let taken = "UPDATE jobs SET locked_by = id, locked_until = '2099-01-01T00:00:00.000000Z' WHERE kind = 'test_waits'";
        assert_eq!(app.sql(taken).await, 1);
        eventually("the work is stopped", async || dropped.load(Ordering::SeqCst)).await;
        let others = "SELECT COUNT(*) FROM jobs WHERE kind = 'test_waits' AND state = 'running' AND locked_by = id AND failures = 0";
        assert_eq!(app.count(others).await, 1, "what another process has is left alone");
        app.stop().await;
    }

    async fn a_handler_that_blocks_its_thread_keeps_its_lease(engine: Engine) {
        const KIND: JobKind = JobKind::new("test_blocks", Lane::Imports);
        let (release, released) = std::sync::mpsc::channel::<()>();
        let released = Arc::new(Mutex::new(released));
        let attempts = Arc::new(AtomicUsize::new(0));
        let counted = attempts.clone();
        let handler = TestHandler::new(KIND, move |_| {
            let (released, counted) = (released.clone(), counted.clone());
            async move {
                counted.fetch_add(1, Ordering::SeqCst);
                let _ = released.lock().unwrap().recv();
                JobOutcome::Done
            }
        });
        let app = handling(engine, handler, |settings| settings.jobs.lease_seconds = 1).await;
        queue(&app, KIND, None).await;
        eventually("the work is under way", async || attempts.load(Ordering::SeqCst) == 1).await;
        for _ in 0..3 {
            app.clock.advance(Duration::seconds(5));
            let now = app.clock.timestamp();
            let lease = format!("SELECT COUNT(*) FROM jobs WHERE kind = 'test_blocks' AND state = 'running' AND locked_until > '{now}'");
            eventually("the lease is extended", async || app.count(&lease).await == 1).await;
        }
        release.send(()).unwrap();
        let done = "SELECT COUNT(*) FROM jobs WHERE kind = 'test_blocks' AND state = 'done' AND failures = 0";
        eventually("the job is done", async || app.count(done).await == 1).await;
        assert_eq!(attempts.load(Ordering::SeqCst), 1);
        app.stop().await;
    }

    async fn a_job_whose_process_died_is_taken_over_and_has_failed_once(engine: Engine) {
        const KIND: JobKind = JobKind::new("test_taken_over", Lane::Schedule);
        let (report, reported) = watch::channel(None);
        let handler = TestHandler::new(KIND, move |job| {
            report.send_replace(Some((job.attempts, job.failures, job.last_error)));
            async { JobOutcome::Done }
        });
        let app = handling(engine, handler, |_| ()).await;
        let mut tx = app.db().begin().await.unwrap();
        let job = NewJob { kind: KIND, instance: None, payload: json!({}) };
        enqueue_at(&mut tx, &*app.clock, job, app.clock.timestamp() + Duration::DAY).await.unwrap();
        tx.commit().await.unwrap();
        app.sql("UPDATE jobs SET state = 'running', attempts = 1, locked_by = id, locked_until = created_at WHERE kind = 'test_taken_over'").await;
        app.clock.advance(Duration::seconds(1));
        eventually("it is taken over", async || reported.borrow().is_some()).await;
        let (attempts, failures, reason) = reported.borrow().clone().unwrap();
        assert_eq!((attempts, failures), (2, 1));
        assert!(reason.unwrap().starts_with("its process ended"));
        app.stop().await;
    }

    async fn ten_thousand_jobs_of_an_instance_do_not_hold_up_anothers_one(engine: Engine) {
        const KIND: JobKind = JobKind::new("test_turns", Lane::Mail);
        let order: Arc<Mutex<Vec<Option<InstanceId>>>> = Arc::default();
        let (open, opened) = watch::channel(false);
        let seen = order.clone();
        let handler = TestHandler::new(KIND, move |job| {
            let (seen, mut opened) = (seen.clone(), opened.clone());
            async move {
                let _ = opened.wait_for(|open| *open).await;
                seen.lock().unwrap().push(job.instance_id);
                JobOutcome::Done
            }
        });
        let app = handling(engine, handler, |_| ()).await;
        let [many, one] = [1, 2].map(|number| Some(InstanceId(uuid::Uuid::from_u128(number))));
        let mut tx = app.db().begin().await.unwrap();
        for _ in 0..10_000 {
            enqueue(&mut tx, &*app.clock, NewJob { kind: KIND, instance: many, payload: json!({}) }).await.unwrap();
        }
        tx.commit().await.unwrap();
        let at_once = "SELECT COUNT(*) FROM jobs WHERE kind = 'test_turns' AND state = 'running'";
        eventually("the instance has its share of the lane", async || app.count(at_once).await == 3).await;
        queue(&app, KIND, one).await;
        eventually("the other has its place", async || app.count(at_once).await == 4).await;
        open.send_replace(true);
        eventually("the other's is done", async || order.lock().unwrap().contains(&one)).await;
        let order_index = order.lock().unwrap().iter().position(|instance| *instance == one).unwrap();
        assert!(order_index < 50, "it was number {order_index}");
        app.stop().await;
    }

    async fn metrics_show_the_queue_and_the_attempts_by_lane_and_kind(engine: Engine) {
        const KIND: JobKind = JobKind::new("test_counted", Lane::Imports).with_max_failures(2);
        let handler = TestHandler::new(KIND, |_| async { JobOutcome::Retry("the disk is full".into()) });
        let app = handling(engine, handler, |_| ()).await;
        queue(&app, KIND, None).await;
        until_dead(&app, KIND).await;
        queue(&app, KIND, None).await;
        let waits = "SELECT COUNT(*) FROM jobs WHERE kind = 'test_counted' AND state = 'queued' AND failures = 1 AND is_due = FALSE";
        eventually("the other one waits", async || app.count(waits).await == 1).await;
        let text = app.call(&app.operator_token().await, Method::GET, "/metrics", None).await.text;
        for line in [
            r#"msi_actions_job_attempts_total{lane="imports",kind="test_counted",outcome="failed"} 3"#,
            r#"msi_actions_jobs{lane="imports",kind="test_counted",state="scheduled"} 1"#,
            r#"msi_actions_jobs{lane="imports",kind="test_counted",state="dead"} 1"#,
            r#"msi_actions_job_duration_seconds_count{lane="imports",kind="test_counted"} 3"#,
        ] {
            assert!(text.contains(line), "{line}: {text}");
        }
        app.stop().await;
    }

    async fn a_job_under_way_at_the_stop_is_given_back_at_once(engine: Engine) {
        const KIND: JobKind = JobKind::new("test_endless", Lane::Imports);
        let began = Arc::new(AtomicBool::new(false));
        let seen = began.clone();
        let handler = TestHandler::new(KIND, move |_| {
            seen.store(true, Ordering::SeqCst);
            std::future::pending::<JobOutcome>()
        });
        let mut app = handling(engine, handler, |settings| settings.server.shutdown_timeout_seconds = 1).await;
        queue(&app, KIND, None).await;
        eventually("the work is under way", async || began.load(Ordering::SeqCst)).await;
        app.stop_service().await;
        let settings = Settings::load(None, &[("database.url", app.database_url().to_owned())]).unwrap();
        let db = msi_actions::app::open_database(&settings).await.unwrap();
        const SQL: &str = "SELECT COUNT(*) FROM jobs WHERE kind = 'test_endless' AND state = 'queued' AND is_due = TRUE AND failures = 0";
        let given_back: i64 = match &db {
            msi_actions::db::Db::Sqlite { readers, .. } => sqlx::query_scalar(SQL).fetch_one(readers).await.unwrap(),
            msi_actions::db::Db::Postgres { pool, .. } => sqlx::query_scalar(SQL).fetch_one(pool).await.unwrap(),
        };
        assert_eq!(given_back, 1);
        db.close().await;
        app.stop().await;
    }
}
