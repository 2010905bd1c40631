//! Teams: made, renamed, removed; members added and taken out.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::person::{member, open_to_members};
use crate::support::{TestApp, on_both_engines};

async fn team(app: &TestApp, token: &str, name: &str) -> String {
    let made = app.call(token, Method::POST, "/v1/teams", Some(json!({ "name": name }))).await.expect(201);
    format!("/v1/teams/{}", made["id"].as_str().unwrap())
}

async fn everyone(app: &TestApp, token: &str) -> Value {
    let listed = app.call(token, Method::GET, "/v1/teams", None).await.expect(200);
    listed["data"].as_array().unwrap().iter().find(|team| team["is_everyone"] == true).unwrap().clone()
}

on_both_engines! {
    async fn a_team_has_a_name_of_its_own_and_is_removed_without_its_members(engine: Engine) {
        let app = TestApp::start_guided(engine, 5).await;
        let token = open_to_members(&app).await;
        let tom = member(&app, &token, "tom@example.com", "user").await;
        let (west, _) = (team(&app, &token, "West").await, team(&app, &token, "East").await);
        let rename = async |name: &str| app.call(&token, Method::PATCH, &west, Some(json!({ "name": name }))).await;
        rename("EAST").await.problem(409, "team_exists");
        rename("everyone").await.problem(409, "team_exists");
        assert_eq!(rename("WEST").await.expect(200)["name"], "WEST", "another case of its own name");
        assert_eq!(rename(" North ").await.expect(200)["name"], "North");
        rename("").await.problem(422, "invalid_input");
        app.call(&token, Method::POST, &format!("{west}/members"), Some(json!({ "add": [tom.id] }))).await.expect(200);
        assert_eq!(app.call(&token, Method::DELETE, &west, None).await.status, 204);
        app.call(&token, Method::GET, &west, None).await.problem(404, "not_found");
        app.call(&token, Method::DELETE, &west, None).await.problem(404, "not_found");
        let tom = tom.get(&app, "/v1/members/me").await.expect(200);
        assert_eq!(tom["teams"], json!([everyone(&app, &token).await["id"]]));
        app.stop().await;
    }

    async fn members_join_and_leave_in_bulk_with_an_answer_each(engine: Engine) {
        let app = TestApp::start_guided(engine, 5).await;
        let token = open_to_members(&app).await;
        let (anna, tom) = (member(&app, &token, "anna@example.com", "user").await, member(&app, &token, "tom@example.com", "user").await);
        let west = team(&app, &token, "West").await;
        let members = format!("{west}/members");
        let nobody = "0190b0a0-0000-7000-8000-000000000000";
        let change = async |body: Value| app.call(&token, Method::POST, &members, Some(body)).await;
        let statuses = |answer: &Value| answer["data"].as_array().unwrap().iter().map(|one| one["outcome"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
        let done = change(json!({ "add": [anna.id, nobody, anna.id], "remove": [tom.id] })).await.expect(200);
        assert_eq!(statuses(&done), ["added", "unknown_member", "already_in", "not_in"]);
        assert_eq!(done["data"][0]["member_id"], anna.id);
        let done = change(json!({ "add": [tom.id], "remove": [anna.id] })).await.expect(200);
        assert_eq!(statuses(&done), ["added", "removed"]);
        assert_eq!(app.call(&token, Method::GET, &west, None).await.expect(200)["members"], 1);
        let both = change(json!({ "add": [tom.id], "remove": [anna.id, tom.id] })).await;
        assert_eq!(both.problem(422, "invalid_input")["errors"][0]["pointer"], "/remove/1");
        change(json!({ "add": vec![nobody; 501] })).await.problem(422, "invalid_input");
        assert_eq!(change(json!({})).await.expect(200)["data"], json!([]));
        app.stop().await;
    }

    async fn everyone_can_not_be_renamed_removed_or_left(engine: Engine) {
        let app = TestApp::start_guided(engine, 5).await;
        let token = open_to_members(&app).await;
        let tom = member(&app, &token, "tom@example.com", "user").await;
        let path = format!("/v1/teams/{}", everyone(&app, &token).await["id"].as_str().unwrap());
        app.call(&token, Method::PATCH, &path, Some(json!({ "name": "All" }))).await.problem(409, "everyone_team_protected");
        app.call(&token, Method::DELETE, &path, None).await.problem(409, "everyone_team_protected");
        let members = format!("{path}/members");
        app.call(&token, Method::POST, &members, Some(json!({ "remove": [tom.id] }))).await.problem(409, "everyone_team_protected");
        let done = app.call(&token, Method::POST, &members, Some(json!({ "add": [tom.id] }))).await.expect(200);
        assert_eq!(done["data"][0]["outcome"], "already_in");
        assert_eq!(everyone(&app, &token).await["members"], 2);
        tom.call(&app, Method::PATCH, &path, Some(json!({ "name": "All" }))).await.problem(403, "forbidden");
        app.stop().await;
    }

    async fn teams_are_limited_to_what_the_deployment_says(engine: Engine) {
        let app = TestApp::start_guided_changed(engine, msi_actions::sandbox::SandboxSettings::default(), |settings| settings.limits.teams = 3).await;
        let (_, token) = app.instance("123-ABC-456").await;
        team(&app, &token, "West").await;
        team(&app, &token, "East").await;
        let refused = app.call(&token, Method::POST, "/v1/teams", Some(json!({ "name": "North" }))).await;
        assert!(refused.problem(409, "team_limit_reached")["detail"].as_str().unwrap().contains("3 teams"), "{}", refused.text);
        app.stop().await;
    }
}
