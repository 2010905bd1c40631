//! Auto-login from Salesforce: a Salesforce access token or a Canvas signed request for a member's token.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use msi_actions::auth::{Scope, Scopes, rotate_secret};
use msi_actions::sandbox::SandboxSettings;
use reqwest::Method;
use serde_json::{Value, json};
use time::Duration;

use crate::support::{Answer, FIRST_USER, TestApp, eventually, on_both_engines};

const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const SALESFORCE: &str = "urn:msi-actions:token-type:salesforce-access-token";
const CANVAS: &str = "urn:msi-actions:token-type:salesforce-canvas-signed-request";

type ClientIdAndSecret = (String, String);

/// An instance that is connected, whose first user has activated by Salesforce; a client of it; an admin's token.
struct ExchangeScene {
    app: TestApp,
    admin: String,
    client: ClientIdAndSecret,
}

impl ExchangeScene {
    async fn set(engine: crate::support::Engine) -> Self {
        let app = TestApp::start_guided(engine, 10).await;
        let (id, admin) = app.instance(crate::support::MUNCHKIN_ID).await;
        let page = app.connect_salesforce_as(&admin, FIRST_USER).await;
        assert!(page.status.is_success(), "{}", page.text);
        let invite = app.call(&admin, Method::POST, "/v1/invites/first", Some(json!({ "email": FIRST_USER }))).await.expect(201);
        let path = app.activation_path(&admin, &invite).await;
        let begun = Answer::send(app.request(Method::POST, &path).json(&json!({ "method": "salesforce" }))).await.expect(200);
        let back = app.log_in_at_salesforce(begun["authorization_url"].as_str().unwrap(), FIRST_USER).await;
        assert!(app.come_back(&back).await.status.is_success());
        let client = app.client(Some(id.parse().unwrap()), Scopes::of_an_instance()).await;
        Self { app, admin, client }
    }

    async fn session(&self, username: &str) -> (String, String) {
        let made = self.app.tell_sandbox("salesforce/sessions", json!({ "username": username })).await;
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        (text("access_token"), text("instance_url"))
    }

    async fn signed(&self, wanted: Value) -> String {
        self.app.tell_sandbox("salesforce/signed-requests", wanted).await["signed_request"].as_str().unwrap().to_owned()
    }

    async fn exchange_as(&self, client: &ClientIdAndSecret, pairs: &[(&str, &str)]) -> Answer {
        let mut form = vec![("grant_type", EXCHANGE), ("client_id", &client.0), ("client_secret", &client.1)];
        form.extend_from_slice(pairs);
        Answer::send(self.app.request(Method::POST, "/oauth/token").form(&form)).await
    }

    async fn by_session(&self, username: &str) -> Answer {
        let (token, url) = self.session(username).await;
        self.exchange_as(&self.client, &[("subject_token", &token), ("subject_token_type", SALESFORCE), ("instance_url", &url)]).await
    }

    async fn by_signed_request(&self, signed: &str) -> Answer {
        self.exchange_as(&self.client, &[("subject_token", signed), ("subject_token_type", CANVAS)]).await
    }
}

#[track_caller]
fn refused(answer: &Answer, code: &str) {
    let body = answer.expect(400);
    assert_eq!((&body["error"], &body["code"]), (&"invalid_grant".into(), &code.into()), "{body}");
    assert_eq!(answer.headers["cache-control"], "no-store");
}

on_both_engines! {
    async fn a_salesforce_session_or_signed_request_gets_the_members_token(engine: Engine) {
        let scene = ExchangeScene::set(engine).await;
        let signed = scene.signed(json!({ "username": FIRST_USER })).await;
        for answer in [scene.by_session(FIRST_USER).await, scene.by_signed_request(&signed).await] {
            assert_eq!(answer.headers["cache-control"], "no-store");
            let token = answer.expect(200);
            assert_eq!(token["issued_token_type"], "urn:ietf:params:oauth:token-type:access_token");
            assert_eq!((&token["token_type"], &token["expires_in"]), (&"Bearer".into(), &300.into()));
            let bearer = token["access_token"].as_str().unwrap();
            scene.app.call(bearer, Method::GET, "/v1/instance", None).await.expect(200);
            scene.app.call(bearer, Method::GET, "/v1/instances", None).await.problem(403, "forbidden");
            let form = [("token", bearer), ("client_id", &scene.client.0), ("client_secret", &scene.client.1)];
            let seen = Answer::send(scene.app.request(Method::POST, "/oauth/introspect").form(&form)).await.expect(200);
            let members = scene.app.call(&scene.admin, Method::GET, "/v1/members", None).await.expect(200);
            assert_eq!((&seen["client_id"], &seen["sub"]), (&scene.client.0.as_str().into(), &members["data"][0]["id"]));
        }
        scene.app.stop().await;
    }

    async fn the_token_has_what_the_role_the_client_and_the_request_have_in_common(engine: Engine) {
        let scene = ExchangeScene::set(engine).await;
        let members = scene.app.call(&scene.admin, Method::GET, "/v1/members", None).await.expect(200);
        let instance = scene.app.call(&scene.admin, Method::GET, "/v1/instance", None).await.expect(200);
        assert_eq!(members["data"][0]["role"], "admin");
        let limited = scene.app.client(Some(instance["id"].as_str().unwrap().parse().unwrap()), Scopes([Scope::PeopleRead, Scope::SyncRead].into())).await;
        let (token, url) = scene.session(FIRST_USER).await;
        let subject = [("subject_token", token.as_str()), ("subject_token_type", SALESFORCE), ("instance_url", &url)];
        let with = |scope| [subject.as_slice(), &[("scope", scope)]].concat();
        assert_eq!(scene.exchange_as(&limited, &subject).await.expect(200)["scope"], "sync:read people:read");
        assert_eq!(scene.exchange_as(&limited, &with("people:read members:write")).await.expect(200)["scope"], "people:read");
        assert_eq!(scene.exchange_as(&limited, &with("members:write")).await.expect(400)["error"], "invalid_scope");
        scene.app.sql("UPDATE members SET role = 'user'").await;
        let of_user = scene.exchange_as(&scene.client, &subject).await.expect(200);
        assert_eq!(of_user["scope"], "instance:read connections:own members:read members:own sync:read people:read");
        scene.app.stop().await;
    }

    async fn each_condition_of_auto_login_that_is_not_met_has_its_own_code(engine: Engine) {
        let scene = ExchangeScene::set(engine).await;
        refused(&scene.by_session("sam.sales@example.com").await, "auto_login_not_invited");
        let invite = json!({ "emails": ["sam.sales@example.com"] });
        scene.app.call(&scene.admin, Method::POST, "/v1/invites", Some(invite)).await;
        refused(&scene.by_session("sam.sales@example.com").await, "auto_login_not_activated");
        scene.app.tell_sandbox("salesforce/users", json!({ "username": "other@acme.sfdc", "email": FIRST_USER })).await;
        refused(&scene.by_session("other@acme.sfdc").await, "auto_login_other_user");
        scene.app.call(&scene.admin, Method::PATCH, "/v1/instance", Some(json!({ "login_management": "all_login_methods" }))).await.expect(200);
        refused(&scene.by_session(FIRST_USER).await, "auto_login_switched_off");
        scene.app.call(&scene.admin, Method::PATCH, "/v1/instance", Some(json!({ "login_management": "salesforce_only" }))).await.expect(200);
        scene.by_session(FIRST_USER).await.expect(200);
        scene.app.stop().await;
    }

    async fn a_user_of_another_organization_is_refused(engine: Engine) {
        let scene = ExchangeScene::set(engine).await;
        scene.app.sql("UPDATE salesforce_connections SET organization_id = '00D5g000004XXXXEAQ'").await;
        refused(&scene.by_session(FIRST_USER).await, "auto_login_other_organization");
        scene.app.sql("DELETE FROM salesforce_connections").await;
        refused(&scene.by_session(FIRST_USER).await, "not_connected");
        scene.app.stop().await;
    }

    async fn a_forged_stale_or_differently_signed_request_is_refused(engine: Engine) {
        let scene = ExchangeScene::set(engine).await;
        let good = scene.signed(json!({ "username": FIRST_USER })).await;
        let (signature, envelope) = good.split_once('.').unwrap();
        let other = scene.signed(json!({ "username": "sam.sales@example.com" })).await;
        let forged = [
            scene.signed(json!({ "username": FIRST_USER, "consumer_secret": "another" })).await,
            scene.signed(json!({ "username": FIRST_USER, "consumer_secret": "" })).await,
            scene.signed(json!({ "username": FIRST_USER, "algorithm": "none" })).await,
            scene.signed(json!({ "username": FIRST_USER, "algorithm": "HMACSHA1" })).await,
            scene.signed(json!({ "username": "sam.sales@example.com", "user_id": "0055g000001AAAAAA1" })).await,
            format!("{signature}.{}", other.split_once('.').unwrap().1),
            format!(".{envelope}"),
            envelope.to_owned(),
            "nonsense".to_owned(),
        ];
        for signed in &forged {
            refused(&scene.by_signed_request(signed).await, "subject_token_invalid");
        }
        scene.app.clock.advance(Duration::seconds(601));
        refused(&scene.by_signed_request(&good).await, "subject_token_invalid");
        let fresh = scene.signed(json!({ "username": FIRST_USER })).await;
        scene.by_signed_request(&fresh).await.expect(200);
        scene.app.stop().await;
    }

    async fn a_token_goes_only_to_salesforce_and_a_dead_one_proves_nothing(engine: Engine) {
        let scene = ExchangeScene::set(engine).await;
        let (token, url) = scene.session(FIRST_USER).await;
        for elsewhere in ["https://example.com", "http://127.0.0.1:1", "nonsense"] {
            let pairs = [("subject_token", token.as_str()), ("subject_token_type", SALESFORCE), ("instance_url", elsewhere)];
            refused(&scene.exchange_as(&scene.client, &pairs).await, "subject_token_invalid");
        }
        let dead = [("subject_token", "00D!dead"), ("subject_token_type", SALESFORCE), ("instance_url", url.as_str())];
        refused(&scene.exchange_as(&scene.client, &dead).await, "subject_token_invalid");
        scene.app.stop().await;
    }

    async fn what_an_organization_has_programmed_itself_is_never_asked_for_a_user(engine: Engine) {
        let scene = ExchangeScene::set(engine).await;
        // An Apex class of the caller's that answers like userinfo, and calls everybody the instance's admin.
        let connection = scene.app.call(&scene.admin, Method::GET, "/v1/connections/salesforce", None).await.expect(200);
        let forged = json!({ "user_id": "0055g000001AAAAAA1", "organization_id": connection["organization_id"], "active": true,
            "preferred_username": FIRST_USER, "email": FIRST_USER });
        scene.app.fault(json!({ "target": "salesforce", "path_contains": "/services/apexrest/x", "kind": "http_status", "status": 200,
            "body": forged, "times": 1000 }))
            .await;
        let (_, url) = scene.session("sam.sales@example.com").await;
        let host = url.strip_prefix("http://").unwrap();
        for address in [
            format!("{url}/services/apexrest/x"),
            format!("{url}/services/apexrest/x/"),
            format!("{url}/services/apexrest/x?"),
            format!("{url}/services/apexrest/x#"),
            format!("{url}/services/apexrest/x?y="),
            format!("{url}/./services/apexrest/x"),
            format!("{url}/%2e/services/apexrest/x"),
            format!("{url}\\services\\apexrest\\x"),
            format!("{url}/services%2fapexrest%2fx/../services/apexrest/x"),
            format!("http://x@{host}/services/apexrest/x"),
            format!("http://x:y@{host}/services/apexrest/x"),
            format!("http://{host}//services/apexrest/x"),
            format!("{url}?x=/services/apexrest/x"),
            format!("{url}#/services/apexrest/x"),
            format!("http://x@{host}"),
        ] {
            let pairs = [("subject_token", "00D!forged"), ("subject_token_type", SALESFORCE), ("instance_url", &address)];
            refused(&scene.exchange_as(&scene.client, &pairs).await, "subject_token_invalid");
            // A signed request that names such an address, though it is signed as it should be.
            let good = scene.signed(json!({ "username": "sam.sales@example.com" })).await;
            let mut envelope: Value = serde_json::from_slice(&STANDARD.decode(good.split_once('.').unwrap().1).unwrap()).unwrap();
            envelope["client"]["instanceUrl"] = address.as_str().into();
            envelope["userId"] = forged["user_id"].clone();
            let envelope = STANDARD.encode(envelope.to_string());
            let mut mac = Hmac::<sha2::Sha256>::new_from_slice(SandboxSettings::default().salesforce_client_secret.as_bytes()).unwrap();
            mac.update(envelope.as_bytes());
            let signed = format!("{}.{envelope}", STANDARD.encode(mac.finalize().into_bytes()));
            refused(&scene.by_signed_request(&signed).await, "subject_token_invalid");
        }
        scene.by_session(FIRST_USER).await.expect(200);
        scene.app.stop().await;
    }

    async fn a_members_token_ends_with_the_secret_of_the_client_it_was_issued_to(engine: Engine) {
        let scene = ExchangeScene::set(engine).await;
        let token = scene.by_session(FIRST_USER).await.expect(200)["access_token"].as_str().unwrap().to_owned();
        scene.app.call(&token, Method::GET, "/v1/members/me", None).await.expect(200);
        let mut tx = scene.app.db().begin().await.unwrap();
        rotate_secret(&mut tx, &*scene.app.clock, &scene.client.0, Duration::ZERO).await.unwrap().unwrap();
        tx.commit().await.unwrap();
        eventually("the token is refused", async || scene.app.call(&token, Method::GET, "/v1/members/me", None).await.status == 401).await;
        scene.app.stop().await;
    }

    async fn an_exchange_that_lacks_something_says_what(engine: Engine) {
        let scene = ExchangeScene::set(engine).await;
        let (token, url) = scene.session(FIRST_USER).await;
        let subject = [("subject_token", token.as_str()), ("subject_token_type", SALESFORCE), ("instance_url", &url)];
        for (pairs, error) in [
            (vec![subject[0], subject[1]], "invalid_request"),
            (vec![subject[0]], "invalid_request"),
            (vec![subject[1]], "invalid_request"),
            ([&subject[..], &[("actor_token", "x")]].concat(), "invalid_request"),
            ([&subject[..], &[("requested_token_type", "urn:ietf:params:oauth:token-type:refresh_token")]].concat(), "invalid_request"),
            ([&subject[..], &[("resource", "urn:msi-actions:instance:0190b0a0-0000-7000-8000-000000000000")]].concat(), "invalid_target"),
        ] {
            assert_eq!(scene.exchange_as(&scene.client, &pairs).await.expect(400)["error"], error, "{pairs:?}");
        }
        let unknown_client = ("msi_nobody".to_owned(), "x".to_owned());
        assert_eq!(scene.exchange_as(&unknown_client, &subject).await.expect(401)["error"], "invalid_client");
        scene.app.stop().await;
    }
}
