//! Members: seen, changed, kept out, removed; and who must stay.

use msi_actions::auth::Scopes;
use reqwest::Method;
use serde_json::{Value, json};
use time::Duration;

use crate::support::person::{LoggedInMember, PASSWORD, activate, log_in, member, open_to_members};
use crate::support::{Answer, FIRST_USER, TestApp, on_both_engines};

/// An instance with its first user logged in, who is an admin, and an operator's token.
async fn with_maria(app: &TestApp) -> (String, LoggedInMember) {
    let token = app.guided_instance().await;
    let invite = app.call(&token, Method::POST, "/v1/invites/first", Some(json!({ "email": FIRST_USER }))).await.expect(201);
    let settings = json!({ "login_management": "all_login_methods" });
    app.call(&token, Method::PATCH, "/v1/instance", Some(settings)).await.expect(200);
    let maria = activate(app, &token, &invite).await;
    (token, maria)
}

fn path(person: &LoggedInMember) -> String {
    format!("/v1/members/{}", person.id)
}

/// By address: those who were added in the same moment are in no order.
fn emails(listed: &Value) -> Vec<&str> {
    let mut emails: Vec<_> = listed["data"].as_array().unwrap().iter().map(|member| member["email"].as_str().unwrap()).collect();
    emails.sort_unstable();
    emails
}

on_both_engines! {
    async fn members_are_found_by_role_status_team_and_part_of_a_name(engine: Engine) {
        let app = TestApp::start_guided(engine, 5).await;
        let (token, maria) = with_maria(&app).await;
        let anna = member(&app, &token, "anna@example.com", "user").await;
        let zoe = member(&app, &token, "zoe_1@example.com", "admin").await;
        app.call(&token, Method::POST, "/v1/invites", Some(json!({ "emails": ["later@example.com"] }))).await.expect(200);
        maria.call(&app, Method::PATCH, &path(&zoe), Some(json!({ "first_name": "Zoë", "last_name": "ÖZTÜRK" }))).await.expect(200);
        let team = app.call(&token, Method::POST, "/v1/teams", Some(json!({ "name": "West" }))).await.expect(201)["id"].clone();
        let team = team.as_str().unwrap();
        app.call(&token, Method::POST, &format!("/v1/teams/{team}/members"), Some(json!({ "add": [anna.id] }))).await.expect(200);
        let list = async |query: &str| app.call(&token, Method::GET, &format!("/v1/members?{query}"), None).await.expect(200);
        assert_eq!(emails(&list("search=zo%C3%AB%20%C3%B6zt").await), ["zoe_1@example.com"]);
        assert_eq!(emails(&list("search=ANNA").await), ["anna@example.com"]);
        assert_eq!(emails(&list("search=e_1").await), ["zoe_1@example.com"], "a sign of LIKE is a sign");
        assert!(emails(&list("search=%25").await).is_empty());
        assert_eq!(emails(&list(&format!("team={team}")).await), ["anna@example.com"]);
        assert_eq!(emails(&list("role=admin&state=active").await), [FIRST_USER, "zoe_1@example.com"]);
        assert_eq!(emails(&list("state=invited").await), ["later@example.com"]);
        maria.call(&app, Method::POST, &format!("{}/deactivate", path(&anna)), None).await.expect(200);
        assert_eq!(emails(&list("state=deactivated").await), ["anna@example.com"]);
        let first = list("limit=2").await;
        let second = list(&format!("limit=2&cursor={}", first["next_cursor"].as_str().unwrap())).await;
        let mut both = [emails(&first), emails(&second)].concat();
        both.sort_unstable();
        assert_eq!(both, ["anna@example.com", "later@example.com", FIRST_USER, "zoe_1@example.com"]);
        app.call(&token, Method::GET, "/v1/members?search=", None).await.problem(422, "invalid_input");
        app.stop().await;
    }

    async fn people_change_their_own_names_and_admins_anybodys(engine: Engine) {
        let app = TestApp::start_guided(engine, 5).await;
        let (token, maria) = with_maria(&app).await;
        let tom = member(&app, &token, "tom@example.com", "user").await;
        let changed = tom.call(&app, Method::PATCH, "/v1/members/me", Some(json!({ "first_name": "  Tom ", "last_name": "Opel" }))).await;
        assert_eq!((&changed.expect(200)["first_name"], &changed.json()["last_name"]), (&"Tom".into(), &"Opel".into()));
        let changed = tom.call(&app, Method::PATCH, "/v1/members/me", Some(json!({ "last_name": null }))).await.expect(200);
        assert!(changed["first_name"] == "Tom" && changed.get("last_name").is_none(), "{changed}");
        tom.call(&app, Method::PATCH, "/v1/members/me", Some(json!([null, null]))).await.problem(422, "invalid_input");
        tom.call(&app, Method::PATCH, "/v1/members/me", Some(json!({ "role": "admin" }))).await.problem(422, "invalid_input");
        tom.call(&app, Method::PATCH, &path(&maria), Some(json!({ "first_name": "X" }))).await.problem(403, "forbidden");
        let wrong = json!({ "first_name": "  ", "last_name": "a\nb" });
        let wrong = maria.call(&app, Method::PATCH, &path(&tom), Some(wrong)).await;
        assert_eq!(wrong.problem(422, "invalid_input")["errors"].as_array().unwrap().len(), 2, "every fault at once");
        app.call(&token, Method::GET, "/v1/members/me", None).await.problem(403, "member_required");
        assert_eq!(tom.get(&app, "/v1/members/me").await.expect(200), tom.get(&app, &path(&tom)).await.expect(200));
        app.stop().await;
    }

    async fn a_new_role_holds_from_the_next_request_on_for_sessions_too(engine: Engine) {
        let app = TestApp::start_guided(engine, 5).await;
        let (token, maria) = with_maria(&app).await;
        let tom = member(&app, &token, "tom@example.com", "user").await;
        tom.get(&app, "/v1/audit-events").await.problem(403, "forbidden");
        maria.call(&app, Method::PATCH, &path(&tom), Some(json!({ "role": "admin" }))).await.expect(200);
        tom.get(&app, "/v1/audit-events").await.expect(200);
        maria.call(&app, Method::PATCH, &path(&tom), Some(json!({ "role": "user" }))).await.expect(200);
        tom.get(&app, "/v1/audit-events").await.problem(403, "forbidden");
        app.stop().await;
    }

    async fn the_last_active_admin_stays_and_is_told_what_to_do_instead(engine: Engine) {
        let app = TestApp::start_guided(engine, 5).await;
        let (token, maria) = with_maria(&app).await;
        // An invited admin can't act yet.
        let invited = json!({ "emails": ["anna@example.com"], "role": "admin" });
        let invited = app.call(&token, Method::POST, "/v1/invites", Some(invited)).await.expect(200);
        let demote = json!({ "role": "user" });
        let refused = app.call(&token, Method::PATCH, &path(&maria), Some(demote.clone())).await;
        assert!(refused.problem(409, "last_admin")["detail"].as_str().unwrap().contains("PATCH /v1/members/ID"), "{}", refused.text);
        app.call(&token, Method::POST, &format!("{}/deactivate", path(&maria)), None).await.problem(409, "last_admin");
        app.call(&token, Method::DELETE, &path(&maria), None).await.problem(409, "last_admin");
        let anna = activate(&app, &token, &invited["data"][0]["invite"]).await;
        // Two admins who remove each other at once: one stays.
        let (by_maria, by_anna) = (path(&anna), path(&maria));
        let both = futures_util::future::join(
            maria.call(&app, Method::PATCH, &by_maria, Some(demote.clone())),
            anna.call(&app, Method::PATCH, &by_anna, Some(demote)),
        );
        let (one, other) = both.await;
        let mut statuses = [one.status.as_u16(), other.status.as_u16()];
        statuses.sort_unstable();
        // Whoever comes second is no admin any more, or is told that nobody else would be left.
        assert!(statuses[0] == 200 && matches!(statuses[1], 403 | 409), "{statuses:?}");
        let admins = app.call(&token, Method::GET, "/v1/members?role=admin", None).await.expect(200);
        assert_eq!(admins["data"].as_array().unwrap().len(), 1);
        app.stop().await;
    }

    async fn the_original_user_stays_once_the_sync_has_started(engine: Engine) {
        let app = TestApp::start_guided(engine, 5).await;
        let (token, maria) = with_maria(&app).await;
        let anna = member(&app, &token, "anna@example.com", "admin").await;
        // Before the sync, the first user is like any other.
        anna.call(&app, Method::POST, &format!("{}/deactivate", path(&maria)), None).await.expect(200);
        anna.call(&app, Method::POST, &format!("{}/reactivate", path(&maria)), None).await.expect(200);
        app.connect_both(&token).await;
        app.sync(&token).await;
        let refused = anna.call(&app, Method::DELETE, &path(&maria), None).await;
        assert!(refused.problem(409, "original_user_stays")["detail"].as_str().unwrap().contains("leave this account"), "{}", refused.text);
        anna.call(&app, Method::PATCH, &path(&maria), Some(json!({ "role": "user" }))).await.problem(409, "original_user_stays");
        anna.call(&app, Method::POST, &format!("{}/deactivate", path(&maria)), None).await.problem(409, "original_user_stays");
        app.stop().await;
    }

    async fn who_is_deactivated_is_out_at_once_in_every_process_until_reactivated(engine: Engine) {
        let app = TestApp::start_guided(engine, 5).await;
        let (token, maria) = with_maria(&app).await;
        let tom = member(&app, &token, "tom@example.com", "user").await;
        let replica = app.replica().await;
        let at_replica = async || {
            let request = app.http.get(format!("{}/v1/members/me", replica.url)).header("cookie", &tom.cookie);
            Answer::send(request).await
        };
        at_replica().await.expect(200);
        let done = maria.call(&app, Method::POST, &format!("{}/deactivate", path(&tom)), None).await.expect(200);
        assert!(done["state"] == "deactivated" && done["deactivated_at"].is_string(), "{done}");
        at_replica().await.problem(401, "invalid_token");
        tom.get(&app, "/v1/members/me").await.problem(401, "invalid_token");
        log_in(&app, "tom@example.com", PASSWORD).await.problem(403, "member_deactivated");
        log_in(&app, "tom@example.com", "not the password at all").await.problem(401, "login_refused");
        let again = app.call(&token, Method::POST, "/v1/invites", Some(json!({ "emails": ["tom@example.com"] }))).await.expect(200);
        assert_eq!(again["data"][0]["outcome"], "already_member", "no way in by another invitation: {again}");
        // Once more does no harm; the session of before stays ended.
        maria.call(&app, Method::POST, &format!("{}/deactivate", path(&tom)), None).await.expect(200);
        let back = maria.call(&app, Method::POST, &format!("{}/reactivate", path(&tom)), None).await.expect(200);
        assert!(back["state"] == "active" && back.get("deactivated_at").is_none(), "{back}");
        tom.get(&app, "/v1/members/me").await.problem(401, "invalid_token");
        log_in(&app, "tom@example.com", PASSWORD).await.expect(201);
        maria.call(&app, Method::POST, &format!("{}/deactivate", path(&maria)), None).await.problem(409, "last_admin");
        replica.stop().await;
        app.stop().await;
    }

    async fn tokens_of_a_deactivated_or_demoted_member_are_refused_at_once(engine: Engine) {
        let app = TestApp::start_guided(engine, 10).await;
        let (id, token) = app.instance(crate::support::MUNCHKIN_ID).await;
        assert!(app.connect_salesforce_as(&token, FIRST_USER).await.status.is_success());
        let invite = app.call(&token, Method::POST, "/v1/invites/first", Some(json!({ "email": FIRST_USER }))).await.expect(201);
        let link = app.activation_path(&token, &invite).await;
        let begun = Answer::send(app.request(Method::POST, &link).json(&json!({ "method": "salesforce" }))).await.expect(200);
        let back = app.log_in_at_salesforce(begun["authorization_url"].as_str().unwrap(), FIRST_USER).await;
        assert!(app.come_back(&back).await.status.is_success());
        app.call(&token, Method::PATCH, "/v1/instance", Some(json!({ "login_management": "all_login_methods" }))).await.expect(200);
        let anna = member(&app, &token, "anna@example.com", "admin").await;
        app.call(&token, Method::PATCH, "/v1/instance", Some(json!({ "login_management": "salesforce_only" }))).await.expect(200);
        let maria = app.call(&token, Method::GET, "/v1/members?search=maria", None).await.expect(200)["data"][0]["id"].as_str().unwrap().to_owned();
        let client = app.client(Some(id.parse().unwrap()), Scopes::of_an_instance()).await;
        let exchange = async || {
            let made = app.tell_sandbox("salesforce/sessions", json!({ "username": FIRST_USER })).await;
            app.ask_token(&client, &[]).await.expect(200);
            let form = [
                ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"), ("client_id", &client.0), ("client_secret", &client.1),
                ("subject_token", made["access_token"].as_str().unwrap()),
                ("subject_token_type", "urn:msi-actions:token-type:salesforce-access-token"),
                ("instance_url", made["instance_url"].as_str().unwrap()),
            ];
            Answer::send(app.request(Method::POST, "/oauth/token").form(&form)).await
        };
        let held = exchange().await.expect(200)["access_token"].as_str().unwrap().to_owned();
        let replica = app.replica().await;
        replica.get(&held, "/v1/audit-events").await.expect(200);
        let member = format!("/v1/members/{maria}");
        app.call(&token, Method::PATCH, &member, Some(json!({ "role": "user" }))).await.expect(200);
        replica.get(&held, "/v1/audit-events").await.problem(403, "forbidden");
        replica.get(&held, "/v1/members/me").await.expect(200);
        app.call(&token, Method::POST, &format!("{member}/deactivate"), None).await.expect(200);
        replica.get(&held, "/v1/members/me").await.problem(401, "invalid_token");
        let form = [("client_id", client.0.as_str()), ("client_secret", &client.1), ("token", &held)];
        let known = Answer::send(app.request(Method::POST, "/oauth/introspect").form(&form)).await.expect(200);
        assert_eq!(known, json!({ "active": false }));
        assert_eq!(exchange().await.expect(400)["code"], "auto_login_deactivated");
        // A token of before stays refused after coming back.
        app.call(&token, Method::POST, &format!("{member}/reactivate"), None).await.expect(200);
        replica.get(&held, "/v1/members/me").await.problem(401, "invalid_token");
        app.clock.advance(Duration::seconds(1));
        let fresh = exchange().await.expect(200)["access_token"].as_str().unwrap().to_owned();
        replica.get(&fresh, "/v1/members/me").await.expect(200);
        assert_ne!(anna.id, maria);
        replica.stop().await;
        app.stop().await;
    }

    async fn what_a_removed_member_owned_passes_to_the_admin_who_removed_them(engine: Engine) {
        let app = TestApp::start_guided(engine, 5).await;
        let (token, maria) = with_maria(&app).await;
        let anna = member(&app, &token, "anna@example.com", "admin").await;
        anna.call(&app, Method::POST, "/v1/connections/marketo", Some(json!({}))).await.expect(201);
        anna.call(&app, Method::PUT, &format!("/v1/connections/marketo/access/{}", maria.id), None).await.expect(204);
        let invited = anna.call(&app, Method::POST, "/v1/invites", Some(json!({ "emails": ["tom@example.com"] }))).await.expect(200);
        let invite = invited["data"][0]["invite"]["id"].as_str().unwrap().to_owned();
        // Not by herself.
        anna.call(&app, Method::DELETE, &path(&anna), None).await.problem(409, "self_change_forbidden");
        anna.call(&app, Method::PATCH, &path(&anna), Some(json!({ "role": "user" }))).await.problem(409, "owns_marketo_connection");
        let removed = maria.call(&app, Method::DELETE, &path(&anna), None).await.expect(200);
        let me = format!("member:{}", maria.id);
        assert_eq!(removed, json!({ "reassigned_to": me, "marketo_connection": true, "invitations": 1, "imports": 0 }));
        assert_eq!(maria.get(&app, "/v1/connections/marketo").await.expect(200)["connected_by"], me);
        let access = maria.get(&app, "/v1/connections/marketo/access").await.expect(200);
        assert!(access["data"].as_array().unwrap().is_empty(), "the owner needs none: {access}");
        assert_eq!(maria.get(&app, &format!("/v1/invites/{invite}")).await.expect(200)["invited_by"], me);
        anna.get(&app, "/v1/members/me").await.problem(401, "invalid_token");
        maria.get(&app, &path(&anna)).await.problem(404, "not_found");
        // The address and the seat are free again.
        let again = app.call(&token, Method::POST, "/v1/invites", Some(json!({ "emails": ["anna@example.com"] }))).await.expect(200);
        assert_eq!(again["data"][0]["outcome"], "invited");
        maria.call(&app, Method::DELETE, "/v1/connections/marketo", None).await.expect(204);
        app.stop().await;
    }

    async fn an_admin_who_becomes_a_user_gives_the_marketo_connection_up(engine: Engine) {
        let app = TestApp::start_guided(engine, 5).await;
        let (token, maria) = with_maria(&app).await;
        let anna = member(&app, &token, "anna@example.com", "admin").await;
        anna.call(&app, Method::POST, "/v1/connections/marketo", Some(json!({}))).await.expect(201);
        maria.call(&app, Method::PATCH, &path(&anna), Some(json!({ "role": "user" }))).await.expect(200);
        assert_eq!(maria.get(&app, "/v1/connections/marketo").await.expect(200)["connected_by"], format!("member:{}", maria.id));
        app.stop().await;
    }

    async fn removing_revokes_the_members_own_salesforce_connection_or_does_nothing(engine: Engine) {
        let app = TestApp::start_guided(engine, 5).await;
        let (token, maria) = with_maria(&app).await;
        assert!(app.connect_salesforce_as(&token, FIRST_USER).await.status.is_success());
        let tom = member(&app, &token, "tom@example.com", "user").await;
        let own = "/v1/members/me/salesforce-connection";
        let begun = tom.call(&app, Method::POST, own, Some(json!({}))).await.expect(201);
        let back = app.log_in_at_salesforce_beside(&tom.cookie, begun["authorization_url"].as_str().unwrap(), FIRST_USER).await;
        assert!(app.come_back(&back).await.status.is_success());
        tom.get(&app, own).await.expect(200);
        app.fault(json!({ "target": "salesforce", "path_contains": "/revoke", "kind": "http_status", "status": 503, "times": 10 })).await;
        let refused = maria.call(&app, Method::DELETE, &path(&tom), None).await;
        assert!(refused.status.as_u16() >= 400, "{}", refused.text);
        tom.get(&app, own).await.expect(200);
        let faults = format!("{}/__sandbox/faults", app.sandbox.as_ref().unwrap().url());
        Answer::send(app.http.delete(faults)).await;
        maria.call(&app, Method::DELETE, &path(&tom), None).await.expect(200);
        app.stop().await;
    }

    async fn an_invitation_is_withdrawn_by_removing_the_person(engine: Engine) {
        let app = TestApp::start_guided(engine, 5).await;
        let token = open_to_members(&app).await;
        let invited = app.call(&token, Method::POST, "/v1/invites", Some(json!({ "emails": ["tom@example.com"] }))).await.expect(200);
        let invite = &invited["data"][0]["invite"];
        let link = app.activation_path(&token, invite).await;
        let member = format!("/v1/members/{}", invite["member_id"].as_str().unwrap());
        app.call(&token, Method::POST, &format!("{member}/deactivate"), None).await.problem(409, "member_not_activated");
        app.call(&token, Method::DELETE, &member, None).await.expect(200);
        let used = Answer::send(app.request(Method::POST, &link).json(&json!({ "method": "password", "password": PASSWORD }))).await;
        assert!(matches!(used.status.as_u16(), 404 | 410), "{}", used.text);
        app.stop().await;
    }

    async fn seats_are_what_the_deployment_says(engine: Engine) {
        let app = TestApp::start_guided_changed(engine, msi_actions::sandbox::SandboxSettings { people: 5, ..Default::default() }, |settings| {
            settings.limits.seats = 2;
        })
        .await;
        let token = open_to_members(&app).await;
        let both = json!({ "emails": ["anna@example.com", "bert@example.com"] });
        let results = app.call(&token, Method::POST, "/v1/invites", Some(both)).await.expect(200);
        let statuses: Vec<_> = results["data"].as_array().unwrap().iter().map(|one| one["outcome"].as_str().unwrap()).collect();
        assert_eq!(statuses, ["invited", "no_seat"]);
        assert_eq!(app.call(&token, Method::GET, "/v1/instance", None).await.expect(200)["limits"]["user_seats"], 2);
        app.stop().await;
    }
}
