//! What holds for every answer and every path: headers for browsers and caches, paths with one meaning, and bounded echoes.

use msi_actions::auth::Scopes;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Engine, FIRST_USER, TestApp};

fn on_sqlite(overrides: &[(&'static str, String)], test: impl AsyncFnOnce(&TestApp)) {
    crate::support::run(async {
        let app = TestApp::start_with(Engine::Sqlite, overrides).await;
        test(&app).await;
        app.stop().await;
    });
}

fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    answer.headers.get(name).map(|value| value.to_str().unwrap())
}

/// One answer of each kind: of a program's route, for anybody, a problem, a page, a redirect, the document's page and its files.
async fn answers(app: &TestApp) -> Vec<(&'static str, Answer)> {
    let (_, token) = app.instance("111-AAA-111").await;
    let mut answers = vec![("instance", app.call(&token, Method::GET, "/v1/instance", None).await)];
    for path in
        ["/", "/livez", "/readyz", "/v1/nothing", "/v1/instance", "/docs/", "/docs/swagger-ui-bundle.js", "/docs/nothing", "/openapi.json"]
    {
        answers.push((path, app.get(path).await));
    }
    answers.push(("/activate/x", Answer::send(app.request(Method::GET, "/activate/x").header("accept", "text/html")).await));
    answers.push(("/scim/v2/Users", app.get("/scim/v2/Users").await));
    answers
}

#[test]
fn no_browser_guesses_a_type_frames_an_answer_or_tells_its_address() {
    on_sqlite(&[], async |app| {
        for (what, answer) in answers(app).await {
            assert_eq!(header(&answer, "x-content-type-options"), Some("nosniff"), "{what}");
            assert_eq!(header(&answer, "strict-transport-security"), None, "{what} is served without TLS");
            let is_json = header(&answer, "content-type").is_some_and(|media| media.contains("json"));
            if is_json {
                continue;
            }
            let policy = header(&answer, "content-security-policy").unwrap_or_else(|| panic!("{what} has no policy"));
            for part in ["default-src 'none'", "form-action ", "frame-ancestors 'none'", "base-uri 'none'"] {
                assert!(policy.contains(part), "{what}: {policy}");
            }
            assert_eq!(header(&answer, "referrer-policy"), Some("same-origin"), "{what}");
        }
    });
}

#[test]
fn only_what_is_the_same_for_everybody_may_be_stored() {
    on_sqlite(&[], async |app| {
        for (what, answer) in answers(app).await {
            let expected = match what {
                "/docs/" | "/docs/swagger-ui-bundle.js" | "/openapi.json" => None,
                _ => Some("no-store"),
            };
            assert_eq!(header(&answer, "cache-control"), expected, "{what}");
        }
    });
}

#[test]
fn over_tls_browsers_are_bound_to_it() {
    let tls = [("server.public_url", "https://actions.example.com".to_owned())];
    crate::support::run(async {
        let app = TestApp::start_with(Engine::Sqlite, &tls).await;
        for path in ["/livez", "/docs/", "/v1/nothing", "/v1/instance"] {
            let answer = Answer::send(app.http.get(format!("http://{}{path}", app.running().address()))).await;
            assert_eq!(header(&answer, "strict-transport-security"), Some("max-age=31536000"), "{path}");
        }
        app.stop().await;
    });
}

#[test]
fn a_page_whose_form_leads_to_salesforce_lets_it_and_no_other_does() {
    crate::support::run(async {
        let app = TestApp::start_guided(Engine::Sqlite, 20).await;
        let admin = app.guided_instance().await;
        app.call(&admin, Method::POST, "/v1/invites/first", Some(json!({ "email": FIRST_USER }))).await.expect(201);
        let path = app.link_to(FIRST_USER, "/activate/").await;
        let policy = async |path: &str| {
            let answer = Answer::send(app.request(Method::GET, path).header("accept", "text/html")).await;
            header(&answer, "content-security-policy").unwrap().to_owned()
        };
        let of_form = policy(&path).await;
        assert!(of_form.contains("form-action 'self' https:") && of_form.contains("frame-ancestors 'none'"), "{of_form}");
        assert!(policy("/activate/unknown").await.contains("form-action 'none'"));
        app.stop().await;
    });
}

#[test]
fn a_path_that_encodes_what_needs_no_encoding_is_refused() {
    on_sqlite(&[], async |app| {
        let (_, token) = app.instance("111-AAA-111").await;
        let token = format!("Authorization: Bearer {token}");
        for (path, named) in [
            ("/v1/members/%6de", "%6d"),
            ("/v1/members/%6De", "%6D"),
            ("/%761/instance", "%76"),
            ("/v1%2finstance%2e", "%2e"),
            ("/v1/instance/%7e", "%7e"),
            ("/v1/%2d", "%2d"),
            ("/v1/people/%31", "%31"),
            ("/v1/%73alesforce/services/data", "%73"),
            ("/%2E%2E/v1/instance", "%2E"),
            ("/activate/%5f", "%5f"),
            ("/docs/%69ndex.html", "%69"),
            ("/v1/instance%", "percent sign"),
            ("/v1/%zz", "percent sign"),
        ] {
            let problem = app.send_raw("GET", path, &[&token], b"").await.problem(400, "malformed_request");
            assert!(problem["detail"].as_str().unwrap().contains(named), "{path}: {problem}");
        }
        let scim = app.send_raw("GET", "/scim/v2/%55sers", &[&token], b"").await;
        assert_eq!(scim.expect(400)["scimType"], "invalidSyntax");
        // What needs it may be encoded, and so may anything outside of the path.
        app.send_raw("GET", "/v1/members/a%20b%2Fc%C3%A9%3A", &[&token], b"").await.problem(404, "not_found");
        assert_eq!(app.send_raw("GET", "/v1/members?%6cimit=%31", &[&token], b"").await.status, 200);
    });
}

/// A text of a megabyte, nearly: as much as a body may hold.
fn huge() -> String {
    "x".repeat(900_000)
}

/// Checks that an answer repeats little of what was sent, and gives it.
#[track_caller]
fn short(answer: &Answer, status: u16) -> Value {
    assert_eq!(answer.status, status, "{}", &answer.text[..answer.text.len().min(2000)]);
    assert!(answer.text.len() < 4000, "{} bytes came back", answer.text.len());
    assert!(!answer.text.contains(&"x".repeat(1000)));
    answer.json()
}

#[test]
fn little_is_repeated_of_what_nobody_understands() {
    on_sqlite(&[], async |app| {
        let post = |path: &str, body: Value| Answer::send(app.request(Method::POST, path).json(&body));
        let member = post("/v1/sessions", json!({ huge(): 1 })).await;
        let refusal = short(&member, 422);
        assert!(refusal["errors"][0]["detail"].as_str().unwrap().contains("expected"), "what would be accepted stays: {refusal}");
        let variant = post("/activate/x", json!({ "method": huge() })).await;
        short(&variant, 422);
        let client = app.client(None, Scopes::of_an_operator()).await;
        let form = [("grant_type", huge()), ("client_id", client.0), ("client_secret", client.1)];
        let refused = Answer::send(app.request(Method::POST, "/oauth/token").form(&form)).await;
        assert!(short(&refused, 400)["error_description"].as_str().unwrap().contains("grant_types_supported"));
        let (_, token) = app.instance("111-AAA-111").await;
        let long = "x".repeat(30_000);
        let query = app.call(&token, Method::GET, &format!("/v1/people?{long}=1"), None).await;
        short(&query, 422);
        let path = app.call(&token, Method::GET, &format!("/v1/people/{long}"), None).await;
        assert!(path.status.is_client_error());
        short(&path, path.status.as_u16());
        let scim = app.call(&token, Method::POST, "/scim/v2/Users", Some(json!({ huge(): 1 }))).await;
        assert!(scim.status.is_client_error() && scim.text.len() < 4000);
        let controlled = post("/v1/sessions", json!({ "a\u{1b}[31m\r\n\u{202e}b": 1 })).await;
        let detail = short(&controlled, 422)["errors"][0]["detail"].as_str().unwrap().to_owned();
        assert!(!detail.chars().any(|one| one.is_control() || one == '\u{202e}'), "{detail:?}");
    });
}
