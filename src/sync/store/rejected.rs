//! Rows of exports that a run could not use.

use crate::clock::Timestamp;
use crate::db::{self, Db, DbError, Tx, execute, on};
use crate::ids::{InstanceId, RunId};
use crate::sync::rows::{RejectedRecord, RejectionReason};

/// How many runs of each kind keep their rejected rows.
const MAX_RUNS: i64 = 10;

/// A place in the list of a run's rejected rows, behind which the next ones are read.
#[derive(Debug, Clone, Copy)]
pub(in crate::sync) struct RejectedCursor {
    /// The number of the export.
    pub position: i64,
    pub line: i64,
}

/// A rejected row as it is stored.
#[derive(Debug, sqlx::FromRow)]
pub(in crate::sync) struct StoredRejectedRecord {
    pub position: i64,
    pub line: i64,
    pub marketo_id: Option<i64>,
    pub reason: RejectionReason,
    pub window_start: Timestamp,
    pub content: String,
}

/// Deletes the rejected rows of an export that is read again.
pub(in crate::sync) async fn delete_rejected(tx: &mut Tx, instance: InstanceId, run: RunId, position: i64) -> Result<(), DbError> {
    const SQL: &str = "DELETE FROM sync_rejected_rows WHERE instance_id = $1 AND run_id = $2 AND position = $3";
    execute!(tx, db::query(SQL).bind(instance).bind(run).bind(position)).map(drop)
}

/// Saves rejected rows of an export.
pub(in crate::sync) async fn insert_rejected(
    tx: &mut Tx,
    instance: InstanceId,
    run: RunId,
    (position, window_start): (i64, Timestamp),
    rows: &[RejectedRecord],
) -> Result<(), DbError> {
    const SQL: &str = "INSERT INTO sync_rejected_rows (instance_id, run_id, position, line, marketo_id, reason, window_start, content) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    for row in rows {
        execute!(
            tx,
            db::query(SQL)
                .bind(instance)
                .bind(run)
                .bind(position)
                .bind(row.line)
                .bind(row.marketo_id)
                .bind(row.reason)
                .bind(window_start)
                .bind(&row.content)
        )?;
    }
    Ok(())
}

/// Lists rejected rows of a run behind a cursor, in order.
pub(in crate::sync) async fn list_rejected(
    db: &Db,
    instance: InstanceId,
    run: RunId,
    after: Option<RejectedCursor>,
    rows: i64,
) -> Result<Vec<StoredRejectedRecord>, DbError> {
    const SQL: &str = "SELECT position, line, marketo_id, reason, window_start, content FROM sync_rejected_rows \
         WHERE instance_id = $1 AND run_id = $2 AND (position, line) > ($3, $4) ORDER BY position, line LIMIT $5";
    let RejectedCursor { position, line } = after.unwrap_or(RejectedCursor { position: -1, line: 0 });
    on!(db, c => db::query_as(SQL).bind(instance).bind(run).bind(position).bind(line).bind(rows).fetch_all(c))
}

/// Deletes the rejected rows of all but the newest full runs and the newest incremental ones that have any: those come every minute,
/// and most of them have none.
pub(in crate::sync) async fn prune_rejected(tx: &mut Tx, instance: InstanceId) -> Result<(), DbError> {
    const SQL: &str = "DELETE FROM sync_rejected_rows WHERE instance_id = $1 AND run_id NOT IN \
         (SELECT id FROM sync_runs WHERE instance_id = $1 AND kind = 'full' ORDER BY id DESC LIMIT $2) AND run_id NOT IN \
         (SELECT id FROM sync_runs WHERE instance_id = $1 AND kind = 'incremental' AND EXISTS ( \
              SELECT 1 FROM sync_rejected_rows r WHERE r.instance_id = $1 AND r.run_id = sync_runs.id) ORDER BY id DESC LIMIT $2)";
    execute!(tx, db::query(SQL).bind(instance).bind(MAX_RUNS)).map(drop)
}
