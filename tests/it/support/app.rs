//! The service under test, and its callers.

use std::sync::Arc;

use msi_actions::app::{self, RunningApp};
use msi_actions::auth::{NewClient, Scope, Scopes, create_client};
use msi_actions::clock::{MovableClock, SystemClock};
use msi_actions::config::Settings;
use msi_actions::crypto::MasterKeys;
use msi_actions::db::Db;
use msi_actions::http::{Context, PublicUrl};
use msi_actions::ids::InstanceId;
use msi_actions::sandbox::{RunningSandbox, SandboxSettings};
use reqwest::{Method, RequestBuilder, StatusCode};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::canaries;
use super::database::{Engine, TestDatabase};
use super::process::Server;

const MASTER_KEY: &str = "test:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// The service on a free port, with a database and a directory of its own and a clock that the test moves.
pub struct TestApp {
    pub clock: Arc<MovableClock>,
    pub http: reqwest::Client,
    pub url: String,
    pub directory: TempDir,
    /// The simulated vendors, for tests that reach them.
    pub sandbox: Option<RunningSandbox>,
    settings: Settings,
    db: Db,
    running: Option<RunningApp>,
    database: TestDatabase,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
}

impl Answer {
    pub async fn of(request: RequestBuilder) -> Self {
        let response = request.send().await.expect("the service answers");
        Self { status: response.status(), headers: response.headers().clone(), text: response.text().await.unwrap() }
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("no JSON ({error}): {}", self.text))
    }

    /// The body, when the status is the expected one.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        if self.text.is_empty() { Value::Null } else { self.json() }
    }

    /// Checks that this is a problem document with this status and code, and gives it.
    #[track_caller]
    pub fn problem(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        assert_eq!(self.headers["content-type"], "application/problem+json");
        let body = self.json();
        assert_eq!(body["code"], code, "{body}");
        assert_eq!(body["status"], status);
        assert_eq!(body["request_id"].as_str(), self.headers["x-request-id"].to_str().ok());
        for member in ["type", "title", "detail"] {
            assert!(body[member].as_str().is_some_and(|text| !text.is_empty()), "{member}: {body}");
        }
        body
    }
}

/// A second process, in this one.
pub struct Replica {
    pub url: String,
    running: RunningApp,
}

impl Replica {
    pub async fn stop(self) {
        self.running.stop().await;
    }
}

/// The instance that a token is bound to.
fn instance_of(token: &str) -> String {
    let claims = token.split('.').nth(1).unwrap();
    let claims = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, claims).unwrap();
    serde_json::from_slice::<Value>(&claims).unwrap()["instance"].as_str().unwrap().to_owned()
}

fn test_clock() -> Arc<MovableClock> {
    Arc::new(MovableClock::starting_at(time::macros::datetime!(2026-06-15 12:00:00 UTC)))
}

impl TestApp {
    /// Starts the service.
    pub async fn start(engine: Engine) -> Self {
        Self::start_with(engine, &[]).await
    }

    /// Starts the service with settings of its own.
    pub async fn start_with(engine: Engine, overrides: &[(&'static str, String)]) -> Self {
        Self::start_at(test_clock(), engine, overrides, None).await
    }

    /// Starts the service with a sandbox behind it that has `people`.
    pub async fn start_guided(engine: Engine, people: u64) -> Self {
        Self::start_guided_with(engine, SandboxSettings { people, ..SandboxSettings::default() }).await
    }

    /// Starts the service with a sandbox of the test's own making; both have one clock.
    pub async fn start_guided_with(engine: Engine, played: SandboxSettings) -> Self {
        let clock = test_clock();
        let salesforce = (played.salesforce_client_id.clone(), played.salesforce_client_secret.clone());
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let sandbox = msi_actions::sandbox::start(played, clock.clone(), listener).await.unwrap();
        let overrides =
            [("upstream.sandbox_url", sandbox.url()), ("salesforce.client_id", salesforce.0), ("salesforce.client_secret", salesforce.1)];
        Self::start_at(clock, engine, &overrides, Some(sandbox)).await
    }

    async fn start_at(
        clock: Arc<MovableClock>,
        engine: Engine,
        overrides: &[(&'static str, String)],
        sandbox: Option<RunningSandbox>,
    ) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let database = TestDatabase::create(engine, directory.path()).await;
        let mut all = vec![
            ("data_dir", directory.path().display().to_string()),
            ("database.url", database.url.clone()),
            ("server.address", "127.0.0.1:0".to_owned()),
            ("secrets.master_key", MASTER_KEY.to_owned()),
        ];
        all.extend_from_slice(overrides);
        let mut settings = Settings::load(None, &all).unwrap();
        settings.server.workers = 2;
        settings.database.max_connections = 5;
        settings.marketo.poll_interval_seconds = 0.01;
        // The sandbox counts no calls unless told to, and knows nobody older than 431 days.
        settings.marketo.calls_per_20_seconds = 10_000;
        // A run that a test leaves under way is left where it is.
        settings.server.shutdown_timeout_seconds = 2;
        settings.sync.earliest = "2025-04-01".into();
        let http = settings.upstream.http_client().unwrap();
        canaries::watch();
        let running = app::start(settings.clone(), clock.clone()).await.unwrap_or_else(|error| panic!("{error}"));
        let (url, db) = (running.url().to_owned(), running.db().clone());
        Self { clock, http, url, directory, sandbox, settings, db, running: Some(running), database }
    }

    /// The same without the service: for a test that runs it as processes of its own, listening where `url` says. Sandbox and
    /// service go by the machine's clock.
    pub async fn without_service(engine: Engine, people: u64) -> Self {
        let clock = test_clock();
        let played = SandboxSettings { people, ..SandboxSettings::default() };
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let sandbox = msi_actions::sandbox::start(played, Arc::new(SystemClock), listener).await.unwrap();
        let directory = tempfile::tempdir().unwrap();
        let database = TestDatabase::create(engine, directory.path()).await;
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let settings = Settings::load(None, &[("database.url", database.url.clone())]).unwrap();
        let http = settings.upstream.http_client().unwrap();
        let db = app::open_database(&settings).await.unwrap();
        db.migrate().await.unwrap();
        let url = format!("http://127.0.0.1:{port}");
        Self { clock, http, url, directory, sandbox: Some(sandbox), settings, db, running: None, database }
    }

    /// Starts the service as a process that logs everything.
    pub fn serve(&self, port: u16) -> Server {
        self.serve_logging(port, "trace")
    }

    /// Starts the service as a process that logs what passes this filter.
    pub fn serve_logging(&self, port: u16, log: &str) -> Server {
        let sandbox = self.sandbox.as_ref().unwrap().url();
        let listen = format!("127.0.0.1:{port}");
        Server::start_at(
            self.directory.path(),
            &listen,
            &[
                ("MSI_DATABASE__URL", &self.database.url),
                ("MSI_SERVER__PUBLIC_URL", &self.url),
                ("MSI_SECRETS__MASTER_KEY", MASTER_KEY),
                ("MSI_UPSTREAM__SANDBOX_URL", &sandbox),
                ("MSI_SALESFORCE__CLIENT_ID", "sandbox-salesforce-consumer-key"),
                ("MSI_SALESFORCE__CLIENT_SECRET", "sandbox-salesforce-consumer-secret"),
                ("MSI_MARKETO__CALLS_PER_20_SECONDS", "100"),
                ("MSI_LOG__FILTER", log),
            ],
        )
    }

    /// The port of `url`.
    pub fn port(&self) -> u16 {
        self.url.rsplit(':').next().unwrap().parse().unwrap()
    }

    /// Another process of the same service: the same database, vendors and clock.
    pub async fn replica(&self) -> Replica {
        let mut settings = self.settings.clone();
        settings.server.public_url.clone_from(&self.url);
        let running = app::start(settings, self.clock.clone()).await.unwrap_or_else(|error| panic!("{error}"));
        Replica { url: format!("http://{}", running.address()), running }
    }

    /// A token of an instance's client with these scopes.
    pub async fn scoped(&self, token: &str, scopes: &[Scope]) -> String {
        let instance: InstanceId = instance_of(token).parse().unwrap();
        let client = self.client(Some(instance), Scopes(scopes.iter().copied().collect())).await;
        self.ask_token(&client, &[]).await.expect(200)["access_token"].as_str().unwrap().to_owned()
    }

    /// How often the sandbox was called in this way.
    pub async fn sandbox_calls(&self, operation: &str) -> u64 {
        let counted = Answer::of(self.http.get(format!("{}/__sandbox/calls", self.sandbox.as_ref().unwrap().url()))).await.expect(200);
        counted[operation].as_u64().unwrap_or(0)
    }

    /// Whether Salesforce takes the token that the broker gave out.
    pub async fn works_at_salesforce(&self, given: &Value) -> bool {
        let text = |name: &str| given[name].as_str().unwrap_or_else(|| panic!("no {name}: {given}"));
        let limits = format!("{}/services/data/v66.0/limits", text("instance_url"));
        Answer::of(self.http.get(limits).bearer_auth(text("access_token"))).await.status == 200
    }

    /// Changes the sandbox: `what` is the end of the path under `/__sandbox/`.
    pub async fn change_sandbox(&self, what: &str, body: Value) {
        let url = format!("{}/__sandbox/{what}", self.sandbox.as_ref().unwrap().url());
        let answer = Answer::of(self.http.post(url).json(&body)).await;
        assert!(answer.status.is_success(), "{}", answer.text);
    }

    /// A request without a token.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url))
    }

    pub async fn get(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::GET, path)).await
    }

    /// What the service's own parts work with, for a test that plays a second process.
    pub async fn context(&self) -> Context {
        let masters = MasterKeys::parse(&MASTER_KEY.into(), &"".into()).unwrap();
        let vault = app::keys::load_vault(&self.db, &masters, &*self.clock).await.unwrap();
        Context { db: self.db.clone(), clock: self.clock.clone(), vault, public_url: PublicUrl(self.url.as_str().into()) }
    }

    /// Changes the database behind the service's back.
    pub async fn execute(&self, sql: &'static str) {
        match &self.db {
            Db::Sqlite { writer, .. } => drop(sqlx::query(sql).execute(writer).await.unwrap()),
            Db::Postgres(pool) => drop(sqlx::query(sql).execute(pool).await.unwrap()),
        }
    }

    /// A client, made like the command line makes one: its id and secret.
    pub async fn client(&self, instance: Option<InstanceId>, scopes: Scopes) -> (String, String) {
        let db = &self.db;
        let mut tx = db.begin().await.unwrap();
        let new = NewClient { instance, name: "test".into(), scopes };
        let (client, secret) = create_client(&mut tx, &*self.clock, new).await.unwrap();
        tx.commit().await.unwrap();
        (client.client_id, secret.expose_secret().to_owned())
    }

    /// Asks for a token; `more` are further pairs of the form.
    pub async fn ask_token(&self, client: &(String, String), more: &[(&str, &str)]) -> Answer {
        let mut form = vec![("grant_type", "client_credentials"), ("client_id", &client.0), ("client_secret", &client.1)];
        form.extend_from_slice(more);
        Answer::of(self.request(Method::POST, "/oauth/token").form(&form)).await
    }

    /// An operator's token that is bound to no instance.
    pub async fn operator_token(&self) -> String {
        let client = self.client(None, Scopes::of_an_operator()).await;
        let answer = self.ask_token(&client, &[]).await.expect(200);
        answer["access_token"].as_str().unwrap().to_owned()
    }

    /// A fresh token for the instance of an older one, whose time may have passed.
    pub async fn narrowed_again(&self, token: &str) -> String {
        let operator = self.client(None, Scopes::of_an_operator()).await;
        let resource = format!("urn:msi-actions:instance:{}", instance_of(token));
        self.ask_token(&operator, &[("resource", &resource)]).await.expect(200)["access_token"].as_str().unwrap().to_owned()
    }

    /// A call with a token and, for methods that have one, a JSON body.
    pub async fn call(&self, token: &str, method: Method, path: &str, body: Option<Value>) -> Answer {
        let request = self.request(method, path).bearer_auth(token);
        Answer::of(match body {
            Some(body) => request.json(&body),
            None => request,
        })
        .await
    }

    /// Makes an instance whose prerequisites are met; its id and an operator's token narrowed to it.
    pub async fn instance(&self, munchkin_id: &str) -> (String, String) {
        let operator = self.client(None, Scopes::of_an_operator()).await;
        let token = self.ask_token(&operator, &[]).await.expect(200)["access_token"].as_str().unwrap().to_owned();
        let new = json!({
            "munchkin_id": munchkin_id,
            "name": format!("Instance {munchkin_id}"),
            "environment": "production",
            "prerequisites": { "msi_actions_enabled": true, "salesforce_sync_configured": true },
            "marketo": { "client_id": "sandbox-marketo-client", "client_secret": "sandbox-marketo-secret" },
        });
        let made = self.call(&token, Method::POST, "/v1/instances", Some(new)).await.expect(201);
        let id = made["id"].as_str().unwrap().to_owned();
        let resource = format!("urn:msi-actions:instance:{id}");
        let narrowed = self.ask_token(&operator, &[("resource", &resource)]).await.expect(200);
        (id, narrowed["access_token"].as_str().unwrap().to_owned())
    }

    /// Asks again and again until `ready` is satisfied by the JSON answer; fails the test after 30 seconds.
    pub async fn until(&self, token: &str, path: &str, ready: impl Fn(&Value) -> bool) -> Value {
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
        loop {
            let body = self.call(token, Method::GET, path, None).await.expect(200);
            if ready(&body) {
                return body;
            }
            assert!(std::time::Instant::now() < deadline, "still not ready: {body}");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    /// Stops the service; the database is dropped with `self`.
    pub async fn stop(mut self) {
        if let Some(running) = self.running.take() {
            running.stop().await;
        }
        if let Some(sandbox) = self.sandbox.take() {
            sandbox.stop().await;
        }
        canaries::assert_silence();
    }
}
