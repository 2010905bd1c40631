//! Imports with several admins and several processes on one database.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use crate::invite_imports::{all, begun, completed, path, upload};
use crate::support::{Answer, TestApp, on_both_engines};

/// A call to any of the processes.
async fn call(app: &TestApp, url: &str, token: &str, method: Method, path: &str, body: &Value) -> Answer {
    Answer::send(app.http.request(method, format!("{url}{path}")).bearer_auth(token).json(body)).await
}

async fn send(app: &TestApp, url: &str, token: &str, file: &str) -> Value {
    let request = app.http.post(format!("{url}/v1/invite-imports")).bearer_auth(token).header("content-type", "text/csv");
    Answer::send(request.body(file.to_owned())).await.expect(201)
}

on_both_engines! {
    async fn two_admins_confirming_at_once_invite_each_person_once(engine: Engine) {
        let app = TestApp::start_guided(engine, 10).await;
        let token = begun(&app).await;
        let replica = app.replica().await;
        let file: String = (0..90).map(|at| format!("p{at}@example.com\n")).collect();
        // Each admin has sent the file, too: four confirmations of two imports with the same people.
        let (one, two) = (send(&app, &app.url, &token, &file).await, send(&app, &replica.url, &token, &file).await);
        let confirm = async |url: &str, import: &Value| call(&app, url, &token, Method::POST, &path(import, "/confirm"), &json!({})).await;
        let (a, b, c, d) =
            tokio::join!(confirm(&app.url, &one), confirm(&replica.url, &one), confirm(&replica.url, &two), confirm(&app.url, &two));
        for pair in [[a, b], [c, d]] {
            let codes: BTreeSet<u16> = pair.iter().map(|answer| answer.status.as_u16()).collect();
            assert_eq!(codes, BTreeSet::from([202, 409]), "{pair:?}");
        }
        let (one, two) = (completed(&app, &token, &one).await, completed(&app, &token, &two).await);
        let sum = |status: &str| one["counts"][status].as_u64().unwrap() + two["counts"][status].as_u64().unwrap();
        assert_eq!((sum("invited"), sum("already_invited")), (90, 90), "{one} {two}");
        let invites = all(&app, &token, "/v1/invites").await;
        let addresses: BTreeSet<_> = invites.iter().map(|invite| invite["email"].as_str().unwrap()).collect();
        assert_eq!((invites.len(), addresses.len()), (91, 91), "with the first user");
        for invite in &invites {
            app.message_of(&token, invite).await;
        }
        assert_eq!(app.messages(), 91, "one message a person");
        replica.stop().await;
        app.stop().await;
    }

    async fn a_file_sent_to_a_process_that_is_gone_is_confirmed_at_another(engine: Engine) {
        let app = TestApp::start_guided(engine, 10).await;
        let token = begun(&app).await;
        let replica = app.replica().await;
        let import = send(&app, &replica.url, &token, "email,name\nann@example.com,Ann\nbo@,Bo\n").await;
        replica.stop().await;
        call(&app, &app.url, &token, Method::PUT, &path(&import, "/mapping"), &json!({ "mapping": { "email": 0 } })).await.expect(200);
        call(&app, &app.url, &token, Method::POST, &path(&import, "/confirm"), &json!({})).await.expect(202);
        let done = completed(&app, &token, &import).await;
        assert_eq!((&done["counts"]["invited"], &done["counts"]["invalid"]), (&1.into(), &1.into()));
        // And its result is read at a third.
        let third = app.replica().await;
        let result = Answer::send(app.http.get(format!("{}{}", third.url, path(&import, "/result.csv"))).bearer_auth(&token)).await;
        assert!(result.text.contains("\"ann@example.com\",\"Ann\",\"invited\""), "{}", result.text);
        third.stop().await;
        app.stop().await;
    }

    async fn an_import_cut_short_goes_on_where_it_was_after_a_restart(engine: Engine) {
        let app = TestApp::start_guided(engine, 10).await;
        let token = begun(&app).await;
        let file: String = (0..1000).map(|at| format!("p{at}@example.com\n")).collect();
        let import = upload(&app, &token, "text/csv", file).await.expect(201);
        // As a process leaves it that dies after two chunks: the job under a lease that has expired, 400 rows done.
        call(&app, &app.url, &token, Method::POST, &path(&import, "/confirm"), &json!({})).await.expect(202);
        completed(&app, &token, &import).await;
        app.sql("UPDATE invite_imports SET state = 'confirmed', completed_at = NULL, rows_done = 400").await;
        app.sql("UPDATE invite_import_chunks SET results = NULL WHERE first_row >= 400").await;
        app.sql("UPDATE jobs SET state = 'running', locked_until = created_at, finished_at = NULL WHERE kind = 'invite_import'").await;
        app.clock.advance(time::Duration::seconds(31));
        let done = completed(&app, &token, &import).await;
        assert_eq!(done["rows_done"], 1000);
        let results = all(&app, &token, &path(&import, "/results")).await;
        let rows: Vec<_> = results.iter().map(|row| row["row"].as_u64().unwrap()).collect();
        assert_eq!(rows, (1..=1000).collect::<Vec<_>>());
        let invites = all(&app, &token, "/v1/invites").await;
        assert_eq!(invites.len(), 100, "nobody is invited a second time");
        app.stop().await;
    }
}
