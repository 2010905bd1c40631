//! What somebody who may write to the database does to the audit, and how the command finds it.

use std::process::Output;

use msi_actions::audit;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Engine, MUNCHKIN_ID, TestApp, binary, on_both_engines};

/// An instance with the event of its creation and `teams` more, and nothing that keeps its events from being changed.
async fn unguarded(app: &TestApp, engine: Engine, teams: u32) -> String {
    let (id, token) = app.instance(MUNCHKIN_ID).await;
    for number in 0..teams {
        app.call(&token, Method::POST, "/v1/teams", Some(json!({ "name": format!("Team {number}") }))).await.expect(201);
    }
    let unguard: &[&str] = match engine {
        Engine::Sqlite => &["DROP TRIGGER audit_events_stay", "DROP TRIGGER audit_events_remain"],
        Engine::Postgres => &["ALTER TABLE audit_events DISABLE TRIGGER USER"],
    };
    for statement in unguard {
        app.sql(statement).await;
    }
    id
}

fn command(app: &TestApp, arguments: &[&str]) -> Output {
    binary(app.directory.path()).arg("audit").args(arguments).env("MSI_DATABASE__URL", app.database_url()).output().unwrap()
}

/// What the command prints, when it succeeds.
#[track_caller]
fn printed(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// What the command prints, when it fails.
#[track_caller]
fn failure_output(output: &Output) -> String {
    assert!(!output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap() + &String::from_utf8(output.stderr.clone()).unwrap()
}

async fn defects(app: &TestApp) -> Vec<String> {
    let states = audit::verify(app.db(), None, &[]).await.unwrap();
    states.into_iter().filter_map(|state| state.defect.map(|defect| defect.to_string())).collect()
}

on_both_engines! {
    async fn a_head_that_was_set_back_is_found(engine: Engine) {
        let app = TestApp::start(engine).await;
        let id = unguarded(&app, engine, 4).await;
        assert!(defects(&app).await.is_empty());
        // The head names the third event again, and what follows was rewritten.
        app.sql("UPDATE audit_heads SET number = 3, hash = (SELECT hash FROM audit_events WHERE number = 3)").await;
        app.sql("UPDATE audit_events SET actor = 'client:nobody' WHERE number > 3").await;
        assert_eq!(defects(&app).await, ["the head names event 3 as the newest, and there are events up to 5; the head was set back"]);
        let said = failure_output(&command(&app, &["verify", "--instance", &id]));
        assert!(said.contains("BROKEN, the head names event 3") && said.contains("3 event(s) before it as recorded"), "{said}");
        app.stop().await;
    }

    async fn a_head_that_was_changed_or_removed_is_found(engine: Engine) {
        let app = TestApp::start(engine).await;
        unguarded(&app, engine, 2).await;
        app.sql("UPDATE audit_heads SET hash = (SELECT hash FROM audit_events WHERE number = 1)").await;
        assert_eq!(defects(&app).await, ["the head names event 3 with another hash than it has"]);
        app.sql("DELETE FROM audit_heads").await;
        assert_eq!(defects(&app).await, ["there are events, and the head is missing"]);
        app.stop().await;
    }

    async fn an_instance_without_a_chain_is_found(engine: Engine) {
        let app = TestApp::start(engine).await;
        unguarded(&app, engine, 2).await;
        app.sql("DELETE FROM audit_events").await;
        app.sql("DELETE FROM audit_heads").await;
        assert_eq!(defects(&app).await, ["the instance has no event, not even that of its creation"]);
        app.stop().await;
    }

    async fn a_chain_recorded_anew_shows_against_what_was_kept_elsewhere(engine: Engine) {
        let app = TestApp::start(engine).await;
        let id = unguarded(&app, engine, 2).await;
        let printed_head = printed(&command(&app, &["head"]));
        let head: Value = serde_json::from_str(printed_head.trim()).unwrap();
        assert_eq!((&head["chain"], &head["number"]), (&id.as_str().into(), &3.into()));
        let file = app.directory.path().join("heads");
        std::fs::write(&file, &printed_head).unwrap();
        let (file, hash) = (file.to_str().unwrap().to_owned(), head["hash"].as_str().unwrap().to_owned());
        let by_file = ["verify", "--expect", &file];
        let by_hand = ["verify", "--instance", &id, "--expect-number", "3", "--expect-hash", &hash];
        // Later events don't matter.
        let token = app.narrowed(&id).await;
        app.call(&token, Method::POST, "/v1/teams", Some(json!({ "name": "Later" }))).await.expect(201);
        for arguments in [&by_file[..], &by_hand] {
            assert!(printed(&command(&app, arguments)).contains("4 event(s) as recorded"));
        }

        // As many events as before, all of them well linked, and none of them what it was.
        app.sql("DELETE FROM audit_events").await;
        app.sql("DELETE FROM audit_heads").await;
        for name in ["One", "Two", "Three", "Four"] {
            app.call(&token, Method::PATCH, "/v1/instance", Some(json!({ "name": name }))).await.expect(200);
        }
        assert!(defects(&app).await.is_empty(), "the chain alone can't tell");
        for arguments in [&by_file[..], &by_hand] {
            let said = failure_output(&command(&app, arguments));
            assert!(said.contains("event 3 has another hash than the one expected"), "{said}");
        }
        app.sql("DELETE FROM audit_events").await;
        app.sql("DELETE FROM audit_heads").await;
        let said = failure_output(&command(&app, &by_file));
        assert!(said.contains("event 3 is expected, and the chain ends before it"), "{said}");
        app.stop().await;
    }

    async fn verifying_while_events_are_recorded_finds_no_fault(engine: Engine) {
        let app = TestApp::start(engine).await;
        let (_, token) = app.instance(MUNCHKIN_ID).await;
        let recording = async {
            for number in 0..40 {
                app.call(&token, Method::PATCH, "/v1/instance", Some(json!({ "name": format!("Name {number}") }))).await.expect(200);
            }
        };
        let verifying = async {
            let mut seen = 0;
            while seen < 41 {
                let states = audit::verify(app.db(), None, &[]).await.unwrap();
                assert!(states.iter().all(|state| state.defect.is_none()), "{states:?}");
                seen = states.iter().map(|state| state.sound).max().unwrap();
            }
        };
        futures_util::future::join(recording, verifying).await;
        app.stop().await;
    }

    async fn what_was_kept_must_be_as_it_was_printed(engine: Engine) {
        let app = TestApp::start(engine).await;
        unguarded(&app, engine, 0).await;
        let file = app.directory.path().join("heads");
        std::fs::write(&file, "{\"chain\": \"x\"}\n").unwrap();
        let said = failure_output(&command(&app, &["verify", "--expect", file.to_str().unwrap()]));
        assert!(said.contains("line 1 of") && said.contains("audit head"), "{said}");
        let said = failure_output(&command(&app, &["verify", "--expect-number", "3", "--expect-hash", "abc", "--operators"]));
        assert!(said.contains("64 hexadecimal digits"), "{said}");
        let hash = "ab".repeat(32);
        let said = failure_output(&command(&app, &["verify", "--expect-number", "3", "--expect-hash", &hash]));
        assert!(said.contains("--instance ID or --operators"), "{said}");
        app.stop().await;
    }
}
