//! The database refuses, ends or can't do what it is asked: callers are told to come again, nothing that was acknowledged is lost, and
//! writes succeed within seconds of the trouble's end. Each test prints its counts.

use std::collections::HashSet;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use msi_actions::config::DatabaseUrl;
use msi_actions::db::{Db, WriteOutcome, WriteProbe};
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::Connection;

use crate::support::outage::{DatabaseProxy, SmallDisk, WriteCounts, Writers};
use crate::support::{Answer, Engine, Server, TestApp, TestDatabase, binary, eventually, on_both_engines};

/// An operator's token of a service that runs as a process.
async fn operator_token(http: &reqwest::Client, url: &str, client: &Value) -> String {
    let text = |name: &str| client[name].as_str().unwrap().to_owned();
    let form =
        [("grant_type", "client_credentials".to_owned()), ("client_id", text("client_id")), ("client_secret", text("client_secret"))];
    let answer = Answer::send(http.post(format!("{url}/oauth/token")).form(&form)).await.expect(200);
    answer["access_token"].as_str().unwrap().to_owned()
}

/// Every Munchkin id that the service lists.
async fn listed(http: &reqwest::Client, url: &str, token: &str) -> HashSet<String> {
    let mut found = HashSet::new();
    let mut cursor = String::new();
    loop {
        let page = Answer::send(http.get(format!("{url}/v1/instances?limit=100{cursor}")).bearer_auth(token)).await.expect(200);
        found.extend(page["data"].as_array().unwrap().iter().map(|one| one["munchkin_id"].as_str().unwrap().to_owned()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return found,
        }
    }
}

/// Checks that everything that was acknowledged is there, and prints the counts.
async fn assert_nothing_is_lost(what: &str, written: &WriteCounts, recovery: Duration, (http, url, token): (&reqwest::Client, &str, &str)) {
    let found = listed(http, url, token).await;
    let lost: Vec<_> = written.acknowledged.iter().filter(|id| !found.contains(*id)).collect();
    println!(
        "{what}: {} acknowledged, {} lost, refused {:?}, {recovery:?} to recover",
        written.acknowledged.len(),
        lost.len(),
        written.refused
    );
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
}

/// Whether the service says that it is ready, and what it says of storage.
async fn readiness(http: &reqwest::Client, url: &str) -> (u16, Value) {
    let answer = Answer::send(http.get(format!("{url}/readyz"))).await;
    let storage = answer.json()["checks"].as_array().unwrap().iter().find(|check| check["name"] == "storage").cloned();
    (answer.status.as_u16(), storage.unwrap_or_default())
}

async fn until_ready(http: &reqwest::Client, url: &str) {
    eventually("the service is ready", async || readiness(http, url).await.0 == 200).await;
}

fn instance(munchkin_id: &str) -> Value {
    json!({
        "munchkin_id": munchkin_id,
        "name": "x".repeat(60),
        "environment": "production",
        "prerequisites": { "msi_actions_enabled": true, "salesforce_sync_configured": true },
    })
}

/// SQLite rolls back by itself when there is no room, which sqlx doesn't notice: the connection must not be used again.
#[test]
fn a_write_succeeds_after_one_that_found_no_room() {
    crate::support::run(async {
        let app = TestApp::start(Engine::Sqlite).await;
        let token = app.operator_token().await;
        let Db::Sqlite { writer, .. } = app.db() else { unreachable!() };
        let mut refused = 0;
        for round in 0..3 {
            // Not a page more for this connection; the next one knows nothing of it.
            sqlx::query("PRAGMA max_page_count = 1").execute(writer).await.unwrap();
            // The first ones find room on pages that are there.
            for number in 0..100 {
                let new = instance(&format!("{round}{number:02}-ABC-456"));
                let answer = app.call(&token, Method::POST, "/v1/instances", Some(new)).await;
                if answer.status != 201 {
                    answer.problem(503, "storage_full");
                    assert_eq!(answer.headers["retry-after"], "5");
                    refused += 1;
                    break;
                }
            }
            app.call(&token, Method::POST, "/v1/instances", Some(instance(&format!("00{round}-NEW-456")))).await.expect(201);
        }
        assert!(refused > 0, "no write was without room");
        app.stop().await;
    });
}

#[test]
fn writes_succeed_within_seconds_of_room_on_a_full_disk() {
    crate::support::run(async {
        let directory = tempfile::tempdir().unwrap();
        let Some(disk) = SmallDisk::start(directory.path(), 24) else {
            println!("the disk is not filled; see a_write_succeeds_after_one_that_found_no_room");
            return;
        };
        let (http, url) = (reqwest::Client::new(), disk.server.url());
        let token = operator_token(&http, &url, &disk.client).await;
        until_ready(&http, &url).await;
        let writers = Writers::start(&http, &url, &token);
        writers.until_more_are_acknowledged(30).await;
        disk.fill();
        writers.until_more_are_refused(20).await;
        eventually("the service is not ready", async || {
            let (status, storage) = readiness(&http, &url).await;
            status == 503 && storage["ok"] == false && storage["detail"].as_str().unwrap().contains("full")
        })
        .await;
        // Reading goes on meanwhile.
        Answer::send(http.get(format!("{url}/v1/instances?limit=1")).bearer_auth(&token)).await.expect(200);
        disk.make_room();
        let recovery = writers.recovery().await;
        writers.until_more_are_acknowledged(30).await;
        until_ready(&http, &url).await;
        let written = writers.stop().await;
        assert!(written.refused.keys().all(|kind| kind == "503 storage_full"), "{:?}", written.refused);
        assert_nothing_is_lost("a full disk", &written, recovery, (&http, &url, &token)).await;
        let (code, database) = disk.stop(directory.path());
        assert_eq!(code, Some(0));
        assert_is_intact(&database).await;
    });
}

async fn assert_is_intact(database: &Path) {
    let mut connection = sqlx::SqliteConnection::connect(&format!("sqlite://{}", database.display())).await.unwrap();
    let found: String = sqlx::query_scalar("PRAGMA integrity_check").fetch_one(&mut connection).await.unwrap();
    assert_eq!(found, "ok");
    connection.close().await.unwrap();
}

/// A limit on the size of files, which SQLite meets as a failed write (`SQLITE_IOERR_WRITE`).
#[test]
fn writes_succeed_within_seconds_of_failing_input_and_output() {
    crate::support::run(async {
        if Command::new("prlimit").arg("--version").output().is_err() {
            println!("there is no prlimit here, so no write is made to fail");
            return;
        }
        let directory = tempfile::tempdir().unwrap();
        let create = ["client", "create", "--name", "test", "--operator", "--create-database"];
        let created = binary(directory.path()).args(create).output().unwrap();
        let client = serde_json::from_slice(&created.stdout).unwrap();
        // The signal of the limit would end the process.
        let script = "trap '' XFSZ; exec \"$0\" serve --listen 127.0.0.1:0";
        let mut server = Server::start_by(directory.path(), &["sh", "-c", script], &[]);
        let limit_files = |bytes: &str| {
            let limited = Command::new("prlimit").args(["--pid", &server.id().to_string(), &format!("--fsize={bytes}")]).status().unwrap();
            assert!(limited.success());
        };
        let (http, url) = (reqwest::Client::new(), server.url());
        let token = operator_token(&http, &url, &client).await;
        let writers = Writers::start(&http, &url, &token);
        writers.until_more_are_acknowledged(20).await;
        let log = std::fs::metadata(directory.path().join("msi-actions-data/msi-actions.db-wal")).unwrap().len();
        limit_files(&format!("{log}:unlimited"));
        writers.until_more_are_refused(20).await;
        eventually("the service is not ready", async || readiness(&http, &url).await.0 == 503).await;
        limit_files("unlimited");
        let recovery = writers.recovery().await;
        writers.until_more_are_acknowledged(20).await;
        until_ready(&http, &url).await;
        let written = writers.stop().await;
        assert_nothing_is_lost("failing writes", &written, recovery, (&http, &url, &token)).await;
        assert_is_intact(&directory.path().join("msi-actions-data/msi-actions.db")).await;
        assert_eq!(server.stop(), Some(0));
    });
}

/// The service on PostgreSQL by way of a proxy.
async fn behind_a_proxy() -> (TestApp, DatabaseProxy, TestDatabase, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let database = TestDatabase::create(Engine::Postgres, directory.path()).await;
    let proxy = DatabaseProxy::start(&database.url).await;
    let app = TestApp::start_with(Engine::Postgres, &[("database.url", proxy.url())]).await;
    (app, proxy, database, directory)
}

#[test]
fn writes_succeed_within_seconds_of_postgres_being_reachable() {
    crate::support::run(async {
        let (app, mut proxy, _database, _directory) = behind_a_proxy().await;
        let token = app.operator_token().await;
        let writers = Writers::start(&app.http, &app.url, &token);
        writers.until_more_are_acknowledged(30).await;
        proxy.refuse().await;
        writers.until_more_are_refused(1).await;
        eventually("the service is not ready", async || readiness(&app.http, &app.url).await.0 == 503).await;
        proxy.accept().await;
        let recovery = writers.recovery().await;
        writers.until_more_are_acknowledged(30).await;
        until_ready(&app.http, &app.url).await;
        let written = writers.stop().await;
        assert!(written.refused.keys().all(|kind| kind == "503 unavailable"), "{:?}", written.refused);
        assert_nothing_is_lost("refused connections", &written, recovery, (&app.http, &app.url, &token)).await;
        app.stop().await;
    });
}

#[test]
fn a_refused_connection_is_logged_as_refused_instead_of_a_timeout() {
    crate::support::run(async {
        let (app, mut proxy, _database, _directory) = behind_a_proxy().await;
        proxy.refuse().await;
        let outcome = WriteProbe::new(app.db().clone(), app.clock.clone()).try_write().await;
        let WriteOutcome::Failed(error) = outcome else { panic!("{outcome:?}") };
        // As it is logged, with its causes.
        assert!(format!("{error:?}").contains("refused"), "{error:?}");
        assert_eq!(error.to_string(), "the database can't be reached", "what callers read");
        app.stop().await;
    });
}

#[test]
fn writes_succeed_within_seconds_of_terminated_sessions() {
    crate::support::run(async {
        let (app, proxy, _database, _directory) = behind_a_proxy().await;
        let token = app.operator_token().await;
        let writers = Writers::start(&app.http, &app.url, &token);
        let (mut terminated, mut slowest) = (0, Duration::ZERO);
        for _ in 0..10 {
            writers.until_more_are_acknowledged(20).await;
            terminated += proxy.terminate_sessions().await;
            slowest = slowest.max(writers.recovery().await);
        }
        assert!(terminated > 10, "{terminated}");
        println!("{terminated} sessions terminated in 10 rounds");
        let written = writers.stop().await;
        assert!(written.refused.keys().all(|kind| kind == "503 unavailable"), "{:?}", written.refused);
        assert_nothing_is_lost("terminated sessions", &written, slowest, (&app.http, &app.url, &token)).await;
        app.stop().await;
    });
}

#[test]
fn a_postgres_that_only_reads_makes_the_service_unready() {
    crate::support::run(async {
        let (app, proxy, _database, _directory) = behind_a_proxy().await;
        let token = app.operator_token().await;
        until_ready(&app.http, &app.url).await;
        let Db::Postgres { pool, .. } = app.db() else { unreachable!() };
        // New sessions are as a standby's would be.
        let options = pool.connect_options().as_ref().clone();
        pool.set_connect_options(options.options([("default_transaction_read_only", "on")]));
        proxy.terminate_sessions().await;
        eventually("the service is not ready", async || {
            let (status, storage) = readiness(&app.http, &app.url).await;
            status == 503 && storage["ok"] == false
        })
        .await;
        let answer = app.call(&token, Method::POST, "/v1/instances", Some(instance("123-ABC-456"))).await;
        answer.problem(503, "unavailable");
        assert_eq!(answer.headers["retry-after"], "2");
        app.call(&token, Method::GET, "/v1/instances", None).await.expect(200);
        app.stop().await;
    });
}

#[test]
fn a_service_that_starts_before_its_database_waits_for_it() {
    crate::support::run(async {
        let directory = tempfile::tempdir().unwrap();
        let database = TestDatabase::create(Engine::Postgres, directory.path()).await;
        let mut proxy = DatabaseProxy::closed(&database.url).await;
        let starting = tokio::spawn({
            let url = proxy.url();
            async move { TestApp::start_with(Engine::Postgres, &[("database.url", url)]).await }
        });
        proxy.refuse_one().await;
        proxy.accept().await;
        let app = starting.await.unwrap();
        until_ready(&app.http, &app.url).await;
        app.stop().await;
    });
}

#[test]
fn a_transaction_goes_on_when_the_runtime_it_was_begun_on_has_ended() {
    crate::support::run(async {
        let database = TestDatabase::create(Engine::Postgres, Path::new("unused")).await;
        let db = Db::connect(&DatabaseUrl::Postgres(database.url.clone()), 4).await.unwrap();
        let opening = db.clone();
        // As many as the pool has: all but one of their connections are opened there.
        let begin_all = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async { futures_util::future::try_join_all((0..4).map(|_| opening.begin())).await.unwrap() })
        };
        for transaction in tokio::task::spawn_blocking(begin_all).await.unwrap() {
            transaction.commit().await.unwrap();
        }
        db.close().await;
    });
}

on_both_engines! {
    async fn readiness_writes_a_row_at_most_once_a_second(engine: Engine) {
        let app = TestApp::start(engine).await;
        for _ in 0..50 {
            let (status, storage) = readiness(&app.http, &app.url).await;
            assert_eq!((status, &storage["ok"]), (200, &true.into()));
        }
        assert_eq!(app.count("SELECT COUNT(*) FROM write_probes").await, 1);
        app.stop().await;
    }
}
