//! Steps 2 and 3: connecting Salesforce and Marketo, against the sandbox.

use reqwest::Method;
use serde_json::json;
use time::Duration;

use crate::support::{Answer, TestApp, WayBack, on_both_engines};

const SALESFORCE: &str = "/v1/connections/salesforce";
const MARKETO: &str = "/v1/connections/marketo";

on_both_engines! {
    async fn an_admin_connects_salesforce_and_the_test_call_succeeds(engine: Engine) {
        let app = TestApp::start_guided(engine, 20).await;
        let token = app.guided_instance().await;
        app.call(&token, Method::GET, SALESFORCE, None).await.problem(404, "not_connected");
        let page = app.connect_salesforce_as(&token, "maria.admin@example.com").await;
        assert_eq!(page.status, 200, "{}", page.text);
        assert!(page.text.contains("Salesforce is connected"), "{}", page.text);
        let connection = app.call(&token, Method::GET, SALESFORCE, None).await.expect(200);
        assert_eq!((&connection["state"], &connection["username"]), (&"active".into(), &"maria.admin@example.com".into()));
        let members: Vec<_> = connection.as_object().unwrap().keys().cloned().collect();
        assert!(!members.iter().any(|name| name.contains("token") || name.contains("secret")), "{members:?}");
        assert_eq!(app.call(&token, Method::POST, "/v1/connections/salesforce/test", None).await.expect(200)["ok"], true);
        assert_eq!(app.call(&token, Method::POST, SALESFORCE, Some(json!({}))).await.problem(409, "already_connected")["status"], 409);
        app.stop().await;
    }

    async fn a_callback_with_an_unknown_used_or_old_state_connects_nothing(engine: Engine) {
        let app = TestApp::start_guided(engine, 20).await;
        let token = app.guided_instance().await;
        let page = app.get("/oauth/salesforce/callback?code=abc&state=made-up").await;
        assert_eq!(page.status, 403);
        assert!(page.headers["content-type"].to_str().unwrap().starts_with("text/html"), "people see a page");

        let begin = async || app.call(&token, Method::POST, SALESFORCE, Some(json!({}))).await.expect(201)["authorization_url"].as_str().unwrap().to_owned();
        let late = app.log_in_at_salesforce(&begin().await, "maria.admin@example.com").await;
        app.clock.advance(Duration::minutes(11));
        app.come_back_as_a_program(&late).await.problem(403, "state_invalid");

        let back = app.log_in_at_salesforce(&begin().await, "maria.admin@example.com").await;
        assert_eq!(app.come_back(&back).await.status, 200);
        assert_eq!(app.come_back(&back).await.status, 403, "a state works once");
        app.stop().await;
    }

    async fn only_the_browser_that_began_an_authorization_completes_it(engine: Engine) {
        let app = TestApp::start_guided(engine, 20).await;
        let token = app.guided_instance().await;
        let begun = app.call(&token, Method::POST, SALESFORCE, Some(json!({}))).await.expect(201);
        let address = begun["authorization_url"].as_str().unwrap();
        let way = app.log_in_at_salesforce(address, "maria.admin@example.com").await;
        let second = Answer::send(app.http.get(address).header("accept", "application/json")).await;
        second.problem(403, "state_invalid");
        let foreign = WayBack { cookie: "msi_authorization=somebody-else".into(), ..way };
        app.come_back_as_a_program(&foreign).await.problem(403, "state_invalid");
        app.call(&token, Method::GET, SALESFORCE, None).await.problem(404, "not_connected");
        app.stop().await;
    }

    async fn a_person_who_refuses_at_salesforce_connects_nothing(engine: Engine) {
        let app = TestApp::start_guided(engine, 20).await;
        let token = app.guided_instance().await;
        let begun = app.call(&token, Method::POST, SALESFORCE, Some(json!({}))).await.expect(201);
        let address = url::Url::parse(begun["authorization_url"].as_str().unwrap()).unwrap();
        let state = address.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
        let started = Answer::send(app.http.get(address.as_str())).await;
        let cookie = started.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        let refused = app.request(Method::GET, "/oauth/salesforce/callback").header("accept", "application/json").header("cookie", cookie);
        let refused = refused.query(&[("state", state.as_str()), ("error", "access_denied"), ("error_description", "end-user denied authorization")]);
        let problem = Answer::send(refused).await.problem(403, "authorization_denied");
        assert!(problem["detail"].as_str().unwrap().contains("end-user denied authorization"));
        app.call(&token, Method::GET, SALESFORCE, None).await.problem(404, "not_connected");
        app.stop().await;
    }

    async fn a_user_without_api_access_leaves_a_connection_that_says_what_to_do(engine: Engine) {
        let app = TestApp::start_guided(engine, 20).await;
        let token = app.guided_instance().await;
        let page = app.connect_salesforce_as(&token, "noapi@example.com").await;
        assert!(page.text.contains("needs attention"), "{}", page.text);
        let connection = app.call(&token, Method::GET, SALESFORCE, None).await.expect(200);
        assert_eq!((&connection["state"], &connection["last_error_code"]), (&"needs_attention".into(), &"API_CURRENTLY_DISABLED".into()));
        assert!(connection["remedy"].as_str().unwrap().contains("API Enabled"));
        assert_eq!(app.step(&token, 2).await["state"], "failed");
        app.stop().await;
    }

    async fn disconnecting_revokes_at_salesforce(engine: Engine) {
        let app = TestApp::start_guided(engine, 20).await;
        let token = app.guided_instance().await;
        app.connect_salesforce_as(&token, "maria.admin@example.com").await;
        assert_eq!(app.call(&token, Method::DELETE, SALESFORCE, None).await.status, 204);
        assert_eq!(app.sandbox_calls("POST /salesforce/services/oauth2/revoke").await, 1);
        app.call(&token, Method::DELETE, SALESFORCE, None).await.problem(404, "not_connected");
        app.stop().await;
    }

    async fn an_expired_salesforce_session_is_refreshed_once(engine: Engine) {
        let app = TestApp::start_guided(engine, 20).await;
        let token = app.guided_instance().await;
        app.connect_salesforce_as(&token, "maria.admin@example.com").await;
        for renewals in 1..=3 {
            app.clock.advance(Duration::hours(3));
            let token = app.narrowed_again(&token).await;
            assert_eq!(app.call(&token, Method::POST, "/v1/connections/salesforce/test", None).await.expect(200)["ok"], true);
            assert_eq!(app.sandbox_calls("salesforce token refresh_token").await, renewals);
        }
        app.stop().await;
    }

    async fn a_refresh_whose_answer_is_lost_is_never_sent_again(engine: Engine) {
        let app = TestApp::start_guided(engine, 20).await;
        let token = app.guided_instance().await;
        app.connect_salesforce_as(&token, "maria.admin@example.com").await;
        app.clock.advance(Duration::hours(3));
        let token = app.narrowed_again(&token).await;
        app.fault(json!({ "target": "salesforce", "path_contains": "oauth2/token", "times": 1, "kind": "cut", "after_bytes": 0 })).await;
        for _ in 0..3 {
            let result = app.call(&token, Method::POST, "/v1/connections/salesforce/test", None).await.expect(200);
            assert_eq!(result["ok"], false, "{result}");
        }
        assert_eq!(app.sandbox_calls("salesforce token refresh_token").await, 1, "an old token is not presented twice");
        let connection = app.call(&token, Method::GET, SALESFORCE, None).await.expect(200);
        assert_eq!(connection["state"], "needs_attention", "{connection}");
        app.stop().await;
    }

    async fn marketo_is_connected_with_one_click(engine: Engine) {
        let app = TestApp::start_guided(engine, 20).await;
        let token = app.guided_instance().await;
        let connection = app.connect_marketo(&token).await.expect(201);
        assert_eq!((&connection["state"], &connection["provisioned"]), (&"active".into(), &true.into()));
        assert!(!connection.to_string().contains("sandbox-marketo-secret"));
        app.connect_marketo(&token).await.problem(409, "already_connected");
        assert_eq!(app.call(&token, Method::POST, "/v1/connections/marketo/test", None).await.expect(200)["ok"], true);
        assert_eq!(app.call(&token, Method::DELETE, MARKETO, None).await.status, 204);
        app.call(&token, Method::GET, MARKETO, None).await.problem(404, "not_connected");
        app.stop().await;
    }

    async fn marketo_credentials_that_do_not_work_say_which_part_is_wrong(engine: Engine) {
        let app = TestApp::start_guided(engine, 20).await;
        let token = app.guided_instance().await;
        let paste = async |body| app.call(&token, Method::POST, MARKETO, Some(body)).await;
        let good = json!({ "credentials": { "client_id": "sandbox-marketo-client", "client_secret": "sandbox-marketo-secret" } });
        let with = |name: &str, value: &str| { let mut body = good.clone(); body["credentials"][name] = value.into(); body };
        paste(with("client_id", "somebody-else")).await.problem(409, "marketo_client_unknown");
        paste(with("client_secret", "guess")).await.problem(409, "marketo_secret_wrong");
        let elsewhere = json!({ "credentials": good["credentials"], "base_url": "https://169.254.169.254" });
        paste(elsewhere).await.problem(409, "marketo_address_wrong");
        let half = paste(json!({ "credentials": { "client_id": "sandbox-marketo-client" } })).await;
        half.problem(422, "invalid_input");
        let empty = paste(with("client_secret", "")).await.problem(422, "invalid_input");
        assert_eq!(empty["errors"][0]["pointer"], "/credentials/client_secret");
        app.call(&token, Method::GET, MARKETO, None).await.problem(404, "not_connected");
        assert_eq!(paste(good).await.expect(201)["provisioned"], false);
        app.stop().await;
    }

    async fn the_list_of_marketo_admins_has_people_with_the_admin_role_only(engine: Engine) {
        let app = TestApp::start_guided(engine, 20).await;
        let token = app.guided_instance().await;
        let admins = app.call(&token, Method::GET, "/v1/marketo/admins", None).await.expect(200);
        let emails: Vec<_> = admins["data"].as_array().unwrap().iter().map(|one| one["email"].as_str().unwrap()).collect();
        assert!(emails.contains(&"maria.admin@example.com") && emails.contains(&"tom.ops@example.com"), "{emails:?}");
        let overview = Answer::send(app.http.get(format!("{}/__sandbox", app.sandbox.as_ref().unwrap().url()))).await.expect(200);
        let users = overview["marketo"]["users"].as_array().unwrap().len();
        assert!(emails.len() < users, "standard and API-only users are left out: {emails:?} of {users}");
        app.stop().await;
    }
}
