//! Whether the database takes writes, found out by writing: a disk that is full, or a PostgreSQL that only reads, answers every question as
//! usual.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::{ConnectOptions, Connection};
use tokio::sync::Mutex;

use super::{Db, DbError, execute};
use crate::clock::{SharedClock, Timestamp, monotonic_now};
use crate::db;
use crate::telemetry::error_chain;

/// One outcome answers for so long, so that however often somebody asks, a process writes this often at most.
const VALID_FOR: Duration = Duration::from_secs(1);
/// Longest wait for the write.
const MAX_WRITE_WAIT: Duration = Duration::from_secs(3);
/// Longest wait for the reason why there is no connection; together with the write below the five seconds that probes commonly wait.
const MAX_REASON_WAIT: Duration = Duration::from_secs(1);

/// What came of the last try to write.
#[derive(Debug, Clone)]
pub enum WriteOutcome {
    /// A row was written.
    Written,
    /// Somebody else has been writing for so long that there was no turn: it can be written.
    Busy,
    /// It can't be written.
    Failed(Arc<DbError>),
}

/// Tries to write to the database, at most once a second.
#[derive(Debug)]
pub struct WriteProbe {
    db: Db,
    clock: SharedClock,
    last: Mutex<Option<(Instant, WriteOutcome)>>,
}

impl WriteProbe {
    /// A probe of this database.
    #[must_use]
    pub fn new(db: Db, clock: SharedClock) -> Self {
        Self { db, clock, last: Mutex::default() }
    }

    /// Whether the database takes writes now, or took them within the last second. Whoever asks meanwhile waits for the same write.
    pub async fn try_write(&self) -> WriteOutcome {
        let mut last = self.last.lock().await;
        if let Some((at, outcome)) = &*last
            && at.elapsed() < VALID_FOR
        {
            return outcome.clone();
        }
        let outcome = match tokio::time::timeout(MAX_WRITE_WAIT, write(&self.db, self.clock.timestamp())).await {
            Ok(Ok(())) => WriteOutcome::Written,
            Ok(Err(error)) => WriteOutcome::Failed(Arc::new(error)),
            // There is one writer, and an index of many people takes it this long.
            Err(_) if matches!(self.db, Db::Sqlite { .. }) => WriteOutcome::Busy,
            Err(_) => WriteOutcome::Failed(Arc::new(self.connection_error().await)),
        };
        let had_failed = matches!(&*last, Some((_, WriteOutcome::Failed(_))));
        match &outcome {
            WriteOutcome::Failed(error) if !had_failed => tracing::error!(error = %error_chain(&**error), "the database can't be written"),
            WriteOutcome::Written if had_failed => tracing::info!("the database can be written again"),
            _ => {}
        }
        *last = Some((monotonic_now(), outcome.clone()));
        outcome
    }

    /// Why there is no connection, from one attempt to make one: a pool tries again and again, and then says only that it ran out of time.
    async fn connection_error(&self) -> DbError {
        let timed_out = sqlx::Error::PoolTimedOut;
        let Db::Postgres { pool, .. } = &self.db else { return timed_out.into() };
        let options = pool.connect_options();
        match tokio::time::timeout(MAX_REASON_WAIT, options.connect()).await {
            Ok(Err(error)) => error.into(),
            // It takes connections, but the pool had none to spare.
            Ok(Ok(connection)) => {
                let _ = connection.close().await;
                timed_out.into()
            }
            Err(_) => timed_out.into(),
        }
    }
}

/// Writes the one row of its table and commits: neither engine asks the disk for room before that.
async fn write(db: &Db, now: Timestamp) -> Result<(), DbError> {
    const SQL: &str =
        "INSERT INTO write_probes (id, written_at) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET written_at = excluded.written_at";
    let mut tx = db.begin().await?;
    execute!(&mut tx, db::query(SQL).bind(now))?;
    tx.commit().await
}
