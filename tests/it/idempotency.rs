//! `Idempotency-Key`: a request that is sent again is carried out once.

use msi_actions::auth::{Scope, Scopes};
use msi_actions::sandbox::SandboxSettings;
use reqwest::Method;
use serde_json::{Value, json};
use time::Duration;

use crate::sealing::bytes;
use crate::support::person::{LoggedInMember, member, open_to_members};
use crate::support::{Answer, FIRST_USER, MUNCHKIN_ID, TestApp, eventually, on_both_engines};

const KEY: &str = "Idempotency-Key";
const TEAMS: &str = "/v1/teams";

/// Operations that answer 201 or 202 and take no key, each with the reason.
const WITHOUT_KEY: &[(&str, &str)] = &[
    ("/v1/sessions", "its answer lets in; another session is as good"),
    ("/v1/password-resets", "another message does no harm, and there are few"),
    ("/v1/invite-imports", "a file is too large to be looked at twice, and harmless until it is confirmed"),
    ("/v1/connections/salesforce", "only begins, and runs out in minutes"),
    ("/v1/members/me/salesforce-connection", "only begins, as above"),
    ("/v1/sync/runs/{run_id}/cancel", "comes to the same when it is done twice"),
    ("/v1/sync/runs/{run_id}/pause", "as above"),
    ("/v1/sync/runs/{run_id}/resume", "as above"),
    ("/v1/sync/runs/{run_id}/retry", "as above"),
    ("/scim/v2/Users", "RFC 7644 knows no such header, and a repeat meets the userName that is taken"),
    ("/scim/v2/Groups", "as above, with its displayName"),
];

async fn post(app: &TestApp, url: &str, token: &str, key: &str, path: &str, body: &Value) -> Answer {
    Answer::send(app.http.post(format!("{url}{path}")).bearer_auth(token).header(KEY, key).json(body)).await
}

async fn team(app: &TestApp, token: &str, key: &str, name: &str) -> Answer {
    post(app, &app.url, token, key, TEAMS, &json!({ "name": name })).await
}

/// How many teams were made.
async fn teams(app: &TestApp, token: &str) -> usize {
    let listed = app.call(token, Method::GET, TEAMS, None).await.expect(200);
    listed["data"].as_array().unwrap().iter().filter(|team| team["name"] != "Everyone").count()
}

fn is_repeated(answer: &Answer) -> bool {
    answer.headers.get("idempotent-replayed").is_some_and(|value| value == "true")
}

#[test]
fn whatever_creates_takes_a_key_or_is_listed_with_the_reason() {
    let document = msi_actions::app::openapi_document();
    let mut seen = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let operation = &item["post"];
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let takes_key = parameters.into_iter().any(|parameter| parameter["name"] == KEY && parameter["in"] == "header");
        let creates = ["201", "202"].iter().any(|status| operation["responses"].get(status).is_some());
        let listed = WITHOUT_KEY.iter().any(|(known, _)| known == path);
        assert!(!creates || takes_key != listed, "POST {path}: add it to ROUTES in src/http/idempotency, or here with the reason");
        if creates && listed {
            seen.push(path.as_str());
        }
    }
    assert_eq!(seen.len(), WITHOUT_KEY.len(), "only {seen:?} are there");
}

on_both_engines! {
    async fn a_repeat_gets_the_first_answer_and_does_nothing_again(engine: Engine) {
        let app = TestApp::start(engine).await;
        let (id, token) = app.instance(MUNCHKIN_ID).await;
        let first = team(&app, &token, "8e03978e-40d5-43e8-bc93-6894a57f9324", "West").await;
        first.expect(201);
        assert!(!is_repeated(&first));
        app.clock.advance(Duration::hours(23));
        let token = app.narrowed_again(&token).await;
        // Another client of the same instance has keys of its own; the token of before was another client's.
        team(&app, &token, "8e03978e-40d5-43e8-bc93-6894a57f9324", "West").await.problem(409, "team_exists");

        let client = app.client(Some(id.parse().unwrap()), Scopes::of_an_instance()).await;
        let token = app.ask_token(&client, &[]).await.expect(200)["access_token"].as_str().unwrap().to_owned();
        let before = app.count("SELECT COUNT(*) FROM audit_events").await;
        let first = team(&app, &token, "\"a key\"", "East").await;
        let made = first.expect(201);
        for _ in 0..3 {
            let again = team(&app, &token, "\"a key\"", "East").await;
            assert_eq!(again.expect(201), made);
            assert!(is_repeated(&again));
            assert_eq!((&again.headers["location"], &again.headers["content-type"]), (&first.headers["location"], &first.headers["content-type"]));
            assert_ne!(again.headers["x-request-id"], first.headers["x-request-id"]);
        }
        assert_eq!((teams(&app, &token).await, app.count("SELECT COUNT(*) FROM audit_events").await), (2, before + 1), "West and East");
        // Bare and quoted are one key.
        team(&app, &token, "b", "North").await.expect(201);
        assert!(is_repeated(&team(&app, &token, "\"b\"", "North").await));
        app.stop().await;
    }

    async fn an_idempotency_key_is_for_one_request_and_a_refusal_frees_it(engine: Engine) {
        let app = TestApp::start(engine).await;
        let (_, token) = app.instance(MUNCHKIN_ID).await;
        team(&app, &token, "one", "West").await.expect(201);
        team(&app, &token, "one", "East").await.problem(422, "idempotency_key_reused");
        post(&app, &app.url, &token, "one", "/v1/invites/first", &json!({ "name": "West" })).await.problem(422, "idempotency_key_reused");
        assert_eq!(teams(&app, &token).await, 1);

        team(&app, &token, "two", "West").await.problem(409, "team_exists");
        team(&app, &token, "two", "").await.problem(422, "invalid_input");
        team(&app, &token, "two", "East").await.expect(201);
        assert!(is_repeated(&team(&app, &token, "two", "East").await));
        app.stop().await;
    }

    async fn of_many_at_once_in_two_processes_one_is_carried_out(engine: Engine) {
        let app = TestApp::start(engine).await;
        let (_, token) = app.instance(MUNCHKIN_ID).await;
        let replica = app.replica().await;
        let urls = [app.url.clone(), replica.url.clone()];
        let body = json!({ "name": "West" });
        let answers = futures_util::future::join_all((0..20).map(|at| post(&app, &urls[at % 2], &token, "one", TEAMS, &body))).await;
        assert_eq!(teams(&app, &token).await, 1);
        assert_eq!(answers.iter().filter(|answer| answer.status == 201 && !is_repeated(answer)).count(), 1, "{answers:?}");
        for answer in answers.iter().filter(|answer| answer.status != 201) {
            answer.problem(409, "idempotency_key_in_use");
            assert_eq!(answer.headers["retry-after"], "1");
        }
        for url in &urls {
            let again = post(&app, url, &token, "one", TEAMS, &body).await;
            again.expect(201);
            assert!(is_repeated(&again));
        }
        replica.stop().await;
        app.stop().await;
    }

    async fn what_a_crash_cut_short_is_neither_done_again_nor_passed_off_as_done(engine: Engine) {
        let app = TestApp::start(engine).await;
        let (id, _) = app.instance(MUNCHKIN_ID).await;
        let client = app.client(Some(id.parse().unwrap()), Scopes::of_an_instance()).await;
        let fresh = async || app.ask_token(&client, &[]).await.expect(200)["access_token"].as_str().unwrap().to_owned();
        let token = fresh().await;
        team(&app, &token, "one", "West").await.expect(201);
        // As it is when the process dies between the work and its answer.
        app.sql("UPDATE idempotency_keys SET state = 'begun', sealed_answer = NULL").await;
        let waiting = team(&app, &token, "one", "West").await;
        waiting.problem(409, "idempotency_key_in_use");
        assert_eq!(waiting.headers["retry-after"], "1");
        app.clock.advance(Duration::minutes(5));
        let lost = team(&app, &token, "one", "West").await;
        assert!(lost.problem(409, "idempotency_outcome_unknown")["detail"].as_str().unwrap().contains("another key"));
        assert!(!lost.headers.contains_key("retry-after"));
        team(&app, &token, "one", "East").await.problem(422, "idempotency_key_reused");
        assert_eq!(teams(&app, &token).await, 1);

        app.clock.advance(Duration::hours(24));
        let token = fresh().await;
        team(&app, &token, "one", "East").await.expect(201);
        assert_eq!(app.count("SELECT COUNT(*) FROM idempotency_keys").await, 1);
        app.clock.advance(Duration::hours(24));
        let replica = app.replica().await;
        eventually("what has run out is forgotten", async || app.count("SELECT COUNT(*) FROM idempotency_keys").await == 0).await;
        replica.stop().await;
        app.stop().await;
    }

    async fn a_caller_that_hangs_up_finds_the_answer_by_asking_again(engine: Engine) {
        let app = TestApp::start_guided_with(engine, SandboxSettings { people: 5, ..SandboxSettings::default() }).await;
        let token = app.guided_instance().await;
        app.fault(json!({ "target": "marketo", "path_contains": "identity", "kind": "delay", "ms": 4000 })).await;
        let request = app.request(Method::POST, "/v1/connections/marketo").bearer_auth(&token).header(KEY, "one").json(&json!({}));
        let call = tokio::spawn(request.send());
        eventually("the work has begun", async || app.count("SELECT COUNT(*) FROM idempotency_keys WHERE state = 'begun'").await == 1).await;
        call.abort();
        eventually("and ends", async || app.count("SELECT COUNT(*) FROM idempotency_keys WHERE state = 'answered'").await == 1).await;
        let again = post(&app, &app.url, &token, "one", "/v1/connections/marketo", &json!({})).await;
        again.expect(201);
        assert!(is_repeated(&again), "{}", again.text);
        app.stop().await;
    }

    async fn a_vendor_that_can_not_answer_leaves_the_key_free(engine: Engine) {
        let app = TestApp::start_guided_with(engine, SandboxSettings { people: 5, ..SandboxSettings::default() }).await;
        let token = app.guided_instance().await;
        app.fault(json!({ "target": "marketo", "path_contains": "rest/", "kind": "marketo_error", "code": "608", "message": "API temporarily unavailable", "times": 20 })).await;
        let connect = async || post(&app, &app.url, &token, "one", "/v1/connections/marketo", &json!({})).await;
        connect().await.problem(503, "upstream_unavailable");
        app.no_more_faults().await;
        let done = connect().await;
        done.expect(201);
        assert!(!is_repeated(&done) && is_repeated(&connect().await));
        app.stop().await;
    }

    async fn a_secret_in_an_answer_is_sealed_and_comes_again(engine: Engine) {
        let app = TestApp::start_guided(engine, 5).await;
        let token = app.guided_instance().await;
        app.call(&token, Method::POST, "/v1/invites/first", Some(json!({ "email": FIRST_USER }))).await.expect(201);
        let path = "/v1/instance/integration-information/rotate";
        let first = post(&app, &app.url, &token, "one", path, &json!({})).await;
        let secret = first.expect(200)["client_secret"].as_str().unwrap().to_owned();
        let again = post(&app, &app.url, &token, "one", path, &json!({})).await;
        assert_eq!(again.expect(200)["client_secret"].as_str(), Some(secret.as_str()));
        assert_eq!(again.headers["cache-control"], first.headers["cache-control"]);
        let kept = bytes(&app, "SELECT sealed_answer FROM idempotency_keys").await;
        assert_eq!(kept.len(), 1);
        let holds = |part: &str| kept[0].windows(part.len()).any(|some| some == part.as_bytes());
        assert!(!holds(&secret) && !holds("client_secret") && !holds("http"));
        app.stop().await;
    }

    async fn operators_and_people_have_keys_of_their_own(engine: Engine) {
        let app = TestApp::start_guided(engine, 5).await;
        let operator = app.operator_token().await;
        let new = json!({ "munchkin_id": "999-ZZZ-999", "environment": "sandbox",
            "prerequisites": { "msi_actions_enabled": true, "salesforce_sync_configured": true } });
        let made = post(&app, &app.url, &operator, "one", "/v1/instances", &new).await.expect(201);
        let again = post(&app, &app.url, &operator, "one", "/v1/instances", &new).await;
        assert_eq!((again.expect(201), is_repeated(&again)), (made, true));

        let token = open_to_members(&app).await;
        let (ann, bo) = (member(&app, &token, "ann@example.com", "admin").await, member(&app, &token, "bo@example.com", "admin").await);
        let invite = async |who: &LoggedInMember, email: &str| {
            let request = app.request(Method::POST, "/v1/invites").header("cookie", &who.cookie).header("x-requested-with", "test");
            Answer::send(request.header(KEY, "one").json(&json!({ "emails": [email] }))).await
        };
        invite(&ann, "x@example.com").await.expect(200);
        let theirs = invite(&bo, "x@example.com").await;
        assert_eq!((&theirs.expect(200)["data"][0]["outcome"], is_repeated(&theirs)), (&"already_invited".into(), false));
        let again = invite(&ann, "x@example.com").await;
        assert_eq!((&again.expect(200)["data"][0]["outcome"], is_repeated(&again)), (&"invited".into(), true));
        app.stop().await;
    }

    async fn a_repeat_needs_the_scope_like_the_first(engine: Engine) {
        let app = TestApp::start(engine).await;
        let (id, _) = app.instance(MUNCHKIN_ID).await;
        let client = app.client(Some(id.parse().unwrap()), Scopes::of_an_instance()).await;
        let all = app.ask_token(&client, &[]).await.expect(200)["access_token"].as_str().unwrap().to_owned();
        let narrow = app.ask_token(&client, &[("scope", Scope::MembersRead.as_str())]).await.expect(200)["access_token"].as_str().unwrap().to_owned();
        team(&app, &all, "one", "West").await.expect(201);
        team(&app, &narrow, "one", "West").await.problem(403, "forbidden");
        app.stop().await;
    }

    async fn keys_that_have_run_out_are_deleted_with_their_answers(engine: Engine) {
        let app = TestApp::start(engine).await;
        let (_, token) = app.instance(MUNCHKIN_ID).await;
        team(&app, &token, "0b7e7a0e-5e6e-4a0e-9d0c-5f7f0e7d1a11", "West").await.expect(201);
        let kept = async || app.count("SELECT COUNT(*) FROM idempotency_keys").await;
        assert_eq!(kept().await, 1);
        app.advance_between_jobs(Duration::hours(25)).await;
        crate::support::eventually("the key is deleted", async || kept().await == 0).await;
        app.stop().await;
    }

    async fn a_key_that_can_not_be_used_is_said_and_nothing_is_done(engine: Engine) {
        let app = TestApp::start(engine).await;
        let (_, token) = app.instance(MUNCHKIN_ID).await;
        for unfit in ["", "\"\"", "a b", "\"open", &"x".repeat(256)] {
            let problem = team(&app, &token, unfit, "West").await.problem(422, "invalid_input");
            assert_eq!(problem["errors"][0]["pointer"], "#header/Idempotency-Key", "{unfit}");
        }
        let twice = app.request(Method::POST, TEAMS).bearer_auth(&token).header(KEY, "a").header(KEY, "b").json(&json!({ "name": "West" }));
        Answer::send(twice).await.problem(422, "invalid_input");
        assert_eq!(teams(&app, &token).await, 0);
        team(&app, &token, &"x".repeat(255), "West").await.expect(201);
        // A body that is too large is refused as ever; where there is nothing to create, the header says nothing.
        post(&app, &app.url, &token, "big", TEAMS, &json!({ "name": "x".repeat(2_000_000) })).await.problem(413, "body_too_large");
        post(&app, &app.url, &token, "other", "/v1/people/lookup", &json!({ "salesforce_ids": ["0031U00000V0tkDQAR"] })).await;
        assert_eq!(app.count("SELECT COUNT(*) FROM idempotency_keys").await, 1);
        app.stop().await;
    }
}
