//! The schema, brought to this version's by numbered steps. Processes that start at once take turns, on each engine by other means.

use std::sync::LazyLock;

use sqlx::PgPool;
use sqlx::migrate::Migrator;

use super::{Db, DbError, on};
use crate::db;

static SQLITE_STEPS: Migrator = sqlx::migrate!("migrations/sqlite");
/// The runner's own lock is an advisory one of a session, which a pooler in transaction mode hands to somebody else: a row is locked
/// instead.
static POSTGRES_STEPS: LazyLock<Migrator> = LazyLock::new(|| {
    let mut steps = sqlx::migrate!("migrations/postgres");
    steps.set_locking(false);
    steps
});

/// The row that whoever takes the steps holds. Its table is no step's, since it must be there before the first.
const LOCK_TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_lock (id bigint NOT NULL PRIMARY KEY CHECK (id = 1))";

impl Db {
    /// Brings the schema to this version's; does nothing when it is there already. Processes that start at once take turns.
    ///
    /// # Errors
    /// [`DbError::Migration`], naming the step.
    pub async fn migrate(&self) -> Result<(), DbError> {
        match self {
            Self::Sqlite { writer, .. } => {
                // The runner has no lock for SQLite: holding the write lock from before it looks which steps are missing keeps another
                // process from taking the same ones.
                let mut tx = writer.begin_with("BEGIN IMMEDIATE").await?;
                // A step finds every index there.
                super::bulk::build_all(&mut tx).await?;
                SQLITE_STEPS.run_direct(None, &mut *tx, false).await?;
                Ok(tx.commit().await?)
            }
            Self::Postgres { pool, .. } => migrate_postgres(pool).await,
        }
    }

    /// The newest schema step this build knows, and the newest one the database has.
    pub async fn schema_version(&self) -> Result<(i64, i64), DbError> {
        let known = match self {
            Self::Sqlite { .. } => &SQLITE_STEPS,
            Self::Postgres { .. } => &*POSTGRES_STEPS,
        };
        let newest = known.iter().map(|step| step.version).max().unwrap_or(0);
        let applied: Option<i64> =
            on!(self, c => db::query_scalar("SELECT MAX(version) FROM _sqlx_migrations WHERE success").fetch_one(c))?;
        Ok((newest, applied.unwrap_or(0)))
    }
}

#[expect(clippy::disallowed_methods, reason = "no step has been taken yet")]
async fn migrate_postgres(pool: &PgPool) -> Result<(), DbError> {
    // Of two that create it at once, one may be told that the other has.
    if let Err(error) = sqlx::raw_sql(LOCK_TABLE).execute(pool).await
        && !DbError::from(error).is_conflict()
    {
        sqlx::raw_sql(LOCK_TABLE).execute(pool).await?;
    }
    db::query("INSERT INTO schema_lock (id) VALUES (1) ON CONFLICT DO NOTHING").execute(pool).await?;
    // One connection holds the lock, another takes the steps, each in a transaction of its own.
    let mut lock = pool.begin().await?;
    db::query("SELECT id FROM schema_lock WHERE id = 1 FOR UPDATE").execute(&mut *lock).await?;
    POSTGRES_STEPS.run(pool).await?;
    Ok(lock.commit().await?)
}
