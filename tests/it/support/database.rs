//! A database of its own for each test.

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
                connection.execute(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
                let (base, parameters) = server.split_once('?').map_or((server.as_str(), ""), |(base, rest)| (base, rest));
                let base = base.rsplit_once('/').unwrap().0;
                let url = if parameters.is_empty() { format!("{base}/{name}") } else { format!("{base}/{name}?{parameters}") };
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
            super::run(async move {
                if let Ok(mut connection) = PgConnection::connect(&server).await {
                    let _ = connection.execute(sqlx::AssertSqlSafe(format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))).await;
                }
            });
        });
        let _ = dropped.join();
    }
}
