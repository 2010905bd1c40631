//! People who are in another instance already: nobody but they themselves is told.

use reqwest::Method;
use serde_json::{Value, json};

use crate::invite_imports::{completed, confirm, upload};
use crate::support::person::{PASSWORD, log_in, member};
use crate::support::scim::{DirectoryClient, user};
use crate::support::{Answer, FIRST_USER, MUNCHKIN_ID, TestApp, on_both_engines};

/// Two instances with passwords allowed, each with a first user; tokens of both.
async fn two_instances(app: &TestApp) -> (String, String) {
    let (_, first) = app.instance(MUNCHKIN_ID).await;
    let (_, second) = app.instance("456-DEF-789").await;
    for (token, email) in [(&first, FIRST_USER), (&second, "tom.ops@example.com")] {
        app.call(token, Method::POST, "/v1/invites/first", Some(json!({ "email": email }))).await.expect(201);
        let settings = json!({ "login_management": "all_login_methods" });
        app.call(token, Method::PATCH, "/v1/instance", Some(settings)).await.expect(200);
    }
    (first, second)
}

async fn invite(app: &TestApp, token: &str, email: &str) -> Value {
    let answer = app.call(token, Method::POST, "/v1/invites", Some(json!({ "emails": [email] }))).await.expect(200);
    answer["data"][0].clone()
}

async fn try_to_activate(app: &TestApp, path: &str) -> Answer {
    Answer::send(app.request(Method::POST, path).json(&json!({ "method": "password", "password": PASSWORD }))).await
}

/// An answer with the values left out that differ from person to person.
fn shape(answer: &Value) -> Value {
    match answer {
        Value::Object(members) => members.iter().map(|(name, value)| (name.clone(), shape(value))).collect(),
        Value::Array(items) => items.iter().map(shape).collect(),
        Value::String(text) if matches!(text.as_str(), "invited" | "pending" | "sent" | "user" | "completed") => text.clone().into(),
        Value::String(_) => "text".into(),
        other => other.clone(),
    }
}

on_both_engines! {
    async fn an_address_in_use_elsewhere_is_answered_like_any_other(engine: Engine) {
        let app = TestApp::start_guided(engine, 10).await;
        let (first, second) = two_instances(&app).await;
        member(&app, &first, "ann@example.com", "user").await;
        invite(&app, &first, "bo@example.com").await;
        let nobody = shape(&invite(&app, &second, "nobody@example.com").await);
        assert_eq!(nobody["outcome"], "invited");
        for email in ["ann@example.com", "BO@example.com"] {
            assert_eq!(shape(&invite(&app, &second, email).await), nobody, "{email}");
        }
        let members = app.call(&second, Method::GET, "/v1/members", None).await.expect(200);
        assert_eq!(members["data"].as_array().unwrap().len(), 4);
        app.stop().await;
    }

    async fn an_import_and_a_directory_are_not_told_of_other_instances_either(engine: Engine) {
        let app = TestApp::start_guided(engine, 10).await;
        let (first, second) = two_instances(&app).await;
        for email in ["ann@example.com", "bo@example.com", "cy@example.com"] {
            member(&app, &first, email, "user").await;
        }
        let import = upload(&app, &second, "text/csv", "ann@example.com\nnobody@example.com\n").await.expect(201);
        confirm(&app, &second, &import, json!({})).await.expect(202);
        let done = completed(&app, &second, &import).await;
        assert_eq!((&done["counts"]["invited"], &done["counts"]["other_instance"]), (&2.into(), &0.into()));

        let directory = DirectoryClient::create(&app, &second).await;
        let known = directory.post("/Users", user("bo@example.com")).await;
        let unknown = directory.post("/Users", user("other@example.com")).await;
        assert_eq!((known.status, unknown.status), (unknown.status, 201.try_into().unwrap()));
        assert_eq!(shape(&known.expect(201)), shape(&unknown.expect(201)));
        // Nor by changing the address of somebody who is active.
        let di = member(&app, &second, "di@example.com", "user").await;
        let moved = json!([{ "op": "replace", "path": "emails[type eq \"work\"].value", "value": "cy@example.com" }]);
        directory.patch(&format!("/Users/{}", di.id), moved).await.expect(200);
        log_in(&app, "cy@example.com", PASSWORD).await.expect(201);
        app.stop().await;
    }

    async fn a_person_activates_in_one_instance_and_in_another_after_leaving(engine: Engine) {
        let app = TestApp::start_guided(engine, 10).await;
        let (first, second) = two_instances(&app).await;
        let (one, other) = (invite(&app, &first, "ann@example.com").await, invite(&app, &second, "ann@example.com").await);
        let one = app.activation_path(&first, &one["invite"]).await;
        let other = app.activation_path(&second, &other["invite"]).await;
        let both = tokio::join!(try_to_activate(&app, &one), try_to_activate(&app, &other));
        let mut codes = [both.0.status.as_u16(), both.1.status.as_u16()];
        codes.sort_unstable();
        assert_eq!(codes, [200, 409], "{both:?}");
        let (refused, token, path, done) =
            if both.0.status == 200 { (&both.1, &first, &other, &both.0) } else { (&both.0, &second, &one, &both.1) };
        let problem = refused.problem(409, "email_taken");
        assert!(problem["detail"].as_str().unwrap().contains("ask its admin to remove you there"), "{problem}");
        // The link goes on to work.
        let id = done.expect(200)["id"].as_str().unwrap().to_owned();
        app.call(token, Method::DELETE, &format!("/v1/members/{id}"), None).await.expect(200);
        try_to_activate(&app, path).await.expect(200);
        app.stop().await;
    }
}
