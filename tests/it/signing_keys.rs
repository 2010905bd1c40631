//! Keys that sign access tokens, and how one takes over from another.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use msi_actions::auth::{AuthError, SigningKeyRotation, rotate_signing_key};
use reqwest::Method;
use serde_json::Value;
use time::Duration;

use crate::support::{TestApp, eventually, on_both_engines};

fn kid_of(token: &str) -> String {
    let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap()).unwrap();
    header["kid"].as_str().unwrap().to_owned()
}

async fn published(app: &TestApp) -> Vec<String> {
    let jwks = app.get("/.well-known/jwks.json").await.expect(200);
    jwks["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

/// Rotates like the command line does, in a process of its own.
async fn rotate(app: &TestApp) -> Result<SigningKeyRotation, AuthError> {
    let context = app.context().await;
    rotate_signing_key(&context.db, &context.vault, &*context.clock).await
}

on_both_engines! {
    async fn a_signing_key_is_published_before_and_after_it_signs(engine: Engine) {
        let app = TestApp::start(engine).await;
        let replica = app.replica().await;
        let old = kid_of(&app.operator_token().await);
        let rotation = rotate(&app).await.unwrap();
        eventually("the new key is published", async || published(&app).await.len() == 2).await;
        assert_eq!(published(&app).await, [old.clone(), rotation.kid.clone()]);
        assert_eq!(kid_of(&app.operator_token().await), old, "nobody else knows the new key yet");
        assert!(matches!(rotate(&app).await, Err(AuthError::RotationUnderWay)));

        // Whoever keeps the JWK set has fetched it again by now.
        let max_age = app.get("/.well-known/jwks.json").await.headers["cache-control"].to_str().unwrap().to_owned();
        assert_eq!(max_age, "public, max-age=300");
        app.clock.advance(Duration::seconds(359));
        let last = app.operator_token().await;
        assert_eq!(kid_of(&last), old);
        app.clock.advance(Duration::seconds(1));
        let first = app.operator_token().await;
        assert_eq!(kid_of(&first), rotation.kid);
        for token in [&last, &first] {
            app.call(token, Method::GET, "/v1/instances", None).await.expect(200);
            replica.get(token, "/v1/instances").await.expect(200);
        }

        app.clock.advance(Duration::seconds(898));
        app.call(&last, Method::GET, "/v1/instances", None).await.expect(200);
        app.clock.advance(Duration::seconds(122));
        eventually("the old key is published no longer", async || published(&app).await == [rotation.kid.clone()]).await;
        app.call(&app.operator_token().await, Method::GET, "/v1/instances", None).await.expect(200);
        replica.stop().await;
        app.stop().await;
    }
}
