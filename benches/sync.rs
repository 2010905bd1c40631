//! Measures full runs of the sync: people of the sandbox into PostgreSQL and into SQLite, then a second run that finds nothing changed.
//! The sandbox and the service are processes of their own; the sandbox prepares its data in a first run that isn't measured, and its
//! throttles are off. For each run: time by phase, rows per second, peak memory (VmHWM) and processor time of the
//! service. On PostgreSQL the floor is measured in the same round on the same rows and indexes: `psql \copy` of their CSV into a
//! staging table and one `INSERT … ON CONFLICT … DO UPDATE … WHERE … IS DISTINCT FROM` into the indexed table.
//!
//! `make bench-sync`, with `ARGS="--people 150000 --rounds 3 --engines postgres,sqlite"`; BENCH_DATABASE_URL names the PostgreSQL
//! server. The last line is one JSON object.

#![allow(clippy::disallowed_methods, clippy::unwrap_used)] // what is measured here has no clock of its own

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use msi_actions::auth::{NewClient, Scopes, create_client};
use msi_actions::clock::SystemClock;
use msi_actions::config::Settings;
use msi_actions::db::Db;
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

/// The master key of the benchmark's databases only.
const MASTER_KEY: &str = "test:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
/// The wait between two looks at a run.
const LOOK: Duration = Duration::from_millis(50);

/// The options of the benchmark.
struct Options {
    people: u64,
    rounds: usize,
    engines: Vec<String>,
}

impl Options {
    fn read() -> Self {
        let mut options = Self { people: 1_500_000, rounds: 1, engines: vec!["postgres".into(), "sqlite".into()] };
        let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
        while let Some(name) = arguments.next() {
            let value = arguments.next().unwrap_or_else(|| panic!("{name} needs a value"));
            match name.as_str() {
                "--people" => options.people = value.parse().expect("--people takes a number"),
                "--rounds" => options.rounds = value.parse().expect("--rounds takes a number"),
                "--engines" => options.engines = value.split(',').map(str::to_owned).collect(),
                _ => panic!("there is no {name}; there are --people, --rounds and --engines"),
            }
        }
        options
    }
}

/// A process that ends with the benchmark.
struct Process(Child);

impl Process {
    /// Starts the program and waits for a line that starts with `begin`.
    fn start(directory: &Path, arguments: &[&str], variables: &[(&str, &str)], begin: &str) -> (Self, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_msi-actions"));
        // It is killed in the end, so its files have to be in a directory that is deleted.
        command.current_dir(directory).env("TMPDIR", directory).args(arguments).envs(variables.iter().copied()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program can be started");
        let mut lines = BufReader::new(child.stderr.take().expect("it has one")).lines().map_while(Result::ok);
        let mut said = Vec::new();
        let line = lines.by_ref().inspect(|line| said.push(line.clone())).find(|line| line.starts_with(begin));
        let line = line.unwrap_or_else(|| panic!("it does not start: {said:?}"));
        // Slow statements are what is measured here.
        let is_telling = |line: &String| (line.contains("WARN") || line.contains("ERROR")) && !line.contains("slow statement");
        std::thread::spawn(move || lines.filter(is_telling).for_each(|line| eprintln!("{line}")));
        (Self(child), line)
    }

    /// The peak memory so far, in MiB.
    fn peak_memory(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("the kernel says");
        line.trim_end_matches("kB").trim().parse::<f64>().expect("a number") / 1024.0
    }

    /// The processor time so far, in seconds.
    fn processor_time(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0.id())).expect("it runs");
        let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
        // utime and stime, in hundredths of a second.
        fields[11..13].iter().map(|ticks| ticks.parse::<f64>().expect("a number") / 100.0).sum()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The simulated vendors.
struct Sandbox {
    _process: Process,
    /// The address of the sandbox's control.
    url: String,
    salesforce_url: String,
    marketo_url: String,
    /// A day before anybody was created.
    earliest: String,
}

impl Sandbox {
    async fn start(people: u64, directory: &Path) -> Self {
        let people = people.to_string();
        let arguments = ["sandbox", "--listen", "127.0.0.1:0", "--people", &people, "--keep-results"];
        let (process, line) = Process::start(directory, &arguments, &[], "Simulated");
        let url = line.split(" at ").nth(1).and_then(|rest| rest.split(';').next()).expect("an address").to_owned();
        let http = Settings::load(None, &[]).expect("the defaults are sound").upstream.http_client().expect("a client can be made");
        let overview = http.get(format!("{url}/__sandbox")).send().await.expect("it answers").json::<Value>().await.expect("JSON");
        let address = |vendor: &str| overview[vendor]["base_url"].as_str().expect("an address").to_owned();
        // Its people were created within the 431 days before.
        let earliest = (msi_actions::clock::Clock::now(&SystemClock).date() - time::Duration::days(440)).to_string();
        Self { _process: process, salesforce_url: address("salesforce"), marketo_url: address("marketo"), url, earliest }
    }
}

fn server() -> String {
    std::env::var("BENCH_DATABASE_URL").unwrap_or_else(|_| "postgres://postgres@127.0.0.1:5432/postgres".into())
}

/// A database for one run of the benchmark, dropped at the end.
struct Database {
    url: String,
    name: Option<String>,
}

impl Database {
    async fn create(engine: &str, directory: &Path) -> Self {
        if engine == "sqlite" {
            return Self { url: format!("sqlite://{}", directory.join("bench.db").display()), name: None };
        }
        let name = format!("msi_bench_{}", std::process::id());
        let mut connection = PgConnection::connect(&server()).await.expect("PostgreSQL answers");
        for statement in [format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"), format!("CREATE DATABASE {name}")] {
            connection.execute(AssertSqlSafe(statement)).await.expect("it obeys");
        }
        let mut url = url::Url::parse(&server()).expect("an address");
        url.set_path(&name);
        Self { url: url.into(), name: Some(name) }
    }

    async fn drop_it(self) {
        let Some(name) = self.name else { return };
        let mut connection = PgConnection::connect(&server()).await.expect("PostgreSQL answers");
        connection.execute(AssertSqlSafe(format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))).await.expect("it obeys");
    }

    fn psql(&self, command: &str) -> f64 {
        let began = Instant::now();
        let done =
            Command::new("psql").args(["-q", "-v", "ON_ERROR_STOP=1", "-d", &self.url, "-c", command]).status().expect("there is psql");
        assert!(done.success(), "psql: {command}");
        began.elapsed().as_secs_f64()
    }
}

/// The service with a connected instance.
struct Service {
    process: Process,
    url: String,
    http: reqwest::Client,
    token: String,
}

impl Service {
    async fn start(database: &Database, directory: &Path, sandbox: &Sandbox) -> Self {
        let data = directory.display().to_string();
        let variables = [
            ("MSI_DATABASE__URL", database.url.as_str()),
            ("MSI_DATA_DIR", &data),
            ("MSI_UPSTREAM__SANDBOX__SALESFORCE_URL", sandbox.salesforce_url.as_str()),
            ("MSI_UPSTREAM__SANDBOX__MARKETO_URL", &sandbox.marketo_url),
            ("MSI_SALESFORCE__CLIENT_ID", "sandbox-salesforce-consumer-key"),
            ("MSI_SALESFORCE__CLIENT_SECRET", "sandbox-salesforce-consumer-secret"),
            ("MSI_SECRETS__MASTER_KEY", MASTER_KEY),
            ("MSI_MARKETO__SHARE", "1"),
            ("MSI_MARKETO__POLL_INTERVAL_SECONDS", "0.02"),
            ("MSI_MARKETO__QUOTA_CALLS_PER_20_SECONDS", "20000"),
            ("MSI_MARKETO__QUOTA_EXPORT_MEGABYTES_PER_DAY", "100000"),
            ("MSI_SYNC__EARLIEST", &sandbox.earliest),
        ];
        let (process, line) = Process::start(directory, &["serve", "--listen", "127.0.0.1:0"], &variables, "Running at");
        let url = line.split_whitespace().nth(2).expect("an address").to_owned();
        let settings = [("database.url", database.url.clone()), ("data_dir", data.clone())];
        let settings = Settings::load(None, &settings).expect("the settings are sound");
        let http = settings.upstream.http_client().expect("a client can be made");
        let db = msi_actions::app::open_database(&settings).await.expect("the database can be opened");
        let mut service = Self { process, url, http, token: String::new() };
        service.set_up(&db, sandbox).await;
        db.close().await;
        service
    }

    /// Creates an instance and connects it to both vendors.
    async fn set_up(&mut self, db: &Db, sandbox: &Sandbox) {
        let mut tx = db.begin().await.expect("the database works");
        let new = NewClient { instance: None, name: "bench".into(), scopes: Scopes::of_an_operator() };
        let (client, secret) = create_client(&mut tx, &SystemClock, new).await.expect("a client can be made");
        tx.commit().await.expect("the database works");
        let client = (client.client_id, secret.expose_secret().to_owned());
        self.token = self.ask_token(&client, None).await;
        let new = json!({
            "munchkin_id": "123-ABC-456", "name": "Bench", "environment": "production",
            "prerequisites": { "msi_actions_enabled": true, "salesforce_sync_configured": true },
            "marketo": { "client_id": "sandbox-marketo-client", "client_secret": "sandbox-marketo-secret" },
        });
        let instance = self.post("/v1/instances", new).await["id"].as_str().expect("an instance").to_owned();
        self.token = self.ask_token(&client, Some(&format!("urn:msi-actions:instance:{instance}"))).await;
        let begun = self.post("/v1/connections/salesforce", json!({})).await;
        let start = self.http.get(begun["authorization_url"].as_str().expect("an address")).send().await.expect("it answers");
        let header = |name| start.headers()[name].to_str().expect("a text").to_owned();
        let (login, cookie) = (url::Url::parse(&header(LOCATION)).expect("an address"), header(SET_COOKIE));
        let mut form: Vec<(String, String)> = login.query_pairs().into_owned().collect();
        form.extend([("username".into(), "maria.admin@example.com".into()), ("password".into(), "sandbox".into())]);
        let back = self.http.post(format!("{}/login", sandbox.salesforce_url)).form(&form).send().await.expect("it answers");
        let back = back.headers()[LOCATION].to_str().expect("a text").to_owned();
        let back = self.http.get(back).header(COOKIE, cookie.split(';').next().unwrap_or_default()).send().await.expect("it answers");
        assert!(back.status().is_success());
        self.post("/v1/connections/marketo", json!({})).await;
        // More than Marketo's 500 MB of files a day.
        let quota = self.http.post(format!("{}/__sandbox/marketo", sandbox.url)).json(&json!({ "export_daily_bytes": 1_u64 << 40 }));
        assert!(quota.send().await.expect("it answers").status().is_success());
    }

    async fn ask_token(&self, client: &(String, String), resource: Option<&str>) -> String {
        let mut form = vec![("grant_type", "client_credentials"), ("client_id", client.0.as_str()), ("client_secret", client.1.as_str())];
        form.extend(resource.map(|resource| ("resource", resource)));
        let answer = self.http.post(format!("{}/oauth/token", self.url)).form(&form).send().await.expect("it answers");
        answer.json::<Value>().await.expect("a token")["access_token"].as_str().expect("a token").to_owned()
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        let answer = self.http.post(format!("{}{path}", self.url)).bearer_auth(&self.token).json(&body).send().await.expect("it answers");
        let status = answer.status();
        let body = answer.text().await.expect("an answer");
        assert!(status.is_success(), "{path}: {body}");
        serde_json::from_str(&body).unwrap_or_default()
    }

    /// Makes a full run; returns its figures.
    async fn run(&self) -> RunFigures {
        let (began, used) = (Instant::now(), self.process.processor_time());
        let started = self.http.post(format!("{}/v1/sync/runs", self.url)).bearer_auth(&self.token).send().await.expect("it answers");
        let run: Value = started.json().await.expect("a run");
        let path = format!("{}/v1/sync/runs/{}", self.url, run["id"].as_str().unwrap_or_else(|| panic!("no run: {run}")));
        let (mut phases, mut since, mut phase) = (Map::new(), Instant::now(), Value::Null);
        loop {
            let answer = self.http.get(&path).bearer_auth(&self.token).send().await.expect("it answers");
            let run: Value = answer.json().await.expect("a run");
            assert!(run["state"] != "failed" && run["state"] != "paused", "{run}");
            if run["phase"] != phase {
                if let Some(before) = phase.as_str() {
                    let so_far = phases.get(before).and_then(Value::as_f64).unwrap_or(0.0);
                    phases.insert(before.to_owned(), json!(rounded(so_far + since.elapsed().as_secs_f64())));
                }
                (since, phase) = (Instant::now(), run["phase"].clone());
            }
            if run["state"] == "completed" {
                let read = run["report"]["read"].as_f64().expect("a number");
                let seconds = began.elapsed().as_secs_f64();
                return RunFigures {
                    seconds,
                    rows_per_second: read / seconds,
                    peak_memory: self.process.peak_memory(),
                    processor_seconds: self.process.processor_time() - used,
                    phases,
                    report: run["report"].clone(),
                };
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// The figures of a run.
struct RunFigures {
    seconds: f64,
    rows_per_second: f64,
    peak_memory: f64,
    processor_seconds: f64,
    phases: Map<String, Value>,
    report: Value,
}

fn rounded(figure: f64) -> f64 {
    (figure * 100.0).round() / 100.0
}

impl RunFigures {
    fn say(&self, what: &str) {
        println!(
            "{what}: {:.1} s, {:.0} people/s, peak memory {:.0} MB, {:.1} s of processor; {}",
            self.seconds,
            self.rows_per_second,
            self.peak_memory,
            self.processor_seconds,
            Value::from(self.phases.clone())
        );
    }
}

/// Makes two runs on a database of their own, and measures the floor on PostgreSQL.
async fn round(engine: &str, sandbox: &Sandbox) -> Value {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let database = Database::create(engine, directory.path()).await;
    let service = Service::start(&database, directory.path(), sandbox).await;
    let first = service.run().await;
    first.say(&format!("{engine}, first run"));
    assert_eq!(first.report["inserted"], first.report["qualified"]);
    let second = service.run().await;
    second.say(&format!("{engine}, unchanged run"));
    assert_eq!(second.report["unchanged"], first.report["qualified"]);
    let mut figures = json!({
        "first_seconds": rounded(first.seconds), "first_people_per_second": first.rows_per_second.round(),
        "second_seconds": rounded(second.seconds), "peak_memory_mb": rounded(second.peak_memory),
        "peak_memory_mb_first": rounded(first.peak_memory),
        "first_processor_seconds": rounded(first.processor_seconds), "second_processor_seconds": rounded(second.processor_seconds),
    });
    if engine == "postgres" {
        let (copy, merge, again) = floor(&database, directory.path());
        println!("floor: {copy:.1} s copy + {merge:.1} s merge; unchanged merge {again:.1} s");
        figures["floor_seconds"] = json!(rounded(copy + merge));
        figures["floor_unchanged_seconds"] = json!(rounded(copy + again));
        figures["of_floor_speed"] = json!(rounded((copy + merge) / first.seconds));
    }
    drop(service);
    database.drop_it().await;
    figures
}

/// Loads the same rows and indexes by the plainest means; returns the seconds of the copy, of the merge, and of a second merge that changes
/// nothing.
fn floor(database: &Database, directory: &Path) -> (f64, f64, f64) {
    const COLUMNS: [&str; 13] = [
        "first_name",
        "last_name",
        "email",
        "company",
        "title",
        "phone",
        "linkedin_url",
        "source",
        "salesforce_contact_id",
        "salesforce_lead_id",
        "salesforce_account_id",
        "salesforce_opportunity_id",
        "owner_id",
    ];
    let file = directory.join("people.csv").display().to_string();
    database.psql(&format!("\\copy (SELECT * FROM people) TO '{file}' CSV"));
    database.psql("CREATE TABLE floor_staging (LIKE people)");
    database.psql("CREATE TABLE floor_people (LIKE people INCLUDING ALL)");
    database.psql("CHECKPOINT");
    let each = |of: &str| COLUMNS.map(|name| format!("{of}.{name}")).join(", ");
    let changes = COLUMNS.map(|name| format!("{name} = excluded.{name}")).join(", ");
    let merge = format!(
        "INSERT INTO floor_people SELECT * FROM floor_staging ON CONFLICT (instance_id, marketo_id) DO UPDATE SET {changes} \
         WHERE ({}) IS DISTINCT FROM ({})",
        each("floor_people"),
        each("excluded"),
    );
    (database.psql(&format!("\\copy floor_staging FROM '{file}' CSV")), database.psql(&merge), database.psql(&merge))
}

/// Measures the peak memory in MiB after the first and after the second of two runs with other people.
async fn memory(engine: &str, people: u64) -> (f64, f64) {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let sandbox = Sandbox::start(people, directory.path()).await;
    let database = Database::create(engine, directory.path()).await;
    let service = Service::start(&database, directory.path(), &sandbox).await;
    let first = service.run().await;
    first.say(&format!("{engine}, first run of {people} people"));
    let second = service.run().await;
    second.say(&format!("{engine}, unchanged run of {people} people"));
    drop(service);
    database.drop_it().await;
    (first.peak_memory, second.peak_memory)
}

/// Finds the median of each figure.
fn medians(rounds: &[Value]) -> Value {
    let names = rounds[0].as_object().expect("figures").keys();
    let median = |name: &String| {
        let mut figures: Vec<f64> = rounds.iter().filter_map(|round| round[name].as_f64()).collect();
        figures.sort_by(f64::total_cmp);
        (name.clone(), json!(figures[figures.len() / 2]))
    };
    Value::Object(names.map(median).collect())
}

fn main() {
    let options = Options::read();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be made");
    let mut figures = json!({ "name": "sync", "people": options.people, "rounds": options.rounds });
    runtime.block_on(async {
        let directory = tempfile::tempdir().expect("a directory can be made");
        let sandbox = Sandbox::start(options.people, directory.path()).await;
        println!("{} people; the sandbox prepares them in a first run that isn't measured", options.people);
        round(&options.engines[0], &sandbox).await;
        for engine in &options.engines {
            let mut rounds = Vec::new();
            for number in 1..=options.rounds {
                println!("round {number} of {}", options.rounds);
                rounds.push(round(engine, &sandbox).await);
            }
            figures[engine] = medians(&rounds);
            let (first, both) = memory(engine, options.people / 10).await;
            figures[engine]["peak_memory_mb_first_at_a_tenth"] = json!(rounded(first));
            figures[engine]["peak_memory_mb_at_a_tenth"] = json!(rounded(both));
        }
    });
    println!("{figures}");
}
