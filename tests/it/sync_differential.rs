//! Compares the synced people with a reference: a map of everybody, read from the sandbox's control.

use msi_actions::sandbox::SandboxSettings;
use reqwest::Method;
use serde_json::json;

use crate::support::reference::{Copy, reference};
use crate::support::{Engine, TestApp, on_both_engines};

async fn copy(app: &TestApp, token: &str) -> Copy {
    let mut copy = Copy::new();
    for mut person in app.people(token).await {
        person.as_object_mut().unwrap().remove("synced_at");
        assert!(copy.insert(person["marketo_id"].as_i64().unwrap(), person).is_none());
    }
    copy
}

/// Compares row by row and names the first difference.
pub async fn assert_equal(app: &TestApp, token: &str, when: &str) {
    let (everybody, ours) = (app.everybody().await, copy(app, token).await);
    let wanted = reference(&everybody);
    for (id, person) in &wanted {
        let truth = || everybody.iter().find(|one| one["id"] == id.to_string().as_str());
        assert_eq!(ours.get(id), Some(person), "{when}: {:?}", truth());
    }
    if let Some(id) = ours.keys().find(|id| !wanted.contains_key(id)) {
        panic!("{when}: {id} should be gone: {:?}", everybody.iter().find(|one| one["id"] == id.to_string().as_str()));
    }
}

/// People of every combination besides the generated ones.
async fn world(engine: Engine, seed: u64, people: u64) -> (TestApp, String) {
    let app = TestApp::start_guided_with(engine, SandboxSettings { people, seed, ..SandboxSettings::default() }).await;
    let token = app.guided_instance().await;
    app.connect_both(&token).await;
    let sandbox = app.sandbox_says("").await;
    let owners =
        [&sandbox["salesforce"]["users"][0]["id"], &sandbox["salesforce"]["users"][3]["id"], &sandbox["salesforce"]["queues"][0]["id"]];
    for kind in ["none", "lead", "contact", "converted"] {
        for owner in owners {
            for outcome in ["stays", "gone from marketo", "gone from salesforce", "gone", "merged", "merged in salesforce"] {
                // A contact's owner is a user.
                if kind != "lead" && *owner == sandbox["salesforce"]["queues"][0]["id"] {
                    continue;
                }
                let person = json!({ "salesforce": kind, "ownerId": owner, "email": "shared@example.com", "lastName": outcome });
                let added = app.tell_sandbox("people", person).await;
                let id: u64 = added["id"].as_str().unwrap().parse().unwrap();
                match outcome {
                    "gone from marketo" => app.delete_in_sandbox(&json!(id), "marketo").await,
                    "gone from salesforce" if kind != "none" => app.delete_in_sandbox(&json!(id), "salesforce").await,
                    "gone" => app.delete_in_sandbox(&json!(id), "both").await,
                    "merged" | "merged in salesforce" => {
                        let merge = json!({ "losers": [id], "in_salesforce": outcome != "merged" });
                        // The winner is the first person of this kind and owner.
                        app.tell_sandbox(&format!("people/{}/merge", id - if outcome == "merged" { 4 } else { 5 }), merge).await;
                    }
                    _ => {}
                }
            }
        }
    }
    (app, token)
}

on_both_engines! {
    async fn the_copy_equals_the_reference_after_every_run(engine: Engine) {
        for seed in [11, 12] {
            let (app, token) = world(engine, seed, 150).await;
            app.sync(&token).await;
            assert_equal(&app, &token, "after the full run").await;
            for round in 0..6 {
                app.clock.advance(time::Duration::seconds(50));
                app.tell_sandbox("changes", json!({ "count": 60, "seed": seed * 100 + round })).await;
                let run = app.follow(&token).await;
                assert_equal(&app, &token, &format!("seed {seed}, round {round}, {}", run["report"])).await;
            }
            // A full run finds nothing more.
            app.clock.advance(time::Duration::minutes(1));
            let report = app.sync(&token).await;
            assert_eq!((&report["inserted"], &report["updated"], &report["removed"]), (&json!(0), &json!(0), &json!(0)), "{report}");
            app.stop().await;
        }
    }

    async fn changes_made_during_a_full_run_are_not_missed(engine: Engine) {
        let (app, token) = world(engine, 13, 400).await;
        let run = app.call(&token, Method::POST, "/v1/sync/runs", None).await.expect(202);
        let path = format!("/v1/sync/runs/{}", run["id"].as_str().unwrap());
        app.until(&token, &path, |run| run["state"] != "queued").await;
        for round in 0..8 {
            app.tell_sandbox("changes", json!({ "count": 20, "seed": 900 + round })).await;
        }
        app.until(&token, &path, |run| run["state"] == "completed").await;
        app.follow(&token).await;
        assert_equal(&app, &token, "after the first follow-up").await;
        app.stop().await;
    }
}
