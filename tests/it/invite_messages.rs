//! How often a person is written to, whatever happens to their invitations.

use reqwest::Method;
use serde_json::{Value, json};
use time::Duration;

use crate::invite_imports::{all, completed, confirm, path, upload};
use crate::support::person::{member, open_to_members};
use crate::support::scim::{DirectoryClient, user};
use crate::support::{Answer, TestApp, on_both_engines};

async fn invite(app: &TestApp, token: &str, emails: &[&str]) -> Answer {
    app.call(token, Method::POST, "/v1/invites", Some(json!({ "emails": emails }))).await
}

async fn revoke(app: &TestApp, token: &str, invite: &Value) {
    app.call(token, Method::POST, &format!("/v1/invites/{}/revoke", invite["id"].as_str().unwrap()), None).await.expect(200);
}

/// Invites and revokes until that is refused; returns how often somebody was invited.
async fn invite_and_revoke(app: &TestApp, token: &str, email: &str) -> (usize, Answer) {
    for times in 0..20 {
        let answer = invite(app, token, &[email]).await;
        if answer.status == 429 {
            return (times, answer);
        }
        revoke(app, token, &answer.expect(200)["data"][0]["invite"]).await;
    }
    panic!("{email} was invited 20 times");
}

on_both_engines! {
    async fn inviting_and_revoking_again_and_again_sends_five_messages(engine: Engine) {
        let app = TestApp::start_guided(engine, 10).await;
        let token = open_to_members(&app).await;
        let (times, refused) = invite_and_revoke(&app, &token, "ann@example.com").await;
        assert_eq!(times, 5);
        let problem = refused.problem(429, "invite_limit_reached");
        assert_eq!((&refused.headers["retry-after"], &problem["errors"][0]["pointer"]), (&"86401".parse().unwrap(), &"/emails/0".into()));
        // Others are invited all the same, and the address is no other for its capitals.
        let mixed = invite(&app, &token, &["bo@example.com", "ANN@example.com"]).await.expect(200);
        assert_eq!((&mixed["data"][0]["outcome"], &mixed["data"][1]["outcome"]), (&"invited".into(), &"too_many_messages".into()));
        assert_eq!(mixed["data"][1]["retry_at"], "2026-06-16T12:00:00.000000Z");
        let directory = DirectoryClient::create(&app, &token).await;
        let import = upload(&app, &token, "text/csv", "ann@example.com\n").await.expect(201);
        confirm(&app, &token, &import, json!({})).await.expect(202);
        let done = completed(&app, &token, &import).await;
        assert_eq!(done["counts"]["too_many_messages"], 1);
        assert_eq!(all(&app, &token, &path(&import, "/results")).await[0]["outcome"], "too_many_messages");
        // A directory is an inviter of its own; together they have ten.
        for _ in 0..5 {
            let made = directory.post("/Users", user("ann@example.com")).await.expect(201);
            directory.delete(&format!("/Users/{}", made["id"].as_str().unwrap())).await.expect(204);
        }
        let refused = directory.post("/Users", user("ann@example.com")).await;
        assert_eq!((refused.status.as_u16(), refused.headers.contains_key("retry-after")), (429, true), "{}", refused.text);
        app.clock.advance(Duration::days(1));
        let token = app.narrowed_again(&token).await;
        assert_eq!(invite(&app, &token, &["ann@example.com"]).await.expect(200)["data"][0]["outcome"], "invited");
        app.stop().await;
    }

    async fn removing_a_member_gives_no_messages_back(engine: Engine) {
        let app = TestApp::start_guided(engine, 10).await;
        let token = open_to_members(&app).await;
        for _ in 0..5 {
            let invited = invite(&app, &token, &["ann@example.com"]).await.expect(200);
            let id = invited["data"][0]["invite"]["member_id"].as_str().unwrap().to_owned();
            app.call(&token, Method::DELETE, &format!("/v1/members/{id}"), None).await.expect(200);
        }
        invite(&app, &token, &["ann@example.com"]).await.problem(429, "invite_limit_reached");
        let admin = member(&app, &token, "bo@example.com", "admin").await;
        let by_admin = admin.call(&app, Method::POST, "/v1/invites", Some(json!({ "emails": ["ann@example.com"] }))).await.expect(200);
        assert_eq!(by_admin["data"][0]["outcome"], "invited", "another inviter has messages of their own");
        app.stop().await;
    }

    async fn an_instance_sends_ten_messages_a_day_for_each_seat(engine: Engine) {
        let app = TestApp::start_guided_changed(engine, Default::default(), |settings| settings.limits.seats = 3).await;
        let token = open_to_members(&app).await;
        let mut sent = 1;
        loop {
            let emails = [format!("p{sent}@example.com"), format!("q{sent}@example.com")];
            let answer = invite(&app, &token, &emails.each_ref().map(String::as_str)).await;
            if answer.status == 429 {
                break;
            }
            for result in answer.expect(200)["data"].as_array().unwrap().iter().filter(|result| result["outcome"] == "invited") {
                revoke(&app, &token, &result["invite"]).await;
                sent += 1;
            }
            assert!(sent <= 30, "{sent}");
        }
        assert_eq!(sent, 30);
        app.stop().await;
    }
}
