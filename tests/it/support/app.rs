//! The service under test, and its callers.

use msi_actions::context::{Context, PublicUrl};
use std::sync::Arc;

use msi_actions::app::{self, RunningApp};
use msi_actions::auth::Scopes;
use msi_actions::clock::{MovableClock, SharedClock, SystemClock};
use msi_actions::config::Settings;
use msi_actions::db::Db;
use msi_actions::ids::InstanceId;
use msi_actions::jobs::JobHandler;
use msi_actions::sandbox::{RunningSandbox, SandboxListeners, SandboxSettings};
use msi_actions::vault::{MasterKeys, load_vault};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use tempfile::TempDir;

use super::answer::Answer;
use super::canaries;
use super::clients::instance_of;
use super::database::{Engine, TestDatabase};
use super::findings;
use super::port::reserve_port;
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

/// Another process of the service.
pub struct Replica {
    pub url: String,
    running: RunningApp,
    http: reqwest::Client,
}

impl Replica {
    /// A call with a token.
    pub async fn get(&self, token: &str, path: &str) -> Answer {
        Answer::send(self.http.get(format!("{}{path}", self.url)).bearer_auth(token)).await
    }

    /// A token of a client, narrowed to the instance that an older token is bound to.
    pub async fn narrowed(&self, client: &(String, String), token: &str) -> String {
        self.narrowed_to(client, instance_of(token).parse().unwrap()).await
    }

    /// A token of a client, narrowed to an instance.
    pub async fn narrowed_to(&self, client: &(String, String), instance: InstanceId) -> String {
        let resource = format!("urn:msi-actions:instance:{instance}");
        let form = [("grant_type", "client_credentials"), ("client_id", &client.0), ("client_secret", &client.1), ("resource", &resource)];
        let answer = Answer::send(self.http.post(format!("{}/oauth/token", self.url)).form(&form)).await.expect(200);
        answer["access_token"].as_str().unwrap().to_owned()
    }

    pub async fn stop(self) {
        self.running.stop().await;
    }
}

/// Asks again and again until `done`; fails the test after a minute, saying what was waited for.
pub async fn eventually(what: &str, done: impl AsyncFn() -> bool) {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while !done().await {
        assert!(std::time::Instant::now() < deadline, "still not so: {what}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
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
        Self::start_at(test_clock(), engine, overrides, None, None).await
    }

    /// Starts the service with a settings file.
    pub async fn start_with_toml(engine: Engine, text: &str) -> Self {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        Self::start_at(test_clock(), engine, &[], None, Some(file.path())).await
    }

    /// Starts the service with a sandbox behind it that has `people`.
    pub async fn start_guided(engine: Engine, people: u64) -> Self {
        Self::start_guided_with(engine, SandboxSettings { people, ..SandboxSettings::default() }).await
    }

    /// Starts the service with a sandbox of the test's own making; both have one clock.
    pub async fn start_guided_with(engine: Engine, played: SandboxSettings) -> Self {
        let (clock, sandbox, overrides) = Self::with_sandbox(played).await;
        Self::start_at(clock, engine, &overrides, Some(sandbox), None).await
    }

    /// Starts the service with a sandbox behind it, and settings changed by the test.
    pub async fn start_guided_changed(engine: Engine, played: SandboxSettings, change: impl FnOnce(&mut Settings)) -> Self {
        let (clock, sandbox, overrides) = Self::with_sandbox(played).await;
        Self::start_changed(clock, engine, &overrides, Some(sandbox), None, change).await
    }

    /// Starts the service with a sandbox behind it and handlers of the test's own jobs.
    pub async fn start_with_jobs(
        engine: Engine,
        played: SandboxSettings,
        handlers: Vec<Arc<dyn JobHandler>>,
        change: impl FnOnce(&mut Settings),
    ) -> Self {
        let (clock, sandbox, overrides) = Self::with_sandbox(played).await;
        Self::start_handling(clock, engine, &overrides, Some(sandbox), None, (handlers, change)).await
    }

    async fn with_sandbox(played: SandboxSettings) -> (Arc<MovableClock>, RunningSandbox, Vec<(&'static str, String)>) {
        let clock = test_clock();
        let salesforce = (played.salesforce_client_id.clone(), played.salesforce_client_secret.clone());
        let listeners = SandboxListeners::on_free_ports().unwrap();
        let sandbox = msi_actions::sandbox::start(played, clock.clone(), listeners).await.unwrap();
        let mut overrides = vec![("salesforce.client_id", salesforce.0), ("salesforce.client_secret", salesforce.1)];
        overrides.extend(sandbox.settings());
        (clock, sandbox, overrides)
    }

    async fn start_at(
        clock: Arc<MovableClock>,
        engine: Engine,
        overrides: &[(&'static str, String)],
        sandbox: Option<RunningSandbox>,
        file: Option<&std::path::Path>,
    ) -> Self {
        Self::start_changed(clock, engine, overrides, sandbox, file, |_| ()).await
    }

    async fn start_changed(
        clock: Arc<MovableClock>,
        engine: Engine,
        overrides: &[(&'static str, String)],
        sandbox: Option<RunningSandbox>,
        file: Option<&std::path::Path>,
        change: impl FnOnce(&mut Settings),
    ) -> Self {
        Self::start_handling(clock, engine, overrides, sandbox, file, (Vec::new(), change)).await
    }

    async fn start_handling(
        clock: Arc<MovableClock>,
        engine: Engine,
        overrides: &[(&'static str, String)],
        sandbox: Option<RunningSandbox>,
        file: Option<&std::path::Path>,
        (handlers, change): (Vec<Arc<dyn JobHandler>>, impl FnOnce(&mut Settings)),
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
        let mut settings = Settings::load(file, &all).unwrap();
        settings.server.workers = 2;
        settings.database.max_connections = 5;
        settings.marketo.poll_interval_seconds = 0.01;
        // The sandbox counts no calls unless told to, and knows nobody older than 431 days.
        settings.marketo.quota_calls_per_20_seconds = 20_000;
        // A run that a test leaves under way is left where it is.
        settings.server.shutdown_timeout_seconds = 2;
        settings.sync.earliest = "2025-04-01".into();
        // Tests that are about the schedule switch it on.
        settings.sync.incremental_interval_seconds = 0;
        change(&mut settings);
        let http = settings.upstream.http_client().unwrap();
        canaries::watch();
        let running = app::start_with(settings.clone(), clock.clone(), handlers).await.unwrap_or_else(|error| panic!("{error}"));
        let (url, db) = (running.url().to_owned(), running.db().clone());
        Self { clock, http, url, directory, sandbox, settings, db, running: Some(running), database }
    }

    /// The same without the service: for a test that runs it as processes of its own, listening where `url` says. Sandbox and
    /// service go by the machine's clock.
    pub async fn without_service(engine: Engine, people: u64) -> Self {
        Self::without_service_with(engine, SandboxSettings { people, ..SandboxSettings::default() }).await
    }

    /// The same with a sandbox of the test's own making.
    pub async fn without_service_with(engine: Engine, played: SandboxSettings) -> Self {
        Self::without_service_at(engine, played, Arc::new(SystemClock)).await
    }

    /// The same with a sandbox that goes by a clock of its own.
    pub async fn without_service_at(engine: Engine, played: SandboxSettings, vendors: SharedClock) -> Self {
        let clock = test_clock();
        let listeners = SandboxListeners::on_free_ports().unwrap();
        let sandbox = msi_actions::sandbox::start(played, vendors, listeners).await.unwrap();
        let directory = tempfile::tempdir().unwrap();
        let database = TestDatabase::create(engine, directory.path()).await;
        let port = reserve_port();
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
        self.serve_with(port, &[("MSI_LOG__FILTER", log)])
    }

    /// Starts the service as a process with some environment variables of the test's own.
    pub fn serve_with(&self, port: u16, more: &[(&str, &str)]) -> Server {
        let sandbox = self.sandbox.as_ref().unwrap();
        let (salesforce, marketo) = (sandbox.salesforce_url(), sandbox.marketo_url());
        let listen = format!("127.0.0.1:{port}");
        let mut variables = vec![
            ("MSI_DATABASE__URL", self.database.url.as_str()),
            ("MSI_SERVER__PUBLIC_URL", &self.url),
            ("MSI_SECRETS__MASTER_KEY", MASTER_KEY),
            ("MSI_UPSTREAM__SANDBOX__SALESFORCE_URL", &salesforce),
            ("MSI_UPSTREAM__SANDBOX__MARKETO_URL", &marketo),
            ("MSI_SALESFORCE__CLIENT_ID", "sandbox-salesforce-consumer-key"),
            ("MSI_SALESFORCE__CLIENT_SECRET", "sandbox-salesforce-consumer-secret"),
            ("MSI_MARKETO__SHARE", "1"),
        ];
        variables.extend_from_slice(more);
        Server::start_at(self.directory.path(), &listen, &variables)
    }

    /// The service, running in this process.
    pub fn running(&self) -> &RunningApp {
        self.running.as_ref().unwrap()
    }

    /// The path that `Location` leads to. It names the service, so that a caller behind a proxy needn't put it together.
    pub fn location_of(&self, answer: &Answer) -> String {
        let location = answer.headers["location"].to_str().unwrap();
        location.strip_prefix(&self.url).unwrap_or_else(|| panic!("{location} doesn't lead to {}", self.url)).to_owned()
    }

    /// The port of `url`.
    pub fn port(&self) -> u16 {
        self.url.rsplit(':').next().unwrap().parse().unwrap()
    }

    /// How often the sandbox was called in this way.
    pub async fn sandbox_calls(&self, operation: &str) -> u64 {
        let counted = Answer::send(self.http.get(format!("{}/__sandbox/calls", self.sandbox.as_ref().unwrap().url()))).await.expect(200);
        counted[operation].as_u64().unwrap_or(0)
    }

    /// Whether Salesforce takes the token that the broker gave out.
    pub async fn works_at_salesforce(&self, given: &Value) -> bool {
        let text = |name: &str| given[name].as_str().unwrap_or_else(|| panic!("no {name}: {given}"));
        let limits = format!("{}/services/data/v66.0/limits", text("instance_url"));
        Answer::send(self.http.get(limits).bearer_auth(text("access_token"))).await.status == 200
    }

    /// A second process on the same database, which callers reach under the same name; the test stops it.
    pub async fn replica(&self) -> Replica {
        self.replica_with(|_| {}).await.unwrap_or_else(|error| panic!("{error}"))
    }

    /// A second process with settings of its own, or why it did not start.
    pub async fn replica_with(&self, change: impl FnOnce(&mut Settings)) -> Result<Replica, String> {
        let mut settings = self.settings.clone();
        settings.server.public_url = self.url.clone();
        change(&mut settings);
        let running = app::start(settings, self.clock.clone()).await.map_err(|error| error.to_string())?;
        Ok(Replica { url: format!("http://{}", running.address()), running, http: self.http.clone() })
    }

    /// The current master key, as an operator keeps it.
    pub fn master_key_text(&self) -> String {
        MASTER_KEY.to_owned()
    }

    pub fn master_keys(&self) -> MasterKeys {
        MasterKeys::parse(&MASTER_KEY.into(), &"".into()).unwrap()
    }

    /// Where the database is.
    pub fn database_url(&self) -> &str {
        &self.database.url
    }

    /// Tries to change the database behind the service's back.
    pub async fn try_sql(&self, statement: &str) -> Result<u64, sqlx::Error> {
        match &self.db {
            Db::Sqlite { writer, .. } => sqlx::query(AssertSqlSafe(statement)).execute(writer).await.map(|done| done.rows_affected()),
            Db::Postgres { pool, .. } => sqlx::query(AssertSqlSafe(statement)).execute(pool).await.map(|done| done.rows_affected()),
        }
    }

    /// Changes the database behind the service's back.
    pub async fn sql(&self, statement: &str) -> u64 {
        match &self.db {
            Db::Sqlite { writer, .. } => sqlx::query(AssertSqlSafe(statement)).execute(writer).await.unwrap().rows_affected(),
            Db::Postgres { pool, .. } => sqlx::query(AssertSqlSafe(statement)).execute(pool).await.unwrap().rows_affected(),
        }
    }

    /// A number from the database.
    pub async fn count(&self, query: &str) -> i64 {
        match &self.db {
            Db::Sqlite { readers, .. } => sqlx::query_scalar(AssertSqlSafe(query)).fetch_one(readers).await.unwrap(),
            Db::Postgres { pool, .. } => sqlx::query_scalar(AssertSqlSafe(query)).fetch_one(pool).await.unwrap(),
        }
    }

    /// Moves the clock once no job is running: one that is about to end would wait from the new time on.
    pub async fn advance_between_jobs(&self, by: time::Duration) {
        eventually("no job is running", async || self.count("SELECT COUNT(*) FROM jobs WHERE state = 'running'").await == 0).await;
        self.clock.advance(by);
    }

    /// How many tables hold what runs have read.
    pub async fn staging_tables(&self) -> i64 {
        match &self.db {
            Db::Sqlite { .. } => self.count("SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name LIKE 'sync_staged_%'").await,
            Db::Postgres { .. } => {
                self.count("SELECT COUNT(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename LIKE 'sync_staged_%'").await
            }
        }
    }

    /// The database.
    pub fn db(&self) -> &Db {
        &self.db
    }

    /// A request without a token.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url))
    }

    pub async fn get(&self, path: &str) -> Answer {
        Answer::send(self.request(Method::GET, path)).await
    }

    /// What the service's own parts work with, for a test that plays a second process.
    pub async fn context(&self) -> Context {
        let vault = load_vault(&self.db, &self.master_keys(), &*self.clock).await.unwrap();
        Context {
            db: self.db.clone(),
            clock: self.clock.clone(),
            vault,
            public_url: PublicUrl(self.url.as_str().into()),
            limits: self.settings.limits,
        }
    }

    /// A call with a token and, for methods that have one, a JSON body.
    pub async fn call(&self, token: &str, method: Method, path: &str, body: Option<Value>) -> Answer {
        let request = self.request(method, path).bearer_auth(token);
        Answer::send(match body {
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

    /// Stops the service alone; its database can't be asked any more.
    pub async fn stop_service(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop().await;
        }
    }

    /// Stops the service; the database is dropped with `self`.
    pub async fn stop(mut self) {
        self.stop_service().await;
        if let Some(sandbox) = self.sandbox.take() {
            sandbox.stop().await;
        }
        findings::assert_silence();
    }
}
