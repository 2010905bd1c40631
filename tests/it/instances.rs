//! Instances, and the set-up guide's progress.

use msi_actions::auth::Scopes;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{FIRST_USER, TestApp, on_both_engines};

fn wanted(munchkin_id: &str) -> Value {
    json!({
        "munchkin_id": munchkin_id, "name": "Acme", "environment": "sandbox",
        "prerequisites": { "msi_actions_enabled": true, "salesforce_sync_configured": true },
    })
}

fn states(guide: &Value) -> Vec<String> {
    guide["steps"].as_array().unwrap().iter().map(|step| step["state"].as_str().unwrap().to_owned()).collect()
}

on_both_engines! {
    async fn an_operator_makes_an_instance_and_finds_it_again(engine: Engine) {
        let app = TestApp::start(engine).await;
        let token = app.operator_token().await;
        let answer = app.call(&token, Method::POST, "/v1/instances", Some(wanted("123-ABC-456"))).await;
        let made = answer.expect(201);
        let location = app.location_of(&answer);
        assert_eq!(app.call(&token, Method::GET, &location, None).await.expect(200), made);
        assert_eq!(made["login_management"], "salesforce_only");
        assert_eq!(made["limits"], json!({ "people": 1_500_000, "user_seats": 100, "teams": 20 }));
        app.stop().await;
    }

    async fn a_second_instance_of_a_subscription_is_refused_with_a_link(engine: Engine) {
        let app = TestApp::start(engine).await;
        let token = app.operator_token().await;
        let first = app.call(&token, Method::POST, "/v1/instances", Some(wanted("123-ABC-456"))).await.expect(201);
        let refused = app.call(&token, Method::POST, "/v1/instances", Some(wanted("123-ABC-456"))).await.problem(409, "instance_exists");
        assert_eq!(refused["link"], format!("/v1/instances/{}", first["id"].as_str().unwrap()));
        app.stop().await;
    }

    async fn every_fault_of_an_instance_is_named_at_once(engine: Engine) {
        let app = TestApp::start(engine).await;
        let token = app.operator_token().await;
        let body = json!({
            "munchkin_id": "123-abc-456", "name": " ", "environment": "sandbox",
            "prerequisites": { "msi_actions_enabled": true, "salesforce_sync_configured": true },
            "marketo": { "client_id": "", "client_secret": "x" },
        });
        let refused = app.call(&token, Method::POST, "/v1/instances", Some(body)).await.problem(422, "invalid_input");
        let pointers: Vec<_> = refused["errors"].as_array().unwrap().iter().map(|fault| fault["pointer"].as_str().unwrap()).collect();
        assert_eq!(pointers, ["/munchkin_id", "/name", "/marketo/client_id"]);
        app.stop().await;
    }

    async fn instances_are_listed_page_by_page_in_the_order_they_were_made(engine: Engine) {
        let app = TestApp::start(engine).await;
        let token = app.operator_token().await;
        let ids = ["111-AAA-111", "222-BBB-222", "333-CCC-333"];
        for id in ids {
            app.clock.advance(time::Duration::milliseconds(2));
            app.call(&token, Method::POST, "/v1/instances", Some(wanted(id))).await.expect(201);
        }
        let (mut path, mut seen) = ("/v1/instances?limit=2".to_owned(), Vec::new());
        loop {
            let page = app.call(&token, Method::GET, &path, None).await.expect(200);
            seen.extend(page["data"].as_array().unwrap().iter().map(|one| one["munchkin_id"].as_str().unwrap().to_owned()));
            let Some(next) = page["next_cursor"].as_str() else { break };
            path = format!("/v1/instances?limit=2&cursor={next}");
        }
        assert_eq!(seen, ids);
        app.call(&token, Method::GET, "/v1/instances?limit=0", None).await.problem(422, "invalid_input");
        app.call(&token, Method::GET, "/v1/instances?cursor=nonsense", None).await.problem(422, "invalid_input");
        app.stop().await;
    }

    async fn the_settings_of_an_instance_can_be_changed_one_by_one(engine: Engine) {
        let app = TestApp::start(engine).await;
        let (_, token) = app.instance("123-ABC-456").await;
        let changed = app.call(&token, Method::PATCH, "/v1/instance", Some(json!({ "login_management": "all_login_methods" }))).await.expect(200);
        assert_eq!((&changed["login_management"], &changed["name"]), (&"all_login_methods".into(), &"Instance 123-ABC-456".into()));
        assert_eq!(app.call(&token, Method::GET, "/v1/instance", None).await.expect(200), changed);
        app.call(&token, Method::PATCH, "/v1/instance", Some(json!({ "login_management": "carrier_pigeon" }))).await.problem(422, "invalid_input");
        app.call(&token, Method::PATCH, "/v1/instance", Some(json!({ "munchkin_id": "999-XYZ-999" }))).await.problem(422, "invalid_input");
        app.stop().await;
    }

    async fn an_instances_client_sees_its_own_instance_and_no_other(engine: Engine) {
        let app = TestApp::start(engine).await;
        let (first, _) = app.instance("111-AAA-111").await;
        let (second, _) = app.instance("222-BBB-222").await;
        let client = app.client(Some(first.parse().unwrap()), Scopes::of_an_instance()).await;
        let token = app.ask_token(&client, &[]).await.expect(200)["access_token"].as_str().unwrap().to_owned();
        assert_eq!(app.call(&token, Method::GET, "/v1/instance", None).await.expect(200)["id"], first.as_str());
        app.call(&token, Method::GET, &format!("/v1/instances/{second}"), None).await.problem(403, "forbidden");
        let foreign = format!("urn:msi-actions:instance:{second}");
        assert_eq!(app.ask_token(&client, &[("resource", &foreign)]).await.expect(400)["error"], "invalid_target");
        app.stop().await;
    }

    async fn the_guide_begins_with_the_prerequisites(engine: Engine) {
        let app = TestApp::start(engine).await;
        let (_, token) = app.instance("123-ABC-456").await;
        let unmet = json!({ "prerequisites": { "msi_actions_enabled": true, "salesforce_sync_configured": false } });
        app.call(&token, Method::PATCH, "/v1/instance", Some(unmet)).await.expect(200);
        let guide = app.call(&token, Method::GET, "/v1/instance/onboarding", None).await.expect(200);
        assert_eq!(guide["prerequisites"][1]["met"], false);
        assert!(states(&guide).iter().all(|state| state == "blocked"), "{guide}");
        app.call(&token, Method::POST, "/v1/connections/marketo", Some(json!({}))).await.problem(409, "prerequisite_unmet");
        app.call(&token, Method::POST, "/v1/connections/salesforce", Some(json!({}))).await.problem(409, "prerequisite_unmet");

        let met = json!({ "prerequisites": { "msi_actions_enabled": true, "salesforce_sync_configured": true } });
        app.call(&token, Method::PATCH, "/v1/instance", Some(met)).await.expect(200);
        let guide = app.call(&token, Method::GET, "/v1/instance/onboarding", None).await.expect(200);
        assert_eq!(states(&guide), ["ready", "blocked", "blocked", "blocked", "blocked", "ready", "blocked"]);
        for step in guide["steps"].as_array().unwrap() {
            assert!(step["link"].as_str().unwrap().starts_with(&app.url) && !step["reason"].as_str().unwrap().is_empty(), "{step}");
        }
        app.stop().await;
    }

    async fn integration_information_is_empty_until_somebody_was_invited(engine: Engine) {
        let app = TestApp::start(engine).await;
        let (_, token) = app.instance("123-ABC-456").await;
        app.call(&token, Method::GET, "/v1/instance/integration-information", None).await.problem(409, "step_required");
        app.call(&token, Method::POST, "/v1/instance/integration-information/reveal-secret", None).await.problem(409, "step_required");
        app.call(&token, Method::POST, "/v1/instance/integration-information/rotate", None).await.problem(409, "step_required");
        app.stop().await;
    }

    async fn reading_the_integration_card_does_not_use_up_its_secret(engine: Engine) {
        let app = TestApp::start_guided(engine, 5).await;
        let token = app.guided_instance().await;
        app.call(&token, Method::POST, "/v1/invites/first", Some(json!({ "email": FIRST_USER }))).await.expect(201);
        let path = "/v1/instance/integration-information";
        for _ in 0..2 {
            let card = app.call(&token, Method::GET, path, None).await.expect(200);
            assert!(card.get("client_secret").is_none() && card["revealed_at"].is_null(), "{card}");
        }
        let reveal = format!("{path}/reveal-secret");
        let (first, second) = tokio::join!(app.call(&token, Method::POST, &reveal, None), app.call(&token, Method::POST, &reveal, None));
        let (shown, refused) = if first.status == 200 { (first, second) } else { (second, first) };
        let card = shown.expect(200);
        let client = (card["client_id"].as_str().unwrap().to_owned(), card["client_secret"].as_str().unwrap().to_owned());
        app.ask_token(&client, &[]).await.expect(200);
        let problem = refused.problem(409, "secret_already_revealed");
        assert_eq!(problem["link"], "/v1/instance/integration-information/rotate");
        let card = app.call(&token, Method::GET, path, None).await.expect(200);
        assert!(card.get("client_secret").is_none() && !card["revealed_at"].is_null(), "{card}");
        app.stop().await;
    }
}
