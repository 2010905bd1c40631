use std::future::Future;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous, SqliteTransactionManager};
use sqlx::{ConnectOptions, Connection, PgConnection, PgPool, Postgres, Sqlite, SqliteConnection, SqlitePool, Transaction};
use sqlx_core::transaction::TransactionManager;
use tokio::runtime::Handle;
use tokio_util::context::TokioContext;

use super::{ConnectError, DbError};
use crate::config::DatabaseUrl;
use crate::db;
use crate::private_files;

/// How long a request waits for a free connection before it is told that the database is unreachable.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long PostgreSQL may take to answer at the start.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Statements that each connection to PostgreSQL keeps prepared, the latest ones: room for all that run often.
/// They have names, which belong to a session: a pooler that hands each transaction to another session must keep them apart and prepare
/// them again where they are missing, as PgBouncer does from 1.21 on when `max_prepared_statements` isn't 0. Statements without names are no
/// way out: sqlx prepares and executes in two steps, between which such a pooler changes the session.
const STATEMENTS: usize = 256;

/// How often a SQLite file that is busy is tried to be opened, twenty times a second.
const MAX_OPENINGS: u32 = 200;

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

/// Whether a connection that is given back is outside of transactions, as the next one who takes it expects; if not, the pool closes it.
///
/// SQLite rolls back by itself when the disk is full, a file can't be read or written, or memory is short
/// (<https://www.sqlite.org/lang_transaction.html>, section 3). Then the `ROLLBACK` of whoever had the connection fails, and sqlx takes it to
/// be inside the transaction ever after. Depth 0 is enough: sqlx begins, commits and rolls back only by commands that it counts once
/// SQLite has carried them out.
async fn is_outside_transactions(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    if SqliteTransactionManager::get_transaction_depth(connection) == 0 {
        return Ok(true);
    }
    // The rollback may be on its way still; what is answered behind it has seen its end.
    connection.ping().await?;
    Ok(SqliteTransactionManager::get_transaction_depth(connection) == 0)
}

/// Checks that two connections can each prepare their statements, which get the same names: a pooler that gives them one session after
/// the other, and keeps no statements apart, refuses the second.
async fn check_pooler(pool: &PgPool, mut first: PgConnection) -> Result<(), DbError> {
    let mut second = pool.acquire().await?;
    let ask = async |connection: &mut PgConnection| db::query("SELECT 1").execute(connection).await.map(drop);
    let asked = async {
        ask(&mut first).await?;
        ask(&mut second).await?;
        ask(&mut first).await
    };
    asked.await?;
    // It has served; that it can't be closed is no trouble.
    let _ = first.close().await;
    Ok(())
}

/// The database: SQLite inside this process, or PostgreSQL.
#[derive(Debug, Clone)]
pub enum Db {
    /// Readers run side by side (WAL); the one writer is a pool of a single connection, where writers queue up instead
    /// of meeting "database is locked".
    Sqlite { readers: SqlitePool, writer: SqlitePool },
    /// A PostgreSQL pool, and the runtime whose connections are in it. It outlives requests: their threads have runtimes of their own,
    /// which end before jobs and refreshes do and would take along the connections that they opened.
    Postgres { pool: PgPool, runtime: Handle },
}

/// Runs a future that may open a connection, so that the connection belongs to this runtime.
pub(crate) fn run_on<F: Future>(runtime: &Handle, future: F) -> TokioContext<F> {
    TokioContext::new(future, runtime.clone())
}

/// Where [`on!`](super::on) runs a query.
#[derive(Debug)]
pub enum ReadPool<'a> {
    Sqlite(&'a SqlitePool),
    Postgres(&'a PgPool, &'a Handle),
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
    /// Must be called on the runtime that outlives all requests.
    ///
    /// # Errors
    /// [`ConnectError`] when it can't be opened.
    pub async fn connect(url: &DatabaseUrl, max_connections: u32) -> Result<Self, ConnectError> {
        match url {
            DatabaseUrl::Sqlite(path) => Self::open_sqlite(path, max_connections).await,
            DatabaseUrl::Postgres(url) => Self::open_postgres(url, max_connections).await,
        }
    }

    /// Opens a database that a service has begun, or that was migrated: one that has a schema. Nothing is made.
    ///
    /// # Errors
    /// [`ConnectError`] when it can't be opened, isn't there, or has no schema.
    pub async fn connect_existing(url: &DatabaseUrl, max_connections: u32) -> Result<Self, ConnectError> {
        if let DatabaseUrl::Sqlite(path) = url
            && !path.exists()
        {
            return Err(ConnectError::no_sqlite_file(path));
        }
        let db = Self::connect(url, max_connections).await?;
        // Without a schema there is no table to ask.
        let asked = db.schema_version().await;
        if matches!(asked, Ok((_, applied)) if applied > 0) {
            return Ok(db);
        }
        db.close().await;
        let database = match url {
            DatabaseUrl::Sqlite(path) => path.display().to_string(),
            DatabaseUrl::Postgres(_) => "that database.url names".to_owned(),
        };
        Err(match asked {
            Err(error) if error.is_temporary() => ConnectError::unusable(&database, &error),
            _ => ConnectError::not_begun_at(&database),
        })
    }

    async fn open_postgres(url: &str, max_connections: u32) -> Result<Self, ConnectError> {
        let options = PgConnectOptions::from_str(url)
            .map_err(|error| ConnectError::address(&error))?
            .application_name("msi-actions")
            // Poolers refuse parameters that they don't follow, and this one shapes texts of floats, of which there are none.
            .extra_float_digits(None)
            .statement_cache_capacity(STATEMENTS);
        // Tried once before the pool does it, which tries again and again and then says only that it ran out of time.
        let connection = match tokio::time::timeout(CONNECT_TIMEOUT, options.connect()).await {
            Ok(connected) => connected.map_err(|error| ConnectError::postgres(&options, error))?,
            Err(_) => return Err(ConnectError::postgres_silent(&options, CONNECT_TIMEOUT.as_secs())),
        };
        let pool =
            PgPoolOptions::new().max_connections(max_connections).acquire_timeout(ACQUIRE_TIMEOUT).connect_lazy_with(options.clone());
        let fitting = check_pooler(&pool, connection).await.map_err(|error| ConnectError::pooler(&options, error));
        if fitting.is_err() {
            pool.close().await;
        }
        fitting.map(|()| Self::Postgres { pool, runtime: Handle::current() })
    }

    async fn open_sqlite(path: &Path, max_connections: u32) -> Result<Self, ConnectError> {
        let failed = |error| ConnectError::sqlite(path, error);
        // SQLite would leave the permissions of a new file to the umask.
        private_files::create_if_missing(path).map_err(|error| failed(sqlx::Error::Io(error)))?;
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
            let pool = SqlitePoolOptions::new()
                .max_connections(1)
                .acquire_timeout(Duration::from_secs(60))
                .after_release(|connection, _| Box::pin(is_outside_transactions(connection)));
            match pool.connect_with(writing.clone()).await {
                Ok(pool) => break pool,
                // The first process to open a new file changes it to WAL. One that opens it at that moment is told that it is
                // locked, whatever the busy timeout says.
                Err(error) if is_busy(&error) && tries < MAX_OPENINGS => {
                    tries += 1;
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                Err(error) => return Err(failed(error)),
            }
        };
        let readers = SqlitePoolOptions::new().max_connections(max_connections).acquire_timeout(ACQUIRE_TIMEOUT);
        let readers = readers.connect_with(options).await.map_err(failed)?;
        // A database, its journal and the index of that, as an earlier version has left them.
        private_files::restrict_to_owner(path, &["", "-wal", "-shm"]).map_err(|error| failed(sqlx::Error::Io(error)))?;
        Ok(Self::Sqlite { readers, writer })
    }

    /// Begins a transaction. On SQLite it takes the write lock at once, so it can't fail half-way for want of it.
    ///
    /// # Errors
    /// [`DbError::Unreachable`] when no connection could be had in time.
    pub async fn begin(&self) -> Result<Tx, DbError> {
        Ok(match self {
            Self::Sqlite { writer, .. } => Tx::Sqlite(writer.begin_with("BEGIN IMMEDIATE").await?),
            Self::Postgres { pool, runtime } => Tx::Postgres(run_on(runtime, pool.begin()).await?),
        })
    }

    /// Where reading queries run.
    #[must_use]
    pub fn reader(&self) -> ReadPool<'_> {
        match self {
            Self::Sqlite { readers, .. } => ReadPool::Sqlite(readers),
            Self::Postgres { pool, runtime } => ReadPool::Postgres(pool, runtime),
        }
    }

    /// The engine's name, for messages and metrics.
    #[must_use]
    pub fn engine(&self) -> &'static str {
        match self {
            Self::Sqlite { .. } => "SQLite",
            Self::Postgres { .. } => "PostgreSQL",
        }
    }

    /// Closes every connection, waiting for those in use.
    pub async fn close(&self) {
        match self {
            Self::Sqlite { readers, writer } => {
                readers.close().await;
                writer.close().await;
            }
            Self::Postgres { pool, .. } => pool.close().await,
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
