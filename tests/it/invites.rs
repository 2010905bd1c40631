//! Inviting: the first user, and others by list. Steps 1 and 5 of the guide.

use std::collections::{BTreeMap, BTreeSet};

use msi_actions::auth::Scopes;
use msi_actions::ids::InstanceId;
use msi_actions::sandbox::SandboxSettings;
use reqwest::Method;
use serde_json::{Value, json};
use time::Duration;

use crate::support::{Answer, FIRST_USER, MUNCHKIN_ID, TestApp, on_both_engines};

async fn invite_first(app: &TestApp, token: &str, email: &str) -> Answer {
    app.call(token, Method::POST, "/v1/invites/first", Some(json!({ "email": email }))).await
}

async fn invite(app: &TestApp, token: &str, body: Value) -> Answer {
    app.call(token, Method::POST, "/v1/invites", Some(body)).await
}

fn statuses(results: &Value) -> Vec<&str> {
    results["data"].as_array().unwrap().iter().map(|result| result["outcome"].as_str().unwrap()).collect()
}

async fn listed(app: &TestApp, token: &str, path: &str) -> Vec<Value> {
    app.call(token, Method::GET, path, None).await.expect(200)["data"].as_array().unwrap().clone()
}

/// A token for the instance that is valid now, after the clock was moved.
async fn fresh_token(app: &TestApp, instance: &str) -> String {
    let client = app.client(Some(instance.parse::<InstanceId>().unwrap()), Scopes::of_an_instance()).await;
    app.ask_token(&client, &[]).await.expect(200)["access_token"].as_str().unwrap().to_owned()
}

on_both_engines! {
    async fn the_first_user_is_a_marketo_admin_and_gets_the_link_by_mail(engine: Engine) {
        let app = TestApp::start_guided(engine, 10).await;
        let token = app.guided_instance().await;
        for nobody in ["renee.marketing@example.com", "msi-actions-api@example.com", "stranger@example.com"] {
            invite_first(&app, &token, nobody).await.problem(409, "not_a_marketo_admin");
        }
        app.call(&token, Method::GET, "/v1/instance/integration-information", None).await.problem(409, "step_required");

        let answer = invite_first(&app, &token, "Maria.ADMIN@example.com").await;
        let invited = answer.expect(201);
        let location = app.location_of(&answer);
        assert_eq!((&invited["email"], &invited["is_first"]), (&FIRST_USER.into(), &true.into()));
        let message = app.message_of(&token, &invited).await;
        assert!(message.contains("To: maria.admin@example.com"), "{message}");
        assert!(message.contains("invited you to Instance 123-ABC-456"), "{message}");
        assert!(message.contains("until 22 June 2026, 12:00 UTC"), "{message}");
        assert_eq!(app.call(&token, Method::GET, &location, None).await.expect(200)["state"], "sent");

        let members = listed(&app, &token, "/v1/members").await;
        assert_eq!(members.len(), 1);
        assert_eq!((&members[0]["role"], &members[0]["state"]), (&"admin".into(), &"invited".into()));
        assert_eq!((&members[0]["is_original"], &members[0]["first_name"]), (&true.into(), &"Maria".into()));
        let teams = listed(&app, &token, "/v1/teams").await;
        assert_eq!((&teams[0]["name"], &teams[0]["members"]), (&"Everyone".into(), &1.into()));
        assert_eq!(members[0]["teams"], json!([teams[0]["id"]]));
        app.call(&token, Method::GET, "/v1/instance/integration-information", None).await.expect(200);
        app.stop().await;
    }

    async fn the_first_user_is_invited_once_even_by_two_at_once(engine: Engine) {
        let app = TestApp::start_guided(engine, 10).await;
        let token = app.guided_instance().await;
        let both = tokio::join!(invite_first(&app, &token, FIRST_USER), invite_first(&app, &token, "tom.ops@example.com"));
        let mut codes = [both.0.status.as_u16(), both.1.status.as_u16()];
        codes.sort_unstable();
        assert_eq!(codes, [201, 409], "{both:?}");
        let again = invite_first(&app, &token, FIRST_USER).await.problem(409, "first_user_exists");
        assert_eq!(again["link"], "/v1/invites/first");
        assert_eq!(listed(&app, &token, "/v1/members").await.len(), 1);
        app.stop().await;
    }

    async fn the_first_user_is_named_by_exactly_one_of_address_and_marketo_user(engine: Engine) {
        let app = TestApp::start_guided(engine, 10).await;
        let token = app.guided_instance().await;
        for (wrong, pointer) in [
            (json!({}), ""),
            (json!({ "email": FIRST_USER, "marketo_user_id": FIRST_USER }), ""),
            (json!({ "email": "no address" }), "/email"),
            (json!({ "marketo_user_id": "" }), "/marketo_user_id"),
        ] {
            let problem = app.call(&token, Method::POST, "/v1/invites/first", Some(wrong)).await.problem(422, "invalid_input");
            assert_eq!(problem["errors"][0]["pointer"], pointer);
        }
        let wanted = json!({ "marketo_user_id": "tom.ops@example.com" });
        let invited = app.call(&token, Method::POST, "/v1/invites/first", Some(wanted)).await.expect(201);
        assert_eq!(invited["email"], "tom.ops@example.com");
        assert_eq!(app.call(&token, Method::GET, "/v1/invites/first", None).await.expect(200)["id"], invited["id"]);
        app.stop().await;
    }

    async fn nobody_is_invited_before_the_prerequisites_and_the_first_user(engine: Engine) {
        let app = TestApp::start_guided(engine, 10).await;
        let token = app.guided_instance().await;
        let problem = invite(&app, &token, json!({ "emails": ["ann@example.com"] })).await.problem(409, "step_required");
        assert_eq!(problem["link"], "/v1/invites/first");
        let unmet = json!({ "prerequisites": { "msi_actions_enabled": true, "salesforce_sync_configured": false } });
        app.call(&token, Method::PATCH, "/v1/instance", Some(unmet)).await.expect(200);
        invite_first(&app, &token, FIRST_USER).await.problem(409, "prerequisite_unmet");
        app.call(&token, Method::GET, "/v1/invites/first", None).await.problem(404, "not_found");
        assert!(listed(&app, &token, "/v1/members").await.is_empty());
        app.stop().await;
    }

    async fn each_address_of_a_list_has_a_result_of_its_own(engine: Engine) {
        let app = TestApp::start_guided(engine, 10).await;
        let (_, first) = app.instance(MUNCHKIN_ID).await;
        let original = invite_first(&app, &first, FIRST_USER).await.expect(201);
        app.message_of(&first, &original).await;
        let list = json!({ "emails": ["ann@example.com", "no address", "ANN@Example.com", FIRST_USER], "role": "admin" });
        let results = invite(&app, &first, list.clone()).await.expect(200);
        assert_eq!(statuses(&results), ["invited", "invalid", "already_invited", "already_invited"]);
        assert_eq!(results["data"][2]["invite"]["id"], results["data"][0]["invite"]["id"]);
        assert!(results["data"][1]["reason"].as_str().unwrap().contains("has no @"));
        app.message_of(&first, &results["data"][0]["invite"]).await;

        let again = invite(&app, &first, list).await.expect(200);
        assert_eq!(statuses(&again), ["already_invited", "invalid", "already_invited", "already_invited"]);
        let known = &again["data"][0];
        assert_eq!(known["resend_link"], format!("/v1/invites/{}/resend", known["invite"]["id"].as_str().unwrap()));
        assert_eq!(listed(&app, &first, "/v1/invites").await.len(), 2, "nobody is sent two messages");
        assert_eq!(app.messages(), 2);
        let admins = listed(&app, &first, "/v1/members?role=admin&state=invited").await;
        assert_eq!(admins.len(), 2);
        app.stop().await;
    }

    async fn a_list_is_read_as_people_paste_it(engine: Engine) {
        let app = TestApp::start_guided(engine, 10).await;
        let token = app.guided_instance().await;
        invite_first(&app, &token, FIRST_USER).await.expect(201);
        let pasted = "Ann Lee <ann@example.com>; \"Lind, Bo\" <bo@example.com>,\n mailto:cy@example.com (Cyril)； nobody, ann@example.com.";
        let results = invite(&app, &token, json!({ "emails": [pasted] })).await.expect(200);
        assert_eq!(statuses(&results), ["invited", "invited", "invited", "invalid", "already_invited"]);
        let shown = |at: usize| (results["data"][at]["email"].as_str().unwrap(), results["data"][at]["text"].as_str());
        assert_eq!(shown(0), ("ann@example.com", Some("Ann Lee <ann@example.com>")));
        assert_eq!((shown(2).0, shown(3)), ("cy@example.com", ("nobody", None)));
        let members = listed(&app, &token, "/v1/members").await;
        let named = |email: &str| members.iter().find(|member| member["email"] == email).unwrap();
        assert_eq!((&named("ann@example.com")["first_name"], &named("ann@example.com")["last_name"]), (&"Ann".into(), &"Lee".into()));
        assert_eq!((&named("bo@example.com")["first_name"], &named("bo@example.com")["last_name"]), (&"Bo".into(), &"Lind".into()));
        let nothing = invite(&app, &token, json!({ "emails": [" ;\n"] })).await.expect(200);
        assert_eq!(statuses(&nothing), ["invalid"]);
        let many: Vec<_> = (0..501).map(|at| format!("p{at}@example.com")).collect();
        let problem = invite(&app, &token, json!({ "emails": [many.join(",")], "teams": [""] })).await.problem(422, "invalid_input");
        let pointers: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|error| error["pointer"].as_str().unwrap()).collect();
        assert_eq!(pointers, ["/emails", "/teams/0"]);
        invite(&app, &token, json!({ "emails": 7 })).await.problem(422, "invalid_input");
        app.stop().await;
    }

    async fn all_are_invited_or_nobody_when_that_is_asked_for(engine: Engine) {
        let played = SandboxSettings { people: 10, ..SandboxSettings::default() };
        let app = TestApp::start_guided_changed(engine, played, |settings| settings.limits.seats = 4).await;
        let (_, first) = app.instance(MUNCHKIN_ID).await;
        let (_, second) = app.instance("456-DEF-789").await;
        invite_first(&app, &first, FIRST_USER).await.expect(201);
        invite_first(&app, &second, "tom.ops@example.com").await.expect(201);
        let all = |emails: &[&str]| json!({ "emails": emails, "mode": "all_or_nothing" });
        let wrong = all(&["ann@example.com", "nobody", "tom.ops@example.com", "bo@example.com", "cy@example.com", "di@example.com", FIRST_USER]);
        let problem = invite(&app, &first, wrong).await.problem(409, "nobody_invited");
        let errors: Vec<_> =
            problem["errors"].as_array().unwrap().iter().map(|error| (error["pointer"].as_str().unwrap(), error["code"].as_str().unwrap())).collect();
        // That one of them is in use elsewhere makes no difference.
        assert_eq!(errors, [("/emails/1", "invalid"), ("/emails/4", "no_seat"), ("/emails/5", "no_seat")]);
        assert_eq!(listed(&app, &first, "/v1/members").await.len(), 1);
        let right = invite(&app, &first, all(&["ann@example.com", FIRST_USER])).await.expect(200);
        assert_eq!(statuses(&right), ["invited", "already_invited"]);
        app.stop().await;
    }

    async fn an_invitation_is_in_the_language_of_the_invited_or_the_instance(engine: Engine) {
        let app = TestApp::start_guided(engine, 10).await;
        let token = app.guided_instance().await;
        invite_first(&app, &token, FIRST_USER).await.expect(201);
        app.call(&token, Method::PATCH, "/v1/instance", Some(json!({ "language": "ja" }))).await.expect(200);
        for (wanted, language, part) in [(json!({ "emails": ["ann@example.com"] }), "ja", "管理者が"), (json!({ "emails": ["bo@example.com"], "language": "fr" }), "fr", "Bonjour,")] {
            let results = invite(&app, &token, wanted).await.expect(200);
            let message = app.message_of(&token, &results["data"][0]["invite"]).await;
            assert!(message.contains(&format!("Content-Language: {language}\r\n")) && message.contains(part), "{message}");
        }
        app.stop().await;
    }

    async fn a_hundred_seats_are_given_out_in_the_order_of_the_list(engine: Engine) {
        let app = TestApp::start_guided(engine, 10).await;
        let token = app.guided_instance().await;
        invite_first(&app, &token, FIRST_USER).await.expect(201);
        let emails: Vec<_> = (0..100).rev().map(|at| format!("p{at:02}@example.com")).collect();
        let results = invite(&app, &token, json!({ "emails": emails })).await.expect(200);
        let statuses = statuses(&results);
        assert!(statuses[..99].iter().all(|status| *status == "invited"), "{statuses:?}");
        assert_eq!(statuses[99], "no_seat");
        let page = app.call(&token, Method::GET, "/v1/members?limit=60", None).await.expect(200);
        let rest = format!("/v1/members?limit=60&cursor={}", page["next_cursor"].as_str().unwrap());
        assert_eq!(listed(&app, &token, &rest).await.len(), 40);
        app.stop().await;
    }

    async fn five_hundred_people_of_one_list_are_invited_once(engine: Engine) {
        let played = SandboxSettings { people: 10, ..SandboxSettings::default() };
        let app = TestApp::start_guided_changed(engine, played, |settings| settings.limits.seats = 600).await;
        let token = app.guided_instance().await;
        invite_first(&app, &token, FIRST_USER).await.expect(201);
        let emails: Vec<_> = (0..500).map(|at| format!("p{at:03}@example.com")).collect();
        let list = json!({ "emails": emails });
        let answer = invite(&app, &token, list.clone()).await;
        // They go to the database in batches: one by one, it would be thousands.
        #[cfg(debug_assertions)]
        assert!((1..=100).contains(&crate::statements::count_for(&answer)));
        let first = answer.expect(200);
        let ids: BTreeSet<_> = first["data"].as_array().unwrap().iter().map(|result| result["invite"]["id"].as_str().unwrap()).collect();
        assert!(statuses(&first).iter().all(|status| *status == "invited"), "{first}");
        assert_eq!(ids.len(), 500);
        let again = invite(&app, &token, list).await.expect(200);
        assert!(statuses(&again).iter().all(|status| *status == "already_invited"), "{again}");
        assert_eq!(again["data"][499]["invite"]["id"], first["data"][499]["invite"]["id"]);
        let team = &listed(&app, &token, "/v1/teams").await[0];
        assert_eq!((&team["name"], &team["members"]), (&"Everyone".into(), &501.into()));
        let events = listed(&app, &token, "/v1/audit-events?action=invite.created&limit=500").await;
        assert_eq!(events.len(), 500);
        let numbers: Vec<_> = events.iter().map(|event| event["sequence_number"].as_i64().unwrap()).collect();
        assert!(numbers.is_sorted_by(|one, next| one == &(next + 1)), "an event of the chain is missing: {numbers:?}");
        app.stop().await;
    }

    async fn an_invitation_that_ran_out_is_followed_by_a_new_one(engine: Engine) {
        let app = TestApp::start_guided(engine, 10).await;
        let (instance, token) = app.instance(MUNCHKIN_ID).await;
        let invited = invite_first(&app, &token, FIRST_USER).await.expect(201);
        app.message_of(&token, &invited).await;
        app.clock.advance(Duration::days(7));
        let token = fresh_token(&app, &instance).await;
        let path = format!("/v1/invites/{}", invited["id"].as_str().unwrap());
        assert_eq!(app.call(&token, Method::GET, &path, None).await.expect(200)["state"], "expired");
        let again = invite(&app, &token, json!({ "emails": [FIRST_USER] })).await.expect(200);
        assert_eq!(statuses(&again), ["invited"]);
        assert_eq!((&again["data"][0]["invite"]["is_first"], listed(&app, &token, "/v1/members").await.len()), (&true.into(), 1));
        app.stop().await;
    }

    async fn people_join_the_teams_named_and_everyone(engine: Engine) {
        let app = TestApp::start_guided(engine, 10).await;
        let token = app.guided_instance().await;
        invite_first(&app, &token, FIRST_USER).await.expect(201);
        let made = app.call(&token, Method::POST, "/v1/teams", Some(json!({ "name": " EMEA sales " }))).await;
        let team = made.expect(201);
        assert_eq!(team["name"], "EMEA sales");
        app.call(&token, Method::GET, &app.location_of(&made), None).await.expect(200);
        app.call(&token, Method::POST, "/v1/teams", Some(json!({ "name": "emea SALES" }))).await.problem(409, "team_exists");
        app.call(&token, Method::POST, "/v1/teams", Some(json!({ "name": "everyone" }))).await.problem(409, "team_exists");
        app.call(&token, Method::POST, "/v1/teams", Some(json!({ "name": "a\u{0}b" }))).await.problem(422, "invalid_input");

        let unknown = json!({ "emails": ["ann@example.com"], "teams": ["emea sales", "Nowhere"] });
        assert!(invite(&app, &token, unknown).await.problem(409, "team_unknown")["detail"].as_str().unwrap().contains("Nowhere"));
        let list = json!({ "emails": ["ann@example.com"], "teams": ["emea sales", team["id"]] });
        invite(&app, &token, list).await.expect(200);
        let teams = listed(&app, &token, "/v1/teams").await;
        let sizes: BTreeMap<_, _> = teams.iter().map(|team| (team["name"].as_str().unwrap(), team["members"].as_u64().unwrap())).collect();
        assert_eq!(sizes, [("Everyone", 2), ("EMEA sales", 1)].into());
        app.stop().await;
    }

    async fn an_instance_has_twenty_teams_at_most(engine: Engine) {
        let app = TestApp::start_guided(engine, 10).await;
        let token = app.guided_instance().await;
        for at in 1..20 {
            app.call(&token, Method::POST, "/v1/teams", Some(json!({ "name": format!("Team {at}") }))).await.expect(201);
        }
        app.call(&token, Method::POST, "/v1/teams", Some(json!({ "name": "One more" }))).await.problem(409, "team_limit_reached");
        assert_eq!(listed(&app, &token, "/v1/teams").await.len(), 20, "Everyone is one of them");
        app.stop().await;
    }

    async fn every_fault_of_a_list_is_told_at_once(engine: Engine) {
        let app = TestApp::start_guided(engine, 10).await;
        let token = app.guided_instance().await;
        let problem = invite(&app, &token, json!({ "emails": [""], "teams": ["", "x"] })).await.problem(422, "invalid_input");
        let pointers: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|error| error["pointer"].as_str().unwrap()).collect();
        assert_eq!(pointers, ["/emails/0", "/teams/0"]);
        invite(&app, &token, json!({ "emails": [] })).await.problem(422, "invalid_input");
        invite(&app, &token, json!({ "emails": ["a@example.com"], "rôle": "admin" })).await.problem(422, "invalid_input");
        app.stop().await;
    }

    async fn an_invitation_of_another_instance_is_not_found(engine: Engine) {
        let app = TestApp::start_guided(engine, 10).await;
        let (_, first) = app.instance(MUNCHKIN_ID).await;
        let (_, second) = app.instance("456-DEF-789").await;
        let invited = invite_first(&app, &first, FIRST_USER).await.expect(201);
        let path = format!("/v1/invites/{}", invited["id"].as_str().unwrap());
        app.call(&second, Method::GET, &path, None).await.problem(404, "not_found");
        assert!(listed(&app, &second, "/v1/invites").await.is_empty());
        app.stop().await;
    }
}
