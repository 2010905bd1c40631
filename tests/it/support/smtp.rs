//! A mail server that is not ours: the npm package `smtp-server`, which does as the test tells it.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// The server, as a process of its own.
pub struct MailServer {
    child: Child,
    orders: Mutex<ChildStdin>,
    events: Arc<Mutex<Vec<Value>>>,
    pub port: u16,
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures").join(name)
}

/// The authority that vouches for the server.
pub fn authority() -> String {
    fixture("smtp_ca.pem").display().to_string()
}

impl MailServer {
    /// A server without encryption that asks nobody who they are.
    pub fn start() -> Self {
        Self::start_with(json!({}))
    }

    /// One for `user` with `password`, with STARTTLS or, when `secure`, with TLS from the start.
    pub fn start_encrypted(user: &str, password: &str, secure: bool) -> Self {
        let (cert, key) = (fixture("smtp_cert.pem"), fixture("smtp_key.pem"));
        Self::start_with(json!({ "user": user, "password": password, "secure": secure, "cert": cert, "key": key }))
    }

    /// See tests/tools/smtp/server.mjs.
    pub fn start_with(options: Value) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tools/smtp_server.sh");
        let mut command = Command::new(script);
        command.arg(options.to_string()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("tests/tools/smtp_server.sh starts");
        let orders = Mutex::new(child.stdin.take().unwrap());
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let first = lines.next().expect("these tests need Node and npm, which `make test` installs where it can");
        let port = serde_json::from_str::<Value>(&first).unwrap()["port"].as_u64().unwrap().try_into().unwrap();
        let events = Arc::new(Mutex::new(Vec::new()));
        let seen = events.clone();
        std::thread::spawn(move || {
            for line in lines {
                seen.lock().unwrap().push(serde_json::from_str(&line).unwrap());
            }
        });
        Self { child, orders, events, port }
    }

    /// The address for `mail.smtp_url`, without user and parameters.
    pub fn url(&self) -> String {
        format!("smtp://127.0.0.1:{}", self.port)
    }

    /// Says what to do at the next steps of a kind: `connect`, `recipient` or `message`.
    pub async fn tell(&self, step: &str, acts: Value) {
        let told = self.count("told");
        writeln!(self.orders.lock().unwrap(), "{}", json!({ step: acts })).unwrap();
        self.wait_for("told", told + 1).await;
    }

    fn events(&self, kind: &str) -> Vec<Value> {
        self.events.lock().unwrap().iter().filter(|event| event["event"] == kind).cloned().collect()
    }

    /// How often something happened.
    pub fn count(&self, kind: &str) -> usize {
        self.events(kind).len()
    }

    /// Waits until something has happened so often.
    pub async fn wait_for(&self, kind: &str, times: usize) -> Vec<Value> {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let events = self.events(kind);
            if events.len() >= times {
                return events;
            }
            assert!(Instant::now() < deadline, "{kind} happened {} times and not {times}", events.len());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// The messages that arrived whole, whatever was answered.
    pub fn received(&self) -> Vec<Value> {
        self.events("received")
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The path of the activation link in a message, as the person clicks it.
pub fn link_path(message: &Value) -> String {
    let text = message["text"].as_str().unwrap();
    let link = text.lines().find(|line| line.contains("/activate/")).unwrap_or_else(|| panic!("no link: {text}"));
    link.trim()[link.find("/activate/").unwrap()..].to_owned()
}
