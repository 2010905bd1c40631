//! Two changes at once: neither undoes the other, and a rule that one of them needs holds at the end.

use futures_util::future::join;
use msi_actions::proxy::{CallRule, list_rules, replace_rules};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::person::{PASSWORD, member, open_to_members};
use crate::support::scim::{DirectoryClient, path_of, user};
use crate::support::{Answer, TestApp, on_both_engines};

const MARKETO: &str = "/v1/connections/marketo";
/// Pairs of changes that a test makes; one that is lost in a few of ten shows itself.
const PAIRS: u32 = 12;

on_both_engines! {
    async fn changes_of_different_settings_at_once_all_hold(engine: Engine) {
        let app = TestApp::start(engine).await;
        let (_, token) = app.instance("123-ABC-456").await;
        for pair in 0..PAIRS {
            let name = format!("Name {pair}");
            let (way, language) = if pair % 2 == 0 { ("all_login_methods", "de") } else { ("salesforce_only", "fr") };
            let change = |body: Value| app.call(&token, Method::PATCH, "/v1/instance", Some(body));
            let (first, second) = join(
                change(json!({ "name": name, "language": language })),
                change(json!({ "login_management": way })),
            ).await;
            first.expect(200);
            second.expect(200);
            let now = app.call(&token, Method::GET, "/v1/instance", None).await.expect(200);
            assert_eq!(
                (&now["name"], &now["language"], &now["login_management"]),
                (&name.into(), &language.into(), &way.into()),
                "pair {pair}"
            );
        }
        app.stop().await;
    }

    async fn the_audit_tells_each_of_two_changes_at_once_from_the_state_it_found(engine: Engine) {
        let app = TestApp::start(engine).await;
        let (_, token) = app.instance("123-ABC-456").await;
        for pair in 0..PAIRS {
            let names = [format!("First {pair}"), format!("Second {pair}")];
            let change = |name: &String| app.call(&token, Method::PATCH, "/v1/instance", Some(json!({ "name": name })));
            let (first, second) = join(change(&names[0]), change(&names[1])).await;
            first.expect(200);
            second.expect(200);
        }
        let events = app.call(&token, Method::GET, "/v1/audit-events?action=instance.changed&limit=500", None).await.expect(200);
        let events = events["data"].as_array().unwrap();
        assert_eq!(events.len(), 2 * PAIRS as usize);
        for following in events.windows(2) {
            assert_eq!(following[0]["before"]["name"], following[1]["after"]["name"], "the newest stands first");
        }
        app.stop().await;
    }

    async fn an_admins_and_a_directorys_changes_at_once_both_hold(engine: Engine) {
        let app = TestApp::start_guided(engine, 5).await;
        let token = open_to_members(&app).await;
        let directory = DirectoryClient::create(&app, &token).await;
        let path = directory.user("sam@example.com").await;
        let as_member = path.replace("/Users/", "/v1/members/");
        for pair in 0..PAIRS {
            let (first, last) = (format!("First{pair}"), format!("Last{pair}"));
            let (by_admin, by_directory) = join(
                app.call(&token, Method::PATCH, &as_member, Some(json!({ "first_name": first }))),
                directory.patch(&path, json!([{ "op": "replace", "path": "name.familyName", "value": last }])),
            ).await;
            by_admin.expect(200);
            by_directory.expect(200);
            let now = app.call(&token, Method::GET, &as_member, None).await.expect(200);
            assert_eq!((&now["first_name"], &now["last_name"]), (&first.into(), &last.into()), "pair {pair}");
        }
        app.stop().await;
    }

    async fn a_directory_that_deletes_what_it_has_seen_deletes_nothing_newer(engine: Engine) {
        let app = TestApp::start_guided(engine, 5).await;
        let token = open_to_members(&app).await;
        let directory = DirectoryClient::create(&app, &token).await;
        for pair in 0..PAIRS {
            let made = directory.post("/Users", user(&format!("sam{pair}@example.com"))).await.expect(201);
            let (path, seen) = (path_of("Users", &made), made["meta"]["version"].as_str().unwrap());
            let seen = [("if-match", seen)];
            let (deleted, renamed) = join(
                directory.send(Method::DELETE, &path, &seen, None),
                app.call(&token, Method::PATCH, &path.replace("/Users/", "/v1/members/"), Some(json!({ "first_name": "Sam" }))),
            ).await;
            let outcome = (deleted.status.as_u16(), renamed.status.as_u16());
            assert!([(204, 404), (412, 200)].contains(&outcome), "pair {pair}: {outcome:?}");
        }
        app.stop().await;
    }

    async fn whom_a_directory_deactivates_while_they_activate_stays_out(engine: Engine) {
        let app = TestApp::start_guided(engine, 5).await;
        let token = open_to_members(&app).await;
        let directory = DirectoryClient::create(&app, &token).await;
        for pair in 0..4 {
            let email = format!("sam{pair}@example.com");
            let path = directory.user(&email).await;
            let link = app.link_to(&email, "/activate/").await;
            let chosen = json!({ "method": "password", "password": PASSWORD });
            let (deactivated, activated) = join(
                directory.patch(&path, json!([{ "op": "replace", "path": "active", "value": false }])),
                Answer::send(app.request(Method::POST, &link).json(&chosen)),
            ).await;
            deactivated.expect(200);
            assert!([200, 410].contains(&activated.status.as_u16()), "{}", activated.text);
            let now = app.call(&token, Method::GET, &path.replace("/Users/", "/v1/members/"), None).await.expect(200);
            assert_ne!(now["state"], "active", "pair {pair}: {now}");
        }
        app.stop().await;
    }

    async fn of_two_admins_who_connect_marketo_at_once_one_waits_to_follow(engine: Engine) {
        let app = TestApp::start_guided(engine, 20).await;
        let token = open_to_members(&app).await;
        let (anna, bert) = join(member(&app, &token, "anna@example.com", "admin"), member(&app, &token, "bert@example.com", "admin")).await;
        for pair in 0..4 {
            let (first, second) = join(
                anna.call(&app, Method::POST, MARKETO, Some(json!({}))),
                bert.call(&app, Method::POST, MARKETO, Some(json!({}))),
            ).await;
            let mut waiting = [first.expect(201)["waits_to_follow"].clone(), second.expect(201)["waits_to_follow"].clone()];
            waiting.sort_by_key(Value::to_string);
            assert_eq!(waiting, [false, true], "pair {pair}");
            for person in [&anna, &bert] {
                assert_eq!(person.call(&app, Method::DELETE, MARKETO, None).await.status, 204);
            }
        }
        app.stop().await;
    }

    async fn whoever_becomes_a_user_keeps_no_access_granted_at_the_same_time(engine: Engine) {
        let app = TestApp::start_guided(engine, 20).await;
        let token = open_to_members(&app).await;
        let (anna, bert) = join(member(&app, &token, "anna@example.com", "admin"), member(&app, &token, "bert@example.com", "admin")).await;
        anna.call(&app, Method::POST, MARKETO, Some(json!({}))).await.expect(201);
        let (path, access) = (format!("/v1/members/{}", bert.id), format!("{MARKETO}/access/{}", bert.id));
        for pair in 0..PAIRS {
            let (granted, demoted) = join(
                anna.call(&app, Method::PUT, &access, None),
                app.call(&token, Method::PATCH, &path, Some(json!({ "role": "user" }))),
            ).await;
            assert!([204, 409].contains(&granted.status.as_u16()), "{}", granted.text);
            demoted.expect(200);
            let listed = anna.call(&app, Method::GET, &format!("{MARKETO}/access"), None).await.expect(200);
            assert_eq!(listed["data"], json!([]), "pair {pair}");
            app.call(&token, Method::PATCH, &path, Some(json!({ "role": "admin" }))).await.expect(200);
        }
        app.stop().await;
    }

    async fn of_two_lists_of_allowed_calls_at_once_one_holds(engine: Engine) {
        let app = TestApp::start(engine).await;
        let client = app.client(None, "salesforce:call marketo:call".parse().unwrap()).await.0;
        let read = |rules: [&str; 2]| rules.map(|rule| rule.parse::<CallRule>().unwrap());
        let reading = read(["salesforce GET /services/data", "marketo GET /rest/v1"]);
        let writing = read(["salesforce POST /services/data", "marketo POST /rest/v1"]);
        let replace = async |rules: &[CallRule]| {
            let mut tx = app.db().begin().await.unwrap();
            replace_rules(&mut tx, &client, rules).await.unwrap();
            tx.commit().await.unwrap();
        };
        for pair in 0..PAIRS {
            join(replace(&reading), replace(&writing)).await;
            let now = list_rules(app.db(), &client).await.unwrap();
            assert_eq!(now.len(), 2, "pair {pair}: {now:?}");
        }
        app.stop().await;
    }
}
