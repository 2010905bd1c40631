//! Measures lookups of people by Salesforce id, 200 at once and one at a time, among very many people: `POST /v1/people/lookup` against a
//! bare actix-web handler that runs the same SQL on the same pool and returns the same JSON, in turns, with one worker each. The
//! service authenticates, checks the scope, counts metrics and logs a line per request, as it does in production, here to a file that
//! goes with the benchmark.
//!
//! `make bench-lookup ARGS="--people 1500000 --engine postgres --seconds 3"`; both engines unless one is named. PostgreSQL is the one at
//! `TEST_DATABASE_URL`, or at 127.0.0.1:5432; a database of its own is made there and dropped. The last line is one JSON object.

#![allow(clippy::disallowed_methods, clippy::unwrap_used)] // what is measured here has no clock of its own

use std::collections::HashMap;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use actix_web::{App, HttpResponse, HttpServer, web};
use clap::{Parser, ValueEnum};
use msi_actions::auth::{NewClient, Scope, Scopes, create_client};
use msi_actions::clock::SystemClock;
use msi_actions::config::Settings;
use msi_actions::db::Db;
use msi_actions::ids::InstanceId;
use msi_actions::people::{Person, SalesforceId, store};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const ROUNDS: usize = 5;
/// Different requests of a kind, which are sent in turn.
const REQUESTS: u64 = 500;
const CONNECTIONS: usize = 16;
const RUN: &str = "0190b0a0-0000-7000-8000-000000000001";

#[derive(Debug, Parser)]
struct LookupArguments {
    /// The number of people.
    #[arg(long, default_value_t = 1_500_000)]
    people: u64,
    /// The engine; both unless given.
    #[arg(long)]
    engine: Option<BenchEngine>,
    /// The length of a round.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Passed by `cargo bench` to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum BenchEngine {
    Sqlite,
    Postgres,
}

/// The figures of a round.
struct RoundFigures {
    per_second: f64,
    /// The time of each answer, in microseconds.
    took: Vec<u64>,
}

/// Sends the requests repeatedly on some connections.
fn load(address: SocketAddr, requests: &[String], length: Duration) -> RoundFigures {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be made");
    let over = AtomicBool::new(false);
    let began = Instant::now();
    let took = runtime.block_on(async {
        let callers = (0..CONNECTIONS).map(|caller| {
            let over = &over;
            async move {
                let mut stream = tokio::net::TcpStream::connect(address).await.expect("the server listens");
                stream.set_nodelay(true).expect("a socket takes options");
                let (mut buffer, mut took) = (vec![0; 1024 * 1024], Vec::new());
                for request in requests.iter().cycle().skip(caller * requests.len() / CONNECTIONS) {
                    if over.load(Ordering::Relaxed) {
                        break;
                    }
                    let asked = Instant::now();
                    stream.write_all(request.as_bytes()).await.expect("the server reads");
                    answer(&mut stream, &mut buffer).await;
                    took.push(u64::try_from(asked.elapsed().as_micros()).unwrap_or(u64::MAX));
                }
                took
            }
        });
        let stop = async {
            tokio::time::sleep(length).await;
            over.store(true, Ordering::Relaxed);
        };
        tokio::join!(futures_util::future::join_all(callers), stop).0.concat()
    });
    RoundFigures { per_second: took.len() as f64 / began.elapsed().as_secs_f64(), took }
}

/// Reads an answer to its end; one that isn't 200 ends the benchmark. Returns the range of its body in the buffer.
async fn answer(stream: &mut tokio::net::TcpStream, buffer: &mut [u8]) -> std::ops::Range<usize> {
    let (mut got, mut whole) = (0, None);
    loop {
        let read = stream.read(&mut buffer[got..]).await.expect("the server answers");
        assert!(read > 0, "the server closed the connection");
        got += read;
        if whole.is_none()
            && let Some(head) = buffer[..got].windows(4).position(|four| four == b"\r\n\r\n")
        {
            let text = String::from_utf8_lossy(&buffer[..head]).to_ascii_lowercase();
            assert!(text.starts_with("http/1.1 200"), "{}", String::from_utf8_lossy(&buffer[..got]));
            let length = text.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next()?.parse::<usize>().ok());
            whole = Some(head + 4..head + 4 + length.expect("an answer says its length"));
        }
        if let Some(body) = &whole
            && got >= body.end
        {
            return body.clone();
        }
    }
}

fn salesforce_id(person: u64) -> String {
    let prefix = if person.is_multiple_of(2) { "003" } else { "00Q" };
    let id: SalesforceId = format!("{prefix}{person:012}").parse().expect("fifteen letters and digits");
    id.into_string()
}

/// Fills the table. The suffix of an id depends on its capital letters alone: it is `AAA` for `003…` and `EAA` for `00Q…`.
async fn fill(db: &Db, instance: InstanceId, people: u64) {
    assert!(salesforce_id(2).ends_with("AAA") && salesforce_id(1).ends_with("EAA"));
    let columns = "instance_id, marketo_id, first_name, last_name, email, company, title, phone, linkedin_url, source, \
         salesforce_contact_id, salesforce_lead_id, salesforce_account_id, salesforce_opportunity_id, owner_id, run_id, synced_at, change_number";
    // Twelve digits: those of a number of thirteen without the first.
    let digits = "substr(CAST(1000000000000 + n AS text), 2)";
    let values = |instance: &str, run: &str| {
        format!(
            "{instance}, n, 'First' || n % 5000, 'Last' || n % 70000, 'person' || n || '@example.com', 'Company ' || n % 20000, 'Manager', \
             '+1 555 ' || n, 'https://www.linkedin.com/in/person' || n, 'Web', CASE WHEN n % 2 = 0 THEN '003' || {digits} || 'AAA' END, \
             CASE WHEN n % 2 = 1 THEN '00Q' || {digits} || 'EAA' END, '001' || {digits} || 'AAA', NULL, '005000000000001AAA', {run}, \
             '2026-06-15T12:00:00.000000Z', 1"
        )
    };
    match db {
        Db::Sqlite { writer, .. } => {
            let literal = |id: &str| format!("X'{}'", id.replace('-', ""));
            let sql = format!(
                "INSERT INTO people ({columns}) WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {people}) \
                 SELECT {} FROM numbers",
                values(&literal(&instance.to_string()), &literal(RUN))
            );
            sqlx::query(AssertSqlSafe(sql)).execute(writer).await.expect("the people can be written");
        }
        Db::Postgres { pool, .. } => {
            let values = values(&format!("'{instance}'::uuid"), &format!("'{RUN}'::uuid")).replace("000Z'", "000Z'::timestamptz");
            // The people of an instance have their own partition, which the first full run creates.
            let name = format!("people_{}", instance.to_string().replace('-', ""));
            let partition = format!("CREATE TABLE {name} PARTITION OF people FOR VALUES IN ('{instance}')");
            sqlx::query(AssertSqlSafe(partition)).execute(pool).await.expect("the partition can be made");
            let sql = format!("INSERT INTO people ({columns}) SELECT {values} FROM generate_series(1, {people}) AS numbers (n)");
            sqlx::query(AssertSqlSafe(sql)).execute(pool).await.expect("the people can be written");
            sqlx::query("VACUUM ANALYZE people").execute(pool).await.expect("the table can be analyzed");
        }
    }
}

/// Opens every connection of the pool here: on PostgreSQL the runtime that opens one waits for it with the least effort, an advantage that
/// neither of the two servers should have.
async fn open_pool(db: &Db) {
    if let Db::Postgres { pool, .. } = db {
        let all = (0..pool.options().get_max_connections()).map(|_| pool.acquire());
        for connection in futures_util::future::join_all(all).await {
            drop(connection.expect("PostgreSQL takes as many connections as the settings say"));
        }
    }
}

/// The service with an instance, and a token that may read its people.
async fn service(directory: &std::path::Path, database: &str) -> (msi_actions::app::RunningApp, InstanceId, String) {
    let settings = [
        ("data_dir", directory.display().to_string()),
        ("database.url", database.to_owned()),
        ("server.address", "127.0.0.1:0".to_owned()),
        // PostgreSQL requires one; it is worthless outside of this run.
        ("secrets.master_key", "bench:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".to_owned()),
        ("log.format", "json".to_owned()),
    ];
    let mut settings = Settings::load(None, &settings).expect("the settings are sound");
    settings.server.workers = 1;
    let http = settings.upstream.http_client().expect("a client can be made");
    let log = std::fs::File::create(directory.join("service.log")).expect("the directory can be written to");
    msi_actions::telemetry::start_logging_to(&settings.log, log).expect("logging starts");
    let app = msi_actions::app::start(settings, Arc::new(SystemClock)).await.expect("the service starts");
    let token = async |instance: Option<InstanceId>, scopes: Scopes| -> String {
        let mut tx = app.db().begin().await.expect("the database works");
        let new = NewClient { instance, name: "bench".into(), scopes };
        let (client, secret) = create_client(&mut tx, &SystemClock, new).await.expect("a client can be made");
        tx.commit().await.expect("the database works");
        let form = [("grant_type", "client_credentials"), ("client_id", &client.client_id), ("client_secret", secret.expose_secret())];
        let answer = http.post(format!("{}/oauth/token", app.url())).form(&form).send().await.expect("it answers");
        answer.json::<Value>().await.expect("a token")["access_token"].as_str().expect("a token").to_owned()
    };
    let operator = token(None, Scopes::of_an_operator()).await;
    let new = json!({
        "munchkin_id": "123-ABC-456", "name": "Bench", "environment": "production",
        "prerequisites": { "msi_actions_enabled": true, "salesforce_sync_configured": true },
    });
    let made = http.post(format!("{}/v1/instances", app.url())).bearer_auth(&operator).json(&new).send().await.expect("it answers");
    let made = made.json::<Value>().await.expect("it answers with JSON");
    let instance = made["id"].as_str().and_then(|id| id.parse().ok()).expect("an instance");
    let reader = token(Some(instance), Scopes([Scope::PeopleRead].into())).await;
    (app, instance, reader)
}

/// The request and the response of the bare handler.
#[derive(serde::Deserialize)]
struct LookupRequest {
    salesforce_ids: Vec<String>,
}

#[derive(serde::Serialize)]
struct LookupResult<'a> {
    salesforce_id: &'a str,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    person: Option<&'a Person>,
}

#[derive(serde::Serialize)]
struct LookupResults<'a> {
    results: Vec<LookupResult<'a>>,
}

async fn bare(at: web::Data<(Db, InstanceId)>, web::Json(asked): web::Json<LookupRequest>) -> HttpResponse {
    let ids: Vec<SalesforceId> = asked.salesforce_ids.iter().filter_map(|id| id.parse().ok()).collect();
    let people = store::find_by_salesforce_ids(&at.0, at.1, &ids.iter().collect::<Vec<_>>()).await.expect("the database works");
    let mut found = HashMap::new();
    for person in &people {
        for id in [&person.salesforce_contact_id, &person.salesforce_lead_id].into_iter().flatten() {
            found.insert(id.as_str(), person);
        }
    }
    let answered = |id: &'_ SalesforceId| found.get(id.as_str()).copied();
    let results = asked.salesforce_ids.iter().zip(&ids).map(|(asked, id)| {
        let person = answered(id);
        LookupResult { salesforce_id: asked, outcome: if person.is_some() { "found" } else { "not_found" }, person }
    });
    HttpResponse::Ok().json(LookupResults { results: results.collect() })
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

fn milliseconds(took: &mut [u64], share: f64) -> f64 {
    took.sort_unstable();
    let at = ((took.len() - 1) as f64 * share) as usize;
    took[at] as f64 / 1000.0
}

/// Writes requests for `ids` people each, spread over everybody; every tenth id is nobody's.
fn requests(token: &str, people: u64, ids: u64) -> Vec<String> {
    let mut person = 7;
    let mut next = || {
        // A walk through all residues: the step is a prime that divides no usual number of people.
        person = (person + 7_368_787) % people;
        if person % 10 == 9 { salesforce_id(people + person + 1) } else { salesforce_id(person + 1) }
    };
    (0..REQUESTS)
        .map(|_| {
            let body = json!({ "salesforce_ids": (0..ids).map(|_| next()).collect::<Vec<_>>() }).to_string();
            format!(
                "POST /v1/people/lookup HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\
                 Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            )
        })
        .collect()
}

async fn body_of(address: SocketAddr, request: &str) -> Vec<u8> {
    let mut stream = tokio::net::TcpStream::connect(address).await.expect("the server listens");
    stream.write_all(request.as_bytes()).await.expect("the server reads");
    let mut buffer = vec![0; 1024 * 1024];
    let body = answer(&mut stream, &mut buffer).await;
    buffer[body].to_vec()
}

fn measure(engine: BenchEngine, arguments: &LookupArguments) -> Value {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime can be made");
    let directory = tempfile::tempdir().expect("a directory can be made");
    let server = std::env::var("TEST_DATABASE_URL").unwrap_or_else(|_| "postgres://postgres@127.0.0.1:5432/postgres".to_owned());
    let name = format!("msi_bench_lookup_{}", std::process::id());
    let admin = async |sql: String| {
        let mut connection = sqlx::PgConnection::connect(&server).await.expect("PostgreSQL answers");
        sqlx::query(AssertSqlSafe(sql)).execute(&mut connection).await.expect("a database can be made and dropped");
    };
    let database = match engine {
        BenchEngine::Sqlite => format!("sqlite://{}", directory.path().join("bench.db").display()),
        BenchEngine::Postgres => {
            runtime.block_on(admin(format!("CREATE DATABASE {name}")));
            let mut url = url::Url::parse(&server).expect("TEST_DATABASE_URL is an address");
            url.set_path(&name);
            url.to_string()
        }
    };
    let (app, instance, token) = runtime.block_on(service(directory.path(), &database));
    let began = Instant::now();
    runtime.block_on(fill(app.db(), instance, arguments.people));
    runtime.block_on(open_pool(app.db()));
    println!("{engine:?}: {} people written in {:.0} s", arguments.people, began.elapsed().as_secs_f64());

    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let bare_address = listener.local_addr().expect("it has an address");
    let at = web::Data::new((app.db().clone(), instance));
    runtime.spawn(async move {
        let server = HttpServer::new(move || App::new().app_data(at.clone()).route("/v1/people/lookup", web::post().to(bare)));
        server.workers(1).disable_signals().listen(listener).expect("it listens").run().await.expect("it serves");
    });

    let mut figures = serde_json::Map::new();
    for (kind, ids) in [("lookup_200", 200), ("lookup_1", 1)] {
        let requests = requests(&token, arguments.people, ids);
        for request in &requests[..20] {
            let (ours, theirs) = runtime.block_on(async { (body_of(app.address(), request).await, body_of(bare_address, request).await) });
            assert!(ours == theirs, "both answer the same");
        }
        let length = Duration::from_secs_f64(arguments.seconds);
        load(bare_address, &requests, length / 2);
        load(app.address(), &requests, length / 2);
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for round in 1..=ROUNDS {
            theirs.push(load(bare_address, &requests, length));
            ours.push(load(app.address(), &requests, length));
            let (bare, service) = (theirs[round - 1].per_second, ours[round - 1].per_second);
            println!("{engine:?} {kind}, round {round}: bare handler {bare:.0}/s, service {service:.0}/s");
        }
        let ratio = median(ours.iter().zip(&theirs).map(|(ours, theirs)| ours.per_second / theirs.per_second).collect());
        let speed = |rounds: &[RoundFigures]| median(rounds.iter().map(|round| round.per_second).collect()).round();
        let (per_second, bare_per_second) = (speed(&ours), speed(&theirs));
        let mut took: Vec<_> = ours.into_iter().flat_map(|round| round.took).collect();
        let mut bare_took: Vec<_> = theirs.into_iter().flat_map(|round| round.took).collect();
        figures.insert(
            kind.to_owned(),
            json!({
                "per_second": per_second, "bare_per_second": bare_per_second, "ratio": (ratio * 1000.0).round() / 1000.0,
                "p50_ms": milliseconds(&mut took, 0.5), "p99_ms": milliseconds(&mut took, 0.99),
                "bare_p50_ms": milliseconds(&mut bare_took, 0.5), "bare_p99_ms": milliseconds(&mut bare_took, 0.99),
            }),
        );
    }
    runtime.block_on(app.stop());
    // The bare server is left to the runtime's end, which closes its share of the pool.
    runtime.shutdown_timeout(Duration::from_secs(5));
    if engine == BenchEngine::Postgres {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be made");
        runtime.block_on(admin(format!("DROP DATABASE {name} WITH (FORCE)")));
    }
    figures.into()
}

fn main() {
    let arguments = LookupArguments::parse();
    let engines = arguments.engine.map_or_else(|| vec![BenchEngine::Sqlite, BenchEngine::Postgres], |one| vec![one]);
    let mut all = json!({ "name": "lookup", "people": arguments.people, "rounds": ROUNDS, "connections": CONNECTIONS });
    for engine in engines {
        let name = if engine == BenchEngine::Sqlite { "sqlite" } else { "postgres" };
        all[name] = measure(engine, &arguments);
    }
    println!("{all}");
}
