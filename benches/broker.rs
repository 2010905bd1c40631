//! Requests per second of `POST /v1/tokens/salesforce` with the token in memory, against a bare actix-web handler that returns a
//! constant JSON of the same size, in turns, with one worker each. The service authenticates, checks the scope, counts metrics and
//! logs a line per request, as it does in production, here to a file that goes with the benchmark.
//!
//! `make bench-broker`; the last line is one JSON object.

#![allow(clippy::disallowed_methods, clippy::unwrap_used)] // what is measured here has no clock of its own

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use actix_web::{App, HttpResponse, HttpServer, web};
use msi_actions::auth::{NewClient, Scope, Scopes, create_client};
use msi_actions::clock::SystemClock;
use msi_actions::config::Settings;
use msi_actions::ids::InstanceId;
use msi_actions::sandbox::{SandboxListeners, SandboxSettings};
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(3);
const CONNECTIONS: usize = 32;

/// Sends `request` over and over on some connections; gives answers per second.
fn load(address: std::net::SocketAddr, request: &str) -> f64 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be made");
    let (answered, over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let began = Instant::now();
    runtime.block_on(async {
        let callers = (0..CONNECTIONS).map(|_| {
            let (answered, over, request) = (answered.clone(), over.clone(), request.to_owned());
            async move {
                let mut stream = tokio::net::TcpStream::connect(address).await.expect("the server listens");
                stream.set_nodelay(true).expect("a socket takes options");
                let mut buffer = vec![0; 16 * 1024];
                while !over.load(Ordering::Relaxed) {
                    stream.write_all(request.as_bytes()).await.expect("the server reads");
                    let mut got = 0;
                    loop {
                        let read = stream.read(&mut buffer[got..]).await.expect("the server answers");
                        assert!(read > 0, "the server closed the connection");
                        got += read;
                        if complete(&buffer[..got]) {
                            break;
                        }
                    }
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        let stop = async {
            tokio::time::sleep(ROUND).await;
            over.store(true, Ordering::Relaxed);
        };
        tokio::join!(futures_util::future::join_all(callers), stop);
    });
    answered.load(Ordering::Relaxed) as f64 / began.elapsed().as_secs_f64()
}

/// Whether an answer is whole; one that isn't 200 ends the benchmark.
fn complete(bytes: &[u8]) -> bool {
    let Some(head) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { return false };
    assert!(bytes.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(bytes));
    let text = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
    let length = text.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next()).and_then(|number| number.parse().ok());
    bytes.len() >= head + 4 + length.unwrap_or(0_usize)
}

/// The service with a connected instance: its address, and a token that may have Salesforce's.
async fn service(directory: &std::path::Path) -> (msi_actions::app::RunningApp, String) {
    let listeners = SandboxListeners::on_free_ports().expect("ports are free");
    let played = SandboxSettings { people: 10, ..SandboxSettings::default() };
    let credentials = (played.salesforce_client_id.clone(), played.salesforce_client_secret.clone());
    let sandbox = msi_actions::sandbox::start(played, Arc::new(SystemClock), listeners).await.expect("the sandbox starts");
    let [salesforce, marketo] = sandbox.settings();
    let settings = [
        ("data_dir", directory.display().to_string()),
        ("server.address", "127.0.0.1:0".to_owned()),
        salesforce,
        marketo,
        ("salesforce.client_id", credentials.0),
        ("salesforce.client_secret", credentials.1),
        ("log.format", "json".to_owned()),
    ];
    let mut settings = Settings::load(None, &settings).expect("the settings are sound");
    settings.server.workers = 1;
    let http = settings.upstream.http_client().expect("a client can be made");
    let log = std::fs::File::create(directory.join("service.log")).expect("the directory can be written to");
    msi_actions::telemetry::start_logging_to(&settings.log, log).expect("logging starts");
    let app = msi_actions::app::start(settings, Arc::new(SystemClock)).await.expect("the service starts");
    let call = async |token: &str, path: &str, body: Value| -> Value {
        let answer = http.post(format!("{}{path}", app.url())).bearer_auth(token).json(&body).send().await.expect("it answers");
        answer.json().await.expect("it answers with JSON")
    };
    let token = async |instance: Option<InstanceId>, scopes: Scopes, resource: Option<&str>| -> String {
        let mut tx = app.db().begin().await.expect("the database works");
        let new = NewClient { instance, name: "bench".into(), scopes };
        let (client, secret) = create_client(&mut tx, &SystemClock, new).await.expect("a client can be made");
        tx.commit().await.expect("the database works");
        let mut form =
            vec![("grant_type", "client_credentials"), ("client_id", &client.client_id), ("client_secret", secret.expose_secret())];
        form.extend(resource.map(|resource| ("resource", resource)));
        let answer = http.post(format!("{}/oauth/token", app.url())).form(&form).send().await.expect("it answers");
        answer.json::<Value>().await.expect("a token")["access_token"].as_str().expect("a token").to_owned()
    };
    let operator = token(None, Scopes::of_an_operator(), None).await;
    let new = json!({
        "munchkin_id": "123-ABC-456", "name": "Bench", "environment": "production",
        "prerequisites": { "msi_actions_enabled": true, "salesforce_sync_configured": true },
    });
    let instance: InstanceId =
        call(&operator, "/v1/instances", new).await["id"].as_str().and_then(|id| id.parse().ok()).expect("an instance");
    let narrowed = token(None, Scopes::of_an_operator(), Some(&format!("urn:msi-actions:instance:{instance}"))).await;
    let begun = call(&narrowed, "/v1/connections/salesforce", json!({})).await;
    let start = http.get(begun["authorization_url"].as_str().expect("an address")).send().await.expect("it answers");
    let header = |name| start.headers()[name].to_str().expect("a text").to_owned();
    let (login, cookie) = (url::Url::parse(&header(LOCATION)).expect("an address"), header(SET_COOKIE));
    let mut form: Vec<(String, String)> = login.query_pairs().into_owned().collect();
    form.extend([("username".into(), "maria.admin@example.com".into()), ("password".into(), "sandbox".into())]);
    let back = http.post(format!("{}/login", sandbox.salesforce_url())).form(&form).send().await.expect("it answers");
    let back = http.get(back.headers()[LOCATION].to_str().expect("a text")).header(COOKIE, cookie.split(';').next().unwrap_or_default());
    assert!(back.send().await.expect("it answers").status().is_success());
    let broker = token(Some(instance), Scopes([Scope::TokensSalesforce].into()), None).await;
    (app, broker)
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime can be made");
    let directory = tempfile::tempdir().expect("a directory can be made");
    let (app, token) = runtime.block_on(service(directory.path()));

    let constant =
        json!({ "access_token": "x".repeat(80), "expires_at": "2026-06-15T14:00:00.000000Z", "instance_url": "http://127.0.0.1:40000" });
    let bare = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let bare_address = bare.local_addr().expect("it has an address");
    runtime.spawn(async move {
        let handler = move || {
            let constant = constant.clone();
            async move { HttpResponse::Ok().json(&constant) }
        };
        let server = HttpServer::new(move || App::new().route("/v1/tokens/salesforce", web::post().to(handler.clone())));
        server.workers(1).disable_signals().listen(bare).expect("it listens").run().await.expect("it serves");
    });

    let request =
        format!("POST /v1/tokens/salesforce HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nContent-Length: 0\r\n\r\n");
    load(bare_address, &request);
    load(app.address(), &request);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        theirs.push(load(bare_address, &request));
        ours.push(load(app.address(), &request));
        println!("round {round}: bare handler {:.0}/s, broker {:.0}/s", theirs[round - 1], ours[round - 1]);
    }
    let ratio = median(ours.iter().zip(&theirs).map(|(ours, theirs)| ours / theirs).collect());
    let figures = json!({
        "name": "broker", "broker_per_second": median(ours).round(), "bare_per_second": median(theirs).round(),
        "rounds": ROUNDS, "connections": CONNECTIONS, "ratio": (ratio * 1000.0).round() / 1000.0,
    });
    println!("{figures}");
    runtime.block_on(app.stop());
}
