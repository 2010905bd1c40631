//! Makes random changes in the sandbox for a while, which the service syncs on its schedule. Measures how long after the last change the
//! synced people equal a reference that one thread reads from the sandbox, and whether the calls to both vendors stay within the
//! configured share.
//!
//! `make bench-stream`; the last line is one JSON object. `ARGS="--people 2000 --rate 50 --seconds 10 --interval 10"` for a shorter
//! run, `--database postgres://…` for PostgreSQL (an empty database).

#![allow(clippy::disallowed_methods, clippy::unwrap_used)] // what is measured here has no clock of its own

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use msi_actions::app::RunningApp;
use msi_actions::auth::{NewClient, Scopes, create_client};
use msi_actions::clock::{Clock, SystemClock};
use msi_actions::config::{Settings, share_of};
use msi_actions::sandbox::{RunningSandbox, SandboxListeners, SandboxSettings};
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

#[path = "../tests/it/support/reference.rs"]
mod reference;

/// The time within which the people must equal the reference after the last change.
const GOAL: Duration = Duration::from_secs(120);
/// The longest wait for that.
const PATIENCE: Duration = Duration::from_secs(900);
/// How often a second changes are made, several at once.
const BEATS: u32 = 10;

struct StreamArguments {
    people: u64,
    rate: u64,
    seconds: u64,
    interval: u32,
    database: Option<String>,
}

impl StreamArguments {
    fn read() -> Self {
        let mut found = Self { people: 20_000, rate: 200, seconds: 120, interval: 60, database: None };
        let mut words = std::env::args().skip(1).filter(|word| word != "--bench");
        while let Some(name) = words.next() {
            let value = words.next().unwrap_or_else(|| panic!("{name} needs a value"));
            let number = || value.parse().unwrap_or_else(|_| panic!("{name} {value}: not a number"));
            match name.as_str() {
                "--people" => found.people = number(),
                "--rate" => found.rate = number(),
                "--seconds" => found.seconds = number(),
                "--interval" => found.interval = u32::try_from(number()).expect("a day has fewer seconds"),
                "--database" => found.database = Some(value),
                _ => panic!("{name}: known are --people, --rate, --seconds, --interval and --database"),
            }
        }
        found
    }
}

/// The service, connected to a sandbox.
struct Stage {
    app: RunningApp,
    sandbox: RunningSandbox,
    http: reqwest::Client,
    token: String,
}

impl Stage {
    async fn begin(arguments: &StreamArguments, directory: &std::path::Path) -> (Self, Settings) {
        let clock = Arc::new(SystemClock);
        let played = SandboxSettings { people: arguments.people, ..SandboxSettings::default() };
        let (client_id, client_secret) = (played.salesforce_client_id.clone(), played.salesforce_client_secret.clone());
        let munchkin_id = played.munchkin_id.clone();
        let listeners = SandboxListeners::on_free_ports().expect("ports are free");
        let sandbox = msi_actions::sandbox::start(played, clock.clone(), listeners).await.expect("the sandbox starts");
        let [salesforce, marketo] = sandbox.settings();
        let mut settings = Settings::load(
            None,
            &[
                ("data_dir", directory.display().to_string()),
                ("server.address", "127.0.0.1:0".to_owned()),
                ("secrets.master_key", "bench:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".to_owned()),
                salesforce,
                marketo,
                ("salesforce.client_id", client_id),
                ("salesforce.client_secret", client_secret),
            ],
        )
        .expect("the settings are right");
        if let Some(url) = &arguments.database {
            settings.database.url = url.as_str().into();
        }
        settings.server.workers = 1;
        settings.marketo.poll_interval_seconds = 0.2;
        settings.sync.incremental_interval_seconds = arguments.interval;
        // The sandbox has nobody older.
        settings.sync.earliest = (clock.now().date() - time::Duration::days(433)).to_string();
        let http = settings.upstream.http_client().expect("an HTTP client can be made");
        let app = msi_actions::app::start(settings.clone(), clock.clone()).await.unwrap_or_else(|error| panic!("{error}"));
        let token = |resource: Option<String>| {
            let (app, http, clock) = (&app, &http, &clock);
            async move {
                let mut tx = app.db().begin().await.expect("the database works");
                let new = NewClient { instance: None, name: "bench".into(), scopes: Scopes::of_an_operator() };
                let (client, secret) = create_client(&mut tx, &**clock, new).await.expect("a client can be made");
                tx.commit().await.expect("the database works");
                let mut form =
                    vec![("grant_type", "client_credentials"), ("client_id", &client.client_id), ("client_secret", secret.expose_secret())];
                form.extend(resource.as_deref().map(|resource| ("resource", resource)));
                let answer = http.post(format!("{}/oauth/token", app.url())).form(&form).send().await.expect("it answers");
                answer.json::<Value>().await.expect("a token")["access_token"].as_str().expect("a token").to_owned()
            }
        };
        let operator = token(None).await;
        let new = json!({
            "munchkin_id": munchkin_id, "name": "Bench", "environment": "production",
            "prerequisites": { "msi_actions_enabled": true, "salesforce_sync_configured": true },
            "marketo": { "client_id": "sandbox-marketo-client", "client_secret": "sandbox-marketo-secret" },
        });
        let made = http.post(format!("{}/v1/instances", app.url())).bearer_auth(&operator).json(&new).send().await.expect("it answers");
        let instance = made.json::<Value>().await.expect("an instance")["id"].as_str().expect("an instance").to_owned();
        let token = token(Some(format!("urn:msi-actions:instance:{instance}"))).await;
        (Self { app, sandbox, http, token }, settings)
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        let answer =
            self.http.post(format!("{}{path}", self.app.url())).bearer_auth(&self.token).json(&body).send().await.expect("it answers");
        let status = answer.status();
        let text = answer.text().await.expect("a body");
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    async fn get(&self, path: &str) -> Value {
        let answer = self.http.get(format!("{}{path}", self.app.url())).bearer_auth(&self.token).send().await.expect("it answers");
        answer.json().await.expect("JSON")
    }

    async fn sandbox_says(&self, path: &str) -> Value {
        let answer = self.http.get(format!("{}/__sandbox{path}", self.sandbox.url())).send().await.expect("it answers");
        answer.json().await.expect("JSON")
    }

    async fn connect(&self) {
        let begun = self.post("/v1/connections/salesforce", json!({})).await;
        let start = self.http.get(begun["authorization_url"].as_str().expect("an address")).send().await.expect("it answers");
        let header = |name| start.headers()[name].to_str().expect("a text").to_owned();
        let (login, cookie) = (url::Url::parse(&header(LOCATION)).expect("an address"), header(SET_COOKIE));
        let mut form: Vec<(String, String)> = login.query_pairs().into_owned().collect();
        form.extend([("username".into(), "maria.admin@example.com".into()), ("password".into(), "sandbox".into())]);
        let login = self.http.post(format!("{}/login", self.sandbox.salesforce_url())).form(&form).send().await.expect("it answers");
        let back = self.http.get(login.headers()[LOCATION].to_str().expect("a text"));
        let back = back.header(COOKIE, cookie.split(';').next().unwrap_or_default()).send().await.expect("it answers");
        assert!(back.status().is_success());
        self.post("/v1/connections/marketo", json!({})).await;
    }

    async fn full_run(&self) -> Value {
        let run = self.post("/v1/sync/runs", json!({})).await;
        let path = format!("/v1/sync/runs/{}", run["id"].as_str().expect("an id"));
        loop {
            let run = self.get(&path).await;
            match run["state"].as_str() {
                Some("completed") => return run["report"].clone(),
                Some("failed" | "canceled") => panic!("the full run failed: {run}"),
                _ => tokio::time::sleep(Duration::from_millis(200)).await,
            }
        }
    }

    /// Makes changes at a fixed rate, even when the service is slow.
    async fn stream(&self, arguments: &StreamArguments) -> u64 {
        let (began, beats) = (Instant::now(), arguments.seconds * u64::from(BEATS));
        let mut made = 0;
        for beat in 0..beats {
            tokio::time::sleep_until((began + Duration::from_secs(1) / BEATS * u32::try_from(beat).unwrap_or(u32::MAX)).into()).await;
            let count = arguments.rate * (beat + 1) / u64::from(BEATS) - arguments.rate * beat / u64::from(BEATS);
            let changes = json!({ "count": count, "seed": beat });
            let answer =
                self.http.post(format!("{}/__sandbox/changes", self.sandbox.url())).json(&changes).send().await.expect("it answers");
            made += answer.json::<Value>().await.expect("JSON")["made"].as_u64().unwrap_or(0);
        }
        made
    }

    async fn reference(&self) -> reference::Copy {
        let (mut all, mut after) = (BTreeMap::new(), 0);
        loop {
            let page = self.sandbox_says(&format!("/people?limit=5000&after={after}")).await;
            all.extend(reference::reference(page["people"].as_array().expect("people")));
            match page["next"].as_u64() {
                Some(next) => after = next,
                None => return all,
            }
        }
    }

    /// Counts the people who differ from the reference.
    async fn differences(&self, wanted: &reference::Copy) -> usize {
        let (mut same, mut all, mut path) = (0, 0, "/v1/people?limit=500".to_owned());
        loop {
            let page = self.get(&path).await;
            for person in page["data"].as_array().expect("people") {
                let mut person = person.clone();
                person.as_object_mut().expect("a person").remove("synced_at");
                all += 1;
                same += usize::from(person["marketo_id"].as_i64().and_then(|id| wanted.get(&id)) == Some(&person));
            }
            match page["next_cursor"].as_str() {
                Some(cursor) => path = format!("/v1/people?limit=500&cursor={cursor}"),
                None => return (all - same) + (wanted.len() - same),
            }
        }
    }
}

async fn run(arguments: StreamArguments) -> bool {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let (stage, settings) = Stage::begin(&arguments, directory.path()).await;
    stage.connect().await;
    let report = stage.full_run().await;
    println!("{} people synced; {} changes a second for {} s", report["qualified"], arguments.rate, arguments.seconds);
    let before = stage.sandbox_says("").await;
    let began = Instant::now();
    let made = stage.stream(&arguments).await;
    let (streamed, last) = (began.elapsed(), Instant::now());
    println!("{made} changes made in {:.1} s", streamed.as_secs_f64());
    let wanted = stage.reference().await;
    let equal_after = loop {
        let differences = stage.differences(&wanted).await;
        if differences == 0 {
            break Some(last.elapsed());
        }
        if last.elapsed() > PATIENCE {
            break None;
        }
        println!("{:.0} s after the last change {differences} people differ", last.elapsed().as_secs_f64());
        tokio::time::sleep(Duration::from_secs(2)).await;
    };
    let took = began.elapsed().as_secs_f64();
    let after = stage.sandbox_says("").await;
    let number = |of: &Value, vendor: &str, name: &str| of[vendor][name].as_u64().unwrap_or(0);
    let marketo_share = share_of(settings.marketo.share, settings.marketo.quota_calls_per_20_seconds.into());
    let busiest = number(&after, "marketo", "most_calls_in_20_seconds");
    let salesforce_share = share_of(settings.salesforce.share, number(&after, "salesforce", "calls_allowed_a_day"));
    let salesforce_calls = number(&after, "salesforce", "calls_today");
    let within_share = busiest <= marketo_share && salesforce_calls <= salesforce_share;
    let in_time = equal_after.is_some_and(|after| after <= GOAL);
    let figures = json!({
        "name": "stream", "people": arguments.people, "rate": arguments.rate, "seconds": arguments.seconds, "changes": made,
        "changes_per_second": (made as f64 / streamed.as_secs_f64()).round(), "interval_seconds": arguments.interval,
        "database": stage.app.db().engine(),
        "equal_after_seconds": equal_after.map(|after| (after.as_secs_f64() * 10.0).round() / 10.0), "within_two_minutes": in_time,
        "marketo_calls": number(&after, "marketo", "calls_today") - number(&before, "marketo", "calls_today"),
        "marketo_most_calls_in_20_seconds": busiest, "marketo_share_of_20_seconds": marketo_share,
        "salesforce_calls": salesforce_calls - number(&before, "salesforce", "calls_today"), "seconds_measured": took.round(),
        "within_share": within_share,
    });
    stage.app.stop().await;
    stage.sandbox.stop().await;
    println!("{figures}");
    in_time && within_share
}

fn main() {
    let arguments = StreamArguments::read();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime can be made");
    if !runtime.block_on(run(arguments)) {
        std::process::exit(1);
    }
}
