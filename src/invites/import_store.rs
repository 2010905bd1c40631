use sqlx::types::Json;

use super::csv::Analysis;
use super::imports::{Confirmation, Counts, Import, ImportState, RowResult};
use crate::clock::Timestamp;
use crate::db::{Db, DbError, Tx, execute, on};
use crate::ids::{ImportId, InstanceId};

#[derive(sqlx::FromRow)]
struct Row {
    id: ImportId,
    instance_id: InstanceId,
    state: String,
    analysis: Json<Analysis>,
    confirmation: Option<Json<Confirmation>>,
    invited_by: String,
    rows_done: i64,
    counts: Json<Counts>,
    results: Json<Vec<RowResult>>,
    error: Option<String>,
    created_at: Timestamp,
    confirmed_at: Option<Timestamp>,
    completed_at: Option<Timestamp>,
}

impl TryFrom<Row> for Import {
    type Error = DbError;

    fn try_from(row: Row) -> Result<Self, DbError> {
        let unknown = || DbError::Statement(sqlx::Error::Decode("invite_imports.state holds a value of no known form".into()));
        Ok(Self {
            id: row.id,
            instance: row.instance_id,
            state: ImportState::read(&row.state).ok_or_else(unknown)?,
            analysis: row.analysis.0,
            confirmation: row.confirmation.map(|json| json.0),
            invited_by: row.invited_by,
            rows_done: u64::try_from(row.rows_done).unwrap_or(0),
            counts: row.counts.0,
            results: row.results.0,
            error: row.error,
            created_at: row.created_at,
            confirmed_at: row.confirmed_at,
            completed_at: row.completed_at,
        })
    }
}

/// The import with this id, without its file.
///
/// # Errors
/// When the database can't be asked.
pub(super) async fn find(db: &Db, instance: InstanceId, id: ImportId) -> Result<Option<Import>, DbError> {
    const SQL: &str = "SELECT id, instance_id, state, analysis, confirmation, invited_by, rows_done, counts, results, error, created_at, \
         confirmed_at, completed_at FROM invite_imports WHERE instance_id = $1 AND id = $2";
    let row: Option<Row> = on!(db, c => sqlx::query_as(SQL).bind(instance).bind(id).fetch_optional(c))?;
    row.map(Import::try_from).transpose()
}

/// The file of an import.
///
/// # Errors
/// When the database can't be asked.
pub(super) async fn file(db: &Db, instance: InstanceId, id: ImportId) -> Result<Option<Vec<u8>>, DbError> {
    const SQL: &str = "SELECT file FROM invite_imports WHERE instance_id = $1 AND id = $2";
    on!(db, c => sqlx::query_scalar(SQL).bind(instance).bind(id).fetch_optional(c))
}

/// Keeps a new import with its file.
///
/// # Errors
/// When the database can't be written.
pub(super) async fn insert(tx: &mut Tx, instance: InstanceId, import: &Import, file: &[u8]) -> Result<(), DbError> {
    const SQL: &str = "INSERT INTO invite_imports (instance_id, id, state, file, analysis, invited_by, rows_total, rows_done, counts, \
         results, created_at) VALUES ($1, $2, 'analysed', $3, $4, $5, $6, 0, $7, $8, $9)";
    execute!(
        tx,
        sqlx::query(SQL)
            .bind(instance)
            .bind(import.id)
            .bind(file)
            .bind(Json(&import.analysis))
            .bind(&import.invited_by)
            .bind(rows(import.analysis.rows))
            .bind(Json(&import.counts))
            .bind(Json(&import.results))
            .bind(import.created_at)
    )
    .map(drop)
}

/// Confirms an import; `false` when it was confirmed before, so that of two at once one succeeds.
///
/// # Errors
/// When the database can't be written.
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
    let done = execute!(tx, sqlx::query(SQL).bind(instance).bind(id).bind(Json(confirmation)).bind(confirmed_by).bind(at))?;
    Ok(done == 1)
}

/// Moves an import on, in the transaction that invited the rows from `from` to `to`; `false` when another worker was faster,
/// and then that transaction must not be committed.
///
/// # Errors
/// When the database can't be written.
pub(super) async fn advance(
    tx: &mut Tx,
    instance: InstanceId,
    id: ImportId,
    (from, to): (u64, u64),
    counts: &Counts,
    results: Option<&[RowResult]>,
) -> Result<bool, DbError> {
    const WITH_RESULTS: &str = "UPDATE invite_imports SET rows_done = $4, counts = $5, results = $6 \
         WHERE instance_id = $1 AND id = $2 AND rows_done = $3 AND state = 'confirmed'";
    const COUNTS_ONLY: &str = "UPDATE invite_imports SET rows_done = $4, counts = $5 \
         WHERE instance_id = $1 AND id = $2 AND rows_done = $3 AND state = 'confirmed'";
    let done = match results {
        Some(results) => execute!(
            tx,
            sqlx::query(WITH_RESULTS).bind(instance).bind(id).bind(rows(from)).bind(rows(to)).bind(Json(counts)).bind(Json(results))
        )?,
        None => execute!(tx, sqlx::query(COUNTS_ONLY).bind(instance).bind(id).bind(rows(from)).bind(rows(to)).bind(Json(counts)))?,
    };
    Ok(done == 1)
}

/// Ends an import: completed, or failed for `error`.
///
/// # Errors
/// When the database can't be written.
pub(super) async fn finish(tx: &mut Tx, instance: InstanceId, id: ImportId, error: Option<&str>, at: Timestamp) -> Result<(), DbError> {
    const SQL: &str = "UPDATE invite_imports SET state = $3, error = $4, completed_at = $5 \
         WHERE instance_id = $1 AND id = $2 AND state = 'confirmed'";
    let state = if error.is_some() { "failed" } else { "completed" };
    execute!(tx, sqlx::query(SQL).bind(instance).bind(id).bind(state).bind(error).bind(at)).map(drop)
}

fn rows(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
