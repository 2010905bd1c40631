//! Activating an invitation: by Salesforce login and by password.

use reqwest::Method;
use reqwest::header::{ACCEPT, ACCEPT_LANGUAGE, COOKIE, LOCATION, SET_COOKIE};
use serde_json::{Value, json};
use time::Duration;

use crate::support::{Answer, FIRST_USER, TestApp, on_both_engines};

/// An instance, its token and the path of the first user's link.
async fn invited(app: &TestApp) -> (String, String) {
    let token = app.guided_instance().await;
    let invite = app.call(&token, Method::POST, "/v1/invites/first", Some(json!({ "email": FIRST_USER }))).await.expect(201);
    let path = app.activation_path(&token, &invite).await;
    (token, path)
}

async fn allow_passwords(app: &TestApp, token: &str) {
    let settings = json!({ "login_management": "all_login_methods" });
    app.call(token, Method::PATCH, "/v1/instance", Some(settings)).await.expect(200);
}

async fn look(app: &TestApp, path: &str, accept: &str) -> Answer {
    Answer::send(app.request(Method::GET, path).header(ACCEPT, accept)).await
}

async fn activate(app: &TestApp, path: &str, body: Value) -> Answer {
    Answer::send(app.request(Method::POST, path).json(&body)).await
}

/// Goes to Salesforce and back as `username`.
async fn through_salesforce(app: &TestApp, path: &str, username: &str) -> Answer {
    let begun = activate(app, path, json!({ "method": "salesforce" })).await.expect(200);
    let back = app.log_in_at_salesforce(begun["authorization_url"].as_str().unwrap(), username).await;
    app.come_back(&back).await
}

#[track_caller]
fn page(answer: &Answer, status: u16) -> &str {
    assert_eq!(answer.status.as_u16(), status, "{}", answer.text);
    assert!(answer.headers["content-type"].to_str().unwrap().starts_with("text/html"), "{answer:?}");
    assert_eq!(answer.headers["cache-control"], "no-store");
    &answer.text
}

on_both_engines! {
    async fn the_link_shows_a_page_to_people_and_facts_to_programs(engine: Engine) {
        let app = TestApp::start_guided(engine, 10).await;
        let (token, path) = invited(&app).await;
        let shown = look(&app, &path, "text/html,application/xhtml+xml,*/*;q=0.8").await;
        assert!(page(&shown, 200).contains("maria.admin@example.com") && shown.text.contains("Log in with Salesforce"), "{}", shown.text);
        assert!(!shown.text.contains("password"), "{}", shown.text);
        let facts = look(&app, &path, "application/json").await.expect(200);
        assert_eq!(facts["instance_name"], "Instance 123-ABC-456");
        assert_eq!((&facts["email"], &facts["methods"]), (&FIRST_USER.into(), &json!(["salesforce"])));
        assert_eq!(facts["expires_at"], "2026-06-22T12:00:00.000000Z");
        allow_passwords(&app, &token).await;
        assert_eq!(look(&app, &path, "application/json").await.expect(200)["methods"], json!(["salesforce", "password"]));
        assert!(page(&look(&app, &path, "*/*").await, 200).contains("type=\"password\""));
        app.stop().await;
    }

    async fn whoever_was_invited_activates_by_logging_in_to_salesforce(engine: Engine) {
        let app = TestApp::start_guided(engine, 10).await;
        let (token, path) = invited(&app).await;
        let back = through_salesforce(&app, &path, FIRST_USER).await;
        assert!(page(&back, 200).contains("Your account is active"), "{}", back.text);
        let cookie = back.headers[SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
        let seen = Answer::send(app.request(Method::GET, "/v1/members").header(COOKIE, cookie)).await.expect(200);
        assert_eq!((&seen["data"][0]["state"], &seen["data"][0]["activated_at"]), (&"active".into(), &"2026-06-15T12:00:00.000000Z".into()));
        let invites = app.call(&token, Method::GET, "/v1/invites", None).await.expect(200);
        assert_eq!(invites["data"][0]["state"], "accepted");
        let result = app.call(&token, Method::POST, "/v1/invites", Some(json!({ "emails": [FIRST_USER] }))).await.expect(200);
        assert_eq!(result["data"][0]["outcome"], "already_member");
        app.stop().await;
    }

    async fn a_browser_is_sent_to_salesforce_by_the_pages_form(engine: Engine) {
        let app = TestApp::start_guided(engine, 10).await;
        let (_, path) = invited(&app).await;
        let form = [("method", "salesforce"), ("salesforce_host", "sandbox")];
        let answer = Answer::send(app.request(Method::POST, &path).header(ACCEPT, "text/html").form(&form)).await;
        assert_eq!(answer.status.as_u16(), 303, "{}", answer.text);
        let address = answer.headers[LOCATION].to_str().unwrap();
        let onward = Answer::send(app.http.get(address)).await;
        let login = onward.headers[LOCATION].to_str().unwrap();
        assert!(login.contains("login_hint=maria.admin%40example.com") && login.contains("code_challenge"), "{login}");
        let cookie = onward.headers[SET_COOKIE].to_str().unwrap();
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");

        let answer = Answer::send(app.request(Method::POST, &path).header(ACCEPT, "text/html").form(&form)).await;
        let way = app.log_in_at_salesforce(answer.headers[LOCATION].to_str().unwrap(), FIRST_USER).await;
        let back = app.come_back(&way).await;
        page(&back, 200);
        app.stop().await;
    }

    async fn another_salesforce_user_than_the_invited_one_is_refused(engine: Engine) {
        let app = TestApp::start_guided(engine, 10).await;
        let (_, path) = invited(&app).await;
        let back = through_salesforce(&app, &path, "tom.ops@example.com").await;
        assert!(page(&back, 403).contains("another e-mail address"), "{}", back.text);
        assert!(back.headers.get(SET_COOKIE).is_none());
        page(&through_salesforce(&app, &path, FIRST_USER).await, 200);
        app.stop().await;
    }

    async fn an_unknown_a_used_and_an_expired_link_are_told_apart(engine: Engine) {
        let app = TestApp::start_guided(engine, 10).await;
        let (token, path) = invited(&app).await;
        let unknown = format!("{path}x");
        look(&app, &unknown, "application/json").await.problem(404, "activation_unknown");
        page(&look(&app, &unknown, "text/html").await, 404);
        activate(&app, &unknown, json!({ "method": "salesforce" })).await.problem(404, "activation_unknown");

        let listed = app.call(&token, Method::POST, "/v1/invites", Some(json!({ "emails": ["ann@example.com"] }))).await.expect(200);
        let late = app.activation_path(&token, &listed["data"][0]["invite"]).await;
        page(&through_salesforce(&app, &path, FIRST_USER).await, 200);
        look(&app, &path, "application/json").await.problem(410, "activation_used");
        page(&look(&app, &path, "text/html").await, 410);
        activate(&app, &path, json!({ "method": "salesforce" })).await.problem(410, "activation_used");

        app.clock.advance(Duration::days(7));
        look(&app, &late, "application/json").await.problem(410, "activation_expired");
        assert!(page(&look(&app, &late, "text/html").await, 410).contains("ask whoever invited you"));
        activate(&app, &late, json!({ "method": "salesforce" })).await.problem(410, "activation_expired");
        app.stop().await;
    }

    async fn a_link_that_expires_while_its_person_is_at_salesforce_is_refused(engine: Engine) {
        let app = TestApp::start_guided(engine, 10).await;
        let (_, path) = invited(&app).await;
        app.clock.advance(Duration::days(7) - Duration::minutes(1));
        let begun = activate(&app, &path, json!({ "method": "salesforce" })).await.expect(200);
        let back = app.log_in_at_salesforce(begun["authorization_url"].as_str().unwrap(), FIRST_USER).await;
        app.clock.advance(Duration::minutes(1));
        page(&app.come_back(&back).await, 410);
        app.stop().await;
    }

    async fn a_password_is_taken_only_where_the_instance_allows_it(engine: Engine) {
        let app = TestApp::start_guided(engine, 10).await;
        let (token, path) = invited(&app).await;
        let chosen = json!({ "method": "password", "password": "correct horse battery" });
        activate(&app, &path, chosen.clone()).await.problem(409, "activation_method_not_allowed");
        allow_passwords(&app, &token).await;
        for unfit in [json!({ "method": "password" }), json!({ "method": "password", "password": "elevenchars" })] {
            assert_eq!(activate(&app, &path, unfit).await.problem(422, "invalid_input")["errors"][0]["pointer"], "/password");
        }
        let answer = activate(&app, &path, chosen).await;
        assert_eq!(answer.expect(200)["state"], "active");
        let cookie = answer.headers[SET_COOKIE].to_str().unwrap();
        for part in ["msi_session=", "; HttpOnly", "; SameSite=Lax", "; Path=/"] {
            assert!(cookie.contains(part), "{cookie}");
        }
        assert!(!cookie.contains("Secure"), "without TLS a browser would drop it: {cookie}");
        let session = cookie.split(';').next().unwrap();
        Answer::send(app.request(Method::GET, "/v1/members").header(COOKIE, session)).await.expect(200);
        app.stop().await;
    }

    async fn two_who_use_one_link_at_once_activate_once(engine: Engine) {
        let app = TestApp::start_guided(engine, 10).await;
        let (token, path) = invited(&app).await;
        allow_passwords(&app, &token).await;
        let chosen = json!({ "method": "password", "password": "correct horse battery" });
        let both = tokio::join!(activate(&app, &path, chosen.clone()), activate(&app, &path, chosen));
        let mut codes = [both.0.status.as_u16(), both.1.status.as_u16()];
        codes.sort_unstable();
        assert_eq!(codes, [200, 410], "{both:?}");
        app.stop().await;
    }

    async fn a_page_is_in_the_invitations_language_and_otherwise_in_the_readers(engine: Engine) {
        let app = TestApp::start_guided(engine, 10).await;
        let (token, first) = invited(&app).await;
        allow_passwords(&app, &token).await;
        let wanted = json!({ "emails": ["ann@example.com"], "language": "fr" });
        let listed = app.call(&token, Method::POST, "/v1/invites", Some(wanted)).await.expect(200);
        let path = app.activation_path(&token, &listed["data"][0]["invite"]).await;
        let in_japanese = async |path: &str| {
            Answer::send(app.request(Method::GET, path).header(ACCEPT, "text/html").header(ACCEPT_LANGUAGE, "nl, ja;q=0.8, en;q=0.5")).await
        };
        let written_in = |answer: &Answer, status: u16, language: &str, part: &str| {
            let text = page(answer, status);
            assert!(text.contains(&format!("<html lang=\"{language}\">")) && text.contains(part), "{text}");
            assert_eq!(answer.headers["content-language"], language);
        };
        written_in(&in_japanese(&path).await, 200, "fr", "Se connecter avec Salesforce");
        written_in(&in_japanese(&format!("{path}x")).await, 404, "ja", "最新の招待メッセージのリンク");
        written_in(&look(&app, &format!("{path}x"), "text/html").await, 404, "en", "use the link of the newest invitation message");

        let choose = async |password: &str| {
            let form = [("method", "password"), ("password", password)];
            Answer::send(app.request(Method::POST, &path).header(ACCEPT, "text/html").header(ACCEPT_LANGUAGE, "ja").form(&form)).await
        };
        // The form comes again, with what is wrong.
        let again = choose("password1234").await;
        written_in(&again, 422, "fr", "essayés en premier");
        assert!(again.text.contains("type=\"password\""), "{}", again.text);
        written_in(&choose("correct horse battery").await, 200, "fr", "Votre compte est actif");
        written_in(&in_japanese(&path).await, 410, "fr", "a déjà été utilisé");

        // At Salesforce the way is the same, in the language of the first invitation: the instance's.
        let refused = through_salesforce(&app, &first, "tom.ops@example.com").await;
        written_in(&refused, 403, "en", "another e-mail address");
        app.stop().await;
    }

    async fn the_page_after_salesforce_is_in_the_invitations_language(engine: Engine) {
        let app = TestApp::start_guided(engine, 10).await;
        let token = app.guided_instance().await;
        app.call(&token, Method::PATCH, "/v1/instance", Some(json!({ "language": "ko" }))).await.expect(200);
        let connected = app.connect_salesforce_as(&token, FIRST_USER).await;
        assert!(page(&connected, 200).contains("<html lang=\"ko\">") && connected.text.contains("Salesforce가 연결되었습니다"), "{}", connected.text);
        let invite = app.call(&token, Method::POST, "/v1/invites/first", Some(json!({ "email": FIRST_USER }))).await.expect(201);
        let path = app.activation_path(&token, &invite).await;
        app.call(&token, Method::PATCH, "/v1/instance", Some(json!({ "language": "es" }))).await.expect(200);
        let mismatch = through_salesforce(&app, &path, "tom.ops@example.com").await;
        assert!(page(&mismatch, 403).contains("<html lang=\"ko\">"), "{}", mismatch.text);
        let back = through_salesforce(&app, &path, FIRST_USER).await;
        assert!(page(&back, 200).contains("계정이 활성화되었습니다"), "{}", back.text);
        app.stop().await;
    }

    async fn what_the_activation_can_not_read_is_said(engine: Engine) {
        let app = TestApp::start_guided(engine, 10).await;
        let (_, path) = invited(&app).await;
        activate(&app, &path, json!({ "method": "magic" })).await.problem(422, "invalid_input");
        activate(&app, &path, json!({ "method": "salesforce", "salesforce_host": "evil.example.com" })).await.problem(422, "invalid_input");
        for (wrong, pointer) in [
            (json!({ "method": "password", "password": "correct horse battery", "salesforce_host": "production" }), "/salesforce_host"),
            (json!({ "method": "salesforce", "password": "correct horse battery" }), "/password"),
            (json!({ "method": "salesforce", "salesforce_host": null }), "/salesforce_host"),
        ] {
            assert_eq!(activate(&app, &path, wrong).await.problem(422, "invalid_input")["errors"][0]["pointer"], pointer);
        }
        let text = app.request(Method::POST, &path).header("content-type", "text/plain").header(ACCEPT, "application/json").body("x");
        Answer::send(text).await.problem(415, "unsupported_media_type");
        let form = app.request(Method::POST, &path).header(ACCEPT, "text/html").form(&[("method", "magic")]);
        page(&Answer::send(form).await, 422);
        app.stop().await;
    }
}
