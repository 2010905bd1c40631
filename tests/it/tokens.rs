//! Tokens after they were issued: revoked, asked about, refused.

use msi_actions::auth::{Scope, Scopes, revoke_client};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, TestApp, eventually, on_both_engines};

type ClientIdAndSecret = (String, String);

async fn token_of(app: &TestApp, client: &ClientIdAndSecret) -> String {
    app.ask_token(client, &[]).await.expect(200)["access_token"].as_str().unwrap().to_owned()
}

async fn post(app: &TestApp, path: &str, client: &ClientIdAndSecret, token: &str) -> Answer {
    let form = [("token", token), ("client_id", &client.0), ("client_secret", &client.1)];
    Answer::send(app.request(Method::POST, path).form(&form)).await
}

async fn introspect(app: &TestApp, client: &ClientIdAndSecret, token: &str) -> Value {
    post(app, "/oauth/introspect", client, token).await.expect(200)
}

on_both_engines! {
    async fn a_revoked_token_is_refused_at_once_and_elsewhere_within_seconds(engine: Engine) {
        let app = TestApp::start(engine).await;
        let replica = app.replica().await;
        let client = app.client(None, Scopes::of_an_operator()).await;
        let (token, other) = (token_of(&app, &client).await, token_of(&app, &client).await);
        replica.get(&token, "/v1/instances").await.expect(200);
        assert_eq!(post(&app, "/oauth/revoke", &client, &token).await.expect(200), Value::Null);
        app.call(&token, Method::GET, "/v1/instances", None).await.problem(401, "invalid_token");
        eventually("the other process refuses the token", async || replica.get(&token, "/v1/instances").await.status == 401).await;
        replica.get(&token, "/v1/instances").await.problem(401, "invalid_token");
        replica.get(&other, "/v1/instances").await.expect(200);
        let restarted = app.replica().await;
        restarted.get(&token, "/v1/instances").await.problem(401, "invalid_token");
        restarted.stop().await;
        replica.stop().await;
        app.stop().await;
    }

    async fn a_client_revokes_its_own_tokens_only(engine: Engine) {
        let app = TestApp::start(engine).await;
        let (owner, other) = (app.client(None, Scopes::of_an_operator()).await, app.client(None, Scopes::of_an_operator()).await);
        let token = token_of(&app, &owner).await;
        assert_eq!(post(&app, "/oauth/revoke", &other, &token).await.expect(400)["error"], "invalid_grant");
        app.call(&token, Method::GET, "/v1/instances", None).await.expect(200);
        let impostor = (owner.0.clone(), other.1.clone());
        assert_eq!(post(&app, "/oauth/revoke", &impostor, &token).await.expect(401)["error"], "invalid_client");
        app.call(&token, Method::GET, "/v1/instances", None).await.expect(200);
        // RFC 7009, section 2.2: what is not valid counts as revoked.
        for unknown in ["nonsense", &format!("{token}x")] {
            post(&app, "/oauth/revoke", &owner, unknown).await.expect(200);
        }
        let bare = app.request(Method::POST, "/oauth/revoke").basic_auth(&owner.0, Some(&owner.1)).form(&[("x", "y")]);
        assert_eq!(Answer::send(bare).await.expect(400)["error"], "invalid_request");
        app.stop().await;
    }

    async fn the_tokens_of_a_revoked_client_are_refused(engine: Engine) {
        let app = TestApp::start(engine).await;
        let (client, other) = (app.client(None, Scopes::of_an_operator()).await, app.client(None, Scopes::of_an_operator()).await);
        let (token, kept) = (token_of(&app, &client).await, token_of(&app, &other).await);
        app.call(&token, Method::GET, "/v1/instances", None).await.expect(200);
        let mut tx = app.db().begin().await.unwrap();
        assert!(revoke_client(&mut tx, &*app.clock, &client.0).await.unwrap());
        tx.commit().await.unwrap();
        eventually("the token is refused", async || app.call(&token, Method::GET, "/v1/instances", None).await.status == 401).await;
        assert_eq!(introspect(&app, &other, &token).await, json!({"active": false}));
        app.call(&kept, Method::GET, "/v1/instances", None).await.expect(200);
        app.stop().await;
    }

    async fn introspection_shows_a_client_its_own_tokens_and_an_operator_all(engine: Engine) {
        let app = TestApp::start(engine).await;
        let (instance, _) = app.instance("111-AAA-111").await;
        let instance = instance.parse().unwrap();
        let own = app.client(Some(instance), Scopes([Scope::PeopleRead].into())).await;
        let neighbor = app.client(Some(instance), Scopes::of_an_instance()).await;
        let operator = app.client(None, Scopes::of_an_operator()).await;
        let reader = app.client(None, Scopes([Scope::PeopleRead].into())).await;
        let token = token_of(&app, &own).await;
        let seen = introspect(&app, &own, &token).await;
        assert_eq!((&seen["active"], &seen["client_id"], &seen["scope"]), (&true.into(), &own.0.as_str().into(), &"people:read".into()));
        assert_eq!((&seen["token_type"], &seen["instance"]), (&"Bearer".into(), &instance.to_string().into()));
        for member in ["exp", "iat", "sub", "aud", "iss", "jti"] {
            assert!(!seen[member].is_null(), "{member}: {seen}");
        }
        assert_eq!(introspect(&app, &operator, &token).await, seen);
        for other_client in [&neighbor, &reader] {
            assert_eq!(introspect(&app, other_client, &token).await, json!({"active": false}));
        }
        assert_eq!(introspect(&app, &own, "nonsense").await, json!({"active": false}));
        app.clock.advance(time::Duration::seconds(901));
        assert_eq!(introspect(&app, &own, &token).await, json!({"active": false}), "it has run out");
        let unproven = (own.0.clone(), "wrong".to_owned());
        assert_eq!(post(&app, "/oauth/introspect", &unproven, &token).await.expect(401)["error"], "invalid_client");
        app.stop().await;
    }

    async fn the_metadata_names_every_endpoint_and_each_answers(engine: Engine) {
        let app = TestApp::start(engine).await;
        let metadata = app.get("/.well-known/oauth-authorization-server").await.expect(200);
        for endpoint in ["token_endpoint", "revocation_endpoint", "introspection_endpoint"] {
            let address = metadata[endpoint].as_str().unwrap();
            let answer = Answer::send(app.http.post(address).form(&[("token", "x")])).await;
            assert_eq!(answer.expect(401)["error"], "invalid_client", "{endpoint}");
            let methods = metadata[format!("{endpoint}_auth_methods_supported")].clone();
            assert_eq!(methods, json!(["client_secret_basic", "client_secret_post"]), "{endpoint}");
        }
        app.stop().await;
    }
}
