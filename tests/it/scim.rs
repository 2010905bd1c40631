//! SCIM: directories such as Okta and Entra ID provision members as users and teams as groups.

use msi_actions::sandbox::SandboxSettings;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::person::{LoggedInMember, PASSWORD, cookie_of, member, open_to_members};
use crate::support::scim::{DirectoryClient, GROUP, TOKENS, USER, path_of, refused, user};
use crate::support::{Answer, FIRST_USER, TestApp, on_both_engines};

/// Follows the newest link that was mailed to somebody and chooses a password.
async fn activate(app: &TestApp, email: &str) -> LoggedInMember {
    let path = app.link_to(email, "/activate/").await;
    let answer = Answer::send(app.request(Method::POST, &path).json(&json!({ "method": "password", "password": PASSWORD }))).await;
    LoggedInMember { id: answer.expect(200)["id"].as_str().unwrap().to_owned(), cookie: cookie_of(&answer) }
}

/// The member as the instance's own API shows them.
async fn as_member(app: &TestApp, token: &str, path: &str) -> Answer {
    app.call(token, Method::GET, &path.replace("/Users/", "/v1/members/"), None).await
}

on_both_engines! {
    async fn a_user_is_invited_activates_is_kept_out_let_in_again_and_removed(engine: Engine) {
        let app = TestApp::start_guided(engine, 5).await;
        let token = open_to_members(&app).await;
        let directory = DirectoryClient::create(&app, &token).await;
        let mut new = user("sam@example.com");
        new["userName"] = "SSUN".into();
        new["externalId"] = "00u1".into();
        new["name"] = json!({ "givenName": "Sam", "familyName": "Sun", "formatted": "Sam Sun" });
        new["title"] = "kept by nobody".into();
        let answer = directory.post("/Users", new).await;
        let made = answer.expect(201);
        let path = path_of("Users", &made);
        assert_eq!(answer.headers["location"], format!("{}/scim/v2{path}", app.url));
        assert_eq!(answer.headers["etag"].to_str().unwrap(), made["meta"]["version"]);
        assert_eq!((&made["userName"], &made["externalId"], &made["active"]), (&"SSUN".into(), &"00u1".into(), &true.into()));
        assert_eq!((&made["name"], &made["title"]), (&json!({ "givenName": "Sam", "familyName": "Sun" }), &Value::Null));
        assert_eq!(made["groups"][0]["display"], "Everyone");
        assert_eq!(directory.get(&path).await, made);
        let sam = activate(&app, "sam@example.com").await;
        assert_eq!(sam.get(&app, "/v1/members/me").await.expect(200)["first_name"], "Sam");

        let deactivated = directory.patch(&path, json!([{ "op": "replace", "value": { "active": false } }])).await.expect(200);
        assert_eq!(deactivated["active"], false);
        sam.get(&app, "/v1/members/me").await.problem(401, "invalid_token");
        assert_eq!(as_member(&app, &token, &path).await.expect(200)["state"], "deactivated");
        let sent = app.messages();
        directory.patch(&path, json!([{ "op": "Replace", "path": "active", "value": "True" }])).await.expect(200);
        assert_eq!(as_member(&app, &token, &path).await.expect(200)["state"], "active");
        assert_eq!(app.messages(), sent, "who has activated needs no link");

        assert_eq!(directory.delete(&path).await.status, 204);
        refused(&directory.send(Method::GET, &path, &[], None).await, 404, None);
        refused(&directory.delete(&path).await, 404, None);
        as_member(&app, &token, &path).await.problem(404, "not_found");
        directory.user("sam@example.com").await;
        app.stop().await;
    }

    async fn who_is_not_to_be_active_gets_no_link_until_they_are(engine: Engine) {
        let app = TestApp::start_guided(engine, 5).await;
        let token = open_to_members(&app).await;
        let directory = DirectoryClient::create(&app, &token).await;
        let mut new = user("sam@example.com");
        new["active"] = false.into();
        let made = directory.post("/Users", new).await.expect(201);
        let path = path_of("Users", &made);
        assert_eq!(made["active"], false);
        let invites = async || {
            let listed = app.call(&token, Method::GET, "/v1/invites", None).await.expect(200);
            let own = listed["data"].as_array().unwrap().iter().filter(|one| one["member_id"] == made["id"]).cloned().collect::<Vec<_>>();
            own.iter().map(|one| (one["email"].as_str().unwrap().to_owned(), one["state"] == "revoked")).collect::<Vec<_>>()
        };
        assert!(invites().await.is_empty());
        let active = async |value: bool| directory.patch(&path, json!([{ "op": "replace", "path": "active", "value": value }])).await.expect(200);
        assert_eq!(active(true).await["active"], true);
        let link = app.link_to("sam@example.com", "/activate/").await;
        active(true).await;
        assert_eq!(invites().await.len(), 1, "nobody is invited twice");
        assert_eq!(active(false).await["active"], false);
        app.request(Method::GET, &link).header("accept", "application/json").send().await.map(|answer| assert_eq!(answer.status(), 410)).unwrap();
        active(true).await;
        // Another address: the link that went to the old one works no more.
        let mut moved = user("sam.sun@example.com");
        moved["userName"] = "sam@example.com".into();
        directory.put(&path, moved).await.expect(200);
        let mut all = invites().await;
        all.sort();
        let (old, new) = ("sam@example.com".to_owned(), "sam.sun@example.com".to_owned());
        assert_eq!(all, [(new, false), (old.clone(), true), (old, true)]);
        let sam = activate(&app, "sam.sun@example.com").await;
        assert_eq!(directory.get(&format!("/Users/{}", sam.id)).await["active"], true);
        app.stop().await;
    }

    async fn seats_names_and_addresses_are_given_once(engine: Engine) {
        let app = TestApp::start_guided_changed(engine, SandboxSettings::default(), |settings| settings.limits.seats = 3).await;
        let token = open_to_members(&app).await;
        let directory = DirectoryClient::create(&app, &token).await;
        directory.user("ann@example.com").await;
        refused(&directory.post("/Users", user("ANN@example.com")).await, 409, Some("uniqueness"));
        let mut namesake = user("other@example.com");
        namesake["userName"] = "Ann@Example.com".into();
        refused(&directory.post("/Users", namesake.clone()).await, 409, Some("uniqueness"));
        namesake["userName"] = FIRST_USER.into();
        refused(&directory.post("/Users", namesake).await, 409, Some("uniqueness"));
        let bob = directory.user("bob@example.com").await;
        for active in [true, false] {
            let mut late = user("cy@example.com");
            late["active"] = active.into();
            let text = refused(&directory.post("/Users", late).await, 409, None);
            assert!(text.contains('3'), "{text}");
        }
        let mut taken = user("ann@example.com");
        taken["userName"] = "bob".into();
        refused(&directory.put(&bob, taken).await, 409, Some("uniqueness"));
        assert_eq!(directory.get(&bob).await["userName"], "bob@example.com", "nothing half done");
        directory.delete(&bob).await.expect(204);
        directory.user("cy@example.com").await;

        let (_, other) = app.instance("999-ZZZ-999").await;
        let others = DirectoryClient::create(&app, &other).await;
        // Its guide has not begun, and the first user is a Marketo admin.
        let text = refused(&others.post("/Users", user("dora@example.com")).await, 409, None);
        assert!(text.contains("/v1/invites/first"), "{text}");
        app.stop().await;
    }

    async fn the_last_admin_and_the_original_user_stay(engine: Engine) {
        let app = TestApp::start_guided(engine, 5).await;
        let token = open_to_members(&app).await;
        let directory = DirectoryClient::create(&app, &token).await;
        let maria = activate(&app, FIRST_USER).await;
        let path = format!("/Users/{}", maria.id);
        assert_eq!(directory.get(&path).await["roles"], json!([{ "value": "admin" }]));
        let off = json!([{ "op": "replace", "path": "active", "value": false }]);
        let text = refused(&directory.patch(&path, off.clone()).await, 409, None);
        assert!(text.contains("last active admin"), "{text}");
        refused(&directory.delete(&path).await, 409, None);
        let demoted = json!([{ "op": "replace", "path": "roles", "value": [{ "value": "user" }] }]);
        refused(&directory.patch(&path, demoted.clone()).await, 409, None);
        // A directory that says nothing of roles and activity changes neither.
        let mut whole = user(FIRST_USER);
        whole.as_object_mut().unwrap().remove("active");
        assert_eq!(directory.put(&path, whole).await.expect(200)["roles"][0]["value"], "admin");

        let anna = member(&app, &token, "anna@example.com", "admin").await;
        app.connect_both(&token).await;
        app.sync(&token).await;
        for answer in [directory.patch(&path, off.clone()).await, directory.patch(&path, demoted.clone()).await, directory.delete(&path).await] {
            let text = refused(&answer, 409, None);
            assert!(text.contains("original user"), "{text}");
        }
        assert_eq!(as_member(&app, &token, &path).await.expect(200)["state"], "active");
        let anna = format!("/Users/{}", anna.id);
        assert_eq!(directory.patch(&anna, demoted).await.expect(200)["roles"][0]["value"], "user");
        app.stop().await;
    }

    async fn groups_are_teams(engine: Engine) {
        let app = TestApp::start_guided(engine, 5).await;
        let token = open_to_members(&app).await;
        let directory = DirectoryClient::create(&app, &token).await;
        let (ann, bob) = (directory.user("ann@example.com").await, directory.user("bob@example.com").await);
        let id = |path: &str| path.rsplit('/').next().unwrap().to_owned();
        let new = json!({ "schemas": [GROUP], "displayName": "West", "externalId": "g1", "members": [{ "value": id(&ann) }] });
        let made = directory.post("/Groups", new.clone()).await.expect(201);
        let path = path_of("Groups", &made);
        assert_eq!(made["members"], json!([{ "value": id(&ann), "$ref": format!("{}/scim/v2{ann}", app.url), "type": "User" }]));
        refused(&directory.post("/Groups", new).await, 409, Some("uniqueness"));
        let team = app.call(&token, Method::GET, &path.replace("/Groups/", "/v1/teams/"), None).await.expect(200);
        assert_eq!((&team["name"], &team["members"]), (&"West".into(), &1.into()));

        let both = directory.patch(&path, json!([{ "op": "Add", "path": "members", "value": [{ "value": id(&bob) }] }])).await.expect(200);
        assert_eq!(both["members"].as_array().unwrap().len(), 2);
        assert!(directory.get(&bob).await["groups"].as_array().unwrap().iter().any(|group| group["display"] == "West"));
        let removed = json!([{ "op": "remove", "path": format!("members[value eq \"{}\"]", id(&ann)) }, { "op": "replace", "path": "displayName", "value": "East" }]);
        let changed = directory.patch(&path, removed).await.expect(200);
        assert_eq!((&changed["displayName"], &changed["members"][0]["value"], &changed["externalId"]), (&"East".into(), &id(&bob).into(), &"g1".into()));
        let unknown_member = json!([{ "op": "add", "path": "members", "value": [{ "value": id(&ann) }, { "value": "0190b0a0-0000-7000-8000-000000000000" }] }]);
        let text = refused(&directory.patch(&path, unknown_member).await, 400, Some("invalidValue"));
        assert!(text.contains("0190b0a0-0000-7000-8000-000000000000"), "{text}");
        let replaced = json!({ "schemas": [GROUP], "displayName": "East" });
        let replaced = directory.put(&path, replaced).await.expect(200);
        assert_eq!((&replaced["members"], &replaced["externalId"]), (&Value::Null, &Value::Null));

        let everyone = directory.names("/Groups", &[("filter", "displayName eq \"everyone\"")], "id").await;
        let everyone = format!("/Groups/{}", everyone[0]);
        refused(&directory.delete(&everyone).await, 400, Some("mutability"));
        refused(&directory.patch(&everyone, json!([{ "op": "replace", "path": "displayName", "value": "All" }])).await, 400, Some("mutability"));
        refused(&directory.patch(&everyone, json!([{ "op": "remove", "path": "members" }])).await, 400, Some("mutability"));
        assert_eq!(directory.get(&everyone).await["members"].as_array().unwrap().len(), 3);

        assert_eq!(directory.delete(&path).await.status, 204);
        refused(&directory.send(Method::GET, &path, &[], None).await, 404, None);
        directory.get(&bob).await;
        app.stop().await;
    }

    async fn of_members_that_join_a_group_at_once_none_is_lost(engine: Engine) {
        let app = TestApp::start_guided(engine, 5).await;
        let token = open_to_members(&app).await;
        let directory = DirectoryClient::create(&app, &token).await;
        let group = path_of("Groups", &directory.post("/Groups", json!({ "schemas": [GROUP], "displayName": "West" })).await.expect(201));
        let mut joining = Vec::new();
        for number in 0..8 {
            let user = directory.user(&format!("user{number}@example.com")).await;
            let id = user.rsplit('/').next().unwrap().to_owned();
            joining.push(directory.patch(&group, json!([{ "op": "add", "path": "members", "value": [{ "value": id }] }])));
        }
        for answer in futures_util::future::join_all(joining).await {
            answer.expect(200);
        }
        assert_eq!(directory.get(&group).await["members"].as_array().unwrap().len(), 8);
        app.stop().await;
    }

    async fn lists_are_filtered_paged_and_hold_what_is_asked_for(engine: Engine) {
        let app = TestApp::start_guided(engine, 5).await;
        let token = open_to_members(&app).await;
        let directory = DirectoryClient::create(&app, &token).await;
        for name in ["ann", "bob", "cy"] {
            directory.user(&format!("{name}@example.com")).await;
        }
        let named = async |filter: &str| directory.names("/Users", &[("filter", filter)], "userName").await;
        assert_eq!(named("userName eq \"BOB@example.com\"").await, ["bob@example.com"]);
        assert_eq!(named(&format!("userName eq \"{FIRST_USER}\"")).await, [FIRST_USER], "who was invited otherwise is found by the address");
        assert_eq!(named("emails[type eq \"work\" and value sw \"c\"] or userName sw \"a\"").await, ["ann@example.com", "cy@example.com"]);
        assert!(named("userName eq \"nobody\"").await.is_empty());
        refused(&directory.send(Method::GET, "/Users?filter=nothing%20eq%201", &[], None).await, 400, Some("invalidFilter"));
        refused(&directory.send(Method::GET, "/Users?count=few", &[], None).await, 400, Some("invalidValue"));

        let page = directory.get("/Users?startIndex=2&count=2&attributes=userName,name.givenName").await;
        assert_eq!((&page["totalResults"], &page["startIndex"], &page["itemsPerPage"]), (&4.into(), &2.into(), &2.into()));
        assert_eq!(page["Resources"][0].as_object().unwrap().keys().collect::<Vec<_>>(), ["id", "schemas", "userName"]);
        let none = directory.get("/Users?startIndex=0&count=-1").await;
        assert_eq!((&none["totalResults"], &none["startIndex"], &none["Resources"]), (&4.into(), &1.into(), &json!([])));
        assert_eq!(directory.get("/Users?startIndex=99").await["Resources"], json!([]));

        let search = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "filter": "displayName eq \"everyone\" or userName sw \"b\"", "excludedAttributes": ["members", "emails"] });
        let found = directory.post("/.search", search.clone()).await.expect(200);
        let kinds: Vec<_> = found["Resources"].as_array().unwrap().iter().map(|one| one["meta"]["resourceType"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["User", "Group"]);
        assert_eq!((&found["Resources"][0]["emails"], &found["Resources"][1]["members"]), (&Value::Null, &Value::Null));
        let users = json!({ "schemas": search["schemas"], "count": 1 });
        assert_eq!(directory.post("/Users/.search", users).await.expect(200)["totalResults"], 4);
        refused(&directory.post("/Groups/.search", json!({ "schemas": [] })).await, 400, Some("invalidSyntax"));
        app.stop().await;
    }

    async fn a_version_tells_whether_a_resource_has_changed(engine: Engine) {
        let app = TestApp::start_guided(engine, 5).await;
        let token = open_to_members(&app).await;
        let directory = DirectoryClient::create(&app, &token).await;
        let path = directory.user("ann@example.com").await;
        let old = directory.get(&path).await["meta"]["version"].as_str().unwrap().to_owned();
        assert!(old.starts_with("W/\""), "{old}");
        let unchanged = directory.send(Method::GET, &path, &[("if-none-match", &old)], None).await;
        assert_eq!((unchanged.status.as_u16(), unchanged.headers["etag"].to_str().unwrap()), (304, old.as_str()));
        let renamed = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [{ "op": "add", "path": "name.givenName", "value": "Ann" }] });
        directory.send(Method::PATCH, &path, &[("if-match", &old)], Some(renamed.clone())).await.expect(200);
        assert_eq!(directory.send(Method::GET, &path, &[("if-none-match", &old)], None).await.status, 200);
        for method in [Method::PATCH, Method::PUT, Method::DELETE] {
            let body = match method {
                Method::PATCH => Some(renamed.clone()),
                Method::PUT => Some(user("ann@example.com")),
                _ => None,
            };
            refused(&directory.send(method, &path, &[("if-match", &old)], body).await, 412, None);
        }
        assert_eq!(directory.get(&path).await["name"]["givenName"], "Ann");
        let new = directory.get(&path).await["meta"]["version"].as_str().unwrap().to_owned();
        let again = directory.send(Method::PATCH, &path, &[("if-match", &new)], Some(renamed)).await.expect(200);
        assert_eq!(again["meta"], directory.get(&path).await["meta"], "nothing new, so no other version");
        assert_eq!(directory.send(Method::DELETE, &path, &[("if-match", "*")], None).await.status, 204);

        let group = path_of("Groups", &directory.post("/Groups", json!({ "schemas": [GROUP], "displayName": "West" })).await.expect(201));
        refused(&directory.send(Method::DELETE, &group, &[("if-match", "W/\"0\"")], None).await, 412, None);
        refused(&directory.send(Method::PUT, &group, &[("if-match", "W/\"0\"")], Some(json!({ "schemas": [GROUP], "displayName": "East" }))).await, 412, None);
        app.stop().await;
    }

    async fn users_are_kept_as_entra_id_and_okta_send_them(engine: Engine) {
        let app = TestApp::start_guided(engine, 5).await;
        let token = open_to_members(&app).await;
        let directory = DirectoryClient::create(&app, &token).await;
        let path = directory.user("ann@example.com").await;
        let changed = directory.patch(&path, json!([
            { "op": "Add", "path": "externalId", "value": "ann1" },
            { "op": "Add", "path": "displayName", "value": "Ann Lee" },
            { "op": "Add", "path": "roles[primary eq \"True\"].value", "value": "admin" },
            { "op": "Replace", "path": "emails[type eq \"work\"].value", "value": "ann.lee@example.com" },
            { "op": "Add", "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", "value": "Sales" },
            { "op": "Replace", "value": { "name.givenName": "Ann", "name.familyName": "Lee" } },
        ])).await.expect(200);
        assert_eq!((&changed["externalId"], &changed["displayName"]), (&"ann1".into(), &"Ann Lee".into()));
        assert_eq!((&changed["roles"], &changed["emails"][0]["value"]), (&json!([{ "value": "admin", "primary": true }]), &"ann.lee@example.com".into()));
        assert_eq!(changed["name"], json!({ "givenName": "Ann", "familyName": "Lee" }));
        assert_eq!(as_member(&app, &token, &path).await.expect(200)["role"], "admin");
        // One operation of several that can't be applied: none is.
        let half = json!([{ "op": "Replace", "path": "displayName", "value": "X" }, { "op": "Replace", "path": "nothing", "value": "X" }]);
        refused(&directory.patch(&path, half).await, 400, Some("invalidPath"));
        assert_eq!(directory.get(&path).await["displayName"], "Ann Lee");
        // Okta sends all it knows.
        let whole = json!({ "schemas": [USER], "id": "ignored", "userName": "ann.lee@example.com", "name": { "givenName": "Anna" },
            "emails": [{ "primary": true, "value": "ann.lee@example.com", "type": "work" }], "active": false, "groups": [], "meta": { "resourceType": "User" } });
        let replaced = directory.put(&path, whole).await.expect(200);
        assert_eq!((&replaced["active"], &replaced["name"], &replaced["displayName"]), (&false.into(), &json!({ "givenName": "Anna" }), &Value::Null));
        assert_eq!(replaced["roles"][0]["value"], "admin", "of which it says nothing");
        let text = refused(&directory.put(&path, json!({ "schemas": [USER], "emails": [{ "value": "x" }], "active": 7 })).await, 400, Some("invalidValue"));
        assert!(text.contains("userName is missing") && text.contains("active must be true or false"), "{text}");
        app.stop().await;
    }

    async fn a_scim_token_works_in_one_instance_until_it_is_revoked(engine: Engine) {
        let app = TestApp::start_guided(engine, 5).await;
        let token = open_to_members(&app).await;
        app.call(&token, Method::POST, TOKENS, Some(json!({ "name": " " }))).await.problem(422, "invalid_input");
        let directory = DirectoryClient::create(&app, &token).await;
        app.clock.advance(time::Duration::seconds(1));
        let made = app.call(&token, Method::POST, TOKENS, Some(json!({ "name": "Entra" }))).await;
        assert_eq!(made.headers["cache-control"], "no-store");
        let listed = app.call(&token, Method::GET, TOKENS, None).await;
        assert!(!listed.text.contains(&directory.token) && !listed.text.contains("msi_scim_"), "{}", listed.text);
        let tokens = listed.expect(200)["data"].as_array().unwrap().clone();
        assert_eq!(tokens.iter().map(|one| one["name"].as_str().unwrap()).collect::<Vec<_>>(), ["Okta", "Entra"]);
        for name in ["three", "four", "five"] {
            app.call(&token, Method::POST, TOKENS, Some(json!({ "name": name }))).await.expect(201);
        }
        app.call(&token, Method::POST, TOKENS, Some(json!({ "name": "six" }))).await.problem(409, "scim_token_limit_reached");

        let ann = directory.user("ann@example.com").await;
        app.call(&directory.token, Method::GET, "/v1/members", None).await.problem(403, "forbidden");
        let (_, other) = app.instance("999-ZZZ-999").await;
        let others = DirectoryClient::create(&app, &other).await;
        assert_eq!(others.get("/Users").await["totalResults"], 0);
        refused(&others.send(Method::GET, &ann, &[], None).await, 404, None);
        refused(&others.delete(&ann).await, 404, None);
        let own = format!("{TOKENS}/{}", tokens[0]["id"].as_str().unwrap());
        app.call(&other, Method::DELETE, &own, None).await.problem(404, "not_found");

        assert_eq!(app.call(&token, Method::DELETE, &own, None).await.status, 204);
        let answer = directory.send(Method::GET, &ann, &[], None).await;
        refused(&answer, 401, None);
        assert!(answer.headers["www-authenticate"].to_str().unwrap().contains("invalid_token"));
        app.call(&token, Method::DELETE, &own, None).await.problem(404, "not_found");
        assert_eq!(as_member(&app, &token, &ann).await.expect(200)["state"], "invited", "members stay");
        app.stop().await;
    }

    async fn a_directory_is_told_what_there_is_and_every_error_in_scims_own_form(engine: Engine) {
        let app = TestApp::start_guided(engine, 5).await;
        let token = open_to_members(&app).await;
        let directory = DirectoryClient::create(&app, &token).await;
        let config = directory.get("/ServiceProviderConfig").await;
        for (name, supported) in [("patch", true), ("filter", true), ("etag", true), ("bulk", false), ("sort", false), ("changePassword", false)] {
            assert_eq!(config[name]["supported"], supported, "{name}");
        }
        for (list, count) in [("/ResourceTypes", 2), ("/Schemas", 2)] {
            let listed = directory.get(list).await;
            assert_eq!(listed["totalResults"], count);
            for one in listed["Resources"].as_array().unwrap() {
                assert_eq!(&directory.get(one["meta"]["location"].as_str().unwrap().split("/scim/v2").nth(1).unwrap()).await, one);
            }
            refused(&directory.send(Method::GET, &format!("{list}?filter=id%20pr"), &[], None).await, 403, None);
            refused(&directory.send(Method::GET, &format!("{list}/nothing"), &[], None).await, 404, None);
        }
        refused(&directory.send(Method::GET, "/Nothing", &[], None).await, 404, None);
        refused(&directory.send(Method::GET, "/Users/nobody", &[], None).await, 404, None);
        refused(&directory.delete("/Users").await, 405, None);
        refused(&Answer::send(app.request(Method::GET, "/scim/v2/Users")).await, 401, None);
        let sent = async |media: &str, body: &'static str| {
            Answer::send(app.request(Method::POST, "/scim/v2/Users").bearer_auth(&directory.token).header("content-type", media).body(body)).await
        };
        refused(&sent("application/scim+json", "{").await, 400, Some("invalidSyntax"));
        refused(&sent("application/json", "[]").await, 400, Some("invalidSyntax"));
        refused(&sent("text/plain", "{}").await, 415, None);
        refused(&directory.patch("/Users/0190b0a0-0000-7000-8000-000000000000", json!([{ "op": "remove", "path": "name" }])).await, 404, None);
        refused(&directory.send(Method::GET, "/Users?attributes=id&excludedAttributes=name", &[], None).await, 400, Some("invalidValue"));
        app.stop().await;
    }
}
