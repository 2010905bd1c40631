//! Every route × every kind of caller, generated from the table of routes; and other tenants' objects, which are not there.

use msi_actions::app::route_table;
use msi_actions::auth::{Role, Scopes, begin_session};
use msi_actions::http::RouteRule;
use msi_actions::ids::{InstanceId, MemberId};
use msi_actions::permissions::Access;
use reqwest::{Method, RequestBuilder};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::support::{FIRST_USER, MUNCHKIN_ID, TestApp, on_both_engines};

/// The middleware's refusals. Whatever else a route answers, it has let the caller in.
const GATE_CODES: [&str; 4] = ["unauthenticated", "invalid_token", "forbidden", "instance_required"];

/// What a path parameter stands for in this test.
enum ParameterSample {
    /// An object of the first tenant, one that nobody has, and a body with which a request other than GET reaches it.
    Tenants { own: String, nobodys: String, body: Value },
    /// Something that belongs to no tenant.
    Global(String),
}

/// The sample objects, by path parameter. A new route with a new parameter needs one here.
fn samples(scene: &PermissionScene) -> Vec<(&'static str, ParameterSample)> {
    let nobodys = "0190b0a0-0000-7000-8000-000000000000";
    let tenants =
        |own: &Value| ParameterSample::Tenants { own: own.as_str().unwrap().to_owned(), nobodys: nobodys.to_owned(), body: json!({}) };
    let of_scim =
        |own: &Value, body: Value| ParameterSample::Tenants { own: own.as_str().unwrap().to_owned(), nobodys: nobodys.to_owned(), body };
    vec![
        ("_:.*", ParameterSample::Global("index.html".to_owned())),
        ("token", ParameterSample::Global("nonsense".to_owned())),
        // A vendor's path, which no client may call without a rule of its own.
        ("path:.*", ParameterSample::Global("nowhere".to_owned())),
        // For operators, who see every tenant.
        ("instance_id", ParameterSample::Global(scene.instance.clone())),
        ("dead_letter_id", ParameterSample::Global(nobodys.to_owned())),
        ("member_id", tenants(&scene.member)),
        ("invite_id", tenants(&scene.invite)),
        (
            "import_id",
            ParameterSample::Tenants {
                own: scene.import.as_str().unwrap().to_owned(),
                nobodys: nobodys.to_owned(),
                body: json!({ "mapping": { "email": 0 } }),
            },
        ),
        ("import_id", tenants(&scene.import)),
        ("session_id", tenants(&scene.session)),
        ("token_id", tenants(&scene.directory)),
        ("code", ParameterSample::Global("not_found".to_owned())),
        ("name", ParameterSample::Global("User".to_owned())),
        ("uri", ParameterSample::Global("urn:ietf:params:scim:schemas:core:2.0:User".to_owned())),
        (
            "user_id",
            of_scim(
                &scene.member,
                json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "x@example.com", "Operations": [] }),
            ),
        ),
        (
            "group_id",
            of_scim(
                &scene.group,
                json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "X", "Operations": [] }),
            ),
        ),
        ("team_id", tenants(&scene.team)),
        ("run_id", tenants(&scene.run)),
        ("diagnostic_id", tenants(&scene.diagnostic)),
        ("marketo_id", ParameterSample::Tenants { own: scene.person.to_string(), nobodys: "1".to_owned(), body: json!({}) }),
    ]
}

/// A tenant with an object of every kind, and another one with none.
struct PermissionScene {
    app: TestApp,
    instance: String,
    other: String,
    member: Value,
    invite: Value,
    import: Value,
    session: Value,
    directory: Value,
    team: Value,
    /// Another team, which SCIM may remove.
    group: Value,
    run: Value,
    diagnostic: Value,
    person: Value,
}

impl PermissionScene {
    async fn set(engine: crate::support::Engine) -> Self {
        let app = TestApp::start_guided(engine, 20).await;
        let (instance, token) = app.instance(MUNCHKIN_ID).await;
        let (other, _) = app.instance("999-ZZZ-999").await;
        let post = async |path: &str, body: Value| app.call(&token, Method::POST, path, Some(body)).await;
        let invite = post("/v1/invites/first", json!({ "email": FIRST_USER })).await.expect(201)["id"].clone();
        post("/v1/invites", json!({ "emails": ["tom.ops@example.com"] })).await;
        let team = post("/v1/teams", json!({ "name": "West" })).await.expect(201)["id"].clone();
        let group = post("/v1/teams", json!({ "name": "East" })).await.expect(201)["id"].clone();
        let directory = post("/v1/instance/scim-tokens", json!({ "name": "Okta" })).await.expect(201)["id"].clone();
        app.connect_both(&token).await;
        app.sync(&token).await;
        let run = app.call(&token, Method::GET, "/v1/sync/runs", None).await.expect(200)["data"][0]["id"].clone();
        let person = app.people(&token).await[0]["marketo_id"].clone();
        let member = app.call(&token, Method::GET, "/v1/members?role=admin", None).await.expect(200)["data"][0]["id"].clone();
        let mut tx = app.db().begin().await.unwrap();
        let owner: MemberId = member.as_str().unwrap().parse().unwrap();
        begin_session(&mut tx, &*app.clock, instance.parse().unwrap(), owner).await.unwrap();
        tx.commit().await.unwrap();
        let sessions = format!("/v1/members/{owner}/sessions");
        let session = app.call(&token, Method::GET, &sessions, None).await.expect(200)["data"][0]["id"].clone();
        let file = app.request(Method::POST, "/v1/invite-imports").bearer_auth(&token).header("content-type", "text/csv");
        let import = crate::support::Answer::send(file.body("email\nann@example.com\n")).await.expect(201)["id"].clone();
        app.fault(json!({ "target": "salesforce", "path_contains": "/limits", "kind": "salesforce_error", "status": 403,
            "error_code": "API_CURRENTLY_DISABLED", "message": "disabled", "times": 1 }))
            .await;
        post("/v1/connections/salesforce/test", json!({})).await.expect(200);
        let recorded = app.until(&token, "/v1/diagnostics", |body| body["data"][0]["id"].is_string()).await;
        let diagnostic = recorded["data"][0]["id"].clone();
        post("/v1/connections/salesforce/test", json!({})).await.expect(200);
        Self { app, instance, other, member, invite, import, session, directory, team, group, run, diagnostic, person }
    }

    fn id(&self) -> InstanceId {
        self.instance.parse().unwrap()
    }

    /// A token of a client of `instance` with these scopes.
    async fn client(&self, instance: Option<&str>, scopes: Scopes) -> String {
        let client = self.app.client(instance.map(|id| id.parse().unwrap()), scopes).await;
        self.app.ask_token(&client, &[]).await.expect(200)["access_token"].as_str().unwrap().to_owned()
    }

    /// The session of one of the two members, who has `role`.
    async fn session(&self, role: Role) -> String {
        self.app.sql("UPDATE members SET status = 'active'").await;
        let admins = self.app.narrowed(&self.instance).await;
        let members = self.app.call(&admins, Method::GET, "/v1/members", None).await.expect(200)["data"].clone();
        let wanted = if role == Role::Admin { "admin" } else { "user" };
        let member = members.as_array().unwrap().iter().find(|member| member["role"] == wanted).expect("a member of each role");
        let member: MemberId = member["id"].as_str().unwrap().parse().unwrap();
        let mut tx = self.app.db().begin().await.unwrap();
        let session = begin_session(&mut tx, &*self.app.clock, self.id(), member).await.unwrap();
        tx.commit().await.unwrap();
        session.token.expose_secret().to_owned()
    }
}

enum CallerCredentials {
    None,
    Token(String),
    Session(String),
    /// A session yet to be begun.
    Member(Role),
}

/// The path of a rule with sample objects in place of its parameters: the first tenant's, or nobody's.
#[track_caller]
fn path_of(rule: &RouteRule, samples: &[(&str, ParameterSample)], nobodys_instead: bool) -> (String, Option<Value>, bool) {
    let (mut path, mut sent, mut tenants_object) = (String::new(), None, false);
    let mut rest = rule.pattern.as_str();
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').unwrap();
        let sample = samples.iter().find(|(known, _)| *known == name).map(|(_, sample)| sample);
        let Some(sample) = sample else {
            panic!(
                "{} {}: add an object for {{{name}}} to `samples` in tests/it/permissions.rs, so that this test can check that other \
                 tenants can't see it",
                rule.method, rule.pattern
            );
        };
        let value = match sample {
            ParameterSample::Global(value) => value,
            ParameterSample::Tenants { own, nobodys, body } => {
                tenants_object = true;
                sent = Some(body.clone());
                if nobodys_instead { nobodys } else { own }
            }
        };
        path.push_str(before);
        path.push_str(value);
        rest = after;
    }
    path.push_str(rest);
    (path, sent, tenants_object)
}

fn request(app: &TestApp, method: &str, path: &str, credentials: &CallerCredentials) -> RequestBuilder {
    let request = app.request(method.parse().unwrap(), path);
    match credentials {
        CallerCredentials::None | CallerCredentials::Member(_) => request,
        CallerCredentials::Token(token) => request.bearer_auth(token),
        CallerCredentials::Session(cookie) => request.header("cookie", format!("msi_session={cookie}")).header("x-requested-with", "test"),
    }
}

/// Status and problem code of an answer; a stream is not read to its end.
async fn outcome(request: RequestBuilder) -> (u16, String) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    if status < 400 {
        return (status, String::new());
    }
    let is_scim = response.headers().get("content-type").is_some_and(|media| media == "application/scim+json");
    let body: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap_or_default();
    if is_scim {
        // SCIM has no codes; the text tells the middleware's refusals apart.
        let detail_says = |text: &str| body["detail"].as_str().unwrap().contains(text);
        let code = match status {
            401 if detail_says("Send an access token") => "unauthenticated",
            401 => "invalid_token",
            403 if detail_says("needs the scope") => "forbidden",
            403 if detail_says("belongs to no instance") => "instance_required",
            _ => "",
        };
        return (status, code.to_owned());
    }
    (status, body["code"].as_str().unwrap_or_default().to_owned())
}

/// What the table demands of a caller with these scopes: let in (none), or the status and code of the refusal.
fn demanded(access: Access, scopes: Option<&Scopes>, bound: bool) -> Option<(u16, &'static str)> {
    let scope = match access {
        Access::Public => return None,
        Access::Operator(scope) | Access::OperatorWithin(scope) | Access::Instance(scope) => scope,
    };
    match (access, scopes) {
        (_, None) => Some((401, "unauthenticated")),
        (_, Some(scopes)) if !scopes.0.contains(&scope) => Some((403, "forbidden")),
        (Access::Instance(_), _) if !bound => Some((403, "instance_required")),
        // What is not within an instance is not for a token that is narrowed to one.
        (Access::Operator(_), _) if bound => Some((403, "forbidden")),
        _ => None,
    }
}

on_both_engines! {
    async fn every_route_lets_in_whom_its_declaration_says_and_nobody_else(engine: Engine) {
        let scene = PermissionScene::set(engine).await;
        let samples = samples(&scene);
        let all = Scopes::of_an_instance();
        let of_other = scene.client(Some(&scene.other), all.clone()).await;
        let operator = scene.client(None, Scopes::of_an_operator()).await;
        let (narrowed, elsewhere) = (scene.app.narrowed(&scene.instance).await, scene.app.narrowed(&scene.other).await);
        let mut faults = Vec::new();
        for rule in route_table().rules() {
            let scope = rule.access.scope();
            let without = Scopes(all.0.iter().copied().filter(|one| Some(*one) != scope).collect());
            // Nobody but an operator can hold an operator's scope.
            let with = Scopes(all.0.iter().copied().filter(|one| Some(*one) == scope).collect());
            let callers = [
                ("anonymous", None, false, CallerCredentials::None),
                ("a client without the scope", Some(without.clone()), true, CallerCredentials::Token(scene.client(Some(&scene.instance), without).await)),
                ("a client with the scope", Some(with.clone()), true, CallerCredentials::Token(scene.client(Some(&scene.instance), with).await)),
                ("a member with the role user", Some(Scopes::of_role(Role::User)), true, CallerCredentials::Member(Role::User)),
                ("a member with the role admin", Some(Scopes::of_role(Role::Admin)), true, CallerCredentials::Member(Role::Admin)),
                ("another tenant's client", Some(all.clone()), true, CallerCredentials::Token(of_other.clone())),
                ("an operator", Some(Scopes::of_an_operator()), false, CallerCredentials::Token(operator.clone())),
                ("an operator narrowed to the instance", Some(Scopes::of_an_operator()), true, CallerCredentials::Token(narrowed.clone())),
                ("an operator narrowed to another one", Some(Scopes::of_an_operator()), true, CallerCredentials::Token(elsewhere.clone())),
            ];
            let (path, _, _) = path_of(rule, &samples, false);
            for (caller, scopes, bound, credentials) in callers {
                // Some routes end sessions, so each has one of its own.
                let credentials = match credentials {
                    CallerCredentials::Member(role) => CallerCredentials::Session(scene.session(role).await),
                    other => other,
                };
                let (status, code) = outcome(request(&scene.app, rule.method, &path, &credentials)).await;
                let right = match demanded(rule.access, scopes.as_ref(), bound) {
                    // An answer to HEAD has no body, so its status has to tell the middleware's refusals apart.
                    None if rule.method == "HEAD" => status != 401 && status != 500 && status != 405,
                    None => !GATE_CODES.contains(&code.as_str()) && status != 500 && status != 405,
                    Some((refusal, _)) if rule.method == "HEAD" => refusal == status,
                    Some(refusal) => refusal == (status, code.as_str()),
                };
                if !right {
                    faults.push(format!("{} {} for {caller}: {status} {code}", rule.method, rule.pattern));
                }
            }
        }
        assert!(faults.is_empty(), "\n{}", faults.join("\n"));
        scene.app.stop().await;
    }

    async fn a_token_narrowed_to_an_instance_reaches_nothing_of_another(engine: Engine) {
        let scene = PermissionScene::set(engine).await;
        let app = &scene.app;
        let (operator, narrowed) = (app.operator_token().await, app.narrowed(&scene.other).await);
        let get = async |token: &str, path: &str| app.call(token, Method::GET, path, None).await;
        let ids = |list: &Value| list["data"].as_array().unwrap().iter().map(|one| one["id"].clone()).collect::<Vec<_>>();
        assert_eq!(ids(&get(&operator, "/v1/instances").await.expect(200)).len(), 2);
        let seen = get(&narrowed, "/v1/instances").await.expect(200);
        assert_eq!((ids(&seen), &seen["next_cursor"]), (vec![json!(scene.other)], &Value::Null));
        let page = get(&operator, "/v1/instances?limit=1").await.expect(200)["next_cursor"].as_str().unwrap().to_owned();
        assert!(ids(&get(&narrowed, &format!("/v1/instances?cursor={page}")).await.expect(200)).len() <= 1);
        let last = get(&operator, &format!("/v1/instances?limit=1&cursor={page}")).await.expect(200);
        assert_eq!(ids(&last), [json!(scene.other)]);
        get(&narrowed, &format!("/v1/instances/{}", scene.other)).await.expect(200);
        get(&narrowed, &format!("/v1/instances/{}", scene.instance)).await.problem(404, "not_found");
        let new = json!({ "munchkin_id": "555-EEE-555", "environment": "production",
            "prerequisites": { "msi_actions_enabled": true, "salesforce_sync_configured": true } });
        app.call(&narrowed, Method::POST, "/v1/instances", Some(new.clone())).await.problem(403, "forbidden");
        assert_eq!(ids(&get(&operator, "/v1/instances").await.expect(200)).len(), 2, "nothing was made");

        assert!(!ids(&get(&operator, "/v1/mail/outbox").await.expect(200)).is_empty());
        let outbox = format!("/v1/mail/outbox?instance_id={}", scene.instance);
        for path in ["/v1/mail/outbox", &outbox] {
            assert_eq!(ids(&get(&narrowed, path).await.expect(200)), Vec::<Value>::new(), "{path}");
        }
        let own = app.narrowed(&scene.instance).await;
        let (seen, all) = (get(&own, "/v1/mail/outbox").await.expect(200), get(&operator, &outbox).await.expect(200));
        assert_eq!(ids(&seen), ids(&all));
        app.call(&operator, Method::POST, "/v1/instances", Some(new)).await.expect(201);
        scene.app.stop().await;
    }

    async fn another_tenants_object_is_like_one_that_does_not_exist(engine: Engine) {
        let scene = PermissionScene::set(engine).await;
        let samples = samples(&scene);
        let own = CallerCredentials::Token(scene.client(Some(&scene.instance), Scopes::of_an_instance()).await);
        let other = CallerCredentials::Token(scene.client(Some(&scene.other), Scopes::of_an_instance()).await);
        let mut looked_at = 0;
        let mut rules: Vec<_> = route_table().rules().iter().collect();
        // What is removed is not there any more for the rules after it.
        rules.sort_by_key(|rule| (rule.method == "DELETE", std::cmp::Reverse(rule.pattern.split('/').count())));
        for rule in rules {
            let (path, body, tenants_object) = path_of(rule, &samples, false);
            // A person's own: another's can't be named there, as tests/it/sessions.rs shows.
            if !tenants_object || rule.pattern.starts_with("/v1/members/me/") {
                continue;
            }
            looked_at += 1;
            let (nowhere, ..) = path_of(rule, &samples, true);
            let send = async |path: &str, who: &CallerCredentials| {
                let asking = request(&scene.app, rule.method, path, who);
                let asking = match &body {
                    Some(body) if rule.method != "GET" => asking.json(body),
                    _ => asking,
                };
                let response = asking.send().await.unwrap();
                let status = response.status().as_u16();
                let text = if status < 400 { String::new() } else { response.text().await.unwrap() };
                let mut said: Value = serde_json::from_str(&text).unwrap_or_default();
                if let Some(members) = said.as_object_mut() {
                    members.remove("request_id");
                }
                (status, said.to_string())
            };
            let theirs = send(&path, &other).await;
            let nobodys = send(&nowhere, &other).await;
            assert_eq!(theirs.0, 404, "{} {path}: {}", rule.method, theirs.1);
            let hidden = |said: &str, path: &str| path.split('/').filter(|part| part.len() > 5).fold(said.to_owned(), |said, part| said.replace(part, "…"));
            assert_eq!(hidden(&theirs.1, &path), hidden(&nobodys.1, &nowhere), "{} {path}", rule.method);
            let (status, said) = send(&path, &own).await;
            assert_ne!(status, 404, "{} {path}: the owner sees it: {said}", rule.method);
        }
        assert!(looked_at >= 5, "{looked_at}");
        scene.app.stop().await;
    }
}
