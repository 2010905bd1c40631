//! Jobs that fail too often: what they were about shows it, and an operator settles them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use msi_actions::auth::Scopes;
use msi_actions::clock::Clock;
use msi_actions::jobs::{JobKind, JobOutcome, Lane, enqueue_once};
use msi_actions::sandbox::SandboxSettings;
use reqwest::Method;
use serde_json::{Value, json};
use time::Duration;

use crate::invite_imports::{begun, completed, confirm, path, upload};
use crate::jobs::{TestHandler, complete, handling, queue, slow_vendor, start_run, until_waiting};
use crate::support::{FIRST_USER, MUNCHKIN_ID, TestApp, binary, eventually, on_both_engines};

/// The dead letters that an operator sees.
async fn letters(app: &TestApp, query: &str) -> Vec<Value> {
    let token = app.operator_token().await;
    let page = app.call(&token, Method::GET, &format!("/v1/dead-letters{query}"), None).await.expect(200);
    page["data"].as_array().unwrap().clone()
}

/// Lets the time pass in which failed jobs of a kind are tried again, until one is a dead letter.
pub async fn until_dead(app: &TestApp, kind: JobKind) -> Value {
    let attempts = format!("SELECT CAST(COALESCE(SUM(attempts), 0) AS BIGINT) FROM jobs WHERE kind = '{}'", kind.name);
    let dead = format!("SELECT COUNT(*) FROM jobs WHERE kind = '{}' AND state = 'dead'", kind.name);
    let waiting = format!("SELECT COUNT(*) FROM jobs WHERE kind = '{}' AND state = 'queued' AND is_due = FALSE", kind.name);
    loop {
        // The clock moves between attempts only: what ends under way waits from the new time on.
        eventually("its attempt has ended", async || app.count(&waiting).await > 0 || app.count(&dead).await > 0).await;
        if app.count(&dead).await > 0 {
            break;
        }
        let before = app.count(&attempts).await;
        app.clock.advance(Duration::minutes(20));
        eventually("it is tried again", async || app.count(&attempts).await > before).await;
    }
    letters(app, &format!("?kind={}", kind.name)).await.remove(0)
}

/// Has the jobs of a kind that wait fail once too often.
async fn fail_too_often(app: &TestApp, kind: &str) {
    let changed = app
        .sql(&format!(
            "UPDATE jobs SET failures = 10, last_error = 'it panicked', run_at = created_at WHERE kind = '{kind}' AND state = 'queued'"
        ))
        .await;
    assert_eq!(changed, 1);
}

async fn panics() -> JobOutcome {
    panic!("on purpose")
}

on_both_engines! {
    async fn a_job_that_panics_each_time_becomes_a_dead_letter(engine: Engine) {
        const KIND: JobKind = JobKind::new("test_panics", Lane::Maintenance);
        let app = handling(engine, TestHandler::new(KIND, |_| panics()), |_| ()).await;
        let (instance, narrowed) = app.instance(MUNCHKIN_ID).await;
        let (_, other) = app.instance("456-DEF-789").await;
        let id = queue(&app, KIND, Some(instance.parse().unwrap())).await;
        let letter = until_dead(&app, KIND).await;
        assert_eq!((&letter["id"], &letter["lane"], &letter["instance_id"]), (&json!(id), &json!("maintenance"), &json!(instance)));
        assert_eq!((&letter["attempts"], &letter["failures"]), (&json!(10), &json!(10)), "{letter}");
        assert!(letter["reason"].as_str().unwrap().contains("panicked") && letter["given_up_at"].is_string(), "{letter}");
        assert!(!letter.to_string().contains("of the job") && !letter.to_string().contains("on purpose"), "{letter}");
        let path = format!("/v1/dead-letters/{id}");
        let token = app.operator_token().await;
        assert_eq!(app.call(&token, Method::GET, &path, None).await.expect(200), letter);
        for (query, count) in [("?lane=maintenance", 1), ("?lane=mail", 0), ("?kind=sync_run", 0), (format!("?instance_id={instance}").as_str(), 1)] {
            assert_eq!(letters(&app, query).await.len(), count, "{query}");
        }
        // A token narrowed to an instance sees that one's.
        let (narrowed, other) = (app.narrowed_again(&narrowed).await, app.narrowed_again(&other).await);
        app.call(&narrowed, Method::GET, &path, None).await.expect(200);
        for (method, rest) in [(Method::GET, ""), (Method::POST, "/retry"), (Method::DELETE, "")] {
            app.call(&other, method, &format!("{path}{rest}"), None).await.problem(404, "not_found");
        }
        app.call(&token, Method::POST, &format!("{path}/retry"), None).await.expect(202);
        let failures = format!("SELECT failures FROM jobs WHERE kind = '{}'", KIND.name);
        eventually("it fails again, as if for the first time", async || app.count(&failures).await == 1).await;
        assert!(letters(&app, "").await.is_empty());
        until_dead(&app, KIND).await;
        let token = app.operator_token().await;
        app.call(&token, Method::DELETE, &path, None).await.expect(204);
        app.call(&token, Method::GET, &path, None).await.problem(404, "not_found");
        let narrowed = app.narrowed_again(&narrowed).await;
        let events = app.call(&narrowed, Method::GET, "/v1/audit-events?action=dead_letter.", None).await.expect(200);
        let actions: Vec<_> = events["data"].as_array().unwrap().iter().map(|event| event["action"].as_str().unwrap()).collect();
        assert_eq!(actions, ["dead_letter.discarded", "dead_letter.retried"]);
        app.stop().await;
    }

    async fn dead_letters_are_for_operators(engine: Engine) {
        let app = TestApp::start(engine).await;
        let (instance, _) = app.instance(MUNCHKIN_ID).await;
        let client = app.client(Some(instance.parse().unwrap()), Scopes::of_an_instance()).await;
        let token = app.ask_token(&client, &[]).await.expect(200)["access_token"].as_str().unwrap().to_owned();
        app.call(&token, Method::GET, "/v1/dead-letters", None).await.problem(403, "forbidden");
        let operator = app.operator_token().await;
        app.call(&operator, Method::GET, "/v1/dead-letters?kind=No%20Kind", None).await.problem(422, "invalid_input");
        app.stop().await;
    }

    async fn a_periodic_job_that_keeps_failing_goes_on_and_leaves_one_letter(engine: Engine) {
        const KIND: JobKind = JobKind::new("test_periodic", Lane::Maintenance).with_max_failures(2);
        let (succeed, rounds) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (may, counted) = (succeed.clone(), rounds.clone());
        let handler = TestHandler::new(KIND, move |_| {
            counted.fetch_add(1, Ordering::SeqCst);
            let outcome = match may.load(Ordering::SeqCst) {
                true => JobOutcome::RunAgain(Duration::HOUR),
                false => JobOutcome::Retry("the disk is full".into()),
            };
            async { outcome }
        });
        let app = handling(engine, handler.every(Duration::HOUR), |_| ()).await;
        let mut tx = app.db().begin().await.unwrap();
        enqueue_once(&mut tx, &*app.clock, KIND, None, app.clock.timestamp()).await.unwrap();
        tx.commit().await.unwrap();
        let first = until_dead(&app, KIND).await;
        assert_eq!(first["reason"], "the disk is full");
        let other = "SELECT COUNT(*) FROM jobs WHERE kind = 'test_periodic' AND state = 'queued' AND is_due = FALSE";
        assert_eq!(app.count(other).await, 1, "its next round is queued");
        // Two rounds later there is another letter in its place.
        for _ in 0..2 {
            let before = rounds.load(Ordering::SeqCst);
            app.clock.advance(Duration::HOUR + Duration::MINUTE);
            eventually("it is tried", async || rounds.load(Ordering::SeqCst) > before).await;
            eventually("it waits", async || app.count(other).await == 1).await;
        }
        let now = letters(&app, "?kind=test_periodic").await;
        assert_eq!(now.len(), 1);
        assert_ne!(now[0]["id"], first["id"]);
        succeed.store(true, Ordering::SeqCst);
        let before = rounds.load(Ordering::SeqCst);
        let path = format!("/v1/dead-letters/{}/retry", now[0]["id"].as_str().unwrap());
        app.call(&app.operator_token().await, Method::POST, &path, None).await.expect(202);
        eventually("the next round comes at once", async || rounds.load(Ordering::SeqCst) > before).await;
        assert!(letters(&app, "?kind=test_periodic").await.is_empty());
        app.stop().await;
    }

    async fn a_sync_whose_job_is_a_dead_letter_has_failed_and_can_go_on(engine: Engine) {
        let app = slow_vendor(engine, |_| ()).await;
        let token = app.guided_instance().await;
        app.connect_both(&token).await;
        let path = start_run(&app, &token).await;
        until_waiting(&app, 1).await;
        fail_too_often(&app, "sync_run").await;
        let run = app.until(&token, &path, |run| run["state"] == "failed").await;
        assert_eq!(run["error"]["code"], "internal_error", "{run}");
        assert!(run["error"]["detail"].as_str().unwrap().contains("it panicked"), "{run}");
        eventually("there is a dead letter", async || letters(&app, "?kind=sync_run").await.len() == 1).await;
        let letter = letters(&app, "?kind=sync_run").await.remove(0);
        let retry = format!("/v1/dead-letters/{}/retry", letter["id"].as_str().unwrap());
        app.call(&app.operator_token().await, Method::POST, &retry, None).await.expect(202);
        until_waiting(&app, 1).await;
        assert_eq!(app.call(&token, Method::GET, &path, None).await.expect(200)["state"], "extracting");
        fail_too_often(&app, "sync_run").await;
        app.until(&token, &path, |run| run["state"] == "failed").await;
        eventually("there is a dead letter again", async || letters(&app, "").await.len() == 1).await;
        let newer = start_run(&app, &token).await;
        let refused = app.call(&app.operator_token().await, Method::POST, &retry, None).await.problem(409, "dead_letter_superseded");
        assert!(refused["detail"].as_str().unwrap().contains(newer.rsplit('/').next().unwrap()), "{refused}");
        complete(&app, &token, &newer).await;
        app.stop().await;
    }

    async fn a_message_whose_job_is_a_dead_letter_shows_it_and_can_be_sent(engine: Engine) {
        let played = SandboxSettings { people: 10, ..SandboxSettings::default() };
        let app = TestApp::start_guided_changed(engine, played, |settings| settings.mail.smtp_url = "smtp://127.0.0.1:1".into()).await;
        let token = app.guided_instance().await;
        let made = app.call(&token, Method::POST, "/v1/invites/first", Some(json!({ "email": FIRST_USER }))).await.expect(201);
        let invite = format!("/v1/invites/{}", made["id"].as_str().unwrap());
        app.until(&token, &invite, |invite| invite["send_error"].is_string()).await;
        eventually("it waits to be tried again", async || app.count("SELECT COUNT(*) FROM jobs WHERE kind = 'send_mail' AND state = 'queued'").await == 1).await;
        fail_too_often(&app, "send_mail").await;
        app.until(&token, &invite, |invite| invite["send_error"].as_str().is_some_and(|text| text.contains("this service failed"))).await;
        let outbox = async |status: &str| {
            let page = app.call(&app.operator_token().await, Method::GET, &format!("/v1/mail/outbox?state={status}"), None).await.expect(200);
            page["data"].as_array().unwrap().clone()
        };
        let failed = outbox("failed").await;
        assert_eq!((failed.len(), &failed[0]["attempts"]), (1, &json!(1)));
        eventually("there is a dead letter", async || letters(&app, "?lane=mail").await.len() == 1).await;
        let letter = letters(&app, "?lane=mail").await.remove(0);
        let retry = format!("/v1/dead-letters/{}/retry", letter["id"].as_str().unwrap());
        app.call(&app.operator_token().await, Method::POST, &retry, None).await.expect(202);
        // Messages keep a distance in time to each other.
        app.clock.advance(Duration::seconds(1));
        eventually("it is tried again", async || outbox("queued").await.iter().any(|mail| mail["attempts"] == 2)).await;
        app.stop().await;
    }

    async fn an_import_whose_job_is_a_dead_letter_has_failed_and_can_go_on(engine: Engine) {
        let app = TestApp::start_guided(engine, 10).await;
        let token = begun(&app).await;
        let import = upload(&app, &token, "text/csv", "email\nann@example.com\n").await.expect(201);
        confirm(&app, &token, &import, json!({})).await.expect(202);
        completed(&app, &token, &import).await;
        eventually("its job is done", async || app.count("SELECT COUNT(*) FROM jobs WHERE kind = 'invite_import' AND state = 'done'").await == 1).await;
        // As if processes had died before its end, again and again.
        app.sql("UPDATE invite_imports SET state = 'confirmed', completed_at = NULL").await;
        app.sql("UPDATE jobs SET state = 'running', failures = 9, locked_until = created_at, finished_at = NULL WHERE kind = 'invite_import'").await;
        app.clock.advance(Duration::seconds(1));
        let path = path(&import, "");
        let failed = app.until(&token, &path, |import| import["state"] == "failed").await;
        assert!(failed["error"].as_str().unwrap().contains("several times"), "{failed}");
        eventually("there is a dead letter", async || letters(&app, "?lane=imports").await.len() == 1).await;
        let letter = letters(&app, "?lane=imports").await.remove(0);
        let retry = format!("/v1/dead-letters/{}/retry", letter["id"].as_str().unwrap());
        app.call(&app.operator_token().await, Method::POST, &retry, None).await.expect(202);
        app.until(&token, &path, |import| import["state"] == "completed" && import["error"].is_null()).await;
        app.stop().await;
    }

    async fn dead_letters_are_handled_on_the_command_line(engine: Engine) {
        const KIND: JobKind = JobKind::new("test_refuses", Lane::Sync);
        let app = handling(engine, TestHandler::new(KIND, |_| async { JobOutcome::GiveUp("it names nothing".into()) }), |_| ()).await;
        let id = queue(&app, KIND, None).await.to_string();
        let dead = "SELECT COUNT(*) FROM jobs WHERE kind = 'test_refuses' AND state = 'dead'";
        eventually("it is a dead letter", async || app.count(dead).await == 1).await;
        let run = |arguments: &[&str]| {
            let command = binary(app.directory.path()).arg("jobs").args(arguments).args(["--database-url", app.database_url()]).output();
            let output = command.unwrap();
            (output.status.success(), String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
        };
        let (_, listed, said) = run(&["list", "--lane", "sync"]);
        let listed: Value = serde_json::from_str(&listed).unwrap_or_else(|error| panic!("{error}: {listed}{said}"));
        assert_eq!((&listed["id"], &listed["reason"], &listed["attempts"]), (&json!(id), &json!("it names nothing"), &json!(1)));
        assert_eq!(run(&["list", "--kind", "other"]).1, "");
        assert!(run(&["list", "--lane", "fast"]).2.contains("interactive, mail, imports, sync, schedule, maintenance"));
        assert_eq!(serde_json::from_str::<Value>(&run(&["show", &id]).1).unwrap(), listed);
        assert!(run(&["retry", &id]).0);
        eventually("it is tried again", async || app.count("SELECT attempts FROM jobs WHERE kind = 'test_refuses'").await == 2).await;
        eventually("it is a dead letter again", async || app.count(dead).await == 1).await;
        assert!(run(&["discard", &id]).0);
        let (found, _, said) = run(&["show", &id]);
        assert!(!found && said.contains("there is no dead letter"), "{said}");
        app.stop().await;
    }
}
