//! Each function fails with [`DbError`] when the database can't be reached, and only then unless it says more.

use sqlx::types::Json;

use super::csv::{Analysis, Chunk};
use super::import::{Confirmation, Import, ImportCounts, ImportState, RowOutcome};
use crate::clock::Timestamp;
use crate::db::{self, Db, DbError, Tx, execute, on, on_tx};
use crate::ids::{ImportId, InstanceId};

#[derive(sqlx::FromRow)]
struct StoredImportRow {
    id: ImportId,
    instance_id: InstanceId,
    state: ImportState,
    file_name: Option<String>,
    analysis: Json<Analysis>,
    confirmation: Option<Json<Confirmation>>,
    invited_by: String,
    rows_done: i64,
    counts: Json<ImportCounts>,
    error: Option<String>,
    created_at: Timestamp,
    confirmed_at: Option<Timestamp>,
    completed_at: Option<Timestamp>,
    rows_deleted_at: Option<Timestamp>,
}

impl From<StoredImportRow> for Import {
    fn from(row: StoredImportRow) -> Self {
        Self {
            id: row.id,
            instance: row.instance_id,
            state: row.state,
            file_name: row.file_name,
            analysis: row.analysis.0,
            confirmation: row.confirmation.map(|json| json.0),
            invited_by: row.invited_by,
            rows_done: u64::try_from(row.rows_done).unwrap_or(0),
            counts: row.counts.0,
            error: row.error,
            created_at: row.created_at,
            confirmed_at: row.confirmed_at,
            completed_at: row.completed_at,
            rows_deleted_at: row.rows_deleted_at,
        }
    }
}

/// The columns of a [`StoredImportRow`].
macro_rules! columns {
    () => {
        "id, instance_id, state, file_name, analysis, confirmation, invited_by, rows_done, counts, error, created_at, confirmed_at, \
         completed_at, rows_deleted_at"
    };
}

const BY_ID: &str = concat!("SELECT ", columns!(), " FROM invite_imports WHERE instance_id = $1 AND id = $2");

/// The import with this id.
pub(super) async fn find(db: &Db, instance: InstanceId, id: ImportId) -> Result<Option<Import>, DbError> {
    let row: Option<StoredImportRow> = on!(db, c => db::query_as(BY_ID).bind(instance).bind(id).fetch_optional(c))?;
    Ok(row.map(Import::from))
}

/// The import with this id, which nobody else changes until the end of the transaction.
pub(super) async fn find_and_lock(tx: &mut Tx, instance: InstanceId, id: ImportId) -> Result<Option<Import>, DbError> {
    const LOCK: &str = "UPDATE invite_imports SET state = state WHERE instance_id = $1 AND id = $2";
    execute!(tx, db::query(LOCK).bind(instance).bind(id))?;
    let row: Option<StoredImportRow> = on_tx!(tx, c => db::query_as(BY_ID).bind(instance).bind(id).fetch_optional(c))?;
    Ok(row.map(Import::from))
}

/// A page of imports after `after`, in the order they were sent.
pub(super) async fn list(db: &Db, instance: InstanceId, after: Option<ImportId>, rows: i64) -> Result<Vec<Import>, DbError> {
    const SQL: &str = concat!("SELECT ", columns!(), " FROM invite_imports WHERE instance_id = $1 AND id > $2 ORDER BY id LIMIT $3");
    let after = after.unwrap_or(ImportId(uuid::Uuid::nil()));
    let rows: Vec<StoredImportRow> = on!(db, c => db::query_as(SQL).bind(instance).bind(after).bind(rows).fetch_all(c))?;
    Ok(rows.into_iter().map(Import::from).collect())
}

const COUNT_UNCONFIRMED: &str = "SELECT COUNT(*) FROM invite_imports WHERE instance_id = $1 AND state = 'analysed' AND created_at >= $2";

/// How many imports wait to be confirmed that were sent after `since`.
pub(super) async fn count_unconfirmed(db: &Db, instance: InstanceId, since: Timestamp) -> Result<i64, DbError> {
    on!(db, c => db::query_scalar(COUNT_UNCONFIRMED).bind(instance).bind(since).fetch_one(c))
}

/// The same, as the transaction sees it.
pub(super) async fn count_unconfirmed_in(tx: &mut Tx, instance: InstanceId, since: Timestamp) -> Result<i64, DbError> {
    on_tx!(tx, c => db::query_scalar(COUNT_UNCONFIRMED).bind(instance).bind(since).fetch_one(c))
}

/// Keeps a new import; its rows follow by [`insert_chunk`].
pub(super) async fn insert(tx: &mut Tx, instance: InstanceId, import: &Import) -> Result<(), DbError> {
    const SQL: &str = "INSERT INTO invite_imports (instance_id, id, state, file_name, analysis, invited_by, rows_done, counts, created_at) \
         VALUES ($1, $2, 'analysed', $3, $4, $5, 0, $6, $7)";
    execute!(
        tx,
        db::query(SQL)
            .bind(instance)
            .bind(import.id)
            .bind(&import.file_name)
            .bind(Json(&import.analysis))
            .bind(&import.invited_by)
            .bind(Json(&import.counts))
            .bind(import.created_at)
    )
    .map(drop)
}

/// Keeps some rows of a new import.
pub(super) async fn insert_chunk(tx: &mut Tx, instance: InstanceId, id: ImportId, chunk: &Chunk) -> Result<(), DbError> {
    const SQL: &str = "INSERT INTO invite_import_chunks (instance_id, import_id, first_row, row_count, body, faults, repeats) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)";
    execute!(
        tx,
        db::query(SQL)
            .bind(instance)
            .bind(id)
            .bind(number(chunk.first))
            .bind(i64::from(chunk.rows))
            .bind(&chunk.body)
            .bind(i64::from(chunk.errors))
            .bind(Json(&chunk.repeats))
    )
    .map(drop)
}

/// Removes an import with its rows; `false` when it has been confirmed.
pub(super) async fn delete_unconfirmed(tx: &mut Tx, instance: InstanceId, id: ImportId) -> Result<bool, DbError> {
    const SQL: &str = "DELETE FROM invite_imports WHERE instance_id = $1 AND id = $2 AND state = 'analysed'";
    Ok(execute!(tx, db::query(SQL).bind(instance).bind(id))? == 1)
}

/// Records what an import is under another mapping.
pub(super) async fn set_analysis(tx: &mut Tx, instance: InstanceId, id: ImportId, analysis: &Analysis) -> Result<(), DbError> {
    const SQL: &str = "UPDATE invite_imports SET analysis = $3 WHERE instance_id = $1 AND id = $2 AND state = 'analysed'";
    execute!(tx, db::query(SQL).bind(instance).bind(id).bind(Json(analysis))).map(drop)
}

/// Records the errors that the rows of a chunk have under another mapping.
pub(super) async fn set_errors(tx: &mut Tx, instance: InstanceId, id: ImportId, chunk: &Chunk) -> Result<(), DbError> {
    const SQL: &str =
        "UPDATE invite_import_chunks SET faults = $4, repeats = $5 WHERE instance_id = $1 AND import_id = $2 AND first_row = $3";
    let (first, errors) = (number(chunk.first), i64::from(chunk.errors));
    execute!(tx, db::query(SQL).bind(instance).bind(id).bind(first).bind(errors).bind(Json(&chunk.repeats))).map(drop)
}

/// Rows as they are kept, and what became of them.
#[derive(Debug)]
pub(super) struct StoredChunk {
    pub(super) chunk: Chunk,
    /// One for each row of the table; none before they were worked off.
    pub(super) outcomes: Option<Vec<RowOutcome>>,
}

/// The first chunk that has a row at `position` or after it and at least `errors` errors.
pub(super) async fn chunk_from(
    db: &Db,
    instance: InstanceId,
    id: ImportId,
    position: u64,
    errors: i64,
) -> Result<Option<StoredChunk>, DbError> {
    const SQL: &str = "SELECT first_row, row_count, faults AS errors, repeats, body, results FROM invite_import_chunks \
         WHERE instance_id = $1 AND import_id = $2 AND first_row + row_count > $3 AND faults >= $4 ORDER BY first_row LIMIT 1";
    type ChunkColumns = (i64, i64, i64, Json<Vec<(u64, u64)>>, Vec<u8>, Option<Json<Vec<RowOutcome>>>);
    let found: Option<ChunkColumns> =
        on!(db, c => db::query_as(SQL).bind(instance).bind(id).bind(number(position)).bind(errors).fetch_optional(c))?;
    Ok(found.map(|(first, rows, errors, repeats, body, outcomes)| StoredChunk {
        chunk: Chunk {
            first: u64::try_from(first).unwrap_or(0),
            rows: u32::try_from(rows).unwrap_or(0),
            errors: u32::try_from(errors).unwrap_or(0),
            repeats: repeats.0,
            body,
        },
        outcomes: outcomes.map(|json| json.0),
    }))
}

/// Confirms an import; `false` when it was confirmed before, so that of two at once one succeeds.
pub(super) async fn confirm(
    tx: &mut Tx,
    instance: InstanceId,
    id: ImportId,
    confirmation: &Confirmation,
    confirmed_by: &str,
    at: Timestamp,
) -> Result<bool, DbError> {
    const SQL: &str = "UPDATE invite_imports SET state = 'confirmed', confirmation = $3, invited_by = $4, confirmed_at = $5 \
         WHERE instance_id = $1 AND id = $2 AND state = 'analysed'";
    let done = execute!(tx, db::query(SQL).bind(instance).bind(id).bind(Json(confirmation)).bind(confirmed_by).bind(at))?;
    Ok(done == 1)
}

/// Takes the rows from `from` to `to` on, in the transaction that invites them; `false` when another worker has, and then that
/// transaction has nothing to do. A second worker waits here until the first one's transaction ends.
pub(super) async fn take_rows(tx: &mut Tx, instance: InstanceId, id: ImportId, (from, to): (u64, u64)) -> Result<bool, DbError> {
    const SQL: &str = "UPDATE invite_imports SET rows_done = $4 \
         WHERE instance_id = $1 AND id = $2 AND rows_done = $3 AND state = 'confirmed'";
    Ok(execute!(tx, db::query(SQL).bind(instance).bind(id).bind(number(from)).bind(number(to)))? == 1)
}

/// Records what became of the rows of the chunk that begins at `first`, and of all so far.
pub(super) async fn record(
    tx: &mut Tx,
    instance: InstanceId,
    id: ImportId,
    first: u64,
    outcomes: &[RowOutcome],
    counts: &ImportCounts,
) -> Result<(), DbError> {
    const CHUNK: &str = "UPDATE invite_import_chunks SET results = $4 WHERE instance_id = $1 AND import_id = $2 AND first_row = $3";
    const IMPORT: &str = "UPDATE invite_imports SET counts = $3 WHERE instance_id = $1 AND id = $2";
    execute!(tx, db::query(CHUNK).bind(instance).bind(id).bind(number(first)).bind(Json(outcomes)))?;
    execute!(tx, db::query(IMPORT).bind(instance).bind(id).bind(Json(counts))).map(drop)
}

/// Has a failed import go on; `false` when it has not failed, or its rows are deleted.
pub(super) async fn revive(tx: &mut Tx, instance: InstanceId, id: ImportId) -> Result<bool, DbError> {
    const SQL: &str = "UPDATE invite_imports SET state = 'confirmed', error = NULL, completed_at = NULL \
         WHERE instance_id = $1 AND id = $2 AND state IN ('failed', 'confirmed') AND rows_deleted_at IS NULL";
    Ok(execute!(tx, db::query(SQL).bind(instance).bind(id))? == 1)
}

/// Ends an import: completed, or failed for `error`.
pub(super) async fn finish(tx: &mut Tx, instance: InstanceId, id: ImportId, error: Option<&str>, at: Timestamp) -> Result<(), DbError> {
    const SQL: &str = "UPDATE invite_imports SET state = $3, error = $4, completed_at = $5 \
         WHERE instance_id = $1 AND id = $2 AND state = 'confirmed'";
    let state = if error.is_some() { ImportState::Failed } else { ImportState::Completed };
    execute!(tx, db::query(SQL).bind(instance).bind(id).bind(state).bind(error).bind(at)).map(drop)
}

/// An import that was sent before `before` and never confirmed. Global: old data goes, whose it is.
pub(super) async fn unconfirmed_before(db: &Db, before: Timestamp) -> Result<Option<(InstanceId, ImportId)>, DbError> {
    const SQL: &str = "SELECT instance_id, id FROM invite_imports WHERE state = 'analysed' AND created_at < $1 LIMIT 1";
    on!(db, c => db::query_as(SQL).bind(before).fetch_optional(c))
}

/// An import that ended before `before` and still has its rows. Global, as above.
pub(super) async fn ended_before(db: &Db, before: Timestamp) -> Result<Option<(InstanceId, ImportId)>, DbError> {
    const SQL: &str = "SELECT instance_id, id FROM invite_imports WHERE state IN ('completed', 'failed') AND rows_deleted_at IS NULL \
         AND COALESCE(completed_at, created_at) < $1 LIMIT 1";
    on!(db, c => db::query_as(SQL).bind(before).fetch_optional(c))
}

/// Deletes the rows of an import; `analysis` is what stays of what was found in them.
pub(super) async fn delete_rows(
    tx: &mut Tx,
    instance: InstanceId,
    id: ImportId,
    analysis: &Analysis,
    at: Timestamp,
) -> Result<(), DbError> {
    const ROWS: &str = "DELETE FROM invite_import_chunks WHERE instance_id = $1 AND import_id = $2";
    const IMPORT: &str = "UPDATE invite_imports SET analysis = $3, rows_deleted_at = $4 WHERE instance_id = $1 AND id = $2";
    execute!(tx, db::query(ROWS).bind(instance).bind(id))?;
    execute!(tx, db::query(IMPORT).bind(instance).bind(id).bind(Json(analysis)).bind(at)).map(drop)
}

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
