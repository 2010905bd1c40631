//! The preview of the sync, its runs, and who is synced.

use std::time::Duration;

use msi_actions::auth::{Scope, Scopes};
use msi_actions::people::SyncField;
use msi_actions::sandbox::SandboxSettings;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::reference::FIELDS;
use crate::support::{Answer, Engine, TestApp, on_both_engines};

async fn connected(engine: Engine, people: u64) -> (TestApp, String) {
    let app = TestApp::start_guided(engine, people).await;
    let token = app.guided_instance().await;
    app.connect_both(&token).await;
    (app, token)
}

/// A service whose exports and queries at the vendors never end, because the clock stands still.
async fn connected_to_slow_vendors(engine: Engine) -> (TestApp, String) {
    let played = SandboxSettings { people: 50, export_processing: Duration::from_secs(3600), ..SandboxSettings::default() };
    let app = TestApp::start_guided_with(engine, played).await;
    let token = app.guided_instance().await;
    app.connect_both(&token).await;
    (app, token)
}

fn with_id<'a>(people: &'a [Value], added: &Value) -> Option<&'a Value> {
    people.iter().find(|person| person["marketo_id"].as_i64().map(|id| id.to_string()).as_deref() == added["id"].as_str())
}

on_both_engines! {
    async fn a_sync_brings_everybody_owned_by_a_salesforce_user_and_nobody_else(engine: Engine) {
        let (app, token) = connected(engine, 700).await;
        let report = app.sync(&token).await;
        let truth = app.sandbox_says("summary").await;
        assert_eq!(report["read"], truth["people_in_marketo"]);
        assert_eq!(report["qualified"], truth["owned_by_a_user"]);
        assert_eq!(report["not_qualified"]["owned_by_a_queue"], truth["owned_by_a_queue"]);
        let people = app.people(&token).await;
        assert_eq!(json!(people.len()), truth["owned_by_a_user"]);
        assert_eq!((&report["inserted"], &report["rejected"], &report["is_complete"]), (&report["qualified"], &json!(0), &json!(true)));
        assert!(people.windows(2).all(|pair| pair[0]["marketo_id"].as_i64() < pair[1]["marketo_id"].as_i64()));
        for person in people.iter().step_by(37) {
            let truth = app.sandbox_says(&format!("people/{}", person["marketo_id"])).await;
            for (ours, theirs) in FIELDS.iter().chain(&[("owner_id", "ownerId")]) {
                assert_eq!(person[ours], truth[theirs], "{ours} of {person}");
            }
        }
        assert_eq!(app.step(&token, 4).await["state"], "done");
        app.stop().await;
    }

    async fn a_person_without_an_owner_is_not_synced(engine: Engine) {
        let (app, token) = connected(engine, 20).await;
        let queue = app.sandbox_says("").await["salesforce"]["queues"][0]["id"].clone();
        let owner = app.a_salesforce_user().await;
        let queued = app.tell_sandbox("people", json!({ "email": "queued@example.com", "salesforce": "lead", "ownerId": queue })).await;
        let unmatched = app.tell_sandbox("people", json!({ "email": "stranger@example.com", "salesforce": "none" })).await;
        let owned = app.tell_sandbox("people", json!({ "email": "owned@example.com", "salesforce": "lead", "ownerId": owner })).await;
        let deleted = app.tell_sandbox("people", json!({ "email": "deleted@example.com", "salesforce": "contact" })).await;
        app.delete_in_sandbox(&json!(deleted["id"].as_str().unwrap().parse::<u64>().unwrap()), "salesforce").await;
        app.sync(&token).await;
        let people = app.people(&token).await;
        assert!(with_id(&people, &owned).is_some());
        for absent in [&queued, &unmatched, &deleted] {
            assert!(with_id(&people, absent).is_none(), "{absent}");
        }
        app.stop().await;
    }

    async fn a_converted_lead_counts_as_the_contact_it_became(engine: Engine) {
        let (app, token) = connected(engine, 5).await;
        let owner = app.a_salesforce_user().await;
        let converted = app.tell_sandbox("people", json!({ "email": "c@example.com", "salesforce": "converted", "ownerId": owner })).await;
        app.sync(&token).await;
        let people = app.people(&token).await;
        let person = with_id(&people, &converted).expect("synced");
        assert_eq!(person["salesforce_contact_id"], converted["sfdcContactId"]);
        assert_eq!(person["owner_id"], converted["ownerId"]);
        app.stop().await;
    }

    async fn two_people_with_the_same_email_stay_two(engine: Engine) {
        let (app, token) = connected(engine, 5).await;
        let owner = app.a_salesforce_user().await;
        for name in ["One", "Two"] {
            let person = json!({ "email": "Same@Example.com", "firstName": name, "salesforce": "contact", "ownerId": owner });
            app.tell_sandbox("people", person).await;
        }
        app.sync(&token).await;
        let found = app.call(&token, Method::GET, "/v1/people?email=same@example.COM", None).await.expect(200);
        let names: Vec<_> = found["data"].as_array().unwrap().iter().map(|person| person["first_name"].as_str().unwrap()).collect();
        assert_eq!(names, ["One", "Two"]);
        app.stop().await;
    }

    async fn empty_fields_quotes_and_newlines_survive(engine: Engine) {
        let (app, token) = connected(engine, 5).await;
        let odd = json!({
            "firstName": "Ann \"A\"", "lastName": "O'Neil, Jr.", "company": "Line one\nline two", "title": null, "phone": "",
            "email": "ann@example.com", "linkedInURL": "https://example.com/?a=1,2", "leadSource": "Zoë ☃", "salesforce": "contact",
            "ownerId": app.a_salesforce_user().await,
        });
        let added = app.tell_sandbox("people", odd).await;
        app.sync(&token).await;
        let person = app.call(&token, Method::GET, &format!("/v1/people/{}", added["id"].as_str().unwrap()), None).await.expect(200);
        assert_eq!(person["first_name"], "Ann \"A\"");
        assert_eq!(person["last_name"], "O'Neil, Jr.");
        assert_eq!(person["company"], "Line one\nline two");
        assert_eq!(person["linkedin_url"], "https://example.com/?a=1,2");
        assert_eq!(person["source"], "Zoë ☃");
        assert!(person.get("title").is_none() && person.get("phone").is_none(), "{person}");
        app.stop().await;
    }

    async fn a_second_run_without_changes_writes_nothing(engine: Engine) {
        let (app, token) = connected(engine, 300).await;
        let first = app.sync(&token).await;
        let before = app.people(&token).await;
        app.clock.advance(time::Duration::minutes(10));
        let second = app.sync(&token).await;
        assert_eq!((&second["unchanged"], &second["inserted"], &second["updated"], &second["removed"]), (&first["qualified"], &json!(0), &json!(0), &json!(0)));
        assert_eq!(app.people(&token).await, before, "not even the time of the last change");
        app.stop().await;
    }

    async fn a_later_run_brings_changes_and_removes_missing_people(engine: Engine) {
        let (app, token) = connected(engine, 60).await;
        let owner = app.a_salesforce_user().await;
        let gone = app.tell_sandbox("people", json!({ "email": "gone@example.com", "salesforce": "contact", "ownerId": owner })).await;
        let moved = app.tell_sandbox("people", json!({ "email": "moved@example.com", "salesforce": "contact", "ownerId": owner })).await;
        app.sync(&token).await;
        assert!(with_id(&app.people(&token).await, &gone).is_some());
        app.clock.advance(time::Duration::minutes(10));
        app.delete_in_sandbox(&json!(gone["id"].as_str().unwrap().parse::<u64>().unwrap()), "marketo").await;
        app.tell_sandbox(&format!("people/{}", moved["id"].as_str().unwrap()), json!({ "title": "Chief" })).await;
        let report = app.sync(&token).await;
        assert_eq!((&report["removed"], &report["updated"], &report["inserted"]), (&json!(1), &json!(1), &json!(0)));
        let people = app.people(&token).await;
        assert!(with_id(&people, &gone).is_none());
        assert_eq!(with_id(&people, &moved).unwrap()["title"], "Chief");
        app.stop().await;
    }

    async fn a_second_start_is_refused_with_a_link_to_the_active_run(engine: Engine) {
        let (app, token) = connected_to_slow_vendors(engine).await;
        let first = app.call(&token, Method::POST, "/v1/sync/runs", None).await;
        let run = first.expect(202);
        assert_eq!(first.headers["location"].to_str().unwrap(), format!("{}/v1/sync/runs/{}", app.url, run["id"].as_str().unwrap()));
        let path = format!("/v1/sync/runs/{}", run["id"].as_str().unwrap());
        let problem = app.call(&token, Method::POST, "/v1/sync/runs", None).await.problem(409, "sync_running");
        assert_eq!(problem["link"], path.as_str());
        app.until(&token, &path, |run| run["state"] == "extracting").await;
        app.stop().await;
    }

    async fn ten_concurrent_starts_make_one_run(engine: Engine) {
        let (app, token) = connected_to_slow_vendors(engine).await;
        let starts = (0..10).map(|_| app.call(&token, Method::POST, "/v1/sync/runs", None));
        let answers = futures_util::future::join_all(starts).await;
        let started: Vec<_> = answers.iter().filter(|answer| answer.status == 202).map(Answer::json).collect();
        assert_eq!(started.len(), 1);
        for answer in answers.iter().filter(|answer| answer.status != 202) {
            let problem = answer.problem(409, "sync_running");
            assert_eq!(problem["link"], format!("/v1/sync/runs/{}", started[0]["id"].as_str().unwrap()));
        }
        app.stop().await;
    }

    async fn without_connections_preview_and_start_name_the_missing_step(engine: Engine) {
        let app = TestApp::start_guided(engine, 5).await;
        let token = app.guided_instance().await;
        for (method, path) in [(Method::GET, "/v1/sync/preview"), (Method::POST, "/v1/sync/runs")] {
            let problem = app.call(&token, method, path, None).await.problem(409, "step_required");
            assert!(problem["detail"].as_str().unwrap().contains("step 2"), "{problem}");
            assert_eq!(problem["link"], "/v1/connections/salesforce");
        }
        app.connect_salesforce_as(&token, "maria.admin@example.com").await;
        let problem = app.call(&token, Method::GET, "/v1/sync/preview", None).await.problem(409, "step_required");
        assert!(problem["detail"].as_str().unwrap().contains("step 3"), "{problem}");
        assert_eq!(problem["link"], "/v1/connections/marketo");
        app.stop().await;
    }

    async fn the_preview_shows_fields_and_an_estimate_and_writes_nothing(engine: Engine) {
        let (app, token) = connected(engine, 400).await;
        let preview = app.call(&token, Method::GET, "/v1/sync/preview", None).await.expect(200);
        let fields = preview["fields"].as_array().unwrap();
        assert_eq!(fields.iter().map(|field| field["name"].clone()).collect::<Vec<_>>(), SyncField::ALL.map(|field| field.definition().name));
        assert!(fields.iter().all(|field| field["state"] == "available" && field["source"] == "marketo"), "{preview}");
        let email = fields.iter().find(|field| field["name"] == "email").unwrap();
        assert_eq!((&email["api_name"], &email["type"], &email["label"]), (&json!("email"), &json!("email"), &json!("Email Address")));
        assert!(email["samples"][0].as_str().unwrap().contains('@'), "{email}");
        let estimate = &preview["people"];
        assert_eq!(estimate["total"], app.sandbox_says("summary").await["owned_by_a_user"]);
        assert_eq!((&estimate["is_estimate"], &estimate["exceeds_limit"], &preview["can_start"]), (&json!(true), &json!(false), &json!(true)));
        assert!(app.people(&token).await.is_empty());
        assert_eq!(app.call(&token, Method::GET, "/v1/sync/runs", None).await.expect(200)["data"], json!([]));
        app.stop().await;
    }

    async fn the_preview_says_who_would_not_qualify_and_what_a_sync_costs(engine: Engine) {
        let (app, token) = connected(engine, 400).await;
        let before = app.call(&token, Method::GET, "/v1/sync/preview", None).await.expect(200);
        let people_of = |preview: &Value, reason: &str| {
            preview["not_qualifying"].as_array().unwrap().iter().find(|one| one["reason"] == reason).unwrap()["people"].clone()
        };
        let truth = app.sandbox_says("summary").await;
        assert_eq!(people_of(&before, "owned_by_a_queue"), truth["owned_by_a_queue"]);
        assert_eq!(people_of(&before, "converted_lead"), truth["converted_leads"]);
        assert_eq!((people_of(&before, "no_owner"), people_of(&before, "no_salesforce_record")), (json!(0), Value::Null));
        let shares: Vec<f64> = before["fields"].as_array().unwrap().iter().map(|field| field["filled"].as_f64().unwrap()).collect();
        assert!(shares.iter().all(|share| (0.0..=1.0).contains(share)) && shares.contains(&1.0), "{shares:?}");
        assert!(before["sampled_people"].as_u64().unwrap() > 200 && before["cost"].get("seconds").is_none(), "{before}");
        assert_eq!(before["cost"]["days"], 1);
        let owner = app.a_salesforce_user().await;
        let added = app.tell_sandbox("people", json!({ "email": "gone@example.com", "salesforce": "lead", "ownerId": owner })).await;
        let gone = json!(added["id"].as_str().unwrap().parse::<u64>().unwrap());
        app.delete_in_sandbox(&gone, "salesforce").await;
        let report = app.sync(&token).await;
        let after = app.call(&token, Method::GET, "/v1/sync/preview", None).await.expect(200);
        assert_eq!(people_of(&after, "no_salesforce_record"), report["not_qualified"]["no_salesforce_record"]);
        assert_eq!(people_of(&after, "deleted"), json!(people_of(&before, "deleted").as_u64().unwrap() + 1));
        let cost = &after["cost"];
        assert_eq!((&cost["people_read"], &cost["export_bytes"]), (&report["read"], &report["export_bytes"]), "{cost}");
        assert!(cost["seconds"].is_u64() && cost["marketo_calls"].as_u64().unwrap() > 0, "{cost}");
        // The estimate is not exact.
        let (guessed, real) = (before["cost"]["export_bytes"].as_f64().unwrap(), report["export_bytes"].as_f64().unwrap());
        assert!((0.4..1.6).contains(&(guessed / real)), "{guessed} for {real}");
        app.stop().await;
    }

    async fn the_preview_masks_samples_the_caller_may_not_read(engine: Engine) {
        let app = TestApp::start_guided(engine, 100).await;
        let (instance, token) = app.instance("123-ABC-456").await;
        app.connect_both(&token).await;
        let client = app.client(Some(instance.parse().unwrap()), Scopes([Scope::SyncRead].into())).await;
        let narrow = app.ask_token(&client, &[]).await.expect(200)["access_token"].as_str().unwrap().to_owned();
        let preview = app.call(&narrow, Method::GET, "/v1/sync/preview", None).await.expect(200);
        assert_eq!(preview["samples_masked"], true);
        let samples = preview["fields"].as_array().unwrap().iter().flat_map(|field| field["samples"].as_array().unwrap());
        assert!(samples.clone().count() > 10);
        for sample in samples {
            assert_eq!(sample.as_str().unwrap().chars().skip(1).collect::<String>(), "•••");
        }
        app.stop().await;
    }

    async fn runs_are_listed_newest_first_within_their_instance(engine: Engine) {
        let (app, token) = connected(engine, 5).await;
        let mut ids = Vec::new();
        for _ in 0..3 {
            ids.insert(0, app.run_sync(&token).await["id"].clone());
            app.clock.advance(time::Duration::minutes(1));
        }
        let first = app.call(&token, Method::GET, "/v1/sync/runs?limit=2", None).await.expect(200);
        let cursor = first["next_cursor"].as_str().unwrap();
        let second = app.call(&token, Method::GET, &format!("/v1/sync/runs?limit=2&cursor={cursor}"), None).await.expect(200);
        let listed: Vec<_> = [&first, &second].into_iter().flat_map(|page| page["data"].as_array().unwrap()).map(|run| run["id"].clone()).collect();
        assert_eq!(listed, ids);
        let (_, other) = app.instance("321-CBA-654").await;
        let path = format!("/v1/sync/runs/{}", ids[0].as_str().unwrap());
        app.call(&other, Method::GET, &path, None).await.problem(404, "not_found");
        app.call(&other, Method::GET, &format!("{path}/events"), None).await.problem(404, "not_found");
        app.stop().await;
    }

    async fn the_event_stream_of_a_run_ends_with_it(engine: Engine) {
        let (app, token) = connected(engine, 200).await;
        let run = app.call(&token, Method::POST, "/v1/sync/runs", None).await.expect(202);
        let path = format!("/v1/sync/runs/{}/events", run["id"].as_str().unwrap());
        let answer = app.call(&token, Method::GET, &path, None).await;
        assert_eq!(answer.headers["content-type"], "text/event-stream");
        let events: Vec<Value> = answer
            .text
            .split("\n\n")
            .filter_map(|event| event.strip_prefix("event: run\ndata: "))
            .map(|data| serde_json::from_str(data).unwrap())
            .collect();
        assert!(events.iter().all(|event| event["id"] == run["id"]));
        assert_eq!(events.last().unwrap()["state"], "completed", "{}", answer.text);
        app.stop().await;
    }
}
