//! PgBouncer in front of PostgreSQL, giving each transaction another session. Where it isn't installed these tests say so and check nothing.

use std::process::{Child, Command, Stdio};

use msi_actions::config::DatabaseUrl;
use msi_actions::db::Db;
use tempfile::TempDir;
use url::Url;

use crate::support::outage::Writers;
use crate::support::{Engine, TestApp, TestDatabase, eventually, reserve_port};

/// PgBouncer, running, in front of a schema of its own. The tests' schema is chosen by a start-up parameter, which PgBouncer would not
/// follow; the role gets it as its default instead.
struct Pooler {
    process: Child,
    url: String,
    role: String,
    database: TestDatabase,
    _directory: TempDir,
}

async fn on_server(database: &TestDatabase, statements: &[String]) {
    use sqlx::{Connection, Executor};
    let mut connection = sqlx::PgConnection::connect(&database.url).await.unwrap();
    for statement in statements {
        connection.execute(sqlx::AssertSqlSafe(statement.as_str())).await.unwrap();
    }
    connection.close().await.unwrap();
}

impl Pooler {
    /// PgBouncer with two sessions for everybody; none where it isn't installed.
    async fn start(max_prepared_statements: u32) -> Option<Self> {
        if Command::new("pgbouncer").arg("--version").output().is_err() {
            println!("PgBouncer is not installed here, so nothing is checked behind it");
            return None;
        }
        let directory = tempfile::tempdir().unwrap();
        let database = TestDatabase::create(Engine::Postgres, directory.path()).await;
        let server = Url::parse(&database.url).unwrap();
        let schema = server.query_pairs().find(|(name, _)| name == "options").unwrap().1.rsplit('=').next().unwrap().to_owned();
        let role = schema.clone();
        let statements = [
            format!("CREATE ROLE {role} LOGIN"),
            format!("ALTER ROLE {role} SET search_path = {schema}"),
            format!("GRANT ALL ON SCHEMA {schema} TO {role}"),
            format!("ALTER SCHEMA {schema} OWNER TO {role}"),
        ];
        on_server(&database, &statements).await;
        let port = reserve_port();
        let name = server.path().trim_start_matches('/').to_owned();
        // It refuses to run as root.
        let is_root = Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout == b"0\n");
        let as_user = if is_root { "user = nobody\n" } else { "" };
        let settings = format!(
            "[databases]\n{name} = host={} port={} user={role}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nauth_type = any\n\
             unix_socket_dir =\npool_mode = transaction\ndefault_pool_size = 2\nmax_client_conn = 100\n{as_user}\
             max_prepared_statements = {max_prepared_statements}\nlogfile = {}\n",
            server.host_str().unwrap(),
            server.port().unwrap_or(5432),
            directory.path().join("pgbouncer.log").display(),
        );
        let file = directory.path().join("pgbouncer.ini");
        std::fs::write(&file, settings).unwrap();
        #[cfg(unix)]
        std::fs::set_permissions(directory.path(), std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
        let process = Command::new("pgbouncer").arg("--quiet").arg(&file).stderr(Stdio::null()).spawn().unwrap();
        eventually("PgBouncer listens", async || tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok()).await;
        let url = format!("postgres://{role}@127.0.0.1:{port}/{name}");
        Some(Self { process, url, role, database, _directory: directory })
    }

    async fn stop(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        on_server(&self.database, &[format!("DROP OWNED BY {} CASCADE", self.role), format!("DROP ROLE {}", self.role)]).await;
    }
}

#[test]
fn the_service_works_behind_a_pooler_that_keeps_statements_apart() {
    crate::support::run(async {
        let Some(pooler) = Pooler::start(200).await else { return };
        let app = TestApp::start_with(Engine::Postgres, &[("database.url", pooler.url.clone())]).await;
        let token = app.operator_token().await;
        let writers = Writers::start(&app.http, &app.url, &token);
        writers.until_more_are_acknowledged(60).await;
        let written = writers.stop().await;
        assert!(written.refused.is_empty(), "{:?}", written.refused);
        println!("{} written by way of two sessions", written.acknowledged.len());
        app.get("/readyz").await.expect(200);
        app.stop().await;
        pooler.stop().await;
    });
}

#[test]
fn a_pooler_that_loses_prepared_statements_is_refused_at_start() {
    crate::support::run(async {
        let Some(pooler) = Pooler::start(0).await else { return };
        let error = Db::connect(&DatabaseUrl::Postgres(pooler.url.clone()), 5).await.unwrap_err().to_string();
        assert!(error.contains("max_prepared_statements") && error.contains("127.0.0.1:"), "{error}");
        pooler.stop().await;
    });
}
