//! Assertions of a configured issuer, such as the Marketo admin UI (RFC 7523).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::Method;
use serde_json::{Value, json};
use time::Duration;

use crate::support::{Answer, IssuerKeyPair, IssuerServer, MUNCHKIN_ID, TestApp, on_both_engines};

const ISSUER: &str = "https://ui.example.com";

struct AssertionScene {
    app: TestApp,
    server: IssuerServer,
    key: IssuerKeyPair,
    instance: String,
}

impl AssertionScene {
    async fn set(engine: crate::support::Engine) -> Self {
        let server = IssuerServer::start().await;
        let key = IssuerKeyPair::new("first");
        server.publish(&[&key.jwk]);
        let issuers = format!(
            r#"[{{name="marketo-admin", issuer="{ISSUER}", jwks_uri="{}", audience="urn:test", instance_claim="munchkin_id", scopes="instance:read sync:read"}}]"#,
            server.jwks_uri
        );
        let app = TestApp::start_with_toml(engine, &format!("[auth]\ntrusted_issuers = {issuers}\n")).await;
        let instance = app.instance(MUNCHKIN_ID).await.0;
        Self { app, server, key, instance }
    }

    /// Claims that are in order, with `jti` and what is to be different.
    fn claims(&self, jti: &str, changes: Value) -> Value {
        use msi_actions::clock::Clock;
        let now = self.app.clock.now().unix_timestamp();
        let mut claims = json!({
            "iss": ISSUER, "aud": "urn:test", "sub": "admin-7", "jti": jti, "iat": now, "exp": now + 120, "munchkin_id": MUNCHKIN_ID,
        });
        for (name, value) in changes.as_object().unwrap() {
            if value.is_null() {
                claims.as_object_mut().unwrap().remove(name);
            } else {
                claims[name] = value.clone();
            }
        }
        claims
    }

    async fn redeem(&self, assertion: &str) -> Answer {
        let form = [("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"), ("assertion", assertion)];
        Answer::send(self.app.request(Method::POST, "/oauth/token").form(&form)).await
    }
}

#[track_caller]
fn refused(answer: &Answer) {
    assert_eq!(answer.expect(400)["error"], "invalid_grant");
}

on_both_engines! {
    async fn an_assertion_gives_one_token_of_the_instance_it_names(engine: Engine) {
        let scene = AssertionScene::set(engine).await;
        let assertion = scene.key.sign(&scene.claims("one", json!({})));
        let token = scene.redeem(&assertion).await.expect(200);
        assert_eq!(token["scope"], "instance:read sync:read");
        let seen = scene.app.call(token["access_token"].as_str().unwrap(), Method::GET, "/v1/instance", None).await.expect(200);
        assert_eq!(seen["id"], scene.instance.as_str());
        refused(&scene.redeem(&assertion).await);
        refused(&scene.redeem(&scene.key.sign(&scene.claims("one", json!({ "sub": "somebody else" })))).await);
        let by_id = scene.claims("two", json!({ "munchkin_id": scene.instance }));
        scene.redeem(&scene.key.sign(&by_id)).await.expect(200);
        scene.app.stop().await;
    }

    async fn an_assertion_with_wrong_claims_is_refused(engine: Engine) {
        let scene = AssertionScene::set(engine).await;
        use msi_actions::clock::Clock;
        let now = scene.app.clock.now().unix_timestamp();
        for (at, changes) in [
            json!({ "iss": "https://other.example.com" }), json!({ "iss": null }), json!({ "aud": "urn:other" }), json!({ "aud": null }),
            json!({ "sub": null }), json!({ "jti": null }), json!({ "jti": "" }), json!({ "exp": null }), json!({ "iat": null }),
            json!({ "exp": now - 60 }), json!({ "exp": now + 301 }), json!({ "iat": now + 61, "exp": now + 100 }), json!({ "nbf": now + 61 }),
            json!({ "munchkin_id": null }), json!({ "munchkin_id": "999-ZZZ-999" }), json!({ "munchkin_id": 7 }),
        ].into_iter().enumerate() {
            let answer = scene.redeem(&scene.key.sign(&scene.claims(&format!("wrong-{at}"), changes.clone()))).await;
            assert_eq!(answer.status, 400, "{changes}: {}", answer.text);
            refused(&answer);
        }
        scene.app.stop().await;
    }

    async fn no_algorithm_but_the_keys_own_is_taken(engine: Engine) {
        let scene = AssertionScene::set(engine).await;
        let claims = scene.claims("confused", json!({}));
        let body = URL_SAFE_NO_PAD.encode(claims.to_string());
        let head = |alg: &str| URL_SAFE_NO_PAD.encode(json!({ "alg": alg, "kid": "first", "typ": "JWT" }).to_string());
        let good = scene.key.sign(&claims);
        let signature = good.rsplit('.').next().unwrap();
        // The public key as an HMAC secret, in the forms in which it is about.
        let symmetric = |secret: &[u8]| {
            let header = Header { kid: Some("first".into()), ..Header::new(Algorithm::HS256) };
            jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(secret).unwrap()).unwrap()
        };
        for forged in [
            format!("{}.{body}.", head("none")), format!("{}.{body}.{signature}", head("none")), format!("{}.{body}.{signature}", head("RS256")),
            symmetric(scene.key.jwk.to_string().as_bytes()), symmetric(scene.key.jwk["x"].as_str().unwrap().as_bytes()),
            IssuerKeyPair::new("first").sign(&claims), scene.key.sign_as("unknown", &claims), format!("{}.{body}.", good.split('.').next().unwrap()),
            "nonsense".to_owned(), String::from("a.b.c"),
        ] {
            refused(&scene.redeem(&forged).await);
        }
        scene.redeem(&good).await.expect(200);
        scene.app.stop().await;
    }

    async fn an_rsa_key_is_for_rs256_and_nothing_else(engine: Engine) {
        let scene = AssertionScene::set(engine).await;
        let rsa = IssuerKeyPair::rsa("rsa");
        let (mut for_rs512, mut for_encryption) = (rsa.jwk.clone(), rsa.jwk.clone());
        (for_rs512["kid"], for_rs512["alg"]) = ("rs512".into(), "RS512".into());
        (for_encryption["kid"], for_encryption["use"]) = ("enc".into(), "enc".into());
        scene.server.publish(&[&rsa.jwk, &for_rs512, &for_encryption]);
        scene.redeem(&rsa.sign(&scene.claims("good", json!({})))).await.expect(200);
        // The public key, as an HMAC secret in the forms in which it is about; and the signature of another kind of key.
        let secrets = [rsa.jwk["n"].as_str().unwrap().to_owned(), rsa.jwk.to_string()];
        for secret in &secrets {
            let header = Header { kid: Some("rsa".into()), ..Header::new(Algorithm::HS256) };
            let forged = jsonwebtoken::encode(&header, &scene.claims("hmac", json!({})), &EncodingKey::from_secret(secret.as_bytes()).unwrap()).unwrap();
            refused(&scene.redeem(&forged).await);
        }
        refused(&scene.redeem(&scene.key.sign_as("rsa", &scene.claims("ec", json!({})))).await);
        for kid in ["rs512", "enc"] {
            refused(&scene.redeem(&rsa.sign_as(kid, &scene.claims(kid, json!({})))).await);
        }
        scene.app.stop().await;
    }

    async fn a_new_key_of_the_issuer_is_found_and_one_taken_away_is_refused(engine: Engine) {
        let scene = AssertionScene::set(engine).await;
        let second = IssuerKeyPair::new("second");
        scene.redeem(&scene.key.sign(&scene.claims("a", json!({})))).await.expect(200);
        scene.redeem(&scene.key.sign(&scene.claims("b", json!({})))).await.expect(200);
        assert_eq!(scene.server.fetches(), 1, "the keys are kept");
        scene.server.publish(&[&second.jwk]);
        for number in 0..5 {
            refused(&scene.redeem(&second.sign(&scene.claims(&format!("early-{number}"), json!({})))).await);
        }
        assert_eq!(scene.server.fetches(), 1, "an unknown key id asks the issuer every half minute at most");
        scene.app.clock.advance(Duration::seconds(30));
        scene.redeem(&second.sign(&scene.claims("c", json!({})))).await.expect(200);
        assert_eq!(scene.server.fetches(), 2);
        refused(&scene.redeem(&scene.key.sign(&scene.claims("d", json!({})))).await);
        scene.app.stop().await;
    }

    async fn keys_are_not_used_when_they_are_old_and_the_issuer_does_not_answer(engine: Engine) {
        let scene = AssertionScene::set(engine).await;
        scene.redeem(&scene.key.sign(&scene.claims("a", json!({})))).await.expect(200);
        scene.server.fail();
        scene.app.clock.advance(Duration::seconds(299));
        scene.redeem(&scene.key.sign(&scene.claims("b", json!({})))).await.expect(200);
        scene.app.clock.advance(Duration::seconds(1));
        scene.redeem(&scene.key.sign(&scene.claims("c", json!({})))).await.problem(503, "upstream_unavailable");
        scene.app.clock.advance(Duration::seconds(30));
        scene.server.publish(&[&scene.key.jwk]);
        scene.redeem(&scene.key.sign(&scene.claims("d", json!({})))).await.expect(200);
        scene.app.stop().await;
    }
}
