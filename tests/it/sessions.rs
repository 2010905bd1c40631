//! Sessions: seen and ended, one's own and, for admins, a member's.

use reqwest::Method;
use serde_json::json;

use crate::support::person::{LoggedInMember, PASSWORD, cookie_of, log_in, member, open_to_members};
use crate::support::{Answer, TestApp, on_both_engines};

const OWN: &str = "/v1/members/me/sessions";
/// What a browser says of a request that a page of another site makes it send.
const FOREIGN: [(&str, &str); 4] =
    [("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-site"), ("origin", "https://evil.example"), ("origin", "null")];

async fn another(app: &TestApp, of: &LoggedInMember, email: &str) -> LoggedInMember {
    LoggedInMember { id: of.id.clone(), cookie: cookie_of(&log_in(app, email, PASSWORD).await) }
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
        assert_eq!(Answer::send(app.request(Method::DELETE, "/v1/sessions")).await.status, 204);
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

    async fn over_tls_the_cookie_is_bound_to_our_host_and_no_other_is_taken(engine: Engine) {
        let app = TestApp::start_guided(engine, 5).await;
        let token = open_to_members(&app).await;
        let tom = member(&app, &token, "tom@example.com", "user").await;
        // A process behind a proxy that speaks TLS.
        let secure = app.replica_with(|settings| settings.server.public_url = "https://actions.example.com".into()).await.unwrap();
        let credentials = json!({ "email": "tom@example.com", "password": PASSWORD });
        let entered = Answer::send(app.http.post(format!("{}/v1/sessions", secure.url)).json(&credentials)).await;
        entered.expect(201);
        let cookie = entered.headers["set-cookie"].to_str().unwrap().to_owned();
        assert!(cookie.starts_with("__Host-msi_session="), "{cookie}");
        for part in ["; Secure", "; HttpOnly", "; SameSite=Lax", "; Path=/"] {
            assert!(cookie.contains(part), "{part}: {cookie}");
        }
        assert!(!cookie.contains("Domain"), "{cookie}");
        let profile = async |cookie: &str| {
            Answer::send(app.http.get(format!("{}/v1/members/me", secure.url)).header("cookie", cookie)).await
        };
        profile(&cookie_of(&entered)).await.expect(200);
        profile(&tom.cookie).await.problem(401, "unauthenticated");
        profile(&cookie_of(&entered).replace("__Host-", "")).await.problem(401, "unauthenticated");
        let out = app.http.delete(format!("{}/v1/sessions", secure.url)).header("cookie", cookie_of(&entered));
        let out = Answer::send(out).await;
        let removal = out.headers["set-cookie"].to_str().unwrap();
        assert!(removal.starts_with("__Host-msi_session=;") && removal.contains("; Secure") && removal.contains("; Path=/"), "{removal}");
        profile(&cookie_of(&entered)).await.problem(401, "invalid_token");
        // Without TLS browsers would refuse the prefix.
        tom.get(&app, "/v1/members/me").await.expect(200);
        secure.stop().await;
        app.stop().await;
    }

    async fn over_tls_an_authorization_is_bound_by_a_cookie_of_our_host(engine: Engine) {
        let app = TestApp::start_guided(engine, 5).await;
        let token = app.guided_instance().await;
        let secure = app.replica_with(|settings| settings.server.public_url = "https://actions.example.com".into()).await.unwrap();
        let begun = app.call(&token, Method::POST, "/v1/connections/salesforce", Some(json!({}))).await.expect(201);
        let path = begun["authorization_url"].as_str().unwrap().strip_prefix(app.url.as_str()).unwrap().to_owned();
        let open = async |cookie: &str| {
            let request = app.http.get(format!("{}{path}", secure.url)).header("accept", "application/json");
            Answer::send(request.header("cookie", cookie)).await
        };
        let sent = open("").await;
        assert_eq!(sent.status, 302, "{}", sent.text);
        let cookie = sent.headers["set-cookie"].to_str().unwrap().to_owned();
        assert!(cookie.starts_with("__Host-msi_authorization="), "{cookie}");
        assert!(cookie.contains("; Secure") && cookie.contains("; Path=/") && !cookie.contains("/oauth") && !cookie.contains("Domain"), "{cookie}");
        open(&cookie_of(&sent).replace("__Host-", "")).await.problem(403, "state_invalid");
        assert_eq!(open(&cookie_of(&sent)).await.status, 302, "the browser that was first may go again");
        secure.stop().await;
        app.stop().await;
    }

    async fn a_page_of_another_site_logs_nobody_in(engine: Engine) {
        let app = TestApp::start_guided(engine, 5).await;
        let token = open_to_members(&app).await;
        member(&app, &token, "tom@example.com", "user").await;
        let invited = app.call(&token, Method::POST, "/v1/invites", Some(json!({ "emails": ["eve@example.com"] }))).await.expect(200);
        let activation = app.activation_path(&token, &invited["data"][0]["invite"]).await;
        Answer::send(app.request(Method::POST, "/v1/password-resets").json(&json!({ "email": "tom@example.com" }))).await.expect(202);
        let reset = app.link_to("tom@example.com", "/reset-password/").await;
        let another = "another horse with batteries";
        let posts = [
            ("/v1/sessions", json!({ "email": "tom@example.com", "password": PASSWORD })),
            (activation.as_str(), json!({ "method": "password", "password": PASSWORD })),
            (activation.as_str(), json!({ "method": "salesforce" })),
            (reset.as_str(), json!({ "password": another })),
        ];
        for (path, body) in &posts {
            for (name, value) in FOREIGN {
                let answer = Answer::send(app.request(Method::POST, path).header(name, value).json(body)).await;
                answer.problem(403, "cross_site_request");
                assert!(!answer.headers.contains_key("set-cookie"), "{path}");
            }
        }
        // As a form, and seen by a person.
        let form = app.request(Method::POST, &activation).header("sec-fetch-site", "cross-site").header("accept", "text/html");
        let page = Answer::send(form.form(&[("method", "password"), ("password", PASSWORD)])).await;
        assert!(page.status == 403 && page.headers["content-type"] == "text/html; charset=utf-8", "{}", page.text);
        // Nothing was used up, and from our own pages all of it works.
        let own = app.url.clone();
        for (path, body) in [&posts[0], &posts[1], &posts[3]] {
            let answer = Answer::send(app.request(Method::POST, path).header("origin", &own).json(body)).await;
            assert!(answer.status.is_success(), "{path}: {}", answer.text);
        }
        let answer = app.request(Method::POST, "/v1/sessions").header("sec-fetch-site", "same-origin");
        Answer::send(answer.json(&json!({ "email": "tom@example.com", "password": another }))).await.expect(201);
        app.stop().await;
    }
}
