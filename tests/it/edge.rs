//! What holds for every route: problem documents, request ids, signs of life, the document.

use msi_actions::app::{render_permissions_page, route_table};
use msi_actions::auth::Scopes;
use reqwest::Method;
use serde_json::Value;

use crate::support::canaries::leaks_in;
use crate::support::{Answer, Engine, TestApp, on_both_engines, on_sqlite};

on_both_engines! {
    async fn a_fresh_service_is_alive_and_ready(engine: Engine) {
        let app = TestApp::start(engine).await;
        assert_eq!(app.get("/livez").await.text, "ok\n");
        let ready = app.get("/readyz").await.expect(200);
        assert_eq!(ready["ready"], true, "{ready}");
        let names: Vec<_> = ready["checks"].as_array().unwrap().iter().map(|check| check["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["database", "migrations", "storage", "keys"]);
        app.stop().await;
    }
}

#[test]
fn an_unknown_address_is_a_problem_document() {
    on_sqlite(async |app| {
        app.get("/v1/nothing").await.problem(404, "not_found");
        app.get("/favicon.ico").await.problem(404, "not_found");
    });
}

#[test]
fn a_query_parameter_that_an_operation_lacks_is_refused_by_name() {
    on_sqlite(async |app| {
        let token = app.operator_token().await;
        let pointers = async |path: &str| {
            let problem = app.call(&token, Method::GET, path, None).await.problem(422, "invalid_input");
            problem["errors"].as_array().unwrap().iter().map(|error| error["pointer"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(pointers("/v1/instances?limt=5&q=1&limit=2").await, ["#query/limt", "#query/q"]);
        assert_eq!(pointers("/v1/instances/0190b0a0-0000-7000-8000-000000000000?verbose=true").await, ["#query/verbose"]);
        assert_eq!(pointers("/v1/instances?limit=many").await, ["#query/limit"]);
        app.call(&token, Method::GET, "/v1/instances?limit=2", None).await.expect(200);
        assert_eq!(app.get("/livez?from=a-load-balancer").await.status, 200);
    });
}

#[test]
fn head_is_answered_like_get_without_the_body() {
    on_sqlite(async |app| {
        let token = app.operator_token().await;
        for path in ["/livez", "/openapi.json", "/v1/instances?limit=1", "/problems/not_found"] {
            let get = Answer::send(app.request(Method::GET, path).bearer_auth(&token)).await;
            let head = Answer::send(app.request(Method::HEAD, path).bearer_auth(&token)).await;
            assert_eq!((get.status, get.text.is_empty()), (reqwest::StatusCode::OK, false), "{path}");
            assert_eq!((head.status, head.text.as_str()), (get.status, ""), "{path}");
            assert_eq!(head.headers["content-type"], get.headers["content-type"], "{path}");
        }
        assert_eq!(Answer::send(app.request(Method::HEAD, "/v1/instances")).await.status, 401);
        assert_eq!(Answer::send(app.request(Method::HEAD, "/oauth/token")).await.headers["allow"], "POST");
    });
}

#[test]
fn a_method_that_an_address_does_not_have_is_told_which_ones_it_has() {
    on_sqlite(async |app| {
        let answer = Answer::send(app.request(Method::DELETE, "/oauth/token")).await;
        answer.problem(405, "method_not_allowed");
        assert_eq!(answer.headers["allow"], "POST");
    });
}

#[test]
fn bodies_that_can_not_be_read_are_told_apart() {
    on_sqlite(async |app| {
        let token = app.operator_token().await;
        let post = || app.request(Method::POST, "/v1/instances").bearer_auth(&token);
        Answer::send(post().body("{}")).await.problem(415, "unsupported_media_type");
        Answer::send(post().header("content-type", "application/json").body("{\"name\":")).await.problem(400, "malformed_request");
        let huge = format!("{{\"name\":\"{}\"}}", "x".repeat(2_000_000));
        Answer::send(post().header("content-type", "application/json").body(huge)).await.problem(413, "body_too_large");
        let wrong = Answer::send(post().json(&serde_json::json!({ "name": 7 }))).await.problem(422, "invalid_input");
        assert_eq!(wrong["errors"][0]["pointer"], "/name", "{wrong}");
    });
}

#[test]
fn metrics_count_requests_by_route_and_never_by_address() {
    on_sqlite(async |app| {
        app.get("/activate/a-secret-token").await;
        let operator = app.operator_token().await;
        let text = app.call(&operator, Method::GET, "/metrics", None).await.text;
        assert!(text.contains("msi_actions_http_requests_total{method=\"GET\",route=\"/activate/{token}\""), "{text}");
        assert!(!text.contains("a-secret-token"));
    });
}

#[test]
fn metrics_are_for_operators_with_their_scope() {
    on_sqlite(async |app| {
        app.get("/metrics").await.problem(401, "unauthenticated");
        for (scopes, status) in [("metrics:read", 200), ("instances:manage", 403)] {
            let client = app.client(None, scopes.parse().unwrap()).await;
            let token = app.ask_token(&client, &[]).await.expect(200)["access_token"].as_str().unwrap().to_owned();
            assert_eq!(app.call(&token, Method::GET, "/metrics", None).await.status, status, "{scopes}");
        }
        let of_an_instance = app.instance("111-AAA-111").await.0;
        let client = app.client(Some(of_an_instance.parse().unwrap()), Scopes::of_an_instance()).await;
        let token = app.ask_token(&client, &[]).await.expect(200)["access_token"].as_str().unwrap().to_owned();
        app.call(&token, Method::GET, "/metrics", None).await.problem(403, "forbidden");
    });
}

#[test]
fn metrics_are_served_without_a_token_at_an_address_of_their_own() {
    crate::support::run(async {
        let app = TestApp::start_with(Engine::Sqlite, &[("server.metrics_address", "127.0.0.1:0".to_owned())]).await;
        let address = app.running().metrics_address().unwrap();
        let get = async |path: &str| Answer::send(app.http.get(format!("http://{address}{path}"))).await;
        app.get("/livez").await;
        let scraped = get("/metrics").await;
        assert_eq!(scraped.status, 200);
        assert!(scraped.text.contains("msi_actions_http_requests_total{method=\"GET\",route=\"/livez\""), "{}", scraped.text);
        for path in ["/", "/livez", "/v1/instance", "/docs/"] {
            assert_eq!(get(path).await.status, 404, "{path}");
        }
        app.get("/metrics").await.problem(401, "unauthenticated");
        app.stop().await;
    });
}

#[test]
fn the_document_lists_every_route() {
    on_sqlite(async |app| {
        let document = app.get("/openapi.json").await.expect(200);
        assert_eq!(document["openapi"], "3.1.0");
        let (documented, undocumented): (Vec<_>, Vec<_>) = route_table().rules().iter().partition(|rule| rule.is_documented);
        // The document itself and its page.
        assert_eq!(undocumented.iter().map(|rule| rule.pattern.as_str()).collect::<Vec<_>>(), ["/openapi.json", "/docs/{_:.*}", "/"]);
        for rule in documented {
            let operation = &document["paths"][rule.document_path()][rule.method.to_lowercase()];
            assert!(operation.is_object(), "{} {} is not in the document", rule.method, rule.pattern);
            assert!(operation["operationId"].is_string() && operation["summary"].is_string(), "{} {}", rule.method, rule.pattern);
        }
        let page = app.get("/docs/").await;
        assert_eq!(page.status, 200, "{}", page.text);
        assert!(page.text.contains("swagger-ui"));
    });
}

#[test]
fn the_committed_document_equals_what_the_code_says() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi/msi-actions.v1.json");
    let committed: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap_or_default()).unwrap_or_default();
    assert!(committed == *msi_actions::app::openapi_document(), "openapi/msi-actions.v1.json is out of date; mend it with: make openapi");
}

#[test]
fn the_committed_table_of_permissions_equals_what_the_code_says() {
    let committed = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/permissions.md")).unwrap_or_default();
    assert!(committed == render_permissions_page(), "docs/permissions.md is out of date; mend it with: make openapi");
}

#[test]
fn the_watch_over_the_log_sees_a_secret_and_nothing_else() {
    assert_eq!(leaks_in("request{route=/activate/{token}}: answered").len(), 0);
    assert_eq!(leaks_in("client_secret=sandbox-marketo-secret for ann@example.com").len(), 2);
}
