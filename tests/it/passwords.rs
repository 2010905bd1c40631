//! Passwords: logging in with one, what makes one fit, replacing one, and switching them off.

use msi_actions::auth::{AttemptKind, AuthAttempt, AuthError};
use msi_actions::clock::Clock as _;
use msi_actions::sandbox::SandboxSettings;
use reqwest::Method;
use serde_json::{Value, json};
use time::Duration;

use crate::support::person::{LoggedInMember, PASSWORD, cookie_of, log_in, member, open_to_members};
use crate::support::{Answer, TestApp, on_both_engines};

const NEW: &str = "another horse with batteries";
const OWN_PASSWORD: &str = "/v1/members/me/password";

/// A login as the same member from an address.
async fn log_in_from(app: &TestApp, address: &str, password: &str) -> Answer {
    let body = json!({ "email": "tom@example.com", "password": password });
    Answer::send(app.request(Method::POST, "/v1/sessions").header("x-forwarded-for", address).json(&body)).await
}

async fn ask_for_link(app: &TestApp, email: &str) -> Answer {
    Answer::send(app.request(Method::POST, "/v1/password-resets").json(&json!({ "email": email }))).await
}

async fn reset(app: &TestApp, link: &str, password: &str) -> Answer {
    Answer::send(app.request(Method::POST, link).json(&json!({ "password": password }))).await
}

async fn switch(app: &TestApp, token: &str, to: &str) {
    app.call(token, Method::PATCH, "/v1/instance", Some(json!({ "login_management": to }))).await.expect(200);
}

on_both_engines! {
    async fn a_wrong_password_is_answered_like_an_unknown_address(engine: Engine) {
        let app = TestApp::start_guided(engine, 5).await;
        let token = open_to_members(&app).await;
        member(&app, &token, "Tom@Example.com", "user").await;
        app.call(&token, Method::POST, "/v1/invites", Some(json!({ "emails": ["later@example.com"] }))).await.expect(200);
        let entered = log_in(&app, " tom@EXAMPLE.com ", PASSWORD).await;
        assert_eq!(entered.expect(201)["email"], "Tom@Example.com");
        let me = app.request(Method::GET, "/v1/members/me").header("cookie", cookie_of(&entered));
        Answer::send(me).await.expect(200);
        let mut said = Vec::new();
        for (email, password) in [
            ("tom@example.com", "wrong but long enough"),
            ("nobody@example.com", PASSWORD),
            ("later@example.com", PASSWORD),
            ("no address", PASSWORD),
            ("tom@example.com", &"x".repeat(1025)),
        ] {
            let mut problem = log_in(&app, email, password).await.problem(401, "login_refused");
            problem.as_object_mut().unwrap().remove("request_id");
            said.push(problem);
        }
        assert!(said.windows(2).all(|two| two[0] == two[1]), "{said:?}");
        app.stop().await;
    }

    async fn failed_logins_lock_out_for_longer_and_longer_in_every_process(engine: Engine) {
        let app = TestApp::start_guided(engine, 5).await;
        let token = open_to_members(&app).await;
        member(&app, &token, "tom@example.com", "user").await;
        let replica = app.replica().await;
        for email in ["tom@example.com", "nobody@example.com"] {
            for _ in 0..5 {
                log_in(&app, email, "wrong but long enough").await.problem(401, "login_refused");
            }
            let request = app.http.post(format!("{}/v1/sessions", replica.url)).json(&json!({ "email": email, "password": PASSWORD }));
            let refused = Answer::send(request).await;
            refused.problem(429, "login_locked_out");
            assert_eq!(refused.headers["retry-after"], "1");
        }
        app.clock.advance(Duration::seconds(1));
        log_in(&app, "tom@example.com", "wrong but long enough").await.problem(401, "login_refused");
        assert_eq!(log_in(&app, "tom@example.com", PASSWORD).await.headers["retry-after"], "2");
        app.clock.advance(Duration::seconds(2));
        log_in(&app, "tom@example.com", PASSWORD).await.expect(201);
        log_in(&app, "tom@example.com", "wrong but long enough").await.problem(401, "login_refused");
        log_in(&app, "tom@example.com", PASSWORD).await.expect(201);
        replica.stop().await;
        app.stop().await;
    }

    async fn of_many_attempts_at_once_no_more_are_looked_at_than_one_by_one(engine: Engine) {
        let app = TestApp::start_guided(engine, 5).await;
        let token = open_to_members(&app).await;
        member(&app, &token, "tom@example.com", "user").await;
        for email in ["tom@example.com", "nobody@example.com"] {
            let tried = futures_util::future::join_all((0..50).map(|_| log_in(&app, email, "wrong but long enough"))).await;
            let looked_at = tried.iter().filter(|answer| answer.status == 401).count();
            let locked_out = tried.iter().filter(|answer| answer.status == 429).count();
            assert_eq!((looked_at, locked_out), (5, 45), "{email}");
        }
        log_in(&app, "tom@example.com", PASSWORD).await.problem(429, "login_locked_out");
        app.clock.advance(Duration::seconds(1));
        log_in(&app, "tom@example.com", PASSWORD).await.expect(201);
        // What was right is given back.
        for _ in 0..12 {
            log_in(&app, "tom@example.com", PASSWORD).await.expect(201);
        }
        app.stop().await;
    }

    async fn an_attempt_that_could_not_be_looked_at_is_not_counted(engine: Engine) {
        let app = TestApp::start(engine).await;
        let begin = async || AuthAttempt::begin(app.db(), app.clock.timestamp(), AttemptKind::Login, "tom@example.com", Some("203.0.113.1")).await;
        for _ in 0..4 {
            drop(begin().await.unwrap());
        }
        for _ in 0..20 {
            begin().await.unwrap().withdraw(app.db()).await.unwrap();
        }
        drop(begin().await.unwrap());
        assert!(matches!(begin().await, Err(AuthError::LockedOut { seconds: 1 })));
        app.stop().await;
    }

    async fn strangers_keep_nobody_out_of_their_own_account(engine: Engine) {
        let app = TestApp::start_guided_changed(engine, SandboxSettings::default(), |settings| settings.server.proxies = 1).await;
        let token = open_to_members(&app).await;
        let tom = member(&app, &token, "tom@example.com", "user").await;
        let from = async |address: &str, password: &str| log_in_from(&app, address, password).await;
        from("198.51.100.7", PASSWORD).await.expect(201);
        for _ in 0..5 {
            from("203.0.113.1", "wrong but long enough").await.problem(401, "login_refused");
        }
        // A network is one address, and one that tries waits whatever it tries.
        from("203.0.113.1", PASSWORD).await.problem(429, "login_locked_out");
        from("198.51.100.7", PASSWORD).await.expect(201);
        from("198.51.100.8", PASSWORD).await.expect(201);

        // Many addresses together have a hundred attempts; five are used.
        for round in 0..19 {
            for one in 0..5 {
                from(&format!("2001:db8:{round}:{one}::1"), "wrong but long enough").await.problem(401, "login_refused");
            }
        }
        let unknown = from("192.0.2.1", PASSWORD).await;
        unknown.problem(429, "login_locked_out");
        assert_eq!(unknown.headers["retry-after"], "900");
        // From where the member has been before, and in their session, nothing is different.
        from("198.51.100.7", PASSWORD).await.expect(201);
        let change = |current: &str, new: &str| Some(json!({ "current_password": current, "password": new }));
        assert_eq!(tom.call(&app, Method::PUT, OWN_PASSWORD, change(PASSWORD, NEW)).await.status, 204);
        from("198.51.100.8", NEW).await.expect(201);
        // A link for a new password leaves for them, too, and ends all waits.
        for address in 0..30 {
            let asking = app.request(Method::POST, "/v1/password-resets").header("x-forwarded-for", format!("203.0.113.{address}"));
            Answer::send(asking.json(&json!({ "email": "tom@example.com" }))).await.expect(202);
        }
        let count = "SELECT COUNT(*) FROM failed_attempts WHERE kind = 'password_reset' AND failures > 0";
        assert_eq!(app.count(count).await, 21, "twenty strangers were sent to the outbox, and the count of all");
        let own = app.request(Method::POST, "/v1/password-resets").header("x-forwarded-for", "198.51.100.7");
        Answer::send(own.json(&json!({ "email": "tom@example.com" }))).await.expect(202);
        assert_eq!(app.count(count).await, 22, "the member's own address is served");
        let link = app.link_to("tom@example.com", "/reset-password/").await;
        assert_eq!(reset(&app, &link, PASSWORD).await.status, 204);
        from("192.0.2.1", PASSWORD).await.expect(201);
        app.stop().await;
    }

    async fn a_password_reset_link_works_once_within_the_hour(engine: Engine) {
        let app = TestApp::start_guided(engine, 5).await;
        let token = open_to_members(&app).await;
        let tom = member(&app, &token, "tom@example.com", "user").await;
        for _ in 0..6 {
            log_in(&app, "tom@example.com", "wrong but long enough").await;
        }
        ask_for_link(&app, "TOM@example.com").await.expect(202);
        let link = app.link_to("tom@example.com", "/reset-password/").await;
        let shown = Answer::send(app.request(Method::GET, &link).header("accept", "text/html")).await;
        assert!(shown.status == 200 && shown.text.contains("tom@example.com") && shown.text.contains("type=\"password\""), "{}", shown.text);
        assert_eq!(shown.headers["referrer-policy"], "same-origin", "nothing leaks to others, and our own forms name their origin");
        for weak in ["short", "password1234", "tom@example.com"] {
            assert_eq!(reset(&app, &link, weak).await.problem(422, "invalid_input")["errors"][0]["pointer"], "/password", "{weak}");
        }
        let form = app.request(Method::POST, &link).header("accept", "text/html").form(&[("password", "password1234")]);
        let again = Answer::send(form).await;
        assert!(again.status == 422 && again.text.contains("first that would be tried") && again.text.contains("<form"), "{}", again.text);
        assert_eq!(reset(&app, &link, NEW).await.status, 204);
        // Everything of before has ended, and the lock-out with it.
        tom.get(&app, "/v1/members/me").await.problem(401, "invalid_token");
        log_in(&app, "tom@example.com", PASSWORD).await.problem(401, "login_refused");
        log_in(&app, "tom@example.com", NEW).await.expect(201);
        reset(&app, &link, PASSWORD).await.problem(404, "reset_link_unusable");

        app.clock.advance(Duration::minutes(20));
        ask_for_link(&app, "tom@example.com").await.expect(202);
        let old = link.clone();
        let late = crate::support::eventually("another link", async || app.link_to("tom@example.com", "/reset-password/").await != old);
        late.await;
        let link = app.link_to("tom@example.com", "/reset-password/").await;
        app.clock.advance(Duration::minutes(60));
        reset(&app, &link, PASSWORD).await.problem(404, "reset_link_unusable");
        reset(&app, "/reset-password/nonsense", PASSWORD).await.problem(404, "reset_link_unusable");
        app.stop().await;
    }

    async fn pages_behind_a_link_are_in_the_instances_or_the_readers_language(engine: Engine) {
        let app = TestApp::start_guided(engine, 5).await;
        let token = open_to_members(&app).await;
        member(&app, &token, "tom@example.com", "user").await;
        app.call(&token, Method::PATCH, "/v1/instance", Some(json!({ "language": "it" }))).await.expect(200);
        ask_for_link(&app, "tom@example.com").await.expect(202);
        let link = app.link_to("tom@example.com", "/reset-password/").await;
        let person = |method: Method| app.request(method, &link).header("accept", "text/html").header("accept-language", "pt-BR");
        let written_in = |answer: &Answer, status: u16, language: &str, part: &str| {
            assert_eq!(answer.status.as_u16(), status, "{}", answer.text);
            assert!(answer.text.contains(&format!("<html lang=\"{language}\">")) && answer.text.contains(part), "{}", answer.text);
        };
        written_in(&Answer::send(person(Method::GET)).await, 200, "it", "Scegli una nuova password");
        written_in(&Answer::send(person(Method::POST).form(&[("password", "short")])).await, 422, "it", "troppo corta o troppo lunga");
        written_in(&Answer::send(person(Method::POST).form(&[("password", NEW)])).await, 200, "it", "La tua password è impostata");
        written_in(&Answer::send(person(Method::GET)).await, 404, "pt", "Solicite outro");
        app.stop().await;
    }

    async fn a_member_changes_their_own_password_and_is_logged_out_everywhere_else(engine: Engine) {
        let app = TestApp::start_guided(engine, 5).await;
        let token = open_to_members(&app).await;
        let tom = member(&app, &token, "tom@example.com", "user").await;
        let phone = LoggedInMember { id: tom.id.clone(), cookie: cookie_of(&log_in(&app, "tom@example.com", PASSWORD).await) };
        ask_for_link(&app, "tom@example.com").await.expect(202);
        let link = app.link_to("tom@example.com", "/reset-password/").await;
        let change = async |who: &LoggedInMember, current: &str, new: &str| {
            who.call(&app, Method::PUT, OWN_PASSWORD, Some(json!({ "current_password": current, "password": new }))).await
        };
        for weak in ["short", "password1234", "tom@example.com"] {
            assert_eq!(change(&tom, PASSWORD, weak).await.problem(422, "invalid_input")["errors"][0]["pointer"], "/password", "{weak}");
        }
        change(&tom, "wrong but long enough", NEW).await.problem(403, "current_password_wrong");
        change(&tom, &"x".repeat(1025), NEW).await.problem(403, "current_password_wrong");
        phone.get(&app, "/v1/members/me").await.expect(200);
        assert_eq!(change(&tom, PASSWORD, NEW).await.status, 204);

        tom.get(&app, "/v1/members/me").await.expect(200);
        phone.get(&app, "/v1/members/me").await.problem(401, "invalid_token");
        log_in(&app, "tom@example.com", PASSWORD).await.problem(401, "login_refused");
        log_in(&app, "tom@example.com", NEW).await.expect(201);
        reset(&app, &link, PASSWORD).await.problem(404, "reset_link_unusable");
        let events = app.call(&token, Method::GET, "/v1/audit-events?action=member.password_changed", None).await.expect(200);
        assert_eq!((&events["data"][0]["actor"], &events["data"][0]["after"]), (&format!("member:{}", tom.id).into(), &json!({ "sessions_ended": 1 })));
        app.call(&token, Method::PUT, OWN_PASSWORD, Some(json!({ "current_password": NEW, "password": PASSWORD }))).await.problem(403, "member_required");
        app.stop().await;
    }

    async fn whoever_tries_current_passwords_is_locked_out_like_at_the_login(engine: Engine) {
        let app = TestApp::start_guided(engine, 5).await;
        let token = open_to_members(&app).await;
        let tom = member(&app, &token, "tom@example.com", "user").await;
        let body = |current: &str| Some(json!({ "current_password": current, "password": NEW }));
        for _ in 0..5 {
            tom.call(&app, Method::PUT, OWN_PASSWORD, body("wrong but long enough")).await.problem(403, "current_password_wrong");
        }
        let refused = tom.call(&app, Method::PUT, OWN_PASSWORD, body(PASSWORD)).await;
        refused.problem(429, "login_locked_out");
        assert_eq!(refused.headers["retry-after"], "1");
        log_in(&app, "tom@example.com", PASSWORD).await.problem(429, "login_locked_out");
        app.clock.advance(Duration::seconds(1));
        assert_eq!(tom.call(&app, Method::PUT, OWN_PASSWORD, body(PASSWORD)).await.status, 204);
        app.stop().await;
    }

    async fn a_password_can_be_changed_only_where_there_is_one_and_it_lets_in(engine: Engine) {
        let app = TestApp::start_guided(engine, 5).await;
        let token = open_to_members(&app).await;
        let tom = member(&app, &token, "tom@example.com", "user").await;
        let body = Some(json!({ "current_password": PASSWORD, "password": NEW }));
        app.sql("UPDATE members SET password_hash = NULL").await;
        tom.call(&app, Method::PUT, OWN_PASSWORD, body.clone()).await.problem(409, "no_password");
        // One begun at Salesforce, which goes on when passwords are switched off.
        app.sql("UPDATE sessions SET method = 'salesforce'").await;
        switch(&app, &token, "salesforce_only").await;
        tom.call(&app, Method::PUT, OWN_PASSWORD, body).await.problem(403, "password_login_switched_off");
        app.stop().await;
    }

    async fn of_two_changes_at_once_one_succeeds(engine: Engine) {
        let app = TestApp::start_guided(engine, 5).await;
        let token = open_to_members(&app).await;
        let tom = member(&app, &token, "tom@example.com", "user").await;
        let to = async |new: &str| tom.call(&app, Method::PUT, OWN_PASSWORD, Some(json!({ "current_password": PASSWORD, "password": new }))).await;
        let (one, other) = futures_util::future::join(to(NEW), to("seven lamps under the sea")).await;
        let mut statuses = [one.status.as_u16(), other.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [204, 403], "{one:?} {other:?}");
        app.stop().await;
    }

    async fn of_two_who_use_a_link_at_once_one_succeeds(engine: Engine) {
        let app = TestApp::start_guided(engine, 5).await;
        let token = open_to_members(&app).await;
        member(&app, &token, "tom@example.com", "user").await;
        ask_for_link(&app, "tom@example.com").await.expect(202);
        let link = app.link_to("tom@example.com", "/reset-password/").await;
        let (one, other) = futures_util::future::join(reset(&app, &link, NEW), reset(&app, &link, "seven lamps under the sea")).await;
        let mut statuses = [one.status.as_u16(), other.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [204, 404]);
        app.stop().await;
    }

    async fn asking_for_a_reset_link_does_not_tell_who_is_a_member(engine: Engine) {
        let app = TestApp::start_guided(engine, 5).await;
        let token = open_to_members(&app).await;
        let tom = member(&app, &token, "tom@example.com", "user").await;
        member(&app, &token, "last@example.com", "user").await;
        member(&app, &token, "end@example.com", "user").await;
        app.call(&token, Method::POST, "/v1/invites", Some(json!({ "emails": ["later@example.com"] }))).await.expect(200);
        app.call(&token, Method::POST, &format!("/v1/members/{}/deactivate", tom.id), None).await.expect(200);
        crate::support::eventually("five invitations", async || app.messages() >= 5).await;
        let before = app.messages();
        for email in ["nobody@example.com", "later@example.com", "tom@example.com"] {
            let answer = ask_for_link(&app, email).await;
            assert_eq!((answer.status.as_u16(), answer.text.as_str()), (202, ""), "{email}");
        }
        // Jobs go in their order: when the last one's message is there, the others would be.
        ask_for_link(&app, "last@example.com").await.expect(202);
        app.link_to("last@example.com", "/reset-password/").await;
        assert_eq!(app.messages(), before + 1);
        ask_for_link(&app, "no address").await.expect(202);
        ask_for_link(&app, "").await.problem(422, "invalid_input");

        // Asked again and again, it sends no more than a few.
        for _ in 0..20 {
            ask_for_link(&app, "last@example.com").await.expect(202);
        }
        // As above: one more message, after all that there will be.
        ask_for_link(&app, "end@example.com").await.expect(202);
        app.link_to("end@example.com", "/reset-password/").await;
        assert!(app.messages() <= before + 6 + 1, "{}", app.messages());
        app.stop().await;
    }

    async fn switching_passwords_off_warns_first_and_ends_their_sessions(engine: Engine) {
        let app = TestApp::start_guided(engine, 5).await;
        let token = open_to_members(&app).await;
        let tom = member(&app, &token, "tom@example.com", "user").await;
        let consequences = async |to: &str| {
            let path = format!("/v1/instance/login-management/consequences?login_management={to}");
            app.call(&token, Method::GET, &path, None).await.expect(200)
        };
        let preview = consequences("salesforce_only").await;
        let counts: Vec<(String, i64)> = preview["consequences"].as_array().unwrap().iter()
            .map(|one: &Value| (one["code"].as_str().unwrap().to_owned(), one["count"].as_i64().unwrap()))
            .collect();
        let expected = [("password_login_lost", 1), ("login_lost", 1), ("password_sessions_ended", 1), ("activation_by_salesforce_only", 1), ("no_admin_left", 1)];
        assert_eq!(counts, expected.map(|(code, count)| (code.to_owned(), count)), "{preview}");
        assert_eq!(consequences("all_login_methods").await, json!({ "current": "all_login_methods", "proposed": "all_login_methods", "is_change": false, "consequences": [] }));
        tom.get(&app, "/v1/members/me").await.expect(200);
        ask_for_link(&app, "tom@example.com").await.expect(202);
        let link = app.link_to("tom@example.com", "/reset-password/").await;

        switch(&app, &token, "salesforce_only").await;
        tom.get(&app, "/v1/members/me").await.problem(401, "invalid_token");
        log_in(&app, "tom@example.com", PASSWORD).await.problem(403, "password_login_switched_off");
        log_in(&app, "tom@example.com", "wrong but long enough").await.problem(401, "login_refused");
        reset(&app, &link, NEW).await.problem(403, "password_login_switched_off");
        let events = app.call(&token, Method::GET, "/v1/audit-events?action=instance.changed&limit=1", None).await.expect(200);
        assert_eq!(events["data"][0]["after"]["password_sessions_ended"], 1, "{events}");
        assert_eq!(consequences("all_login_methods").await["consequences"][0]["code"], "password_login_gained");

        // The password of before works again.
        switch(&app, &token, "all_login_methods").await;
        log_in(&app, "tom@example.com", PASSWORD).await.expect(201);
        app.stop().await;
    }

    async fn many_logins_at_once_are_all_answered(engine: Engine) {
        let app = TestApp::start_guided(engine, 5).await;
        let token = open_to_members(&app).await;
        member(&app, &token, "tom@example.com", "user").await;
        let answers = futures_util::future::join_all((0..12).map(|_| log_in(&app, "tom@example.com", PASSWORD))).await;
        // An attempt counts as failed until it has been looked at, so that some of many may have to wait.
        for answer in answers {
            assert!(matches!(answer.status.as_u16(), 201 | 429 | 503), "{}", answer.text);
            assert!(answer.status == 201 || answer.headers.contains_key("retry-after"), "{}", answer.text);
        }
        app.clock.advance(Duration::seconds(1));
        log_in(&app, "tom@example.com", PASSWORD).await.expect(201);
        app.stop().await;
    }
}
