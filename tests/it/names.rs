//! Names that people give: what can't be read, or reads as something else, is refused wherever a name is taken.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::person::{member, open_to_members};
use crate::support::scim::{DirectoryClient, GROUP, refused, user};
use crate::support::{TestApp, binary, on_both_engines};

/// Control characters of both sets, line separators, and marks that change the direction of text.
const UNREADABLE: [char; 11] =
    ['\0', '\n', '\u{1b}', '\u{7f}', '\u{85}', '\u{2028}', '\u{2029}', '\u{202a}', '\u{202e}', '\u{2066}', '\u{2069}'];

/// The pointers of the faults that an answer names.
#[track_caller]
fn pointers(problem: &Value) -> Vec<&str> {
    let faults = problem["errors"].as_array().unwrap();
    assert!(faults.iter().all(|fault| fault["code"] == "unusable_name"), "{problem}");
    faults.iter().map(|fault| fault["pointer"].as_str().unwrap()).collect()
}

on_both_engines! {
    async fn no_name_holds_a_control_character_or_a_mark_of_direction(engine: Engine) {
        let app = TestApp::start_guided(engine, 5).await;
        let token = open_to_members(&app).await;
        let operator = app.operator_token().await;
        let directory = DirectoryClient::create(&app, &token).await;
        let tom = member(&app, &token, "tom@example.com", "user").await;
        let path = format!("/v1/members/{}", tom.id);
        let team = app.call(&token, Method::POST, "/v1/teams", Some(json!({ "name": "West" }))).await.expect(201);
        let team = format!("/v1/teams/{}", team["id"].as_str().unwrap());
        for one in UNREADABLE {
            let name = format!("Ann{one}Lee");
            let call = async |token: &str, method, path: &str, body| {
                app.call(token, method, path, Some(body)).await.problem(422, "invalid_input")
            };
            let new = json!({ "munchkin_id": "999-ZZZ-999", "name": name, "environment": "sandbox",
                "prerequisites": { "msi_actions_enabled": true, "salesforce_sync_configured": true } });
            assert_eq!(pointers(&call(&operator, Method::POST, "/v1/instances", new).await), ["/name"], "{one:?}");
            let name = &name;
            for (method, path) in [
                (Method::PATCH, "/v1/instance"),
                (Method::POST, "/v1/teams"),
                (Method::PATCH, &team),
                (Method::POST, "/v1/instance/scim-tokens"),
            ] {
                assert_eq!(pointers(&call(&token, method, path, json!({ "name": name })).await), ["/name"], "{path} {one:?}");
            }
            let both = json!({ "first_name": name, "last_name": name });
            assert_eq!(pointers(&call(&token, Method::PATCH, &path, both.clone()).await), ["/first_name", "/last_name"], "{one:?}");
            let own = tom.call(&app, Method::PATCH, "/v1/members/me", Some(both)).await.problem(422, "invalid_input");
            assert_eq!(pointers(&own), ["/first_name", "/last_name"], "{one:?}");

            let mut wrong = user("eve@example.com");
            wrong["userName"] = json!(name);
            wrong["displayName"] = json!(name);
            wrong["name"] = json!({ "givenName": name, "familyName": name });
            let said = refused(&directory.post("/Users", wrong).await, 400, Some("invalidValue"));
            for attribute in ["userName", "displayName", "name.givenName", "name.familyName"] {
                assert!(said.contains(attribute), "{attribute} {one:?}: {said}");
            }
            let group = json!({ "schemas": [GROUP], "displayName": name });
            let said = refused(&directory.post("/Groups", group).await, 400, Some("invalidValue"));
            assert!(said.contains("displayName"), "{said}");
        }
        // Who is written in another direction has a name all the same.
        let changed = json!({ "first_name": "محمد", "last_name": "אברהם" });
        app.call(&token, Method::PATCH, &path, Some(changed)).await.expect(200);
        app.stop().await;
    }

    async fn names_in_a_pasted_list_are_cleaned(engine: Engine) {
        let app = TestApp::start_guided(engine, 5).await;
        let token = open_to_members(&app).await;
        let list = json!({ "emails": ["Ann\u{202e} Lee\u{7f} <ann@example.com>"] });
        app.call(&token, Method::POST, "/v1/invites", Some(list)).await.expect(200);
        let found = app.call(&token, Method::GET, "/v1/members?search=ann@", None).await.expect(200);
        assert_eq!((&found["data"][0]["first_name"], &found["data"][0]["last_name"]), (&"Ann".into(), &"Lee".into()));
        app.stop().await;
    }
}

#[test]
fn a_clients_name_can_be_read() {
    let directory = tempfile::tempdir().unwrap();
    for name in ["a\u{202e}b", "a\nb", "", "   "] {
        let output = binary(directory.path()).args(["client", "create", "--operator", "--name", name]).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && said.contains("--name"), "{name:?}: {said}");
    }
}
