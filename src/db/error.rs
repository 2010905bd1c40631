//! Why the database did not do what it was asked, and which of these failures pass by themselves.

use std::fmt;

use sqlx::error::DatabaseError;
use sqlx::migrate::MigrateError;
use sqlx::postgres::PgDatabaseError;
use sqlx::sqlite::SqliteError;

use crate::telemetry::error_chain;

/// Why the database did not do what it was asked.
#[derive(thiserror::Error)]
pub enum DbError {
    /// No connection could be had in time, or the one in use broke.
    #[error("the database can't be reached")]
    Unreachable(#[source] sqlx::Error),
    /// There is no room for what was to be written. What was read before still is.
    #[error("the disk that holds the database is full")]
    StorageFull(#[source] sqlx::Error),
    /// The database is there and can't do it at the moment: it starts or stops, takes no writes, lacks memory or connections, fails to
    /// read or write its files, or had to end one of two transactions that waited for each other.
    #[error("the database can't do this at the moment")]
    Unavailable(#[source] sqlx::Error),
    /// A unique key or foreign key refused the row.
    #[error("the row conflicts with another: {constraint}")]
    Conflict {
        /// The constraint's name (PostgreSQL) or the columns it covers (SQLite).
        constraint: String,
    },
    /// A schema step failed.
    #[error("the database can't be brought to this version's schema: {0}")]
    Migration(#[source] MigrateError),
    /// A connection pooler has lost a statement that was prepared through it.
    #[error(
        "the pooler in front of PostgreSQL doesn't keep prepared statements: set max_prepared_statements (PgBouncer 1.21 or later), \
         or pool by session"
    )]
    StatementLost(#[source] sqlx::Error),
    /// Anything else: a fault of ours.
    #[error("the database refused a statement")]
    Statement(#[source] sqlx::Error),
}

/// With its causes, but without what a derived form would show of them: PostgreSQL's `DETAIL` holds the values of rows.
impl fmt::Debug for DbError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "DbError({})", error_chain(self))
    }
}

impl DbError {
    /// Whether a unique key or foreign key refused the row.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Conflict { .. })
    }

    /// Whether the failure passes without anybody changing the program or the data: the same may be asked again later.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::StorageFull(_) | Self::Unavailable(_))
    }
}

impl From<sqlx::Error> for DbError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            // A broken protocol is what a balancer whose server is down comes to: it hangs up in the middle of the greeting.
            sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::Io(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::Tls(_) => Self::Unreachable(error),
            sqlx::Error::BeginFailed => Self::Unavailable(error),
            sqlx::Error::Database(refusal) if refusal.is_unique_violation() || refusal.is_foreign_key_violation() => {
                Self::Conflict { constraint: refusal.constraint().map_or_else(|| refusal.message().to_owned(), str::to_owned) }
            }
            sqlx::Error::Database(refusal) => match cause_of(refusal.as_ref()) {
                Cause::Unreachable => Self::Unreachable(error),
                Cause::StorageFull => Self::StorageFull(error),
                Cause::Unavailable => Self::Unavailable(error),
                Cause::StatementLost => Self::StatementLost(error),
                Cause::Other => Self::Statement(error),
            },
            _ => Self::Statement(error),
        }
    }
}

impl From<MigrateError> for DbError {
    fn from(error: MigrateError) -> Self {
        match error {
            // What passes by itself is no fault of a step.
            MigrateError::Execute(inner) => match Self::from(inner) {
                Self::Statement(inner) => Self::Migration(MigrateError::Execute(inner)),
                other => other,
            },
            MigrateError::ExecuteMigration(inner, version) => match Self::from(inner) {
                Self::Statement(inner) => Self::Migration(MigrateError::ExecuteMigration(inner, version)),
                other => other,
            },
            other => Self::Migration(other),
        }
    }
}

/// What a database's own code says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    Unreachable,
    StorageFull,
    Unavailable,
    StatementLost,
    Other,
}

fn cause_of(refusal: &dyn DatabaseError) -> Cause {
    if let Some(refusal) = refusal.try_downcast_ref::<PgDatabaseError>() {
        return postgres_cause(refusal.code());
    }
    let is_sqlite = refusal.try_downcast_ref::<SqliteError>().is_some();
    let code = refusal.code().filter(|_| is_sqlite).and_then(|code| code.parse().ok());
    code.map_or(Cause::Other, sqlite_cause)
}

/// By SQLSTATE (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
fn postgres_cause(code: &str) -> Cause {
    match code {
        "53100" => Cause::StorageFull,
        // Connections that are refused or ended, and databases and users that aren't there any more.
        "57P01" | "57P02" | "57P03" | "57P04" | "57P05" | "28000" | "28P01" | "3D000" => Cause::Unreachable,
        // No more memory or connections; canceled; read only; deadlock and its like; a lock that can't be had; files.
        "57014" | "25006" | "40001" | "40P01" | "55P03" | "58000" | "58030" => Cause::Unavailable,
        // A prepared statement that isn't there, or is there already.
        "26000" | "42P05" => Cause::StatementLost,
        _ if code.starts_with("08") => Cause::Unreachable,
        _ if code.starts_with("53") => Cause::Unavailable,
        _ => Cause::Other,
    }
}

/// By extended result code, whose low byte is the primary one (<https://www.sqlite.org/rescode.html>).
fn sqlite_cause(code: u32) -> Cause {
    /// The index of the write-ahead log can't grow.
    const IOERR_SHMSIZE: u32 = 4874;
    match (code, code & 0xff) {
        // SQLITE_FULL
        (_, 13) | (IOERR_SHMSIZE, _) => Cause::StorageFull,
        // SQLITE_CANTOPEN
        (_, 14) => Cause::Unreachable,
        // SQLITE_BUSY, LOCKED, NOMEM, READONLY, IOERR
        (_, 5 | 6 | 7 | 8 | 10) => Cause::Unavailable,
        _ => Cause::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_by_itself_is_told_from_faults_of_ours() {
        for (code, cause) in [
            ("53100", Cause::StorageFull),
            ("53200", Cause::Unavailable),
            ("53300", Cause::Unavailable),
            ("57P01", Cause::Unreachable),
            ("57P03", Cause::Unreachable),
            ("08006", Cause::Unreachable),
            ("25006", Cause::Unavailable),
            ("26000", Cause::StatementLost),
            ("42601", Cause::Other),
            ("22P02", Cause::Other),
        ] {
            assert_eq!(postgres_cause(code), cause, "{code}");
        }
        for (code, cause) in [
            (13, Cause::StorageFull),
            // SQLITE_IOERR_WRITE, SQLITE_IOERR_NOMEM, SQLITE_BUSY_SNAPSHOT, SQLITE_READONLY_DBMOVED
            (778, Cause::Unavailable),
            (3082, Cause::Unavailable),
            (517, Cause::Unavailable),
            (1032, Cause::Unavailable),
            (4874, Cause::StorageFull),
            (14, Cause::Unreachable),
            (1, Cause::Other),
            (11, Cause::Other),
        ] {
            assert_eq!(sqlite_cause(code), cause, "{code}");
        }
    }
}
