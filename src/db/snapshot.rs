use super::{Db, DbError, Tx, run_on};

impl Db {
    /// Begins a transaction that only reads, and sees throughout what was there when it began, however long it takes. Writers don't
    /// wait for it.
    ///
    /// # Errors
    /// [`DbError::Unreachable`] when no connection could be had in time.
    pub async fn begin_snapshot(&self) -> Result<Tx, DbError> {
        Ok(match self {
            // In WAL mode a reading transaction sees one state: <https://www.sqlite.org/isolation.html>.
            Self::Sqlite { readers, .. } => Tx::Sqlite(readers.begin().await?),
            Self::Postgres { pool, runtime } => {
                Tx::Postgres(run_on(runtime, pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")).await?)
            }
        })
    }
}
