//! Clients and tokens.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use msi_actions::auth::{Scope, Scopes};
use reqwest::Method;
use serde_json::Value;
use time::Duration;

use crate::support::{Answer, Engine, TestApp, on_both_engines};

fn claims(token: &str) -> (Value, Value) {
    let part = |at: usize| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(at).unwrap()).unwrap()).unwrap();
    (part(0), part(1))
}

on_both_engines! {
    async fn a_client_gets_a_token_by_either_way_of_authenticating(engine: Engine) {
        let app = TestApp::start(engine).await;
        let client = app.client(None, Scopes::of_an_operator()).await;
        let posted = app.ask_token(&client, &[("scope", "instance:read people:read")]).await;
        assert_eq!(posted.headers["cache-control"], "no-store");
        let posted = posted.expect(200);
        assert_eq!((&posted["token_type"], &posted["scope"]), (&"Bearer".into(), &"instance:read people:read".into()));
        let basic = app.request(Method::POST, "/oauth/token").basic_auth(&client.0, Some(&client.1)).form(&[("grant_type", "client_credentials")]);
        let basic = Answer::send(basic).await.expect(200);

        let (header, body) = claims(basic["access_token"].as_str().unwrap());
        assert_eq!((&header["typ"], &header["alg"]), (&"at+jwt".into(), &"ES256".into()));
        for claim in ["iss", "aud", "sub", "client_id", "iat", "exp", "jti", "scope"] {
            assert!(!body[claim].is_null(), "RFC 9068 wants {claim}: {body}");
        }
        let jwks = app.get("/.well-known/jwks.json").await.expect(200);
        assert_eq!(jwks["keys"][0]["kid"], header["kid"]);
        let metadata = app.get("/.well-known/oauth-authorization-server").await.expect(200);
        assert_eq!(metadata["issuer"], body["iss"]);
        app.stop().await;
    }

    async fn a_client_that_does_not_prove_itself_gets_no_token_and_no_hint(engine: Engine) {
        let app = TestApp::start(engine).await;
        let client = app.client(None, Scopes::of_an_operator()).await;
        let wrong_secret = app.ask_token(&(client.0.clone(), "wrong".into()), &[]).await;
        let unknown = app.ask_token(&("msi_unknown".into(), client.1.clone()), &[]).await;
        assert_eq!(wrong_secret.expect(401), unknown.expect(401));
        assert_eq!(unknown.json()["error"], "invalid_client");
        app.stop().await;
    }

    async fn a_token_ends_with_its_lifetime(engine: Engine) {
        let app = TestApp::start(engine).await;
        let token = app.operator_token().await;
        app.call(&token, Method::GET, "/v1/instances", None).await.expect(200);
        app.clock.advance(Duration::seconds(901));
        let answer = app.call(&token, Method::GET, "/v1/instances", None).await;
        answer.problem(401, "invalid_token");
        assert!(answer.headers["www-authenticate"].to_str().unwrap().contains("invalid_token"));
        app.stop().await;
    }

    async fn a_token_does_only_what_its_scopes_say(engine: Engine) {
        let app = TestApp::start(engine).await;
        app.get("/v1/instances").await.problem(401, "unauthenticated");
        let client = app.client(None, Scopes([Scope::PeopleRead].into())).await;
        let token = app.ask_token(&client, &[]).await.expect(200)["access_token"].as_str().unwrap().to_owned();
        app.call(&token, Method::GET, "/v1/instances", None).await.problem(403, "forbidden");
        app.call(&token, Method::GET, "/v1/people", None).await.problem(403, "instance_required");
        assert_eq!(app.ask_token(&client, &[("scope", "instances:manage")]).await.expect(400)["error"], "invalid_scope");
        assert_eq!(app.ask_token(&client, &[("scope", "nonsense")]).await.expect(400)["error"], "invalid_scope");
        app.stop().await;
    }

    async fn a_request_with_two_proofs_of_who_it_is_is_refused(engine: Engine) {
        let app = TestApp::start(engine).await;
        let (client, other) = (app.client(None, Scopes::of_an_operator()).await, app.client(None, Scopes::of_an_operator()).await);
        let token = app.ask_token(&client, &[]).await.expect(200)["access_token"].as_str().unwrap().to_owned();
        for second in [format!("Bearer {token}"), "Bearer nonsense".to_owned(), "Basic eDp5".to_owned(), String::new()] {
            for turned in [false, true] {
                let bearer = format!("Bearer {token}");
                let (one, two) = if turned { (&second, &bearer) } else { (&bearer, &second) };
                let request = app.request(Method::GET, "/v1/instances").header("authorization", one).header("authorization", two);
                Answer::send(request).await.problem(400, "malformed_request");
            }
        }
        for elsewhere in [format!("access_token={token}"), "access_token=".to_owned(), "limit=1&%61ccess%5Ftoken=x".to_owned()] {
            app.call(&token, Method::GET, &format!("/v1/instances?{elsewhere}"), None).await.problem(400, "malformed_request");
        }
        let basic = |client: &(String, String)| format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{}:{}", client.0, client.1)));
        let ask = |more: Option<&(String, String)>, form: &[(&str, &str)]| {
            let request = app.request(Method::POST, "/oauth/token").header("authorization", basic(&client)).form(form);
            Answer::send(more.map(&basic).into_iter().fold(request, |request, value| request.header("authorization", value)))
        };
        let grant = ("grant_type", "client_credentials");
        ask(None, &[grant]).await.expect(200);
        ask(None, &[grant, ("client_id", &client.0)]).await.expect(200);
        for twice in [ask(Some(&client), &[grant]).await, ask(Some(&other), &[grant]).await, ask(None, &[grant, ("client_id", &other.0)]).await] {
            assert_eq!(twice.expect(400)["error"], "invalid_request");
        }
        app.stop().await;
    }

    async fn an_operator_can_narrow_a_token_to_an_instance_that_exists(engine: Engine) {
        let app = TestApp::start(engine).await;
        let client = app.client(None, Scopes::of_an_operator()).await;
        for wrong in ["https://example.com", "urn:msi-actions:instance:0190b0a0-0000-7000-8000-000000000000"] {
            assert_eq!(app.ask_token(&client, &[("resource", wrong)]).await.expect(400)["error"], "invalid_target", "{wrong}");
        }
        let (id, token) = app.instance("111-AAA-111").await;
        assert_eq!(claims(&token).1["instance"], id.as_str());
        app.stop().await;
    }
}

#[test]
fn a_tampered_token_is_refused() {
    crate::support::run(async {
        let app = TestApp::start(Engine::Sqlite).await;
        let token = app.operator_token().await;
        // From now on it is remembered; what resembles it must not pass for it.
        app.call(&token, Method::GET, "/v1/instances", None).await.expect(200);
        let (head, rest) = token.split_once('.').unwrap();
        let (body, signature) = rest.split_once('.').unwrap();
        let none = URL_SAFE_NO_PAD.encode(br#"{"alg":"none","typ":"at+jwt"}"#);
        let symmetric = URL_SAFE_NO_PAD.encode(br#"{"alg":"HS256","typ":"at+jwt"}"#);
        let flipped: String = signature.chars().rev().collect();
        let mut claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(body).unwrap()).unwrap();
        claims["client_id"] = "somebody-else".into();
        let others = URL_SAFE_NO_PAD.encode(claims.to_string());
        for forged in [
            format!("{none}.{body}."),
            format!("{symmetric}.{body}.{signature}"),
            format!("{head}.{body}.{flipped}"),
            format!("{head}.{others}.{signature}"),
            format!("{head}.{body}.{signature}x"),
            "x".into(),
        ] {
            app.call(&forged, Method::GET, "/v1/instances", None).await.problem(401, "invalid_token");
        }
    });
}
