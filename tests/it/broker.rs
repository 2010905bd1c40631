//! The token broker: tokens of the vendors for callers who may have them, renewed once for all.

use msi_actions::auth::Scope;
use reqwest::Method;
use serde_json::{Value, json};
use time::Duration;

use crate::support::{Answer, FIRST_USER, TestApp, eventually, on_both_engines};

const SALESFORCE: &str = "/v1/tokens/salesforce";
const MARKETO: &str = "/v1/tokens/marketo";
const REFRESHES: &str = "salesforce token refresh_token";
const IDENTITY: &str = "POST /marketo/identity/oauth/token";

const PRIVATE_KEY: &str = include_str!("fixtures/assertion_key.pem");
const PUBLIC_KEY: &str = include_str!("fixtures/assertion_key.pub.pem");

/// A connected instance: an operator's token, and one that may have the vendors' tokens.
async fn connected(app: &TestApp) -> (String, String) {
    let token = app.guided_instance().await;
    app.connect_both(&token).await;
    let broker = broker_token(app, &token).await;
    (token, broker)
}

async fn broker_token(app: &TestApp, token: &str) -> String {
    app.scoped(token, &[Scope::TokensSalesforce, Scope::TokensMarketo]).await
}

async fn ask(app: &TestApp, token: &str, path: &str) -> Answer {
    app.call(token, Method::POST, path, None).await
}

fn string_of(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("no {name}: {value}")).to_owned()
}

async fn report(app: &TestApp, token: &str, path: &str, upstream: &str) -> String {
    let answer = app.call(token, Method::POST, &format!("{path}/invalidate"), Some(json!({ "access_token": upstream }))).await;
    string_of(&answer.expect(200), "outcome")
}

on_both_engines! {
    async fn a_caller_with_the_scope_gets_a_working_token_and_nothing_more(engine: Engine) {
        let app = TestApp::start_guided(engine, 20).await;
        let (operator, broker) = connected(&app).await;
        let given = ask(&app, &broker, SALESFORCE).await;
        assert_eq!(given.headers["cache-control"], "no-store");
        let given = given.expect(200);
        let names: Vec<_> = given.as_object().unwrap().keys().cloned().collect();
        assert_eq!(names, ["access_token", "expires_at", "instance_url"]);
        assert!(app.works_at_salesforce(&given).await);
        assert_eq!(string_of(&given, "expires_at"), "2026-06-15T14:00:00.000000Z", "as Salesforce's introspection says");

        let given = ask(&app, &broker, MARKETO).await.expect(200);
        let describe = format!("{}/rest/v1/leads/describe.json", string_of(&given, "base_url"));
        let answer = Answer::send(app.http.get(describe).bearer_auth(string_of(&given, "access_token"))).await.expect(200);
        assert_eq!(answer["success"], true);

        let other = app.scoped(&operator, &[Scope::ConnectionsWrite]).await;
        ask(&app, &other, SALESFORCE).await.problem(403, "forbidden");
        ask(&app, &other, MARKETO).await.problem(403, "forbidden");
        app.stop().await;
    }

    async fn without_a_connection_the_broker_says_which_step_makes_one(engine: Engine) {
        let app = TestApp::start_guided(engine, 20).await;
        let token = app.guided_instance().await;
        let broker = broker_token(&app, &token).await;
        assert_eq!(ask(&app, &broker, SALESFORCE).await.problem(404, "not_connected")["link"], "/v1/connections/salesforce");
        assert_eq!(ask(&app, &broker, MARKETO).await.problem(404, "not_connected")["link"], "/v1/connections/marketo");
        app.stop().await;
    }

    async fn a_token_is_renewed_before_it_ends_and_never_handed_out_dead(engine: Engine) {
        let app = TestApp::start_guided(engine, 20).await;
        let (operator, broker) = connected(&app).await;
        let first = ask(&app, &broker, SALESFORCE).await.expect(200);
        app.clock.advance(Duration::minutes(119) + Duration::seconds(40));
        let broker_again = broker_token(&app, &app.narrowed_again(&operator).await).await;
        let second = ask(&app, &broker_again, SALESFORCE).await.expect(200);
        assert_ne!(first["access_token"], second["access_token"], "twenty seconds are not enough to work with");
        assert!(app.works_at_salesforce(&second).await);
        assert_eq!(app.sandbox_calls(REFRESHES).await, 1);
        assert_eq!(ask(&app, &broker_again, SALESFORCE).await.expect(200), second);
        assert_eq!(app.sandbox_calls(REFRESHES).await, 1);
        app.stop().await;
    }

    async fn many_callers_of_an_expired_token_cause_one_refresh(engine: Engine) {
        let app = TestApp::start_guided(engine, 20).await;
        let (operator, _) = connected(&app).await;
        // SQLite belongs to one process.
        let second = if engine == crate::support::Engine::Postgres { Some(app.replica().await) } else { None };
        app.clock.advance(Duration::hours(3));
        let broker = broker_token(&app, &app.narrowed_again(&operator).await).await;
        let url_of = |number: usize| match &second {
            Some(replica) if number % 2 == 1 => &replica.url,
            _ => &app.url,
        };
        let asked = (0..300).map(|number| Answer::send(app.http.post(format!("{}{SALESFORCE}", url_of(number))).bearer_auth(&broker)));
        let answers = futures_util::future::join_all(asked).await;
        let tokens: std::collections::HashSet<_> = answers.iter().map(|answer| string_of(&answer.expect(200), "access_token")).collect();
        assert_eq!(tokens.len(), 1, "all get the new token");
        assert!(app.works_at_salesforce(&answers[0].json()).await);
        assert_eq!(app.sandbox_calls(REFRESHES).await, 1);
        if let Some(replica) = second {
            replica.stop().await;
        }
        app.stop().await;
    }

    async fn a_refresh_goes_on_when_its_caller_goes_away(engine: Engine) {
        let app = TestApp::start_guided(engine, 20).await;
        let (operator, _) = connected(&app).await;
        app.clock.advance(Duration::hours(3));
        let broker = broker_token(&app, &app.narrowed_again(&operator).await).await;
        app.fault(json!({ "target": "salesforce", "path_contains": "oauth2/token", "kind": "delay", "ms": 1500 })).await;
        let asking = tokio::spawn(app.request(Method::POST, SALESFORCE).bearer_auth(&broker).send());
        eventually("the refresh is sent", async || app.sandbox_says("faults").await == json!([])).await;
        asking.abort();
        assert!(asking.await.unwrap_err().is_cancelled(), "its caller went away before the answer");
        let given = ask(&app, &broker, SALESFORCE).await.expect(200);
        assert!(app.works_at_salesforce(&given).await);
        assert_eq!(app.sandbox_calls(REFRESHES).await, 1, "the answer to the first one was kept");
        app.stop().await;
    }

    async fn a_refresh_under_way_is_stored_when_its_process_stops(engine: Engine) {
        let app = TestApp::start_guided(engine, 20).await;
        let (operator, _) = connected(&app).await;
        let second = app.replica().await;
        // Leaves a connection to Salesforce that a request has opened, and that ends with the thread of the request.
        let test = format!("{}/v1/connections/salesforce/test", second.url);
        assert_eq!(Answer::send(app.http.post(test).bearer_auth(&operator)).await.expect(200)["ok"], true);
        app.clock.advance(Duration::hours(3));
        let broker = broker_token(&app, &app.narrowed_again(&operator).await).await;
        app.fault(json!({ "target": "salesforce", "path_contains": "oauth2/token", "kind": "delay", "ms": 1500 })).await;
        let asking = tokio::spawn(app.http.post(format!("{}{SALESFORCE}", second.url)).bearer_auth(&broker).send());
        eventually("the refresh is sent", async || app.sandbox_says("faults").await == json!([])).await;
        // Its caller goes away, so that the server has nobody to wait for.
        asking.abort();
        second.stop().await;
        let given = ask(&app, &broker, SALESFORCE).await.expect(200);
        assert!(app.works_at_salesforce(&given).await);
        assert_eq!(app.sandbox_calls(REFRESHES).await, 1, "the answer was stored");
        app.stop().await;
    }

    async fn a_report_renews_a_token_that_salesforce_refuses_and_no_other(engine: Engine) {
        let app = TestApp::start_guided(engine, 20).await;
        let (_, broker) = connected(&app).await;
        let first = string_of(&ask(&app, &broker, SALESFORCE).await.expect(200), "access_token");
        for _ in 0..3 {
            assert_eq!(report(&app, &broker, SALESFORCE, &first).await, "still_valid");
        }
        assert_eq!(app.sandbox_calls(REFRESHES).await, 0, "a caller who is mistaken costs nothing");
        app.clock.advance(Duration::seconds(61));
        app.fault(json!({ "target": "salesforce", "kind": "expire_sessions" })).await;
        assert_eq!(report(&app, &broker, SALESFORCE, &first).await, "refreshed");
        let second = ask(&app, &broker, SALESFORCE).await.expect(200);
        assert_ne!(string_of(&second, "access_token"), first);
        assert!(app.works_at_salesforce(&second).await);
        assert_eq!(report(&app, &broker, SALESFORCE, &first).await, "not_current");
        assert_eq!(app.sandbox_calls(REFRESHES).await, 1);
        let nothing = app.call(&broker, Method::POST, "/v1/tokens/salesforce/invalidate", Some(json!({ "access_token": "" }))).await;
        assert_eq!(nothing.problem(422, "invalid_input")["errors"][0]["pointer"], "/access_token");
        app.stop().await;
    }

    async fn marketo_is_not_asked_again_before_its_token_ends(engine: Engine) {
        let app = TestApp::start_guided(engine, 20).await;
        let (operator, broker) = connected(&app).await;
        let first = string_of(&ask(&app, &broker, MARKETO).await.expect(200), "access_token");
        let asked = app.sandbox_calls(IDENTITY).await;
        for _ in 0..3 {
            assert_eq!(report(&app, &broker, MARKETO, &first).await, "still_valid");
        }
        assert_eq!(app.sandbox_calls(IDENTITY).await, asked + 1, "asked once, and Marketo stood by it");
        app.clock.advance(Duration::minutes(61));
        let broker = broker_token(&app, &app.narrowed_again(&operator).await).await;
        let second = string_of(&ask(&app, &broker, MARKETO).await.expect(200), "access_token");
        assert_ne!(first, second);
        assert_eq!(report(&app, &broker, MARKETO, &first).await, "not_current");
        app.stop().await;
    }

    async fn a_refresh_that_salesforce_did_not_take_on_may_be_tried_again(engine: Engine) {
        let app = TestApp::start_guided(engine, 20).await;
        let (operator, _) = connected(&app).await;
        app.clock.advance(Duration::hours(3));
        let broker = broker_token(&app, &app.narrowed_again(&operator).await).await;
        app.fault(json!({ "target": "salesforce", "path_contains": "oauth2/token", "kind": "http_status", "status": 503 })).await;
        let answer = ask(&app, &broker, SALESFORCE).await;
        answer.problem(503, "upstream_unavailable");
        assert_eq!(answer.headers["retry-after"], "5");
        let connection = app.call(&app.narrowed_again(&operator).await, Method::GET, "/v1/connections/salesforce", None).await.expect(200);
        assert_eq!(connection["state"], "active");
        let operator = app.narrowed_again(&operator).await;
        assert_eq!(app.call(&operator, Method::POST, "/v1/connections/salesforce/test", None).await.expect(200)["ok"], true);
        assert!(app.works_at_salesforce(&ask(&app, &broker, SALESFORCE).await.expect(200)).await);
        app.stop().await;
    }

    async fn a_refresh_that_nobody_knows_the_end_of_is_not_tried_again(engine: Engine) {
        for fault in [json!({ "kind": "cut", "after_bytes": 10 }), json!({ "kind": "http_status", "status": 502 }), json!({ "kind": "http_status", "status": 504, "body": "Gateway Time-out" })] {
            let app = TestApp::start_guided(engine, 20).await;
            let (operator, _) = connected(&app).await;
            app.clock.advance(Duration::hours(3));
            let operator = app.narrowed_again(&operator).await;
            let broker = broker_token(&app, &operator).await;
            let mut ordered = json!({ "target": "salesforce", "path_contains": "oauth2/token" });
            ordered.as_object_mut().unwrap().extend(fault.as_object().unwrap().clone());
            app.fault(ordered).await;
            for _ in 0..3 {
                let problem = ask(&app, &broker, SALESFORCE).await.problem(409, "connection_needs_attention");
                assert!(string_of(&problem, "detail").contains("connect Salesforce again"), "{problem}");
            }
            let connection = app.call(&operator, Method::GET, "/v1/connections/salesforce", None).await.expect(200);
            assert_eq!((&connection["state"], &connection["last_error_code"]), (&"needs_attention".into(), &"ANSWER_LOST".into()));
            let sent = app.sandbox_calls("POST /salesforce/services/oauth2/token").await;
            assert_eq!(sent, 2, "one to connect, one refresh");
            // Connecting again mends it.
            app.connect_salesforce_as(&operator, FIRST_USER).await;
            assert!(app.works_at_salesforce(&ask(&app, &broker, SALESFORCE).await.expect(200)).await);
            app.stop().await;
        }
    }

    async fn what_salesforce_says_of_a_dead_grant_is_what_the_admin_reads(engine: Engine) {
        for (code, change, what, advice) in [
            ("EXPIRED_ACCESS", "salesforce", json!({ "revoke_grants_of": FIRST_USER }), "connect Salesforce again"),
            ("INACTIVE_USER", "salesforce/users", json!({ "username": FIRST_USER, "active": false }), "inactive"),
        ] {
            let app = TestApp::start_guided(engine, 20).await;
            let (operator, _) = connected(&app).await;
            app.clock.advance(Duration::hours(3));
            let operator = app.narrowed_again(&operator).await;
            let broker = broker_token(&app, &operator).await;
            app.tell_sandbox(change, what).await;
            let problem = ask(&app, &broker, SALESFORCE).await.problem(409, "connection_needs_attention");
            assert!(string_of(&problem, "detail").contains(advice), "{problem}");
            let connection = app.call(&operator, Method::GET, "/v1/connections/salesforce", None).await.expect(200);
            assert_eq!(connection["last_error_code"], code);
            app.stop().await;
        }
    }

    async fn with_a_key_for_assertions_there_is_nothing_to_lose(engine: Engine) {
        let app = TestApp::start_guided(engine, 20).await;
        let (operator, _) = connected(&app).await;
        app.tell_sandbox("salesforce", json!({ "app_public_key": PUBLIC_KEY })).await;
        let set_up = async |operator: &str, body| app.call(operator, Method::PUT, "/v1/connections/salesforce/jwt-bearer", Some(body)).await;
        let wrong = set_up(&operator, json!({ "username": FIRST_USER, "private_key": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----" })).await;
        assert_eq!(wrong.problem(422, "invalid_input")["errors"][0]["pointer"], "/private_key");
        let nobody = set_up(&operator, json!({ "username": "nobody@example.com", "private_key": PRIVATE_KEY })).await;
        assert!(string_of(&nobody.problem(409, "salesforce_refused"), "detail").contains("approved"), "{}", nobody.text);

        // A refresh is lost, then the key heals the connection.
        app.clock.advance(Duration::hours(3));
        let (operator, broker_again) = (app.narrowed_again(&operator).await, broker_token(&app, &app.narrowed_again(&operator).await).await);
        app.fault(json!({ "target": "salesforce", "path_contains": "oauth2/token", "kind": "cut", "after_bytes": 0 })).await;
        ask(&app, &broker_again, SALESFORCE).await.problem(409, "connection_needs_attention");
        let tested = set_up(&operator, json!({ "username": FIRST_USER, "private_key": PRIVATE_KEY })).await.expect(200);
        assert_eq!(tested["ok"], true, "{tested}");
        let connection = app.call(&operator, Method::GET, "/v1/connections/salesforce", None).await.expect(200);
        assert_eq!((&connection["state"], &connection["refreshed_by"]), (&"active".into(), &"assertion".into()));
        assert!(!connection.to_string().contains("PRIVATE KEY"));

        // From now on a lost answer costs nothing.
        app.clock.advance(Duration::hours(3));
        let broker_again = broker_token(&app, &app.narrowed_again(&operator).await).await;
        app.fault(json!({ "target": "salesforce", "path_contains": "oauth2/token", "kind": "cut", "after_bytes": 0 })).await;
        ask(&app, &broker_again, SALESFORCE).await.problem(503, "upstream_unavailable");
        assert_eq!(app.sandbox_calls(REFRESHES).await, 1);
        app.stop().await;
    }

    async fn a_key_alone_connects_the_instance(engine: Engine) {
        let app = TestApp::start_guided(engine, 20).await;
        let token = app.guided_instance().await;
        app.tell_sandbox("salesforce", json!({ "app_public_key": PUBLIC_KEY })).await;
        let body = json!({ "username": FIRST_USER, "private_key": PRIVATE_KEY, "host": "production" });
        let tested = app.call(&token, Method::PUT, "/v1/connections/salesforce/jwt-bearer", Some(body)).await.expect(200);
        assert_eq!(tested["ok"], true, "{tested}");
        for _ in 0..2 {
            app.clock.advance(Duration::hours(3));
            let broker = broker_token(&app, &app.narrowed_again(&token).await).await;
            assert!(app.works_at_salesforce(&ask(&app, &broker, SALESFORCE).await.expect(200)).await);
        }
        assert_eq!(app.sandbox_calls(REFRESHES).await, 0);
        let operator = app.narrowed_again(&token).await;
        assert_eq!(app.call(&operator, Method::DELETE, "/v1/connections/salesforce", None).await.status, 204);
        app.stop().await;
    }
}
