//! A database of its own for each test: a file, or a schema that nothing else looks into.

use std::path::Path;

use sqlx::{Connection, Executor, PgConnection};

/// The engine a test runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

/// A database that goes away with the test.
pub struct TestDatabase {
    pub url: String,
    postgres: Option<(String, String)>,
}

/// The server that holds the tests' databases, as `make test` says, or the one on this machine.
fn server_url() -> String {
    std::env::var("TEST_DATABASE_URL").unwrap_or_else(|_| "postgres://postgres@127.0.0.1:5432/postgres".to_owned())
}

impl TestDatabase {
    pub async fn create(engine: Engine, directory: &Path) -> Self {
        match engine {
            Engine::Sqlite => Self { url: format!("sqlite://{}", directory.join("test.db").display()), postgres: None },
            Engine::Postgres => {
                let name = format!("msi_test_{}", uuid::Uuid::from_u128(rand_u128()).simple());
                let server = server_url();
                let mut connection = PgConnection::connect(&server)
                    .await
                    .expect("these tests need PostgreSQL: `make test` finds or installs one, or set TEST_DATABASE_URL");
                // A schema rather than a database: dropping a database makes the server write everything out each time.
                connection.execute(sqlx::AssertSqlSafe(format!("CREATE SCHEMA {name}"))).await.unwrap();
                let joint = if server.contains('?') { '&' } else { '?' };
                let url = format!("{server}{joint}options=-csearch_path%3D{name}");
                Self { url, postgres: Some((server, name)) }
            }
        }
    }
}

fn rand_u128() -> u128 {
    u128::from_le_bytes(msi_actions::crypto::random_bytes())
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let Some((server, name)) = self.postgres.take() else { return };
        // Dropping happens outside of any runtime's reach, so it gets a short-lived one.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                if let Ok(mut connection) = PgConnection::connect(&server).await {
                    let _ = connection.execute(sqlx::AssertSqlSafe(format!("DROP SCHEMA IF EXISTS {name} CASCADE"))).await;
                }
            });
        });
        let _ = dropped.join();
    }
}
