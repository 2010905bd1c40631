//! The audit: every change leaves an event, which stays as it is.

use std::collections::BTreeSet;

use msi_actions::app::route_table;
use msi_actions::audit;
use msi_actions::auth::{Scopes, rotate_signing_key};
use msi_actions::sandbox::SandboxSettings;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::support::person::{LoggedInMember, PASSWORD, activate, cookie_of, log_in, member, open_to_members};
use crate::support::{Answer, FIRST_USER, MUNCHKIN_ID, TestApp, binary, on_both_engines};

const EVENTS: &str = "/v1/audit-events";

/// Routes that change something and leave no event, each with the reason.
const WITHOUT_EVENT: &[(&str, &str, &str)] = &[
    ("POST", "/oauth/token", "gives out a token and changes nothing that somebody set"),
    ("POST", "/oauth/revoke", "a client gives up a token of its own"),
    ("POST", "/oauth/introspect", "only asks"),
    ("POST", "/v1/password-resets", "answers the same for everybody; the job leaves the event when there is a member"),
    ("POST", "/v1/connections/salesforce", "only begins; coming back from Salesforce leaves the event"),
    ("POST", "/v1/members/me/salesforce-connection", "only begins, as above"),
    ("POST", "/v1/connections/salesforce/test", "looks whether the connection works"),
    ("POST", "/v1/connections/marketo/test", "looks whether the connection works"),
    ("POST", "/v1/members/me/salesforce-connection/test", "looks whether the connection works"),
    ("POST", "/v1/tokens/salesforce", "serves a token that is there"),
    ("POST", "/v1/tokens/salesforce/invalidate", "reports a token that a vendor refused"),
    ("POST", "/v1/tokens/marketo", "serves a token that is there"),
    ("POST", "/v1/tokens/marketo/invalidate", "reports a token that a vendor refused"),
    ("POST", "/v1/people/lookup", "only asks"),
    ("POST", "/scim/v2/.search", "only asks"),
    ("POST", "/scim/v2/Users/.search", "only asks"),
    ("POST", "/scim/v2/Groups/.search", "only asks"),
    ("POST", "/v1/sync/runs/{run_id}/cancel", "asks for what a run under way does; seen in sync_control.rs"),
    ("POST", "/v1/sync/runs/{run_id}/pause", "as above"),
    ("POST", "/v1/sync/runs/{run_id}/resume", "as above"),
    ("POST", "/v1/sync/runs/{run_id}/retry", "as above"),
    ("ANY", "/v1/salesforce/{path:.*}", "changes something at the vendor, who has an audit of its own"),
    ("ANY", "/v1/marketo/{path:.*}", "changes something at the vendor, who has an audit of its own"),
];

/// Drives routes and looks for the event of each request.
struct Driver {
    app: TestApp,
    token: String,
    /// The token of a directory.
    directory: Option<String>,
    driven: BTreeSet<(String, &'static str)>,
}

impl Driver {
    async fn events(&self, query: &str) -> Vec<Value> {
        let listed = self.app.call(&self.token, Method::GET, &format!("{EVENTS}?limit=500{query}"), None).await.expect(200);
        listed["data"].as_array().unwrap().clone()
    }

    /// Sends a request to the route `pattern`, and expects an event of this action with the request's id and actor.
    async fn expect(&mut self, pattern: &'static str, action: &str, actor: &str, request: RequestBuilder) -> Answer {
        let method = request.try_clone().map(|copy| copy.build().unwrap().method().to_string()).unwrap_or_else(|| "POST".to_owned());
        let answer = Answer::send(request.header("user-agent", "Tests/1.0")).await;
        assert!(answer.status.as_u16() < 400, "{method} {pattern}: {}", answer.text);
        let id = answer.headers["x-request-id"].to_str().unwrap();
        let events = self.events("").await;
        let event = events.iter().find(|event| event["request_id"] == id && event["action"] == action);
        let event = event.unwrap_or_else(|| panic!("{method} {pattern} left no {action}: {:?}", events.first()));
        assert!(event["actor"].as_str().unwrap().starts_with(actor), "{event}");
        assert_eq!((&event["address"], &event["user_agent"]), (&"127.0.0.1".into(), &"Tests/1.0".into()), "{event}");
        self.driven.insert((method, pattern));
        answer
    }

    async fn by_client(&mut self, method: Method, pattern: &'static str, path: &str, action: &str, body: Option<Value>) -> Answer {
        let request = self.app.request(method, path).bearer_auth(&self.token);
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        self.expect(pattern, action, "client:", request).await
    }

    /// Makes a dead letter of a job that has long been done.
    async fn dead_letter(&self) -> String {
        let done = "SELECT id FROM jobs WHERE kind = 'send_mail' AND state = 'done' LIMIT 1";
        let dead = format!(
            "UPDATE jobs SET state = 'dead', kind = 'sync_tidy', lane = 'maintenance', last_error = 'it failed' WHERE id = ({done})"
        );
        assert_eq!(self.app.sql(&dead).await, 1);
        let listed = self.app.call(&self.token, Method::GET, "/v1/dead-letters?limit=1", None).await.expect(200);
        listed["data"][0]["id"].as_str().unwrap().to_owned()
    }

    /// As a directory with its token.
    async fn by_directory(&mut self, method: Method, pattern: &'static str, path: &str, action: &str, body: Value) -> Answer {
        let request = self.app.request(method, path).bearer_auth(self.directory.as_deref().unwrap());
        self.expect(pattern, action, "client:scim-", if body.is_null() { request } else { request.json(&body) }).await
    }

    async fn by(
        &mut self,
        who: &LoggedInMember,
        method: Method,
        pattern: &'static str,
        path: &str,
        action: &str,
        body: Option<Value>,
    ) -> Answer {
        let request = self.app.request(method, path).header("cookie", &who.cookie).header("x-requested-with", "test");
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        self.expect(pattern, action, "member:", request).await
    }
}

on_both_engines! {
    async fn every_change_leaves_an_event_of_who_did_it_and_from_where(engine: Engine) {
        let app = TestApp::start_guided(engine, 20).await;
        let (id, token) = app.instance(MUNCHKIN_ID).await;
        let operator = app.operator_token().await;
        let mut driver = Driver { app, token, directory: None, driven: BTreeSet::new() };

        let new = json!({ "munchkin_id": "999-ZZZ-999", "environment": "sandbox",
            "prerequisites": { "msi_actions_enabled": true, "salesforce_sync_configured": true } });
        let made = driver.app.call(&operator, Method::POST, "/v1/instances", Some(new)).await.expect(201);
        let theirs = driver.app.narrowed(made["id"].as_str().unwrap()).await;
        let listed = driver.app.call(&theirs, Method::GET, EVENTS, None).await.expect(200);
        assert_eq!((&listed["data"][0]["action"], listed["data"].as_array().unwrap().len()), (&"instance.created".into(), 1), "{listed}");
        driver.driven.insert(("POST".into(), "/v1/instances"));

        // Setting up.
        let settings = json!({ "login_management": "all_login_methods" });
        driver.by_client(Method::PATCH, "/v1/instance", "/v1/instance", "instance.changed", Some(settings)).await;
        let first = json!({ "email": FIRST_USER });
        let invite = driver.by_client(Method::POST, "/v1/invites/first", "/v1/invites/first", "invite.created", Some(first)).await.json();
        let reveal = "/v1/instance/integration-information/reveal-secret";
        driver.by_client(Method::POST, reveal, reveal, "integration.secret_shown", None).await;
        let rotate = "/v1/instance/integration-information/rotate";
        driver.by_client(Method::POST, rotate, rotate, "integration.secret_rotated", None).await;
        let path = driver.app.activation_path(&driver.token, &invite).await;
        let chosen = json!({ "method": "password", "password": PASSWORD });
        let request = driver.app.request(Method::POST, &path).json(&chosen);
        let activated = driver.expect("/activate/{token}", "member.activated", "member:", request).await;
        let maria = LoggedInMember { id: activated.json()["id"].as_str().unwrap().to_owned(), cookie: cookie_of(&activated) };

        // People.
        let people = json!({ "emails": ["anna@example.com", "bert@example.com"], "role": "admin" });
        let invited = driver.by(&maria, Method::POST, "/v1/invites", "/v1/invites", "invite.created", Some(people)).await.json();
        let anna = activate(&driver.app, &driver.token, &invited["data"][0]["invite"]).await;
        let bert = activate(&driver.app, &driver.token, &invited["data"][1]["invite"]).await;
        let me = "/v1/members/me";
        driver.by(&anna, Method::PATCH, me, me, "member.renamed", Some(json!({ "first_name": "Anna" }))).await;
        let (own, same) = ("/v1/members/me/password", json!({ "current_password": PASSWORD, "password": PASSWORD }));
        driver.by(&anna, Method::PUT, own, own, "member.password_changed", Some(same)).await;
        let member = "/v1/members/{member_id}";
        let path = format!("/v1/members/{}", bert.id);
        driver.by(&maria, Method::PATCH, member, &path, "member.renamed", Some(json!({ "last_name": "Bauer" }))).await;
        driver.by(&maria, Method::PATCH, member, &path, "member.role_changed", Some(json!({ "role": "user" }))).await;
        driver.by(&maria, Method::POST, "/v1/members/{member_id}/deactivate", &format!("{path}/deactivate"), "member.deactivated", None).await;
        driver.by(&maria, Method::POST, "/v1/members/{member_id}/reactivate", &format!("{path}/reactivate"), "member.reactivated", None).await;
        let sessions = "/v1/members/me/sessions";
        driver.app.clock.advance(time::Duration::seconds(1));
        log_in(&driver.app, "anna@example.com", PASSWORD).await.expect(201);
        driver.by(&anna, Method::DELETE, sessions, sessions, "session.ended", None).await;
        driver.app.clock.advance(time::Duration::seconds(1));
        log_in(&driver.app, "anna@example.com", PASSWORD).await.expect(201);
        let newest = anna.get(&driver.app, sessions).await.expect(200)["data"][0]["id"].as_str().unwrap().to_owned();
        driver.by(&anna, Method::DELETE, "/v1/members/me/sessions/{session_id}", &format!("{sessions}/{newest}"), "session.ended", None).await;
        let theirs = format!("/v1/members/{}/sessions", anna.id);
        driver.app.clock.advance(time::Duration::seconds(1));
        log_in(&driver.app, "anna@example.com", PASSWORD).await.expect(201);
        let one = anna.get(&driver.app, sessions).await.expect(200)["data"][0]["id"].as_str().unwrap().to_owned();
        driver.by(&maria, Method::DELETE, "/v1/members/{member_id}/sessions/{session_id}", &format!("{theirs}/{one}"), "session.ended", None).await;
        driver.by(&maria, Method::DELETE, "/v1/members/{member_id}/sessions", &theirs, "member.signed_out", None).await;
        let login = driver.app.request(Method::POST, "/v1/sessions").json(&json!({ "email": "anna@example.com", "password": PASSWORD }));
        let again = driver.expect("/v1/sessions", "session.begun", "member:", login).await;
        let logout = driver.app.request(Method::DELETE, "/v1/sessions").header("cookie", cookie_of(&again));
        driver.expect("/v1/sessions", "session.ended", "member:", logout).await;
        Answer::send(driver.app.request(Method::POST, "/v1/password-resets").json(&json!({ "email": "anna@example.com" }))).await.expect(202);
        let link = driver.app.link_to("anna@example.com", "/reset-password/").await;
        let reset = driver.app.request(Method::POST, &link).json(&json!({ "password": "another horse with batteries" }));
        driver.expect("/reset-password/{token}", "member.password_reset", "member:", reset).await;
        assert_eq!(driver.events("&action=member.password_reset_requested").await[0]["actor"], "job:password_reset");
        driver.by(&maria, Method::DELETE, member, &path, "member.removed", None).await;

        // Teams and imports.
        let team = driver.by(&maria, Method::POST, "/v1/teams", "/v1/teams", "team.created", Some(json!({ "name": "West" }))).await.json();
        let path = format!("/v1/teams/{}", team["id"].as_str().unwrap());
        driver.by(&maria, Method::PATCH, "/v1/teams/{team_id}", &path, "team.renamed", Some(json!({ "name": "East" }))).await;
        let joining = json!({ "add": [maria.id] });
        driver.by(&maria, Method::POST, "/v1/teams/{team_id}/members", &format!("{path}/members"), "team.members_changed", Some(joining)).await;
        driver.by(&maria, Method::DELETE, "/v1/teams/{team_id}", &path, "team.removed", None).await;
        let file = driver.app.request(Method::POST, "/v1/invite-imports").bearer_auth(&driver.token).header("content-type", "text/csv");
        let import = driver.expect("/v1/invite-imports", "import.created", "client:", file.body("email\ncara@example.com\n")).await.json();
        let mapping = Some(json!({ "mapping": { "email": 0 } }));
        let path = format!("/v1/invite-imports/{}", import["id"].as_str().unwrap());
        driver.by_client(Method::PUT, "/v1/invite-imports/{import_id}/mapping", &format!("{path}/mapping"), "import.mapped", mapping).await;
        let file = driver.app.request(Method::POST, "/v1/invite-imports").bearer_auth(&driver.token).header("content-type", "text/csv");
        let other = driver.expect("/v1/invite-imports", "import.created", "client:", file.body("email\ndave@example.com\n")).await.json();
        let path = format!("/v1/invite-imports/{}", other["id"].as_str().unwrap());
        driver.by_client(Method::DELETE, "/v1/invite-imports/{import_id}", &path, "import.discarded", None).await;
        let confirm = format!("/v1/invite-imports/{}/confirm", import["id"].as_str().unwrap());
        driver.by_client(Method::POST, "/v1/invite-imports/{import_id}/confirm", &confirm, "import.confirmed", Some(json!({}))).await;
        driver.app.until(&driver.token, &confirm.replace("/confirm", ""), |import| import["state"] == "completed").await;
        let by_job = driver.events("&actor=job:invite_import&action=invite.created").await;
        assert_eq!(by_job.len(), 1, "{by_job:?}");

        // Connections, sync, package.
        let page = driver.app.connect_salesforce_as(&driver.token, FIRST_USER).await;
        assert!(page.status.is_success(), "{}", page.text);
        let connected = driver.events("&action=salesforce.connected").await;
        assert!(connected[0]["actor"].as_str().unwrap().starts_with("client:"), "whoever began it: {connected:?}");
        let marketo = "/v1/connections/marketo";
        driver.by(&maria, Method::POST, marketo, marketo, "marketo.connected", Some(json!({}))).await;
        let access = format!("{marketo}/access/{}", anna.id);
        driver.by(&maria, Method::PUT, "/v1/connections/marketo/access/{member_id}", &access, "marketo_access.granted", None).await;
        driver.by(&maria, Method::DELETE, "/v1/connections/marketo/access/{member_id}", &access, "marketo_access.withdrawn", None).await;
        driver.by_client(Method::POST, "/v1/sync/runs", "/v1/sync/runs", "sync.started", None).await;
        driver.app.until(&driver.token, "/v1/sync/runs", |runs| runs["data"][0]["state"] == "completed").await;
        let own = "/v1/members/me/salesforce-connection";
        let begun = maria.call(&driver.app, Method::POST, own, Some(json!({}))).await.expect(201);
        let back = driver.app.log_in_at_salesforce_beside(&maria.cookie, begun["authorization_url"].as_str().unwrap(), FIRST_USER).await;
        assert!(driver.app.come_back(&back).await.status.is_success());
        assert_eq!(driver.events("&action=salesforce.connected").await[0]["actor"], format!("member:{}", maria.id));
        driver.by(&maria, Method::DELETE, own, own, "salesforce.disconnected", None).await;
        let key = json!({ "username": FIRST_USER, "private_key": include_str!("fixtures/assertion_key.pem") });
        let jwt = "/v1/connections/salesforce/jwt-bearer";
        driver.app.tell_sandbox("salesforce", json!({ "app_public_key": include_str!("fixtures/assertion_key.pub.pem") })).await;
        driver.by_client(Method::PUT, jwt, jwt, "salesforce.key_set", Some(key)).await;
        driver.by(&maria, Method::DELETE, marketo, marketo, "marketo.disconnected", None).await;
        let salesforce = "/v1/connections/salesforce";
        driver.by_client(Method::DELETE, salesforce, salesforce, "salesforce.disconnected", None).await;
        let beat = json!({ "organization_id": "00D5g00003Qbnlq", "edition": "Enterprise Edition", "package_version": "3.2",
            "configured": { "identity_remote_site": true, "api_remote_site": true, "api_secret_key_accepted": true, "msi_actions_enabled": true } });
        let heartbeat = "/v1/package/heartbeat";
        driver.by_client(Method::POST, heartbeat, heartbeat, "package.reported", Some(beat.clone())).await;
        driver.app.call(&driver.token, Method::POST, heartbeat, Some(beat)).await.expect(200);
        assert_eq!(driver.events("&action=package.reported").await.len(), 1, "only what is new");

        // A directory at work.
        let tokens = "/v1/instance/scim-tokens";
        let made = driver.by(&maria, Method::POST, tokens, tokens, "scim_token.created", Some(json!({ "name": "Okta" }))).await.json();
        let bearer = made["bearer_token"].as_str().unwrap().to_owned();
        driver.directory = Some(bearer.clone());
        let schemas = json!(["urn:ietf:params:scim:schemas:core:2.0:User"]);
        let new = json!({ "schemas": schemas, "userName": "eve", "emails": [{ "value": "eve@example.com" }], "active": false });
        let eve = driver.by_directory(Method::POST, "/scim/v2/Users", "/scim/v2/Users", "member.provisioned", new).await.json();
        let path = format!("/scim/v2/Users/{}", eve["id"].as_str().unwrap());
        let (user, moved) = ("/scim/v2/Users/{user_id}", json!([{ "value": "eva@example.com" }]));
        let other = json!({ "schemas": schemas, "userName": "eva", "emails": moved });
        driver.by_directory(Method::PUT, user, &path, "member.email_changed", other).await;
        let change = |path: &str, value: Value| {
            json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [{ "op": "replace", "path": path, "value": value }] })
        };
        driver.by_directory(Method::PATCH, user, &path, "scim_user.changed", change("externalId", "E1".into())).await;
        driver.by_directory(Method::PATCH, user, &path, "invite.created", change("active", true.into())).await;
        driver.by_directory(Method::PATCH, user, &path, "invite.revoked", change("active", false.into())).await;
        let west = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Far west" });
        let team = driver.by_directory(Method::POST, "/scim/v2/Groups", "/scim/v2/Groups", "team.created", west).await.json();
        let group = format!("/scim/v2/Groups/{}", team["id"].as_str().unwrap());
        let (pattern, joining) = ("/scim/v2/Groups/{group_id}", change("members", json!([{ "value": eve["id"] }])));
        driver.by_directory(Method::PATCH, pattern, &group, "team.members_changed", joining).await;
        driver.by_directory(Method::PATCH, pattern, &group, "scim_group.changed", change("externalId", "G1".into())).await;
        let east = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Far east" });
        driver.by_directory(Method::PUT, pattern, &group, "team.renamed", east).await;
        driver.by_directory(Method::DELETE, pattern, &group, "team.removed", Value::Null).await;
        driver.by_directory(Method::DELETE, user, &path, "member.removed", Value::Null).await;
        let own = format!("{tokens}/{}", made["id"].as_str().unwrap());
        driver.by(&maria, Method::DELETE, "/v1/instance/scim-tokens/{token_id}", &own, "scim_token.revoked", None).await;

        // What can be done to an invitation.
        let people = json!({ "emails": ["dora@example.com"] });
        let listed = driver.app.call(&driver.token, Method::POST, "/v1/invites", Some(people)).await.expect(200);
        let invite = &listed["data"][0]["invite"];
        driver.app.message_of(&driver.token, invite).await;
        driver.app.clock.advance(time::Duration::minutes(11));
        driver.token = driver.app.narrowed_again(&driver.token).await;
        let path = format!("/v1/invites/{}", invite["id"].as_str().unwrap());
        driver.by(&maria, Method::POST, "/v1/invites/{invite_id}/resend", &format!("{path}/resend"), "invite.resent", None).await;
        driver.app.message_of(&driver.token, invite).await;
        let longer = Some(json!({ "days": 20 }));
        driver.by(&maria, Method::POST, "/v1/invites/{invite_id}/extend", &format!("{path}/extend"), "invite.extended", longer).await;
        driver.by(&maria, Method::POST, "/v1/invites/{invite_id}/revoke", &format!("{path}/revoke"), "invite.revoked", None).await;

        // What can be done to a dead letter.
        let letter = "/v1/dead-letters/{dead_letter_id}";
        let (retry, retried, discarded) = ("/v1/dead-letters/{dead_letter_id}/retry", "dead_letter.retried", "dead_letter.discarded");
        let path = format!("/v1/dead-letters/{}", driver.dead_letter().await);
        driver.by_client(Method::POST, retry, &format!("{path}/retry"), retried, None).await;
        let path = format!("/v1/dead-letters/{}", driver.dead_letter().await);
        driver.by_client(Method::DELETE, letter, &path, discarded, None).await;

        // All there is.
        let mut missing = Vec::new();
        for rule in route_table().rules().iter().filter(|rule| !matches!(rule.method, "GET" | "HEAD")) {
            let driven = driver.driven.iter().any(|(method, pattern)| method == rule.method && *pattern == rule.pattern);
            let exempt = WITHOUT_EVENT.iter().any(|(method, path, _)| (*method == rule.method || *method == "ANY") && *path == rule.pattern);
            if driven == exempt {
                missing.push(format!("{} {}", rule.method, rule.pattern));
            }
        }
        assert!(missing.is_empty(), "drive these here, or list them in WITHOUT_EVENT with the reason:\n{}", missing.join("\n"));

        // No secret in any of it, and every chain as it was recorded.
        let all = driver.app.call(&driver.token, Method::GET, &format!("{EVENTS}/export"), None).await.text;
        for secret in [PASSWORD, "another horse", "sandbox-marketo-secret", "PRIVATE KEY", "!AQ", "5Aep861", "$argon2", link.as_str(), bearer.as_str()] {
            assert!(!all.contains(secret), "{secret}");
        }
        let states = audit::verify(driver.app.db(), None, &[]).await.unwrap();
        assert!(states.iter().all(|state| state.defect.is_none()), "{states:?}");
        let own = states.iter().find(|state| state.chain.to_string() == id).unwrap();
        assert_eq!(own.sound as usize, all.lines().count());
        driver.app.stop().await;
    }

    async fn events_are_filtered_paged_and_exported_without_formulas(engine: Engine) {
        let app = TestApp::start_guided(engine, 5).await;
        let token = open_to_members(&app).await;
        for name in ["=cmd|' /C calc'!A0", "West, \"North\"", "South"] {
            app.clock.advance(time::Duration::seconds(1));
            app.call(&token, Method::POST, "/v1/teams", Some(json!({ "name": name }))).await.expect(201);
        }
        let list = async |query: &str| app.call(&token, Method::GET, &format!("{EVENTS}?{query}"), None).await.expect(200);
        let newest = list("limit=2").await;
        assert_eq!(newest["data"][0]["after"]["name"], "South", "newest first: {newest}");
        let next = list(&format!("limit=2&cursor={}", newest["next_cursor"].as_str().unwrap())).await;
        assert_eq!(next["data"][0]["sequence_number"].as_i64().unwrap(), newest["data"][1]["sequence_number"].as_i64().unwrap() - 1);
        let of_teams = list("action=team.").await["data"].as_array().unwrap().clone();
        assert_eq!(of_teams.len(), 3);
        assert!(list("action=team").await["data"].as_array().unwrap().is_empty());
        let subject = of_teams[0]["subject"]["id"].as_str().unwrap().to_owned();
        assert_eq!(list(&format!("subject_kind=team&subject_id={subject}")).await["data"].as_array().unwrap().len(), 1);
        let actor = of_teams[0]["actor"].as_str().unwrap().to_owned();
        assert!(list(&format!("actor={actor}")).await["data"].as_array().unwrap().len() >= 4);
        assert_eq!(list("since=2026-06-15T12:00:02Z&until=2026-06-15T12:00:03Z").await["data"].as_array().unwrap().len(), 1);
        let wrong = app.call(&token, Method::GET, &format!("{EVENTS}?since=yesterday&until=x&actor=&limit=10"), None).await;
        assert_eq!(wrong.problem(422, "invalid_input")["errors"].as_array().unwrap().len(), 3, "every error at once");

        let lines = app.call(&token, Method::GET, &format!("{EVENTS}/export?action=team."), None).await;
        let lines: Vec<Value> = lines.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 3);
        assert_eq!((&lines[0], &lines[2]), (&of_teams[2], &of_teams[0]), "oldest first, the same as listed");
        let table = app.call(&token, Method::GET, &format!("{EVENTS}/export?format=csv&action=team."), None).await;
        assert_eq!(table.headers["content-type"], "text/csv; charset=utf-8");
        let mut reader = csv::Reader::from_reader(table.text.as_bytes());
        assert_eq!(reader.headers().unwrap().iter().take(4).collect::<Vec<_>>(), ["sequence_number", "occurred_at", "actor", "action"]);
        let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        assert_eq!(rows.len(), 3);
        assert!(rows.iter().flatten().all(|cell| !cell.starts_with(['=', '+', '-', '@'])), "{rows:?}");
        app.stop().await;
    }

    async fn users_and_other_instances_see_no_event(engine: Engine) {
        let app = TestApp::start_guided(engine, 5).await;
        let token = open_to_members(&app).await;
        let user = member(&app, &token, "tom@example.com", "user").await;
        user.get(&app, EVENTS).await.problem(403, "forbidden");
        let (_, other) = app.instance("999-ZZZ-999").await;
        let theirs = app.call(&other, Method::GET, &format!("{EVENTS}/export"), None).await;
        assert!(theirs.text.contains("999-ZZZ-999") && !theirs.text.contains("tom@example.com"), "{}", theirs.text);
        app.stop().await;
    }

    async fn audit_events_can_not_be_changed_or_removed_unnoticed(engine: Engine) {
        let app = TestApp::start_guided(engine, 5).await;
        let token = app.guided_instance().await;
        for number in 0..5 {
            app.call(&token, Method::POST, "/v1/teams", Some(json!({ "name": format!("Team {number}") }))).await.expect(201);
        }
        let context = app.context().await;
        rotate_signing_key(&context.db, &context.vault, &*context.clock).await.unwrap();
        let verify = async || audit::verify(app.db(), None, &[]).await.unwrap();
        assert!(verify().await.iter().all(|state| state.defect.is_none() && state.sound > 0));
        assert_eq!(verify().await.len(), 2, "the instance's and the operators'");

        for forbidden in ["UPDATE audit_events SET actor = 'nobody'", "DELETE FROM audit_events"] {
            assert!(app.try_sql(forbidden).await.is_err(), "{forbidden}");
        }
        // Somebody who may also change the schema.
        let unguard: &[&str] = match engine {
            crate::support::Engine::Sqlite => &["DROP TRIGGER audit_events_stay", "DROP TRIGGER audit_events_remain"],
            crate::support::Engine::Postgres => &["ALTER TABLE audit_events DISABLE TRIGGER USER"],
        };
        for statement in unguard {
            app.sql(statement).await;
        }
        let defects = async || verify().await.into_iter().filter_map(|state| state.defect.map(|defect| defect.to_string())).collect::<Vec<_>>();
        app.sql("UPDATE audit_events SET new_value = '{\"name\":\"Forged\"}' WHERE number = 3 AND action = 'team.created'").await;
        assert_eq!(defects().await, ["event 3 is not what was recorded"]);
        app.sql("DELETE FROM audit_events WHERE number = 3").await;
        assert_eq!(defects().await, ["event 3 is missing"]);
        app.sql("DELETE FROM audit_events WHERE number > 2").await;
        assert_eq!(defects().await, ["event 6 was the newest, and now it is event 2"]);

        let command = binary(app.directory.path()).args(["audit", "verify"]).env("MSI_DATABASE__URL", app.database_url()).output().unwrap();
        let said = String::from_utf8(command.stdout).unwrap();
        assert!(!command.status.success(), "{said}");
        assert!(said.contains("BROKEN, event 6 was the newest") && said.contains("operators: 1 event(s) as recorded, hash "), "{said}");
        app.stop().await;
    }

    async fn changes_made_at_once_by_two_processes_stand_in_one_unbroken_chain(engine: Engine) {
        let app = TestApp::start_guided_changed(engine, SandboxSettings::default(), |settings| settings.limits.teams = 50).await;
        let (_, token) = app.instance(MUNCHKIN_ID).await;
        let replica = app.replica().await;
        let make = async |url: &str, number: usize| {
            let request = app.http.post(format!("{url}/v1/teams")).bearer_auth(&token).json(&json!({ "name": format!("Team {number}") }));
            Answer::send(request).await.expect(201);
        };
        let urls = [app.url.clone(), replica.url.clone()];
        futures_util::future::join_all((0..24).map(|number| make(&urls[number % 2], number))).await;
        let states = audit::verify(app.db(), None, &[]).await.unwrap();
        assert!(states.iter().all(|state| state.defect.is_none()), "{states:?}");
        assert_eq!(states.iter().map(|state| state.sound).max(), Some(25));
        replica.stop().await;
        app.stop().await;
    }

    async fn the_address_is_the_one_that_our_own_proxies_saw(engine: Engine) {
        let app = TestApp::start_guided_changed(engine, SandboxSettings::default(), |settings| settings.server.proxies = 1).await;
        let (id, token) = app.instance(MUNCHKIN_ID).await;
        let request = app.request(Method::POST, "/v1/teams").bearer_auth(&token).header("x-forwarded-for", "198.51.100.9, 203.0.113.7");
        Answer::send(request.json(&json!({ "name": "West" }))).await.expect(201);
        let listed = app.call(&token, Method::GET, EVENTS, None).await.expect(200);
        assert_eq!(listed["data"][0]["address"], "203.0.113.7");
        let made = app.client(Some(id.parse().unwrap()), Scopes::of_an_instance()).await;
        assert!(listed["data"][0]["actor"].as_str().unwrap().starts_with("client:") && !made.0.is_empty());
        app.stop().await;
    }
}
