//! Outages of the database, and callers who go on writing through them.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use sqlx::Connection;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use url::Url;

use super::port::reserve_port;
use super::process::Server;

/// How many callers write at once.
const WRITERS: u32 = 8;
/// The longest time from the end of an outage until a write succeeds.
pub const RECOVERY: Duration = Duration::from_secs(5);

/// Callers that make instances one after the other, and what they were answered.
pub struct Writers {
    shared: Arc<OutageState>,
    tasks: JoinSet<()>,
}

struct OutageState {
    http: reqwest::Client,
    url: String,
    token: String,
    next: AtomicU32,
    is_over: AtomicBool,
    log: Mutex<Log>,
}

#[derive(Default)]
struct Log {
    acknowledged: Vec<String>,
    refused: BTreeMap<String, usize>,
    wrong: Vec<String>,
}

/// What came of the writes.
#[derive(Debug)]
pub struct WriteCounts {
    /// The Munchkin ids of the instances that were made, as their callers were told.
    pub acknowledged: Vec<String>,
    /// How many were refused, by status and code.
    pub refused: BTreeMap<String, usize>,
}

impl Writers {
    pub fn start(http: &reqwest::Client, url: &str, token: &str) -> Self {
        let shared = Arc::new(OutageState {
            http: http.clone(),
            url: url.to_owned(),
            token: token.to_owned(),
            next: AtomicU32::new(0),
            is_over: AtomicBool::new(false),
            log: Mutex::default(),
        });
        let mut tasks = JoinSet::new();
        for _ in 0..WRITERS {
            let shared = shared.clone();
            tasks.spawn(async move {
                while !shared.is_over.load(Ordering::Relaxed) {
                    shared.write().await;
                }
            });
        }
        Self { shared, tasks }
    }

    pub fn acknowledged_count(&self) -> usize {
        self.shared.log.lock().unwrap().acknowledged.len()
    }

    pub fn refused_count(&self) -> usize {
        self.shared.log.lock().unwrap().refused.values().sum()
    }

    /// Waits until `count` more writes are acknowledged than now.
    pub async fn until_more_are_acknowledged(&self, count: usize) {
        let goal = self.acknowledged_count() + count;
        super::eventually("writes are acknowledged", async || self.acknowledged_count() >= goal).await;
    }

    /// Waits until `count` more writes are refused than now.
    pub async fn until_more_are_refused(&self, count: usize) {
        let goal = self.refused_count() + count;
        super::eventually("writes are refused", async || self.refused_count() >= goal).await;
    }

    /// Waits for the next acknowledged write, and says how long that took; fails after [`RECOVERY`].
    pub async fn recovery(&self) -> Duration {
        let (began, before) = (Instant::now(), self.acknowledged_count());
        while self.acknowledged_count() == before {
            assert!(
                began.elapsed() < RECOVERY,
                "no write succeeds {RECOVERY:?} after the outage: {:?}",
                self.shared.log.lock().unwrap().refused
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        began.elapsed()
    }

    /// Lets them end, and gives what they were answered. Whatever was neither done nor refused as an outage fails the test.
    pub async fn stop(mut self) -> WriteCounts {
        self.shared.is_over.store(true, Ordering::Relaxed);
        while let Some(ended) = self.tasks.join_next().await {
            ended.unwrap();
        }
        let log = std::mem::take(&mut *self.shared.log.lock().unwrap());
        assert!(log.wrong.is_empty(), "{} answers that tell of no outage, the first: {}", log.wrong.len(), log.wrong[0]);
        WriteCounts { acknowledged: log.acknowledged, refused: log.refused }
    }
}

impl OutageState {
    async fn write(&self) {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let munchkin_id = format!("{:03}-OUT-{:03}", number / 1000, number % 1000);
        let new = json!({
            "munchkin_id": munchkin_id,
            "name": format!("Outage {number} {}", "x".repeat(60)),
            "environment": "production",
            "prerequisites": { "msi_actions_enabled": true, "salesforce_sync_configured": true },
        });
        let request = self.http.request(Method::POST, format!("{}/v1/instances", self.url)).bearer_auth(&self.token).json(&new);
        let (status, retry_after, body) = match request.send().await {
            Ok(answer) => {
                let (status, retry_after) = (answer.status().as_u16(), answer.headers().contains_key("retry-after"));
                (status, retry_after, answer.text().await.unwrap_or_default())
            }
            Err(error) => (0, false, error.to_string()),
        };
        let mut log = self.log.lock().unwrap();
        let code = serde_json::from_str::<Value>(&body).ok().and_then(|body| body["code"].as_str().map(str::to_owned)).unwrap_or_default();
        match status {
            201 => log.acknowledged.push(munchkin_id),
            503 if retry_after => *log.refused.entry(format!("{status} {code}")).or_default() += 1,
            _ => log.wrong.push(format!("{status} (Retry-After: {retry_after}) {body}")),
        }
    }
}

/// A way to PostgreSQL that a test can close.
pub struct DatabaseProxy {
    port: u16,
    database: Url,
    accepting: Option<JoinHandle<()>>,
    ports: Arc<Mutex<HashSet<u16>>>,
}

impl DatabaseProxy {
    /// A proxy to the server of a database's address, that lets connections through.
    pub async fn start(database_url: &str) -> Self {
        let mut proxy = Self::closed(database_url).await;
        proxy.accept().await;
        proxy
    }

    /// The same, that refuses connections until it is told to accept them.
    pub async fn closed(database_url: &str) -> Self {
        let port = reserve_port();
        Self { port, database: Url::parse(database_url).unwrap(), accepting: None, ports: Arc::default() }
    }

    /// The database's address by way of this proxy.
    pub fn url(&self) -> String {
        let mut url = self.database.clone();
        url.set_host(Some("127.0.0.1")).unwrap();
        url.set_port(Some(self.port)).unwrap();
        url.to_string()
    }

    /// Lets connections through.
    pub async fn accept(&mut self) {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await.unwrap();
        let server = format!("{}:{}", self.database.host_str().unwrap(), self.database.port().unwrap_or(5432));
        let ports = self.ports.clone();
        self.accepting = Some(tokio::spawn(async move {
            // Ends with this task, and all connections with it.
            let mut connections = JoinSet::new();
            while let Ok((mut client, _)) = listener.accept().await {
                let (server, ports) = (server.clone(), ports.clone());
                connections.spawn(async move {
                    let Ok(mut database) = TcpStream::connect(server).await else { return };
                    let port = database.local_addr().unwrap().port();
                    ports.lock().unwrap().insert(port);
                    let _ = tokio::io::copy_bidirectional(&mut client, &mut database).await;
                    ports.lock().unwrap().remove(&port);
                });
            }
        }));
    }

    /// While it refuses connections: waits for one, and hangs up.
    pub async fn refuse_one(&self) {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await.unwrap();
        drop(listener.accept().await.unwrap());
    }

    /// Cuts every connection and refuses new ones.
    pub async fn refuse(&mut self) {
        if let Some(accepting) = self.accepting.take() {
            accepting.abort();
            let _ = accepting.await;
        }
        self.ports.lock().unwrap().clear();
    }

    /// Has PostgreSQL terminate every session that came this way; says how many.
    pub async fn terminate_sessions(&self) -> usize {
        let ports: Vec<i32> = self.ports.lock().unwrap().iter().map(|port| i32::from(*port)).collect();
        let mut connection = sqlx::PgConnection::connect(self.database.as_str()).await.unwrap();
        const SQL: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE client_port = ANY($1)";
        let ended: Vec<bool> = sqlx::query_scalar(SQL).bind(ports).fetch_all(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        ended.into_iter().filter(|ended| *ended).count()
    }
}

/// The service with its data on a disk of a few megabytes: a file system in memory, mounted where only the service sees it.
pub struct SmallDisk {
    pub server: Server,
    /// The same directory, as it is reached from outside.
    seen: PathBuf,
    /// What `client create` printed.
    pub client: Value,
}

impl SmallDisk {
    /// Starts the service; none where the system lets nobody mount, with a word of why.
    pub fn start(directory: &Path, megabytes: u32) -> Option<Self> {
        let probe = Command::new("unshare").args(["-Urm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]).stderr(Stdio::piped()).output();
        let refusal = match probe {
            Ok(output) if output.status.success() => None,
            Ok(output) => Some(String::from_utf8_lossy(&output.stderr).into_owned()),
            Err(error) => Some(error.to_string()),
        };
        if let Some(refusal) = refusal {
            println!("no small file system can be mounted here: {}", refusal.trim());
            return None;
        }
        let disk = directory.join("disk");
        std::fs::create_dir(&disk).unwrap();
        let script = format!(
            "mount -t tmpfs -o size={megabytes}m,mode=0700 tmpfs {disk} && \
             \"$0\" client create --name test --operator --create-database --data-dir {disk}/data >client.json && \
             exec \"$0\" serve --listen 127.0.0.1:0 --data-dir {disk}/data",
            disk = disk.display()
        );
        let server = Server::start_by(directory, &["unshare", "-Urm", "sh", "-c", &script], &[]);
        let seen = PathBuf::from(format!("/proc/{}/root{}", server.id(), disk.display()));
        let client = serde_json::from_str(&std::fs::read_to_string(directory.join("client.json")).unwrap()).unwrap();
        Some(Self { server, seen, client })
    }

    /// Stops the service and gives its exit code and a copy of its database in `directory`. The disk goes away with the service; and
    /// SQLite opens no file by the way on which it is seen from outside, since it follows links by their text.
    pub fn stop(mut self, directory: &Path) -> (Option<i32>, PathBuf) {
        use std::os::fd::AsRawFd;
        let data = std::fs::File::open(self.seen.join("data")).unwrap();
        let code = self.server.stop();
        let copy = directory.join("copy");
        std::fs::create_dir(&copy).unwrap();
        for file in std::fs::read_dir(format!("/proc/self/fd/{}", data.as_raw_fd())).unwrap().map(Result::unwrap) {
            if file.file_name().to_string_lossy().starts_with("msi-actions.db") {
                std::fs::copy(file.path(), copy.join(file.file_name())).unwrap();
            }
        }
        (code, copy.join("msi-actions.db"))
    }

    /// Leaves no byte of room.
    pub fn fill(&self) {
        use std::io::Write;
        let mut ballast = std::fs::File::create(self.seen.join("ballast")).unwrap();
        let mut piece = vec![0; 1 << 20];
        // Ever smaller pieces, until not a byte fits any more.
        while !piece.is_empty() {
            match ballast.write(&piece) {
                Ok(written) if written > 0 => {}
                _ => piece.truncate(piece.len() / 2),
            }
        }
    }

    /// Makes room again.
    pub fn make_room(&self) {
        std::fs::remove_file(self.seen.join("ballast")).unwrap();
    }
}
