//! What is done about invitations: resending, extending, revoking, and finding them.

use reqwest::Method;
use reqwest::header::ACCEPT;
use serde_json::{Value, json};
use time::Duration;

use crate::support::{Answer, Engine, FIRST_USER, MUNCHKIN_ID, TestApp, on_both_engines};

/// The service with an instance whose first user has been invited, and a token.
async fn begun(engine: Engine) -> (TestApp, String) {
    let app = TestApp::start_guided(engine, 10).await;
    let token = app.guided_instance().await;
    app.call(&token, Method::POST, "/v1/invites/first", Some(json!({ "email": FIRST_USER }))).await.expect(201);
    (app, token)
}

async fn invite(app: &TestApp, token: &str, email: &str) -> Value {
    let results = app.call(token, Method::POST, "/v1/invites", Some(json!({ "emails": [email] }))).await.expect(200);
    assert_eq!(results["data"][0]["outcome"], "invited", "{results}");
    results["data"][0]["invite"].clone()
}

async fn change(app: &TestApp, token: &str, invite: &Value, what: &str, body: Option<Value>) -> Answer {
    app.call(token, Method::POST, &format!("/v1/invites/{}/{what}", invite["id"].as_str().unwrap()), body).await
}

async fn look(app: &TestApp, path: &str) -> Answer {
    Answer::send(app.request(Method::GET, path).header(ACCEPT, "application/json")).await
}

async fn list_emails(app: &TestApp, token: &str, query: &str) -> Vec<String> {
    let page = app.call(token, Method::GET, &format!("/v1/invites?{query}"), None).await.expect(200);
    page["data"].as_array().unwrap().iter().map(|invite| invite["email"].as_str().unwrap().to_owned()).collect()
}

async fn activate(app: &TestApp, token: &str, path: &str) {
    app.call(token, Method::PATCH, "/v1/instance", Some(json!({ "login_management": "all_login_methods" }))).await.expect(200);
    let chosen = json!({ "method": "password", "password": "correct horse battery" });
    Answer::send(app.request(Method::POST, path).json(&chosen)).await.expect(200);
}

on_both_engines! {
    async fn a_resent_invitation_has_another_link_and_the_old_one_says_so(engine: Engine) {
        let (app, token) = begun(engine).await;
        let ann = invite(&app, &token, "ann@example.com").await;
        let old = app.activation_path(&token, &ann).await;
        let early = change(&app, &token, &ann, "resend", None).await;
        early.problem(429, "resend_too_soon");
        assert_eq!(early.headers["retry-after"], "601");
        app.clock.advance(Duration::minutes(10));
        let resent = change(&app, &token, &ann, "resend", None).await.expect(200);
        assert_eq!((&resent["id"], &resent["state"], &resent["expires_at"]), (&ann["id"], &"pending".into(), &"2026-06-22T12:10:00.000000Z".into()));
        assert_ne!(resent["message_id"], ann["message_id"]);
        let new = app.activation_path(&token, &resent).await;
        assert_ne!(old, new);
        let replaced = look(&app, &old).await.problem(410, "activation_replaced");
        assert!(!replaced.to_string().contains("ann@"), "{replaced}");
        look(&app, &new).await.expect(200);
        assert_eq!(app.messages(), 3, "the first user's and two");

        activate(&app, &token, &new).await;
        look(&app, &old).await.problem(410, "activation_used");
        for what in ["resend", "extend", "revoke"] {
            change(&app, &token, &ann, what, None).await.problem(409, "invite_settled");
        }
        app.stop().await;
    }

    async fn an_invitation_is_sent_five_times_a_day_at_most_and_once_by_two_at_once(engine: Engine) {
        let (app, token) = begun(engine).await;
        let ann = invite(&app, &token, "ann@example.com").await;
        let mut token = token;
        for _ in 0..4 {
            app.message_of(&token, &ann).await;
            app.clock.advance(Duration::minutes(10));
            token = app.narrowed_again(&token).await;
            let both = tokio::join!(change(&app, &token, &ann, "resend", None), change(&app, &token, &ann, "resend", None));
            let mut codes = [both.0.status.as_u16(), both.1.status.as_u16()];
            codes.sort_unstable();
            assert!(codes[0] == 200 && codes[1] > 400, "{both:?}");
        }
        app.message_of(&token, &ann).await;
        app.clock.advance(Duration::hours(1));
        let token = app.narrowed_again(&token).await;
        let problem = change(&app, &token, &ann, "resend", None).await.problem(429, "resend_too_soon");
        assert!(problem["detail"].as_str().unwrap().contains("2026-06-16T12:00:00"), "{problem}");
        app.stop().await;
    }

    async fn an_expired_invitation_works_again_when_it_is_extended(engine: Engine) {
        let (app, token) = begun(engine).await;
        let ann = invite(&app, &token, "ann@example.com").await;
        let path = app.activation_path(&token, &ann).await;
        app.clock.advance(Duration::days(8));
        look(&app, &path).await.problem(410, "activation_expired");
        let token = app.narrowed_again(&token).await;
        assert_eq!(list_emails(&app, &token, "state=expired").await.len(), 2);
        for days in [json!(0), json!(31), json!(1.5)] {
            let problem = change(&app, &token, &ann, "extend", Some(json!({ "days": days }))).await.problem(422, "invalid_input");
            assert_eq!(problem["errors"][0]["pointer"], "/days");
        }
        let extended = change(&app, &token, &ann, "extend", Some(json!({ "days": 30 }))).await.expect(200);
        assert_eq!((&extended["state"], &extended["expires_at"]), (&"sent".into(), &"2026-07-23T12:00:00.000000Z".into()));
        look(&app, &path).await.expect(200);
        let shorter = change(&app, &token, &ann, "extend", None).await.expect(200);
        assert_eq!(shorter["expires_at"], extended["expires_at"], "extending takes no time away");
        app.stop().await;
    }

    async fn an_invitation_followed_by_a_newer_one_is_left_as_it_is(engine: Engine) {
        let (app, token) = begun(engine).await;
        let old = invite(&app, &token, "ann@example.com").await;
        app.message_of(&token, &old).await;
        app.clock.advance(Duration::days(8));
        let token = app.narrowed_again(&token).await;
        let new = invite(&app, &token, "ann@example.com").await;
        let path = app.activation_path(&token, &new).await;
        change(&app, &token, &old, "extend", None).await.problem(409, "invite_settled");
        change(&app, &token, &old, "resend", None).await.problem(409, "invite_settled");
        change(&app, &token, &old, "revoke", None).await.expect(200);
        look(&app, &path).await.expect(200);
        app.stop().await;
    }

    async fn a_revoked_invitation_frees_seat_and_address_and_its_link_says_so(engine: Engine) {
        let (app, token) = begun(engine).await;
        let (_, other) = app.instance("456-DEF-789").await;
        app.call(&other, Method::POST, "/v1/invites/first", Some(json!({ "email": "tom.ops@example.com" }))).await.expect(201);
        let ann = invite(&app, &token, "ann@example.com").await;
        let path = app.activation_path(&token, &ann).await;
        let revoked = change(&app, &token, &ann, "revoke", None).await.expect(200);
        assert_eq!((&revoked["state"], &revoked["revoked_by"]), (&"revoked".into(), &ann["invited_by"]));
        assert_eq!(change(&app, &token, &ann, "revoke", None).await.expect(200), revoked, "once more does nothing");
        let said = look(&app, &path).await.problem(410, "activation_revoked");
        assert!(!said.to_string().contains("ann@"), "{said}");
        let page = Answer::send(app.request(Method::GET, &path).header(ACCEPT, "text/html")).await;
        assert!(page.status == 410 && page.text.contains("revoked") && !page.text.contains("ann@"), "{}", page.text);
        let members = app.call(&token, Method::GET, "/v1/members", None).await.expect(200);
        assert_eq!(members["data"].as_array().unwrap().len(), 1);
        change(&app, &token, &ann, "resend", None).await.problem(409, "invite_settled");
        invite(&app, &other, "ann@example.com").await;
        app.stop().await;
    }

    async fn the_first_user_can_be_replaced_until_sync_has_started(engine: Engine) {
        let app = TestApp::start_guided(engine, 10).await;
        let (_, token) = app.instance(MUNCHKIN_ID).await;
        let first = async |email: &str| app.call(&token, Method::POST, "/v1/invites/first", Some(json!({ "email": email }))).await;
        let wrong = first("tom.ops@example.com").await.expect(201);
        app.message_of(&token, &wrong).await;
        change(&app, &token, &wrong, "revoke", None).await.expect(200);
        let guide = app.call(&token, Method::GET, "/v1/instance/onboarding", None).await.expect(200);
        assert_eq!(guide["steps"][0]["state"], "ready", "{guide}");
        let right = first(FIRST_USER).await.expect(201);
        app.message_of(&token, &right).await;
        app.connect_both(&token).await;
        app.sync(&token).await;
        change(&app, &token, &right, "revoke", None).await.problem(409, "original_user_stays");
        app.stop().await;
    }

    async fn invitations_are_found_by_status_address_and_who_invited(engine: Engine) {
        let (app, token) = begun(engine).await;
        for email in ["ann_lee@example.com", "annXlee@example.org", "bo@example.com"] {
            let invited = invite(&app, &token, email).await;
            app.message_of(&token, &invited).await;
        }
        let all = app.call(&token, Method::GET, "/v1/invites", None).await.expect(200);
        let by = all["data"][0]["invited_by"].as_str().unwrap();
        change(&app, &token, &all["data"][3], "revoke", None).await.expect(200);
        assert_eq!(list_emails(&app, &token, "email=ANN_LEE").await, ["ann_lee@example.com"], "signs stand for themselves");
        assert_eq!(list_emails(&app, &token, "state=revoked").await.len(), 1);
        assert_eq!(list_emails(&app, &token, "state=sent&email=example.").await.len(), 3);
        assert_eq!(list_emails(&app, &token, &format!("invited_by={by}&limit=2")).await.len(), 2);
        assert!(list_emails(&app, &token, "invited_by=client:nobody").await.is_empty());
        assert!(list_emails(&app, &token, "import_id=0190b0a0-0000-7000-8000-000000000000").await.is_empty());
        let problem = app.call(&token, Method::GET, "/v1/invites?email=&invited_by=nobody", None).await.problem(422, "invalid_input");
        let pointers: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|error| error["pointer"].as_str().unwrap()).collect();
        assert_eq!(pointers, ["#query/email", "#query/invited_by"]);
        app.stop().await;
    }
}
