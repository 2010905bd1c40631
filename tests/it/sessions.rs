//! Sessions: seen and ended, one's own and, for admins, a member's.

use reqwest::Method;
use serde_json::json;

use crate::support::person::{PASSWORD, Person, cookie_of, log_in, member, open_to_members};
use crate::support::{Answer, TestApp, on_both_engines};

const OWN: &str = "/v1/members/me/sessions";

async fn another(app: &TestApp, of: &Person, email: &str) -> Person {
    Person { id: of.id.clone(), cookie: cookie_of(&log_in(app, email, PASSWORD).await) }
}

on_both_engines! {
    async fn a_member_sees_and_ends_their_own_sessions(engine: Engine) {
        let app = TestApp::start_guided(engine, 5).await;
        let token = open_to_members(&app).await;
        let tom = member(&app, &token, "tom@example.com", "user").await;
        let anna = member(&app, &token, "anna@example.com", "user").await;
        let laptop = another(&app, &tom, "tom@example.com").await;
        let phone = another(&app, &tom, "tom@example.com").await;
        let listed = laptop.get(&app, OWN).await.expect(200);
        let listed = listed["data"].as_array().unwrap();
        assert_eq!(listed.len(), 3);
        assert_eq!(listed.iter().filter(|session| session["is_current"] == true).count(), 1);
        assert!(listed.iter().all(|session| session["method"] == "password" && session["address"] == "127.0.0.1"), "{listed:?}");
        let current = listed.iter().find(|session| session["is_current"] == true).unwrap()["id"].as_str().unwrap();
        // Another's can't be named.
        anna.call(&app, Method::DELETE, &format!("{OWN}/{current}"), None).await.problem(404, "not_found");
        let ended = laptop.call(&app, Method::DELETE, OWN, None).await.expect(200);
        assert_eq!(ended["ended"], 2);
        phone.get(&app, OWN).await.problem(401, "invalid_token");
        assert_eq!(laptop.call(&app, Method::DELETE, &format!("{OWN}/{current}"), None).await.status, 204);
        laptop.get(&app, OWN).await.problem(401, "invalid_token");
        anna.get(&app, OWN).await.expect(200);
        app.call(&token, Method::GET, OWN, None).await.problem(403, "member_required");
        app.stop().await;
    }

    async fn an_admin_sees_and_ends_a_members_sessions_and_a_user_does_not(engine: Engine) {
        let app = TestApp::start_guided(engine, 5).await;
        let token = open_to_members(&app).await;
        let (tom, anna) = (member(&app, &token, "tom@example.com", "user").await, member(&app, &token, "anna@example.com", "admin").await);
        let of_tom = format!("/v1/members/{}/sessions", tom.id);
        let id = anna.get(&app, &of_tom).await.expect(200)["data"][0]["id"].as_str().unwrap().to_owned();
        tom.get(&app, &of_tom).await.problem(403, "forbidden");
        // The id of a session is no way to another member's.
        anna.call(&app, Method::DELETE, &format!("/v1/members/{}/sessions/{id}", anna.id), None).await.problem(404, "not_found");
        let second = another(&app, &tom, "tom@example.com").await;
        assert_eq!(anna.call(&app, Method::DELETE, &format!("{of_tom}/{id}"), None).await.status, 204);
        tom.get(&app, OWN).await.problem(401, "invalid_token");
        second.get(&app, OWN).await.expect(200);
        assert_eq!(anna.call(&app, Method::DELETE, &of_tom, None).await.expect(200)["ended"], 1);
        second.get(&app, OWN).await.problem(401, "invalid_token");
        log_in(&app, "tom@example.com", PASSWORD).await.expect(201);
        app.stop().await;
    }

    async fn logging_out_ends_the_session_and_takes_the_cookie_away(engine: Engine) {
        let app = TestApp::start_guided(engine, 5).await;
        let token = open_to_members(&app).await;
        let tom = member(&app, &token, "tom@example.com", "user").await;
        let out = tom.call(&app, Method::DELETE, "/v1/sessions", None).await;
        assert_eq!(out.status, 204);
        assert!(out.headers["set-cookie"].to_str().unwrap().starts_with("msi_session=;"), "{out:?}");
        tom.get(&app, OWN).await.problem(401, "invalid_token");
        // Without any session, and once more.
        assert_eq!(tom.call(&app, Method::DELETE, "/v1/sessions", None).await.status, 204);
        assert_eq!(Answer::of(app.request(Method::DELETE, "/v1/sessions")).await.status, 204);
        app.stop().await;
    }

    async fn a_member_has_at_most_twenty_sessions_and_the_oldest_ends(engine: Engine) {
        let app = TestApp::start_guided(engine, 5).await;
        let token = open_to_members(&app).await;
        let tom = member(&app, &token, "tom@example.com", "user").await;
        for _ in 0..20 {
            app.clock.advance(time::Duration::seconds(1));
            log_in(&app, "tom@example.com", PASSWORD).await.expect(201);
        }
        tom.get(&app, OWN).await.problem(401, "invalid_token");
        let sessions = app.call(&app.narrowed_again(&token).await, Method::GET, &format!("/v1/members/{}/sessions", tom.id), None).await;
        assert_eq!(sessions.expect(200)["data"].as_array().unwrap().len(), 20);
        assert_ne!(json!(tom.id), json!(""));
        app.stop().await;
    }
}
