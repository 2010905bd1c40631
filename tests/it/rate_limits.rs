//! How often one caller may ask for tokens, try links and log in.

use msi_actions::auth::Scopes;
use msi_actions::config::RateLimitSettings;
use msi_actions::sandbox::SandboxSettings;
use reqwest::{Method, RequestBuilder};
use serde_json::json;
use time::Duration;

use crate::support::person::{PASSWORD, member, open_to_members};
use crate::support::{Answer, Engine, FIRST_USER, TestApp, on_both_engines};

/// The service behind a proxy, with limits of the test's own.
async fn limited(engine: Engine, change: impl FnOnce(&mut RateLimitSettings)) -> TestApp {
    TestApp::start_guided_changed(engine, SandboxSettings { people: 5, ..SandboxSettings::default() }, |settings| {
        settings.server.proxies = 1;
        change(&mut settings.rate_limits);
    })
    .await
}

fn from(app: &TestApp, address: &str, method: Method, path: &str) -> RequestBuilder {
    app.request(method, path).header("x-forwarded-for", address)
}

async fn ask_token(app: &TestApp, address: &str, client: &(String, String)) -> Answer {
    let form = [("grant_type", "client_credentials"), ("client_id", &client.0), ("client_secret", &client.1)];
    Answer::send(from(app, address, Method::POST, "/oauth/token").form(&form)).await
}

#[track_caller]
fn refused_by_oauth(answer: &Answer) -> u64 {
    assert_eq!(answer.expect(429)["error"], "temporarily_unavailable");
    assert_eq!(answer.headers["cache-control"], "no-store");
    answer.headers["retry-after"].to_str().unwrap().parse().unwrap()
}

on_both_engines! {
    async fn tokens_are_limited_by_the_address_that_asks(engine: Engine) {
        let app = limited(engine, |limits| limits.tokens_per_minute_by_address = 6).await;
        let client = app.client(None, Scopes::of_an_operator()).await;
        for _ in 0..6 {
            ask_token(&app, "203.0.113.1", &client).await.expect(200);
        }
        assert_eq!(refused_by_oauth(&ask_token(&app, "203.0.113.1", &client).await), 10);
        // What a caller says of itself to the left of our proxy's word changes nothing.
        refused_by_oauth(&ask_token(&app, "198.51.100.9, 203.0.113.1", &client).await);
        ask_token(&app, "203.0.113.2", &client).await.expect(200);
        app.clock.advance(Duration::seconds(10));
        ask_token(&app, "203.0.113.1", &client).await.expect(200);
        refused_by_oauth(&ask_token(&app, "203.0.113.1", &client).await);
        // An assertion is a request for a token like any other.
        let form = [("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"), ("assertion", "x")];
        refused_by_oauth(&Answer::send(from(&app, "203.0.113.1", Method::POST, "/oauth/token").form(&form)).await);
        app.stop().await;
    }

    async fn tokens_and_exchanges_are_limited_by_the_client_that_has_proven_itself(engine: Engine) {
        let app = limited(engine, |limits| limits.tokens_per_minute_by_client = 4).await;
        let (client, other) = (app.client(None, Scopes::of_an_operator()).await, app.client(None, Scopes::of_an_operator()).await);
        let wrong = (client.0.clone(), "wrong".to_owned());
        for number in 0..20 {
            ask_token(&app, &format!("203.0.113.{number}"), &wrong).await.expect(401);
        }
        for number in 0..4 {
            ask_token(&app, &format!("203.0.113.{number}"), &client).await.expect(200);
        }
        assert_eq!(refused_by_oauth(&ask_token(&app, "203.0.113.99", &client).await), 15);
        let exchange = [("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"), ("client_id", &client.0), ("client_secret", &client.1)];
        refused_by_oauth(&Answer::send(from(&app, "203.0.113.98", Method::POST, "/oauth/token").form(&exchange)).await);
        ask_token(&app, "203.0.113.99", &other).await.expect(200);
        app.clock.advance(Duration::seconds(15));
        ask_token(&app, "203.0.113.99", &client).await.expect(200);
        app.stop().await;
    }

    async fn wrong_secrets_are_limited_by_address_and_right_ones_are_not(engine: Engine) {
        let app = limited(engine, |limits| limits.wrong_secrets_per_minute_by_address = 6).await;
        let client = app.client(None, Scopes::of_an_operator()).await;
        let post = async |path: &str, secret: &str| {
            let form = [("grant_type", "client_credentials"), ("token", "x"), ("client_id", &client.0), ("client_secret", secret)];
            Answer::send(from(&app, "203.0.113.1", Method::POST, path).form(&form)).await
        };
        let paths = ["/oauth/token", "/oauth/revoke", "/oauth/introspect"];
        for path in paths.iter().chain(&paths) {
            post(path, "wrong").await.expect(401);
        }
        for path in paths {
            assert_eq!(refused_by_oauth(&post(path, "wrong").await), 10);
            post(path, &client.1).await.expect(200);
        }
        app.stop().await;
    }

    async fn guesses_of_links_are_limited_by_address_and_by_link(engine: Engine) {
        let app = limited(engine, |limits| {
            limits.links_per_minute_by_address = 12;
            limits.links_per_minute_by_link = 6;
        })
        .await;
        let token = open_to_members(&app).await;
        let listed = app.call(&token, Method::POST, "/v1/invites", Some(json!({ "emails": ["tom@example.com"] }))).await.expect(200);
        let link = app.activation_path(&token, &listed["data"][0]["invite"]).await;
        let open = async |address: &str, method: Method, path: &str| {
            Answer::send(from(&app, address, method, path).header("accept", "application/json").json(&json!({ "password": "x" }))).await
        };
        for number in 0..6 {
            open("203.0.113.1", Method::GET, &format!("/activate/guess-{number}")).await.problem(404, "activation_unknown");
            open("203.0.113.1", Method::POST, &format!("/reset-password/guess-{number}")).await;
        }
        for path in ["/activate/one-more", "/reset-password/one-more", &link] {
            for method in [Method::GET, Method::POST] {
                let refused = open("203.0.113.1", method, path).await;
                refused.problem(429, "too_many_requests");
                assert_eq!(refused.headers["retry-after"], "5");
            }
        }
        // A person reads a page; from elsewhere the link works on.
        let page = Answer::send(from(&app, "203.0.113.1", Method::GET, &link).header("accept", "text/html")).await;
        assert!(page.status == 429 && page.text.contains("<html") && page.headers.contains_key("retry-after"), "{}", page.text);
        for _ in 0..6 {
            open("198.51.100.1", Method::GET, &link).await.expect(200);
        }
        open("198.51.100.2", Method::GET, &link).await.problem(429, "too_many_requests");
        app.clock.advance(Duration::seconds(10));
        open("198.51.100.2", Method::GET, &link).await.expect(200);
        app.stop().await;
    }

    async fn guesses_of_authorizations_are_limited_by_address(engine: Engine) {
        let app = limited(engine, |limits| limits.links_per_minute_by_address = 6).await;
        let token = app.guided_instance().await;
        let begun = app.call(&token, Method::POST, "/v1/connections/salesforce", Some(json!({}))).await.expect(201);
        let way = app.log_in_at_salesforce(begun["authorization_url"].as_str().unwrap(), FIRST_USER).await;
        let open = async |address: &str, path: &str| {
            Answer::send(from(&app, address, Method::GET, path).header("accept", "application/json")).await
        };
        for number in 0..3 {
            open("203.0.113.1", &format!("/oauth/salesforce/start?state=guess-{number}")).await.problem(403, "state_invalid");
            open("203.0.113.1", &format!("/oauth/salesforce/callback?code=x&state=guess-{number}")).await.problem(403, "state_invalid");
        }
        for path in ["/oauth/salesforce/start?state=one-more", "/oauth/salesforce/callback?code=x&state=one-more"] {
            let refused = open("203.0.113.1", path).await;
            refused.problem(429, "too_many_requests");
            assert_eq!(refused.headers["retry-after"], "10");
        }
        assert_eq!(app.come_back(&way).await.status, 200, "others complete theirs");
        app.stop().await;
    }

    async fn logins_and_requests_for_a_new_password_are_limited_by_address(engine: Engine) {
        let app = limited(engine, |limits| limits.logins_per_minute_by_address = 6).await;
        let token = open_to_members(&app).await;
        member(&app, &token, "tom@example.com", "user").await;
        let log_in = async |address: &str| {
            let body = json!({ "email": "tom@example.com", "password": PASSWORD });
            Answer::send(from(&app, address, Method::POST, "/v1/sessions").json(&body)).await
        };
        let ask = async |address: &str| {
            Answer::send(from(&app, address, Method::POST, "/v1/password-resets").json(&json!({ "email": FIRST_USER }))).await
        };
        for _ in 0..3 {
            log_in("203.0.113.1").await.expect(201);
            ask("203.0.113.1").await.expect(202);
        }
        log_in("203.0.113.1").await.problem(429, "too_many_requests");
        let refused = ask("203.0.113.1").await;
        refused.problem(429, "too_many_requests");
        assert_eq!(refused.headers["retry-after"], "10");
        log_in("203.0.113.2").await.expect(201);
        app.clock.advance(Duration::seconds(10));
        log_in("203.0.113.1").await.expect(201);
        app.stop().await;
    }
}
