//! How long personal data is kept that has served its purpose.

use msi_actions::clock::Clock;
use msi_actions::db::Db;
use msi_actions::sandbox::SandboxSettings;
use reqwest::Method;
use serde_json::{Value, json};
use time::Duration;

use crate::invite_imports::{all, begun, completed, confirm, path, upload};
use crate::support::{Engine, FIRST_USER, TestApp, eventually, on_both_engines, person};

/// Waits until the jobs that tidy up have done their round at the time it is now.
async fn tidied(app: &TestApp) {
    let now = app.clock.timestamp();
    let query =
        format!("SELECT COUNT(*) FROM jobs WHERE kind IN ('forget_invites', 'forget_mail') AND state = 'queued' AND run_at > '{now}'");
    eventually("all is tidied up", async || app.count(&query).await == 2).await;
}

/// Lets days pass and everything be tidied up; returns a fresh token.
async fn days_later(app: &TestApp, token: &str, days: i64) -> String {
    tidied(app).await;
    app.clock.advance(Duration::days(days));
    tidied(app).await;
    app.narrowed_again(token).await
}

async fn events(app: &TestApp, token: &str, action: &str) -> Vec<Value> {
    all(app, token, &format!("/v1/audit-events?action={action}")).await
}

async fn changed(engine: Engine, import_days: u16) -> TestApp {
    let played = SandboxSettings { people: 10, ..SandboxSettings::default() };
    TestApp::start_guided_changed(engine, played, |settings| settings.retention.import_days = import_days).await
}

on_both_engines! {
    async fn the_rows_of_an_import_go_a_month_after_it_ended_and_its_counts_stay(engine: Engine) {
        let app = TestApp::start_guided(engine, 10).await;
        let token = begun(&app).await;
        let import = upload(&app, &token, "text/csv", "name,email,team\nAnn,ann@example.com,\nBo,bo@example.com,Nowhere\n").await.expect(201);
        assert_eq!((import["sample"].as_array().unwrap().len(), &import["error_count"]), (2, &1.into()));
        confirm(&app, &token, &import, json!({})).await.expect(202);
        let done = completed(&app, &token, &import).await;
        let rows = ["/result.csv", "/results", "/errors", "/errors.csv"];
        let token = days_later(&app, &token, 29).await;
        for rest in rows {
            assert_eq!(app.call(&token, Method::GET, &path(&import, rest), None).await.status, 200, "{rest}");
        }
        let token = days_later(&app, &token, 2).await;
        for rest in rows {
            let problem = app.call(&token, Method::GET, &path(&import, rest), None).await.problem(410, "import_rows_deleted");
            let detail = problem["detail"].as_str().unwrap();
            assert!(detail.contains("ended at 2026-06-15T") && detail.contains("deleted at 2026-07-16T") && detail.contains("personal data"), "{detail}");
            assert_eq!(problem["link"], path(&import, ""));
        }
        let left = app.call(&token, Method::GET, &path(&import, ""), None).await.expect(200);
        assert_eq!((&left["counts"], &left["rows_done"], &left["columns"]), (&done["counts"], &2.into(), &done["columns"]));
        assert_eq!((&left["sample"], &left["errors"], &left["rows_deleted_at"]), (&json!([]), &json!([]), &"2026-07-16T12:00:00.000000Z".into()));
        let chunk_count = "SELECT (SELECT COUNT(*) FROM invite_import_chunks) + (SELECT COUNT(*) FROM invite_imports \
            WHERE CAST(analysis AS text) LIKE '%ann@%' OR CAST(analysis AS text) LIKE '%Nowhere%')";
        assert_eq!(app.count(chunk_count).await, 0);

        // Once is enough, and a second process takes nothing more.
        let replica = app.replica().await;
        let token = days_later(&app, &token, 1).await;
        let recorded = events(&app, &token, "import.rows_deleted").await;
        assert_eq!((recorded.len(), &recorded[0]["actor"]), (1, &"job:forget_invites".into()), "{recorded:?}");
        replica.stop().await;
        app.stop().await;
    }

    async fn an_unconfirmed_file_is_deleted_after_a_week_or_sooner_if_set(engine: Engine) {
        for (days, waits) in [(30, 7), (2, 2)] {
            let app = changed(engine, days).await;
            let token = begun(&app).await;
            let import = upload(&app, &token, "text/csv", "ann@example.com\n").await.expect(201);
            let token = days_later(&app, &token, waits - 1).await;
            app.call(&token, Method::GET, &path(&import, ""), None).await.expect(200);
            let token = days_later(&app, &token, 2).await;
            app.call(&token, Method::GET, &path(&import, ""), None).await.problem(404, "not_found");
            assert_eq!(app.count("SELECT COUNT(*) FROM invite_import_chunks").await, 0);
            let recorded = events(&app, &token, "import.discarded").await;
            assert_eq!((recorded.len(), &recorded[0]["actor"]), (1, &"job:forget_invites".into()), "{recorded:?}");
            app.stop().await;
        }
    }

    async fn messages_leave_the_outbox_a_month_after_they_left(engine: Engine) {
        let app = TestApp::start_guided(engine, 10).await;
        let token = begun(&app).await;
        let outbox = async || {
            let page = app.call(&app.operator_token().await, Method::GET, "/v1/mail/outbox", None).await.expect(200);
            page["data"].as_array().unwrap().len()
        };
        let first = app.call(&token, Method::GET, "/v1/invites/first", None).await.expect(200);
        app.message_of(&token, &first).await;
        let token = days_later(&app, &token, 20).await;
        let listed = app.call(&token, Method::POST, "/v1/invites", Some(json!({ "emails": ["ann@example.com"] }))).await.expect(200);
        app.message_of(&token, &listed["data"][0]["invite"]).await;
        assert_eq!(outbox().await, 2);
        let token = days_later(&app, &token, 11).await;
        assert_eq!(outbox().await, 1, "the newer one stays");
        // What the message was about can still be sent anew.
        let path = format!("/v1/invites/{}/resend", first["id"].as_str().unwrap());
        let resent = app.call(&token, Method::POST, &path, None).await.expect(200);
        app.message_of(&token, &resent).await;
        app.stop().await;
    }

    async fn whom_an_instance_wrote_to_is_forgotten_when_no_limit_counts_it(engine: Engine) {
        let app = TestApp::start_guided(engine, 10).await;
        let token = person::open_to_members(&app).await;
        let remembered = async || {
            const SQL: &str = "SELECT email_key FROM invite_messages WHERE email_key <> $1 ORDER BY email_key";
            let rows: Vec<(String,)> = match app.db() {
                Db::Sqlite { readers, .. } => sqlx::query_as(SQL).bind(FIRST_USER).fetch_all(readers).await.unwrap(),
                Db::Postgres { pool, .. } => sqlx::query_as(SQL).bind(FIRST_USER).fetch_all(pool).await.unwrap(),
            };
            rows.into_iter().map(|(email,)| email).collect::<Vec<_>>()
        };
        let invite = async |token: &str, email: &str| {
            app.call(token, Method::POST, "/v1/invites", Some(json!({ "emails": [email] }))).await.expect(200);
            tidied(&app).await;
        };
        invite(&token, "ann@example.com").await;
        app.clock.advance(Duration::hours(23));
        invite(&app.narrowed_again(&token).await, "bo@example.com").await;
        assert_eq!(remembered().await, ["ann@example.com", "bo@example.com"]);
        app.clock.advance(Duration::hours(2));
        tidied(&app).await;
        assert_eq!(remembered().await, ["bo@example.com"]);
        app.stop().await;
    }

    async fn a_removed_members_address_is_free_and_forgotten_after_a_month(engine: Engine) {
        let app = TestApp::start_guided(engine, 10).await;
        let token = person::open_to_members(&app).await;
        let invite = async |token: &str, email: &str| {
            let listed = app.call(token, Method::POST, "/v1/invites", Some(json!({ "emails": [email] }))).await.expect(200);
            assert_eq!(listed["data"][0]["outcome"], "invited", "{listed}");
            listed["data"][0]["invite"].clone()
        };
        let addresses = async |token: &str| {
            let rows = all(&app, token, "/v1/invites").await;
            rows.iter().map(|invite| invite["email"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let remove = async |token: &str, id: &str| app.call(token, Method::DELETE, &format!("/v1/members/{id}"), None).await.expect(200);
        // One had activated, one was only invited, one's invitation was revoked; each is invited again at once, or in a file.
        let active = person::member(&app, &token, "ann@example.com", "user").await;
        remove(&token, &active.id).await;
        let invited = invite(&token, "bo@example.com").await;
        remove(&token, invited["member_id"].as_str().unwrap()).await;
        let revoked = invite(&token, "cy@example.com").await;
        app.call(&token, Method::POST, &format!("/v1/invites/{}/revoke", revoked["id"].as_str().unwrap()), None).await.expect(200);
        let again = person::member(&app, &token, "ann@example.com", "user").await;
        assert_ne!(again.id, active.id, "somebody new, as far as we know");
        let import = upload(&app, &token, "text/csv", "bo@example.com\ncy@example.com\n").await.expect(201);
        confirm(&app, &token, &import, json!({})).await.expect(202);
        assert_eq!(completed(&app, &token, &import).await["counts"]["invited"], 2);
        remove(&token, &again.id).await;
        let ann = ["ann@example.com", "ann@example.com"];
        assert_eq!(addresses(&token).await.iter().filter(|email| ann.contains(&email.as_str())).count(), 2);

        let token = days_later(&app, &token, 40).await;
        let mut left = addresses(&token).await;
        left.sort();
        assert_eq!(left, ["bo@example.com", "cy@example.com", "maria.admin@example.com"], "those who hold a seat, once each");
        assert_eq!(app.count("SELECT COUNT(*) FROM invite_links").await, 3);
        let recorded = events(&app, &token, "invites.forgotten").await;
        assert_eq!((recorded.len(), &recorded[0]["after"]["invitations"]), (1, &4.into()), "{recorded:?}");
        person::member(&app, &token, "ann@example.com", "user").await;
        app.stop().await;
    }
}
