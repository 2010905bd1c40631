use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{PgPool, Postgres, Sqlite, SqlitePool, Transaction};

use crate::config::DatabaseUrl;

use super::DbError;

static SQLITE_STEPS: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES_STEPS: Migrator = sqlx::migrate!("migrations/postgres");

/// How long a request waits for a free connection before it is told that the database is unreachable.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// How often a SQLite file that is busy is tried to be opened, twenty times a second.
const MOST_OPENINGS: u32 = 200;

/// What the one writer of a SQLite file holds of it, in KiB, which SQLite wants negative. Sorting for an index takes as much again, and
/// the allocator keeps what large pieces it has once given: little of it keeps memory the same however many people there are.
const WRITER_CACHE: &str = "-4096";
/// Pages of the journal after which they go into the file: a page that is written again and again goes there once.
const CHECKPOINT_PAGES: &str = "8000";
/// What stays of the journal once it has grown beyond that.
const JOURNAL_BYTES: &str = "67108864";

/// Whether SQLite says SQLITE_BUSY, in whatever form: the low byte is the primary code (<https://www.sqlite.org/rescode.html>).
fn is_busy(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code()).and_then(|code| code.parse::<u32>().ok());
    code.is_some_and(|code| code & 0xff == 5)
}

/// The database: SQLite inside this process, or PostgreSQL.
#[derive(Debug, Clone)]
pub enum Db {
    /// Readers run side by side (WAL); the one writer is a pool of a single connection, where writers queue up instead
    /// of meeting "database is locked".
    Sqlite { readers: SqlitePool, writer: SqlitePool },
    /// A PostgreSQL pool.
    Postgres(PgPool),
}

/// Where [`on!`](super::on) runs a query.
#[derive(Debug)]
pub enum Reader<'a> {
    Sqlite(&'a SqlitePool),
    Postgres(&'a PgPool),
}

/// A transaction under way; rolled back when dropped without [`Tx::commit`].
#[derive(Debug)]
pub enum Tx {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

impl Db {
    /// Opens the database, making a SQLite file that doesn't exist yet. The schema is left alone: see [`Db::migrate`].
    ///
    /// # Errors
    /// [`DbError::Unreachable`] when it can't be opened.
    pub async fn connect(url: &DatabaseUrl, max_connections: u32) -> Result<Self, DbError> {
        match url {
            DatabaseUrl::Sqlite(path) => Self::open_sqlite(path, max_connections).await,
            DatabaseUrl::Postgres(url) => {
                let options = PgConnectOptions::from_str(url)
                    .map_err(DbError::Unreachable)?
                    .application_name("msi-actions")
                    // A pooler in transaction mode hands the next statement to another server connection.
                    .statement_cache_capacity(256);
                let pool = PgPoolOptions::new()
                    .max_connections(max_connections)
                    .acquire_timeout(ACQUIRE_TIMEOUT)
                    .connect_with(options)
                    .await
                    .map_err(DbError::Unreachable)?;
                Ok(Self::Postgres(pool))
            }
        }
    }

    async fn open_sqlite(path: &Path, max_connections: u32) -> Result<Self, DbError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            // In WAL mode this loses nothing to a crash of the process; a power cut may lose the last commits, never integrity.
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(Duration::from_secs(30));
        let writing = options
            .clone()
            .pragma("cache_size", WRITER_CACHE)
            .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
            .pragma("journal_size_limit", JOURNAL_BYTES);
        let mut tries = 0;
        let writer = loop {
            let pool = SqlitePoolOptions::new().max_connections(1).acquire_timeout(Duration::from_secs(60));
            match pool.connect_with(writing.clone()).await {
                Ok(pool) => break pool,
                // The first process to open a new file changes it to WAL. One that opens it at that moment is told that it is
                // locked, whatever the busy timeout says.
                Err(error) if is_busy(&error) && tries < MOST_OPENINGS => {
                    tries += 1;
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                Err(error) => return Err(DbError::Unreachable(error)),
            }
        };
        let readers = SqlitePoolOptions::new()
            .max_connections(max_connections)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_with(options)
            .await
            .map_err(DbError::Unreachable)?;
        Ok(Self::Sqlite { readers, writer })
    }

    /// Brings the schema to this version's; does nothing when it is there already. Processes that start at once take turns.
    ///
    /// # Errors
    /// [`DbError::Migration`], naming the step.
    pub async fn migrate(&self) -> Result<(), DbError> {
        match self {
            Self::Sqlite { writer, .. } => {
                // The steps' runner locks PostgreSQL by itself, but has nothing of the kind for SQLite: holding the write lock
                // from before it looks which steps are missing keeps another process from taking the same ones.
                let mut tx = writer.begin_with("BEGIN IMMEDIATE").await?;
                // A step finds every index there.
                super::bulk::build_all(&mut tx).await?;
                SQLITE_STEPS.run_direct(None, &mut *tx, false).await?;
                tx.commit().await?;
            }
            Self::Postgres(pool) => POSTGRES_STEPS.run(pool).await?,
        }
        Ok(())
    }

    /// The newest schema step this build knows, and the newest one the database has.
    ///
    /// # Errors
    /// When the database can't be asked.
    pub async fn schema_version(&self) -> Result<(i64, i64), DbError> {
        let known = match self {
            Self::Sqlite { .. } => &SQLITE_STEPS,
            Self::Postgres(_) => &POSTGRES_STEPS,
        };
        let newest = known.iter().map(|step| step.version).max().unwrap_or(0);
        let applied: Option<i64> =
            super::on!(self, c => sqlx::query_scalar("SELECT MAX(version) FROM _sqlx_migrations WHERE success").fetch_one(c))?;
        Ok((newest, applied.unwrap_or(0)))
    }

    /// Begins a transaction. On SQLite it takes the write lock at once, so it can't fail half-way for want of it.
    ///
    /// # Errors
    /// [`DbError::Unreachable`] when no connection could be had in time.
    pub async fn begin(&self) -> Result<Tx, DbError> {
        Ok(match self {
            Self::Sqlite { writer, .. } => Tx::Sqlite(writer.begin_with("BEGIN IMMEDIATE").await?),
            Self::Postgres(pool) => Tx::Postgres(pool.begin().await?),
        })
    }

    /// Where reading queries run.
    #[must_use]
    pub fn reader(&self) -> Reader<'_> {
        match self {
            Self::Sqlite { readers, .. } => Reader::Sqlite(readers),
            Self::Postgres(pool) => Reader::Postgres(pool),
        }
    }

    /// The engine's name, for messages and metrics.
    #[must_use]
    pub fn engine(&self) -> &'static str {
        match self {
            Self::Sqlite { .. } => "SQLite",
            Self::Postgres(_) => "PostgreSQL",
        }
    }

    /// Closes every connection, waiting for those in use.
    pub async fn close(&self) {
        match self {
            Self::Sqlite { readers, writer } => {
                readers.close().await;
                writer.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

impl Tx {
    /// Makes the changes durable.
    ///
    /// # Errors
    /// When the database did not confirm it.
    pub async fn commit(self) -> Result<(), DbError> {
        match self {
            Self::Sqlite(transaction) => transaction.commit().await?,
            Self::Postgres(transaction) => transaction.commit().await?,
        }
        Ok(())
    }
}
