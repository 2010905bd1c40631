//! Steps 6 and 7: what the managed package reports.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{TestApp, on_both_engines};

fn heartbeat(version: &str, configured: [bool; 4]) -> Value {
    json!({
        "organization_id": "00DR0000000UyrW", "edition": "Enterprise Edition", "package_version": version,
        "configured": {
            "identity_remote_site": configured[0], "api_remote_site": configured[1],
            "api_secret_key_accepted": configured[2], "msi_actions_enabled": configured[3],
        },
    })
}

on_both_engines! {
    async fn the_package_reports_until_both_steps_are_done(engine: Engine) {
        let app = TestApp::start(engine).await;
        let (_, token) = app.instance("123-ABC-456").await;
        let send = async |body| app.call(&token, Method::POST, "/v1/package/heartbeat", Some(body)).await.expect(200);
        let states = async || (app.step(&token, 6).await["state"].clone(), app.step(&token, 7).await["state"].clone());

        assert_eq!(send(heartbeat("2.9", [false; 4])).await["package_version_supported"], false);
        assert_eq!(states().await, ("failed".into(), "blocked".into()));
        let received = send(heartbeat("3.2", [false; 4])).await;
        assert_eq!(received["organization_id"], "00DR0000000UyrWMAS");
        assert_eq!(states().await, ("done".into(), "ready".into()));
        send(heartbeat("3.2", [true, true, false, true])).await;
        assert_eq!(states().await, ("done".into(), "in_progress".into()));
        assert!(app.step(&token, 7).await["reason"].as_str().unwrap().contains("API Secret Key"));
        send(heartbeat("3.2", [true; 4])).await;
        assert_eq!(states().await, ("done".into(), "done".into()));
        app.stop().await;
    }

    async fn a_report_that_can_not_be_used_names_every_fault(engine: Engine) {
        let app = TestApp::start(engine).await;
        let (_, token) = app.instance("123-ABC-456").await;
        let mut body = heartbeat("three", [true; 4]);
        body["organization_id"] = "005R0000000UyrW".into();
        body["edition"] = "".into();
        let refused = app.call(&token, Method::POST, "/v1/package/heartbeat", Some(body)).await.problem(422, "invalid_input");
        assert_eq!(refused["errors"].as_array().unwrap().len(), 3, "{refused}");
        app.stop().await;
    }

    async fn the_package_learns_where_to_call(engine: Engine) {
        let app = TestApp::start(engine).await;
        let (_, token) = app.instance("123-ABC-456").await;
        let configuration = app.call(&token, Method::GET, "/v1/package/configuration", None).await.expect(200);
        assert_eq!(configuration["token_url"], format!("{}/oauth/token", app.url));
        assert_eq!(configuration["activity_fields"].as_array().unwrap().len(), 15);
        app.stop().await;
    }
}
