//! Streams of events: shared fairly, and ended with the right to see them.

use futures_util::future::join_all;
use msi_actions::auth::{Scope, Scopes};
use reqwest::{Method, Response};
use serde_json::json;
use time::Duration;

use crate::support::person::{LoggedInMember, member, open_to_members};
use crate::support::{Answer, TestApp, instance_of, on_both_engines};

/// An import that waits to be confirmed, so that following it doesn't end; the path of its events.
async fn waiting_import(app: &TestApp, token: &str) -> String {
    let file = app.request(Method::POST, "/v1/invite-imports").bearer_auth(token).header("content-type", "text/csv");
    let import = Answer::send(file.body("email\nann@example.com\n")).await.expect(201);
    format!("/v1/invite-imports/{}/events", import["id"].as_str().unwrap())
}

async fn follow(app: &TestApp, person: &LoggedInMember, path: &str) -> Response {
    app.request(Method::GET, path).header("cookie", &person.cookie).send().await.unwrap()
}

/// The stream of an admin, who is not the only one, and the import that it follows.
async fn admin_following(app: &TestApp, token: &str) -> (LoggedInMember, String, Response) {
    let path = waiting_import(app, token).await;
    let anna = member(app, token, "anna@example.com", "admin").await;
    member(app, token, "bert@example.com", "admin").await;
    let stream = follow(app, &anna, &path).await;
    assert_eq!(stream.status(), 200);
    (anna, path, stream)
}

async fn refused(response: Response, word: &str) {
    assert_eq!(response.status(), 429);
    assert!(response.headers().contains_key("retry-after"));
    let text = response.text().await.unwrap();
    assert!(text.contains("too_many_requests") && text.contains(word), "{text}");
}

/// Reads a stream to its end, which comes without an error.
async fn ends(mut response: Response) {
    while response.chunk().await.unwrap().is_some() {}
}

on_both_engines! {
    async fn one_callers_streams_leave_room_for_others(engine: Engine) {
        let app = TestApp::start_guided(engine, 5).await;
        let token = open_to_members(&app).await;
        let path = waiting_import(&app, &token).await;
        let mut people = Vec::new();
        for name in ["anna", "bert", "cleo", "dora"] {
            people.push(member(&app, &token, &format!("{name}@example.com"), "admin").await);
        }
        let mut open = Vec::new();
        for person in &people[..3] {
            for _ in 0..8 {
                let stream = follow(&app, person, &path).await;
                assert_eq!(stream.status(), 200);
                open.push(stream);
            }
            refused(follow(&app, person, &path).await, "You have 8").await;
        }
        // The instance has its share, and other instances have theirs.
        refused(follow(&app, &people[3], &path).await, "this instance").await;
        let (_, other) = app.instance("999-ZZZ-999").await;
        app.call(&other, Method::POST, "/v1/teams", Some(json!({ "name": "West" }))).await.expect(201);
        let theirs = waiting_import(&app, &other).await;
        let stream = app.request(Method::GET, &theirs).bearer_auth(&other).send().await.unwrap();
        assert_eq!(stream.status(), 200, "{}", stream.text().await.unwrap());
        // What has ended is open no more.
        app.call(&token, Method::DELETE, path.strip_suffix("/events").unwrap(), None).await.expect(204);
        join_all(open.into_iter().map(ends)).await;
        let path = waiting_import(&app, &token).await;
        for person in &people {
            assert_eq!(follow(&app, person, &path).await.status(), 200);
        }
        app.stop().await;
    }

    async fn a_stream_ends_with_the_session_it_came_with(engine: Engine) {
        let app = TestApp::start_guided(engine, 5).await;
        let token = open_to_members(&app).await;
        let path = waiting_import(&app, &token).await;
        let anna = member(&app, &token, "anna@example.com", "admin").await;
        let stream = follow(&app, &anna, &path).await;
        Answer::send(app.request(Method::DELETE, "/v1/sessions").header("cookie", &anna.cookie)).await.expect(204);
        ends(stream).await;
        let bert = member(&app, &token, "bert@example.com", "admin").await;
        let stream = follow(&app, &bert, &path).await;
        app.clock.advance(Duration::hours(13));
        ends(stream).await;
        app.stop().await;
    }

    async fn a_stream_ends_when_its_callers_role_loses_the_right(engine: Engine) {
        let app = TestApp::start_guided(engine, 5).await;
        let token = open_to_members(&app).await;
        let (anna, path, stream) = admin_following(&app, &token).await;
        let demote = Some(json!({ "role": "user" }));
        app.call(&token, Method::PATCH, &format!("/v1/members/{}", anna.id), demote).await.expect(200);
        ends(stream).await;
        assert_eq!(follow(&app, &anna, &path).await.status(), 403);
        app.stop().await;
    }

    async fn a_stream_ends_when_its_token_is_revoked(engine: Engine) {
        let app = TestApp::start_guided(engine, 5).await;
        let token = open_to_members(&app).await;
        let path = waiting_import(&app, &token).await;
        let client = app.client(Some(instance_of(&token).parse().unwrap()), Scopes([Scope::MembersWrite].into())).await;
        let issued = app.ask_token(&client, &[]).await.expect(200)["access_token"].as_str().unwrap().to_owned();
        let stream = app.request(Method::GET, &path).bearer_auth(&issued).send().await.unwrap();
        assert_eq!(stream.status(), 200);
        let form = [("token", &issued), ("client_id", &client.0), ("client_secret", &client.1)];
        Answer::send(app.request(Method::POST, "/oauth/revoke").form(&form)).await.expect(200);
        ends(stream).await;
        app.stop().await;
    }

    async fn a_stream_ends_with_its_callers_right(engine: Engine) {
        let app = TestApp::start_guided(engine, 5).await;
        let token = open_to_members(&app).await;
        let (anna, path, stream) = admin_following(&app, &token).await;
        app.call(&token, Method::POST, &format!("/v1/members/{}/deactivate", anna.id), None).await.expect(200);
        ends(stream).await;
        // A program's token that expires.
        let stream = app.request(Method::GET, &path).bearer_auth(&token).send().await.unwrap();
        app.clock.advance(Duration::minutes(16));
        ends(stream).await;
        app.stop().await;
    }
}
