//! The broker in processes of its own: killed in the middle of a refresh, and asked by thousands at once.

use std::time::{Duration, Instant};

use msi_actions::auth::Scope;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Engine, FIRST_USER, RandomChoices, Server, TestApp, reserve_port};

const TOKENS: &str = "/v1/tokens/salesforce";
const REFRESHES: &str = "salesforce token refresh_token";

/// How many kills, unless BROKER_KILLS says otherwise.
const KILLS: u32 = 12;
/// Longest time to an answer after a kill: no caller hangs.
const NO_HANG: Duration = Duration::from_secs(28);

async fn ask(app: &TestApp, broker: &str) -> Answer {
    let began = Instant::now();
    let answer = app.call(broker, Method::POST, TOKENS, None).await;
    assert!(began.elapsed() < NO_HANG, "{:?}", began.elapsed());
    answer
}

/// What a caller has in the end: a token that works, or a clear reason. A token that Salesforce refuses is reported first.
async fn settled(app: &TestApp, broker: &str) -> Option<Value> {
    for _ in 0..2 {
        let answer = ask(app, broker).await;
        if answer.status == 409 {
            answer.problem(409, "connection_needs_attention");
            return None;
        }
        let given = answer.expect(200);
        if app.works_at_salesforce(&given).await {
            return Some(given);
        }
        let report = json!({ "access_token": given["access_token"] });
        let reported = app.call(broker, Method::POST, "/v1/tokens/salesforce/invalidate", Some(report)).await;
        assert!(matches!(reported.status.as_u16(), 200 | 409), "{}", reported.text);
    }
    panic!("a token that was renewed on request does not work")
}

async fn killed_in_the_middle_of_refreshes(engine: Engine, kills: u32) {
    let chance = RandomChoices::new("killed at any point of a refresh");
    let app = TestApp::without_service(engine, 20).await;
    let mut server = app.serve(app.port());
    let token = app.guided_instance().await;
    app.connect_salesforce_as(&token, FIRST_USER).await;
    let broker = app.scoped(&token, &[Scope::TokensSalesforce]).await;
    let (mut worked, mut needed_attention) = (0, 0);
    for _ in 0..kills {
        let Some(given) = settled(&app, &broker).await else { panic!("connected anew, it works") };
        // The refresh takes a while, the kill comes at any point of it: before, under way, after.
        app.fault(json!({ "target": "salesforce", "kind": "expire_sessions" })).await;
        let pause = chance.below(25);
        app.fault(json!({ "target": "salesforce", "path_contains": "oauth2/token", "kind": "delay", "ms": pause })).await;
        let report = app.request(Method::POST, "/v1/tokens/salesforce/invalidate").bearer_auth(&broker);
        let report = tokio::spawn(report.json(&json!({ "access_token": given["access_token"] })).send());
        tokio::time::sleep(Duration::from_millis(chance.below(pause + 40))).await;
        server.kill();
        let _ = report.await;
        app.http.delete(format!("{}/__sandbox/faults", app.sandbox.as_ref().unwrap().url())).send().await.unwrap();
        server = app.serve(app.port());
        match settled(&app, &broker).await {
            Some(_) => worked += 1,
            None => {
                needed_attention += 1;
                app.connect_salesforce_as(&token, FIRST_USER).await;
            }
        }
    }
    println!("{engine:?}: {kills} kills, after which {worked} connections worked and {needed_attention} needed attention");
    let _ = server.stop();
    app.stop().await;
}

fn kills(usual: u32) -> u32 {
    std::env::var("BROKER_KILLS").ok().map_or(usual, |text| text.parse().expect("BROKER_KILLS is a number"))
}

#[test]
fn a_connection_survives_a_kill_at_any_point_of_a_refresh_on_sqlite() {
    crate::support::run(killed_in_the_middle_of_refreshes(Engine::Sqlite, kills(KILLS)));
}

#[test]
fn a_connection_survives_a_kill_at_any_point_of_a_refresh_on_postgres() {
    crate::support::run(killed_in_the_middle_of_refreshes(Engine::Postgres, kills(KILLS / 3)));
}

/// `callers` ask at once for a token that has ended, spread over `processes`.
async fn asked_by_thousands(engine: Engine, processes: usize, callers: usize) {
    let app = TestApp::without_service(engine, 20).await;
    let token = {
        let mut first = app.serve(app.port());
        let token = app.guided_instance().await;
        app.connect_salesforce_as(&token, FIRST_USER).await;
        let _ = first.stop();
        token
    };
    app.sql("UPDATE salesforce_connections SET token_expires_at = token_issued_at").await;
    let ports: Vec<u16> = std::iter::once(app.port()).chain((1..processes).map(|_| reserve_port())).collect();
    let mut servers: Vec<Server> = ports.iter().map(|port| app.serve_logging(*port, "info")).collect();
    let broker = app.scoped(&token, &[Scope::TokensSalesforce]).await;
    let began = Instant::now();
    let asked = (0..callers).map(|number| {
        let url = format!("http://127.0.0.1:{}{TOKENS}", ports[number % processes]);
        Answer::send(app.http.post(url).bearer_auth(&broker))
    });
    let answers = futures_util::future::join_all(asked).await;
    let took = began.elapsed();
    let tokens: std::collections::HashSet<_> =
        answers.iter().map(|answer| answer.expect(200)["access_token"].as_str().unwrap().to_owned()).collect();
    let refreshes = app.sandbox_calls(REFRESHES).await;
    println!("{engine:?}: {callers} callers at {processes} process(es), {refreshes} refresh, all answered in {took:?}");
    assert_eq!(tokens.len(), 1, "all get the new token");
    assert_eq!(refreshes, 1, "exactly one refresh");
    assert!(app.works_at_salesforce(&answers[0].json()).await);
    for server in &mut servers {
        let _ = server.stop();
    }
    app.stop().await;
}

#[test]
fn five_thousand_callers_at_two_processes_cause_one_refresh() {
    crate::support::run(asked_by_thousands(Engine::Postgres, 2, 5_000));
}

#[test]
fn five_thousand_callers_at_one_process_on_sqlite_cause_one_refresh() {
    crate::support::run(asked_by_thousands(Engine::Sqlite, 1, 5_000));
}
