//! The vendors' quotas: all processes of the service together stay within its share of them.

use futures_util::future::join_all;
use msi_actions::clock::Clock;
use msi_actions::config::Settings;
use msi_actions::db::Tx;
use msi_actions::sandbox::SandboxSettings;
use reqwest::Method;
use serde_json::{Value, json};
use time::Duration;

use crate::support::{Answer, Engine, MUNCHKIN_ID, TestApp, on_both_engines};

const TEST_MARKETO: &str = "/v1/connections/marketo/test";
const LIMITS: &str = "/v1/connections/marketo/limits";

/// A service behind which Marketo counts calls, connected to both vendors.
async fn connected(engine: Engine, change: impl FnOnce(&mut Settings)) -> (TestApp, String) {
    let played = SandboxSettings { people: 20, throttles: true, ..SandboxSettings::default() };
    let app = TestApp::start_guided_changed(engine, played, |settings| {
        settings.marketo.quota_calls_per_20_seconds = 100;
        change(settings);
    })
    .await;
    let token = app.guided_instance().await;
    app.connect_both(&token).await;
    (app, token)
}

/// Calls that Marketo has counted today.
async fn counted(app: &TestApp) -> u64 {
    app.sandbox_says("").await["marketo"]["calls_today"].as_u64().unwrap()
}

/// The state of one of Marketo's quotas.
async fn limit(app: &TestApp, token: &str, quota: &str) -> Value {
    let limits = app.call(token, Method::GET, LIMITS, None).await.expect(200);
    limits["limits"].as_array().unwrap().iter().find(|one| one["quota"] == quota).unwrap().clone()
}

/// Leases the first place as a process does that is killed right afterwards.
async fn take_the_place(app: &TestApp) {
    const SQL: &str = "INSERT INTO quota_places (vendor, account, place, holder, leased_until) VALUES ('marketo', $1, 1, $2, $3)";
    let (holder, until) = (uuid::Uuid::from_u128(7), app.clock.timestamp() + Duration::seconds(30));
    let mut tx = app.context().await.db.begin().await.unwrap();
    match &mut tx {
        Tx::Sqlite(inner) => drop(sqlx::query(SQL).bind(MUNCHKIN_ID).bind(holder).bind(until).execute(&mut **inner).await.unwrap()),
        Tx::Postgres(inner) => drop(sqlx::query(SQL).bind(MUNCHKIN_ID).bind(holder).bind(until).execute(&mut **inner).await.unwrap()),
    }
    tx.commit().await.unwrap();
}

on_both_engines! {
    async fn two_processes_together_make_no_more_calls_in_20_seconds_than_the_share(engine: Engine) {
        let (app, token) = connected(engine, |settings| settings.marketo.share = 0.2).await;
        let second = app.replica().await;
        let addresses = [app.url.clone(), second.url.clone()];
        for round in 1..=3 {
            let calls = (0..60).map(|number| {
                let url = format!("{}{TEST_MARKETO}", addresses[number % 2]);
                Answer::send(app.http.post(url).bearer_auth(&token))
            });
            let answers = join_all(calls).await;
            let (made, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
            assert!(made.iter().all(|answer| answer.json()["ok"] == true), "Marketo itself never had to refuse");
            for answer in refused {
                answer.problem(429, "quota_exhausted");
                let wait: u64 = answer.headers["retry-after"].to_str().unwrap().parse().unwrap();
                assert!((1..=23).contains(&wait), "{wait}");
            }
            let so_far = counted(&app).await;
            assert!(so_far <= 20 * round, "{so_far} calls in {round} windows");
            assert!(so_far > 20 * (round - 1) + 15, "{so_far} calls in {round} windows: the share is used");
            app.clock.advance(Duration::seconds(23));
        }
        second.stop().await;
        app.stop().await;
    }

    async fn what_a_process_does_not_use_goes_back_when_it_stops(engine: Engine) {
        let (app, token) = connected(engine, |settings| settings.marketo.share = 1.0).await;
        let before = limit(&app, &token, "day").await["used_by_us"].as_i64().unwrap();
        let second = app.replica().await;
        let url = format!("{}{TEST_MARKETO}", second.url);
        Answer::send(app.http.post(url).bearer_auth(&token)).await.expect(200);
        assert_eq!(limit(&app, &token, "day").await["used_by_us"], json!(before + 10), "a grant is a tenth of the share");
        second.stop().await;
        assert_eq!(limit(&app, &token, "day").await["used_by_us"], json!(before + 1));
        app.stop().await;
    }

    async fn a_used_up_day_ends_at_midnight_in_chicago(engine: Engine) {
        let (app, token) = connected(engine, |settings| settings.marketo.quota_calls_per_day = 4).await;
        let refused = loop {
            let answer = app.call(&token, Method::POST, TEST_MARKETO, None).await;
            if answer.status != 200 {
                break answer;
            }
        };
        refused.problem(429, "daily_quota_exhausted");
        assert_eq!(refused.headers["retry-after"], (17 * 3600).to_string().as_str());
        assert_eq!(counted(&app).await, 2, "half of four");
        let day = limit(&app, &token, "day").await;
        assert_eq!((&day["allowed"], &day["share"], &day["used_by_us"], &day["remaining"]), (&json!(4), &json!(2), &json!(2), &json!(0)));
        assert_eq!(day["resets_at"], "2026-06-16T05:00:00.000000Z");
        app.clock.advance(Duration::hours(17));
        let token = app.narrowed_again(&token).await;
        assert_eq!(app.call(&token, Method::POST, TEST_MARKETO, None).await.expect(200)["ok"], true);
        app.stop().await;
    }

    async fn no_call_is_made_until_the_reset_of_a_day_that_others_used_up(engine: Engine) {
        let (app, token) = connected(engine, |_| ()).await;
        app.fault(json!({ "target": "marketo", "path_contains": "describe", "kind": "marketo_error", "code": "607", "message": "Daily quota reached" })).await;
        assert_eq!(app.call(&token, Method::POST, TEST_MARKETO, None).await.expect(200)["code"], "607");
        let before = counted(&app).await;
        let second = app.replica().await;
        for url in [&app.url, &second.url] {
            Answer::send(app.http.post(format!("{url}{TEST_MARKETO}")).bearer_auth(&token)).await.problem(429, "daily_quota_exhausted");
        }
        assert_eq!(counted(&app).await, before);
        let limits = app.call(&token, Method::GET, LIMITS, None).await.expect(200);
        assert_eq!(limits["exhausted"], json!([{ "quota": "day", "resets_at": "2026-06-16T05:00:00.000000Z" }]));
        app.clock.advance(Duration::hours(17));
        let token = app.narrowed_again(&token).await;
        assert_eq!(app.call(&token, Method::POST, TEST_MARKETO, None).await.expect(200)["ok"], true);
        second.stop().await;
        app.stop().await;
    }

    async fn two_processes_together_have_no_more_calls_under_way_than_the_share(engine: Engine) {
        let (app, token) = connected(engine, |settings| settings.marketo.quota_calls_at_once = 6).await;
        let second = app.replica().await;
        app.fault(json!({ "target": "marketo", "path_contains": "describe", "kind": "delay", "ms": 50, "times": 100 })).await;
        let addresses = [app.url.clone(), second.url.clone()];
        let calls = (0..24).map(|number| {
            let url = format!("{}{TEST_MARKETO}", addresses[number % 2]);
            Answer::send(app.http.post(url).bearer_auth(&token))
        });
        for answer in join_all(calls).await {
            assert_eq!(answer.expect(200)["ok"], true, "each waits for its turn");
        }
        assert_eq!(app.sandbox_says("").await["marketo"]["most_calls_at_once"], 3, "half of six");
        second.stop().await;
        app.stop().await;
    }

    async fn places_of_a_process_that_died_are_waited_for_and_free_after_its_lease(engine: Engine) {
        let (app, token) = connected(engine, |settings| settings.marketo.quota_calls_at_once = 2).await;
        // Half of two is one place, which the service gives back when it has been idle for a moment.
        app.until(&token, LIMITS, |limits| limits["limits"][1]["used_by_us"] == 0).await;
        take_the_place(&app).await;
        let before = counted(&app).await;
        let mut call = Box::pin(app.call(&token, Method::POST, TEST_MARKETO, None));
        assert!(tokio::time::timeout(std::time::Duration::from_millis(500), &mut call).await.is_err(), "it waits");
        assert_eq!(counted(&app).await, before);
        app.clock.advance(Duration::seconds(31));
        assert_eq!(call.await.expect(200)["ok"], true);
        app.stop().await;
    }

    async fn a_passed_on_call_waits_for_room_as_long_as_its_caller_allows(engine: Engine) {
        let (app, admin) = connected(engine, |settings| settings.marketo.quota_calls_at_once = 2).await;
        let caller = app.integrator(&admin, &["marketo GET /rest"]).await;
        app.until(&admin, LIMITS, |limits| limits["limits"][1]["used_by_us"] == 0).await;
        take_the_place(&app).await;
        let before = counted(&app).await;
        let call = async |wait: &str| {
            let request = app.request(Method::GET, "/v1/marketo/rest/v1/leads/describe.json").bearer_auth(&caller);
            Answer::send(request.header("prefer", format!("return=minimal, wait={wait}"))).await
        };
        let refused = call("0").await;
        refused.problem(429, "quota_exhausted");
        assert!(refused.headers.contains_key("retry-after"));
        let mut waiting = Box::pin(call("60"));
        assert!(tokio::time::timeout(std::time::Duration::from_millis(500), &mut waiting).await.is_err(), "it waits");
        assert_eq!(counted(&app).await, before);
        app.clock.advance(Duration::seconds(31));
        assert_eq!(waiting.await.expect(200)["success"], true);
        app.stop().await;
    }

    async fn salesforce_calls_stay_within_the_share_of_what_salesforce_says(engine: Engine) {
        let app = TestApp::start_guided(engine, 20).await;
        let token = app.guided_instance().await;
        app.tell_sandbox("salesforce", json!({ "api_limit": 20 })).await;
        app.connect_salesforce_as(&token, "maria.admin@example.com").await;
        let test = async || app.call(&token, Method::POST, "/v1/connections/salesforce/test", None).await.expect(200)["ok"] == true;
        let mut made = 1; // The test call of connecting.
        while made < 20 && test().await {
            made += 1;
        }
        assert_eq!(made, 10, "half of what Salesforce allows");
        let limits = app.call(&token, Method::GET, "/v1/connections/salesforce/limits", None).await.expect(200);
        let day = &limits["limits"][0];
        assert_eq!((&day["allowed"], &day["share"], &day["remaining"], &day["used_by_all"]), (&json!(20), &json!(10), &json!(0), &json!(10)), "{limits}");
        let found = app.call(&token, Method::GET, "/v1/diagnostics", None).await.expect(200);
        assert_eq!(found["data"], json!([]), "Salesforce did not refuse anything");
        app.clock.advance(Duration::hours(26));
        let token = app.narrowed_again(&token).await;
        assert_eq!(app.call(&token, Method::POST, "/v1/connections/salesforce/test", None).await.expect(200)["ok"], true);
        app.stop().await;
    }
}
