//! Incremental runs, after the first full run.

use msi_actions::sandbox::SandboxSettings;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Engine, TestApp, eventually, on_both_engines};

const INCREMENTAL: &str = r#"{"kind":"incremental"}"#;

/// A service after a full run.
async fn synced(engine: Engine, people: u64) -> (TestApp, String) {
    let app = TestApp::start_guided(engine, people).await;
    let token = app.guided_instance().await;
    app.connect_both(&token).await;
    app.sync(&token).await;
    (app, token)
}

fn id_of(person: &Value) -> u64 {
    person["id"].as_str().unwrap().parse().unwrap()
}

/// The synced person, if there is one.
async fn copy_of(app: &TestApp, token: &str, person: &Value) -> Option<Value> {
    let answer = app.call(token, Method::GET, &format!("/v1/people/{}", id_of(person)), None).await;
    (answer.status == 200).then(|| answer.json())
}

async fn a_queue(app: &TestApp) -> Value {
    app.sandbox_says("").await["salesforce"]["queues"][0]["id"].clone()
}

async fn change(app: &TestApp, person: &Value, fields: Value) -> Value {
    app.tell_sandbox(&format!("people/{}", id_of(person)), fields).await
}

/// The codes of a run's gaps, each with its remedy.
fn gaps(run: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    run["report"]["changes"]["gaps"].as_array().unwrap().iter().map(|gap| (text(&gap["code"]), text(&gap["resolution"]))).collect()
}

on_both_engines! {
    async fn incremental_runs_bring_new_changed_and_deleted_people(engine: Engine) {
        let (app, token) = synced(engine, 40).await;
        let owner = app.a_salesforce_user().await;
        let person = app.tell_sandbox("people", json!({ "salesforce": "contact", "ownerId": owner, "title": "Clerk" })).await;
        let run = app.follow(&token).await;
        let report = &run["report"];
        assert_eq!((&run["kind"], &report["inserted"], &report["changes"]["people_new"]), (&json!("incremental"), &json!(1), &json!(1)), "{run}");
        assert_eq!(copy_of(&app, &token, &person).await.unwrap()["title"], "Clerk");
        change(&app, &person, json!({ "title": "Chief", "phone": null })).await;
        let report = app.follow(&token).await["report"].clone();
        assert_eq!((&report["updated"], &report["inserted"]), (&json!(1), &json!(0)), "{report}");
        let copy = copy_of(&app, &token, &person).await.unwrap();
        assert_eq!((&copy["title"], copy.get("phone")), (&json!("Chief"), None));
        app.delete_in_sandbox(&json!(id_of(&person)), "marketo").await;
        let report = app.follow(&token).await["report"].clone();
        assert_eq!((&report["removed"], &report["changes"]["people_deleted"]), (&json!(1), &json!(1)), "{report}");
        assert!(copy_of(&app, &token, &person).await.is_none());
        app.stop().await;
    }

    async fn an_incremental_run_needs_a_full_one_first(engine: Engine) {
        let app = TestApp::start_guided(engine, 10).await;
        let token = app.guided_instance().await;
        app.connect_both(&token).await;
        let body: Value = serde_json::from_str(INCREMENTAL).unwrap();
        let problem = app.call(&token, Method::POST, "/v1/sync/runs", Some(body)).await.problem(409, "step_required");
        assert_eq!(problem["link"], "/v1/sync/runs");
        let wrong = app.call(&token, Method::POST, "/v1/sync/runs", Some(json!({ "kind": "half" }))).await.problem(422, "invalid_input");
        assert_eq!(wrong["errors"][0]["pointer"], "/kind");
        app.stop().await;
    }

    async fn a_lead_is_synced_while_a_user_owns_it_and_not_while_a_queue_does(engine: Engine) {
        let (app, token) = synced(engine, 20).await;
        let (owner, queue) = (app.a_salesforce_user().await, a_queue(&app).await);
        let lead = app.tell_sandbox("people", json!({ "salesforce": "lead", "ownerId": queue })).await;
        let report = app.follow(&token).await["report"].clone();
        assert_eq!(report["not_qualified"]["owned_by_a_queue"], 1, "{report}");
        // Long after Marketo's log of the person was read.
        app.clock.advance(time::Duration::minutes(40));
        let token = app.narrowed_again(&token).await;
        app.follow(&token).await;
        change(&app, &lead, json!({ "ownerId": owner })).await;
        app.follow(&token).await;
        assert_eq!(copy_of(&app, &token, &lead).await.unwrap()["owner_id"], owner);
        change(&app, &lead, json!({ "ownerId": queue })).await;
        let report = app.follow(&token).await["report"].clone();
        assert_eq!(report["removed"], 1, "{report}");
        assert!(copy_of(&app, &token, &lead).await.is_none());
        app.stop().await;
    }

    async fn people_are_found_by_email_where_salesforce_ids_are_not_searchable(engine: Engine) {
        let (app, token) = synced(engine, 20).await;
        let (owner, queue) = (app.a_salesforce_user().await, a_queue(&app).await);
        let twins = json!({ "salesforce": "lead", "ownerId": queue, "email": "twin@example.com" });
        let (one, other) = (app.tell_sandbox("people", twins.clone()).await, app.tell_sandbox("people", twins).await);
        app.follow(&token).await;
        app.tell_sandbox("marketo", json!({ "salesforce_ids_searchable": false })).await;
        change(&app, &one, json!({ "ownerId": owner })).await;
        let run = app.follow(&token).await;
        assert_eq!(gaps(&run), [("salesforce_ids_not_searchable".to_owned(), "read_again".to_owned())]);
        assert!(copy_of(&app, &token, &one).await.is_some() && copy_of(&app, &token, &other).await.is_none());
        app.stop().await;
    }

    async fn a_converted_lead_becomes_the_contact_when_marketo_hears_of_it(engine: Engine) {
        let (app, token) = synced(engine, 20).await;
        let owner = app.a_salesforce_user().await;
        let lead = app.tell_sandbox("people", json!({ "salesforce": "lead", "ownerId": owner })).await;
        app.follow(&token).await;
        change(&app, &lead, json!({ "salesforce": "converted", "knownToMarketoAs": "lead" })).await;
        app.follow(&token).await;
        assert!(copy_of(&app, &token, &lead).await.is_none(), "a converted lead counts no more, and Marketo knows of no contact");
        // Marketo does not log the ids that its own sync fills in, so the contact is looked up again.
        app.tell_sandbox("people", json!({ "salesforce": "none" })).await;
        app.clock.advance(time::Duration::minutes(6));
        change(&app, &lead, json!({ "knownToMarketoAs": null })).await;
        app.follow(&token).await;
        let copy = copy_of(&app, &token, &lead).await.expect("it came back as the contact");
        assert!(copy["salesforce_contact_id"].is_string());
        app.stop().await;
    }

    async fn merging_people_in_marketo_leaves_one(engine: Engine) {
        let (app, token) = synced(engine, 20).await;
        let person = json!({ "salesforce": "contact", "ownerId": app.a_salesforce_user().await });
        let mut all = Vec::new();
        for _ in 0..3 {
            all.push(app.tell_sandbox("people", person.clone()).await);
        }
        app.follow(&token).await;
        let merge = json!({ "losers": [id_of(&all[1]), id_of(&all[2])], "in_salesforce": true });
        app.tell_sandbox(&format!("people/{}/merge", id_of(&all[0])), merge).await;
        let report = app.follow(&token).await["report"].clone();
        assert_eq!((&report["removed"], &report["changes"]["merges"]), (&json!(2), &json!(1)), "{report}");
        assert!(copy_of(&app, &token, &all[0]).await.is_some());
        assert!(copy_of(&app, &token, &all[1]).await.is_none() && copy_of(&app, &token, &all[2]).await.is_none());
        app.stop().await;
    }

    async fn a_contact_deleted_in_salesforce_is_removed(engine: Engine) {
        let (app, token) = synced(engine, 20).await;
        let owner = app.a_salesforce_user().await;
        let contact = app.tell_sandbox("people", json!({ "salesforce": "contact", "ownerId": owner })).await;
        app.follow(&token).await;
        app.delete_in_sandbox(&json!(id_of(&contact)), "salesforce").await;
        app.follow(&token).await;
        assert!(copy_of(&app, &token, &contact).await.is_none());
        app.stop().await;
    }

    async fn changes_beyond_one_page_are_all_read(engine: Engine) {
        let (app, token) = synced(engine, 900).await;
        let owner = app.a_salesforce_user().await;
        for person in app.everybody().await {
            if person["salesforce"] != "none" {
                change(&app, &person, json!({ "ownerId": owner, "title": "Everybody's" })).await;
            }
        }
        let report = app.follow(&token).await["report"].clone();
        assert!(report["changes"]["people_changed"].as_i64().unwrap() > 700, "{report}");
        let people = app.people(&token).await;
        assert!(people.len() > 700 && people.iter().all(|person| person["title"] == "Everybody's" && person["owner_id"] == owner));
        app.stop().await;
    }

    async fn a_refused_paging_token_is_replaced_without_missing_changes(engine: Engine) {
        let (app, token) = synced(engine, 20).await;
        app.follow(&token).await;
        let owner = app.a_salesforce_user().await;
        let person = app.tell_sandbox("people", json!({ "salesforce": "contact", "ownerId": owner })).await;
        let refusal = json!({ "target": "marketo", "path_contains": "leadchanges", "kind": "marketo_error", "code": "1003", "message": "Invalid value" });
        app.tell_sandbox("faults", refusal).await;
        let run = app.follow(&token).await;
        assert_eq!(gaps(&run), [("paging_token_refused".to_owned(), "read_again".to_owned())]);
        assert_eq!(run["report"]["is_complete"], true);
        assert!(copy_of(&app, &token, &person).await.is_some());
        app.stop().await;
    }

    async fn changes_older_than_the_vendors_logs_start_a_full_run(engine: Engine) {
        let (app, token) = synced(engine, 20).await;
        app.clock.advance(time::Duration::days(14));
        let token = app.narrowed_again(&token).await;
        let run = app.follow(&token).await;
        assert_eq!(gaps(&run), [("changes_forgotten".to_owned(), "full_run".to_owned())]);
        assert_eq!(run["report"]["is_complete"], false);
        let begun = async || {
            let full = app.call(&token, Method::GET, "/v1/sync/runs?kind=full", None).await.expect(200);
            full["data"].as_array().unwrap().iter().find(|run| run["started_by"] == "job:schedule").cloned()
        };
        eventually("a full run has begun by itself", async || begun().await.is_some()).await;
        let path = format!("/v1/sync/runs/{}", begun().await.unwrap()["id"].as_str().unwrap());
        app.until(&token, &path, |run| run["state"] == "completed").await;
        // From here on incremental runs work again.
        assert_eq!(gaps(&app.follow(&token).await), []);
        app.stop().await;
    }

    async fn a_run_without_changes_makes_five_calls_and_writes_nothing(engine: Engine) {
        let (app, token) = synced(engine, 20).await;
        app.follow(&token).await;
        let before = app.people(&token).await;
        let calls = async || {
            let counted = app.sandbox_says("calls").await;
            let asked = counted.as_object().unwrap().iter().filter(|(name, _)| name.contains("/rest/") || name.contains("/services/data"));
            asked.map(|(_, count)| count.as_u64().unwrap()).sum::<u64>()
        };
        let made = calls().await;
        let run = app.follow(&token).await;
        assert_eq!(calls().await - made, 5, "{run}");
        assert_eq!(run["report"]["read"], 0, "{run}");
        assert_eq!(app.people(&token).await, before);
        app.stop().await;
    }

    async fn the_schedule_starts_runs_and_keeps_one_idle_run_an_hour(engine: Engine) {
        let played = SandboxSettings { people: 20, ..SandboxSettings::default() };
        let app = TestApp::start_guided_changed(engine, played, |settings| settings.sync.incremental_interval_seconds = 60).await;
        let token = app.guided_instance().await;
        app.connect_both(&token).await;
        app.sync(&token).await;
        let owner = app.a_salesforce_user().await;
        let person = app.tell_sandbox("people", json!({ "salesforce": "contact", "ownerId": owner })).await;
        app.clock.advance(time::Duration::seconds(61));
        eventually("the new person is here", async || copy_of(&app, &token, &person).await.is_some()).await;
        // The test's clock starts at a full hour.
        let listed = async || app.call(&token, Method::GET, "/v1/sync/runs", None).await.expect(200)["data"].as_array().unwrap().clone();
        let at_rest = async || listed().await.iter().all(|run| run["state"] == "completed");
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..4 {
            eventually("no run is under way", at_rest).await;
            app.clock.advance(time::Duration::seconds(61));
            let newest = listed().await[0]["id"].clone();
            eventually("another pass has begun", async || listed().await[0]["id"] != newest).await;
            seen.insert(listed().await[0]["id"].to_string());
        }
        eventually("no run is under way", at_rest).await;
        assert_eq!(seen.len(), 4);
        let kinds: Vec<_> = listed().await.iter().map(|run| (run["kind"].clone(), run["report"]["inserted"] != 0)).collect();
        assert_eq!(kinds, [(json!("incremental"), false), (json!("incremental"), true), (json!("full"), true)]);
        app.stop().await;
    }
}
