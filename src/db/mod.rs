//! The two database engines behind one type. SQL is written once; where the engines truly differ, two functions stand side
//! by side in this folder ([`claim`], [`bulk`]).

pub mod bulk;
pub mod claim;
pub mod data_keys;
mod dispatch;
mod pools;
pub mod sealed;
mod timestamp;

pub use pools::{Db, Reader, Tx};

pub(crate) use dispatch::{execute, on, on_tx};

/// Why the database did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// No connection could be had in time, or the one in use broke.
    #[error("the database can't be reached")]
    Unreachable(#[source] sqlx::Error),
    /// A unique key or foreign key refused the row.
    #[error("the row conflicts with another: {constraint}")]
    Conflict {
        /// The constraint's name (PostgreSQL) or the columns it covers (SQLite).
        constraint: String,
    },
    /// A schema step failed.
    #[error("the database can't be brought to this version's schema: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// Anything else: a fault of ours.
    #[error("the database refused a statement")]
    Statement(#[source] sqlx::Error),
}

impl DbError {
    /// Whether a unique key or foreign key refused the row.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Conflict { .. })
    }
}

impl From<sqlx::Error> for DbError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_) | sqlx::Error::Tls(_) => Self::Unreachable(error),
            sqlx::Error::Database(refusal) if refusal.is_unique_violation() || refusal.is_foreign_key_violation() => {
                Self::Conflict { constraint: refusal.constraint().map_or_else(|| refusal.message().to_owned(), str::to_owned) }
            }
            _ => Self::Statement(error),
        }
    }
}
