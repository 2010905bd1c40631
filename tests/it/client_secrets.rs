//! Secrets of clients: two at once while one takes over, the tokens issued for them, and what follows wrong ones.

use std::collections::BTreeSet;

use msi_actions::auth::{Scopes, rotate_secret};
use reqwest::Method;
use secrecy::ExposeSecret;
use serde_json::json;
use time::Duration;

use crate::support::{Answer, FIRST_USER, TestApp, eventually, on_both_engines};

type ClientIdAndSecret = (String, String);

/// Rotates like the command line does.
async fn rotate(app: &TestApp, client: &ClientIdAndSecret, overlap: Duration) -> ClientIdAndSecret {
    let mut tx = app.db().begin().await.unwrap();
    let secret = rotate_secret(&mut tx, &*app.clock, &client.0, overlap).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    (client.0.clone(), secret.expose_secret().to_owned())
}

/// The answer to a wrong secret of this client id, without what differs each time.
async fn fail(app: &TestApp, client_id: &str) -> Answer {
    app.ask_token(&(client_id.to_owned(), "wrong".into()), &[]).await
}

/// An access token of the client.
async fn bearer(app: &TestApp, client: &ClientIdAndSecret) -> String {
    app.ask_token(client, &[]).await.expect(200)["access_token"].as_str().unwrap().to_owned()
}

on_both_engines! {
    async fn both_secrets_work_until_the_window_ends(engine: Engine) {
        let app = TestApp::start(engine).await;
        let first = app.client(None, Scopes::of_an_operator()).await;
        let second = rotate(&app, &first, Duration::hours(24)).await;
        for works in [&first, &second] {
            app.ask_token(works, &[]).await.expect(200);
        }
        app.clock.advance(Duration::hours(24) - Duration::seconds(1));
        app.ask_token(&first, &[]).await.expect(200);
        app.clock.advance(Duration::seconds(1));
        app.ask_token(&first, &[]).await.expect(401);
        app.ask_token(&second, &[]).await.expect(200);

        let third = rotate(&app, &second, Duration::hours(1)).await;
        let fourth = rotate(&app, &third, Duration::ZERO).await;
        for stopped in [&first, &second, &third] {
            app.ask_token(stopped, &[]).await.expect(401);
        }
        app.ask_token(&fourth, &[]).await.expect(200);
        app.stop().await;
    }

    async fn the_integration_secret_is_rotated_at_once_or_with_a_window(engine: Engine) {
        let app = TestApp::start_guided(engine, 20).await;
        let token = app.guided_instance().await;
        let invite = json!({"email": FIRST_USER});
        app.call(&token, Method::POST, "/v1/invites/first", Some(invite)).await.expect(201);
        let path = "/v1/instance/integration-information";
        let card = app.call(&token, Method::POST, &format!("{path}/reveal-secret"), None).await.expect(200);
        let of = |card: &serde_json::Value| (card["client_id"].as_str().unwrap().to_owned(), card["client_secret"].as_str().unwrap().to_owned());
        let first = of(&card);
        let rotate = format!("{path}/rotate");
        let kept = app.call(&token, Method::POST, &rotate, Some(json!({"keep_old_for_seconds": 3600}))).await.expect(200);
        let second = of(&kept);
        app.ask_token(&first, &[]).await.expect(200);
        app.ask_token(&second, &[]).await.expect(200);
        let third = of(&app.call(&token, Method::POST, &rotate, None).await.expect(200));
        app.ask_token(&second, &[]).await.expect(401);
        app.ask_token(&third, &[]).await.expect(200);
        for wrong in [json!({"keep_old_for_seconds": -1}), json!({"keep_old_for_seconds": 604_801}), json!({"keep_old_for_seconds": 1.5}), json!({"keep": 1})] {
            app.call(&token, Method::POST, &rotate, Some(wrong)).await.problem(422, "invalid_input");
        }
        app.ask_token(&third, &[]).await.expect(200);
        app.stop().await;
    }

    async fn wrong_secrets_never_keep_the_right_one_out(engine: Engine) {
        let app = TestApp::start(engine).await;
        let client = app.client(None, Scopes::of_an_operator()).await;
        for _ in 0..28 {
            let wrong = (0..10).map(|_| fail(&app, &client.0));
            for refused in futures_util::future::join_all(wrong).await {
                assert_eq!(refused.expect(401)["error"], "invalid_client");
            }
            app.ask_token(&client, &[]).await.expect(200);
        }
        app.stop().await;
    }

    async fn rotating_the_secret_ends_the_tokens_issued_for_it(engine: Engine) {
        let app = TestApp::start(engine).await;
        let replica = app.replica().await;
        let (first, other) = (app.client(None, Scopes::of_an_operator()).await, app.client(None, Scopes::of_an_operator()).await);
        let (old, others) = (bearer(&app, &first).await, bearer(&app, &other).await);
        replica.get(&old, "/v1/instances").await.expect(200);
        let second = rotate(&app, &first, Duration::ZERO).await;
        let new = bearer(&app, &second).await;
        eventually("this process refuses the token", async || app.call(&old, Method::GET, "/v1/instances", None).await.status == 401).await;
        eventually("the other process refuses the token", async || replica.get(&old, "/v1/instances").await.status == 401).await;
        replica.get(&old, "/v1/instances").await.problem(401, "invalid_token");
        let form = [("token", &old), ("client_id", &second.0), ("client_secret", &second.1)];
        let seen = Answer::send(app.request(Method::POST, "/oauth/introspect").form(&form)).await.expect(200);
        assert_eq!(seen, json!({ "active": false }));
        let restarted = app.replica().await;
        restarted.get(&old, "/v1/instances").await.problem(401, "invalid_token");
        for good in [&new, &others] {
            app.call(good, Method::GET, "/v1/instances", None).await.expect(200);
            replica.get(good, "/v1/instances").await.expect(200);
            restarted.get(good, "/v1/instances").await.expect(200);
        }
        restarted.stop().await;
        replica.stop().await;
        app.stop().await;
    }

    async fn the_tokens_of_a_secret_that_is_kept_end_when_it_does(engine: Engine) {
        let app = TestApp::start(engine).await;
        let replica = app.replica().await;
        let first = app.client(None, Scopes::of_an_operator()).await;
        let before = bearer(&app, &first).await;
        let second = rotate(&app, &first, Duration::minutes(5)).await;
        let (during, new) = (bearer(&app, &first).await, bearer(&app, &second).await);
        app.clock.advance(Duration::minutes(5) - Duration::seconds(1));
        for token in [&before, &during, &new] {
            app.call(token, Method::GET, "/v1/instances", None).await.expect(200);
            replica.get(token, "/v1/instances").await.expect(200);
        }
        app.clock.advance(Duration::seconds(1));
        for ended in [&before, &during] {
            eventually("this process refuses it", async || app.call(ended, Method::GET, "/v1/instances", None).await.status == 401).await;
            eventually("the other refuses it", async || replica.get(ended, "/v1/instances").await.status == 401).await;
        }
        app.call(&new, Method::GET, "/v1/instances", None).await.expect(200);

        // A secret that is kept ends at once with the next rotation.
        let third = rotate(&app, &second, Duration::hours(1)).await;
        let (kept, newest) = (bearer(&app, &second).await, bearer(&app, &third).await);
        rotate(&app, &third, Duration::hours(1)).await;
        eventually("the token of the last secret but one ends", async || {
            app.call(&kept, Method::GET, "/v1/instances", None).await.status == 401
        })
        .await;
        app.call(&newest, Method::GET, "/v1/instances", None).await.expect(200);
        replica.stop().await;
        app.stop().await;
    }

    async fn an_unknown_client_id_is_answered_like_a_wrong_secret(engine: Engine) {
        let app = TestApp::start(engine).await;
        let client = app.client(None, Scopes::of_an_operator()).await;
        for attempt in 0..7 {
            let (known, unknown) = (fail(&app, &client.0).await, fail(&app, "msi_nobody").await);
            assert_eq!(known.status, unknown.status, "attempt {attempt}");
            assert_eq!(known.text, unknown.text, "attempt {attempt}");
            let names = |answer: &Answer| answer.headers.keys().map(ToString::to_string).collect::<BTreeSet<_>>();
            assert_eq!(names(&known), names(&unknown), "attempt {attempt}");
        }
        app.stop().await;
    }
}
