//! The exports of a run, one for each window, and the plan that they follow.

use sqlx::types::Json;

use crate::clock::Timestamp;
use crate::db::{self, Db, DbError, Tx, execute, on, text_enum};
use crate::ids::{InstanceId, RunId};
use crate::sync::progress::RunPlan;
use crate::sync::windows::ExportWindow;

text_enum! {
    /// The state of an export.
    pub(in crate::sync) enum ExportState {
        /// Not created yet.
        Planned = "planned",
        /// Created at Marketo, under the saved id.
        Created = "created",
        /// Read into the staging table.
        Staged = "staged",
    }
}

/// The export of one window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sync) struct WindowExport {
    pub position: i64,
    pub window: ExportWindow,
    pub state: ExportState,
    /// Marketo's id of the export.
    pub export_id: Option<String>,
    /// The number of people read from it.
    pub records: Option<i64>,
}

#[derive(sqlx::FromRow)]
struct WindowExportRow {
    position: i64,
    window_start: Timestamp,
    window_end: Timestamp,
    state: ExportState,
    export_id: Option<String>,
    records: Option<i64>,
}

impl From<WindowExportRow> for WindowExport {
    fn from(row: WindowExportRow) -> Self {
        let window = ExportWindow { start: row.window_start, end: row.window_end };
        Self { position: row.position, window, state: row.state, export_id: row.export_id, records: row.records }
    }
}

/// Saves a window to export.
pub(in crate::sync) async fn plan_export(
    tx: &mut Tx,
    instance: InstanceId,
    run: RunId,
    position: i64,
    window: ExportWindow,
) -> Result<(), DbError> {
    const SQL: &str = "INSERT INTO sync_extract_jobs (instance_id, run_id, position, window_start, window_end, state) \
         VALUES ($1, $2, $3, $4, $5, 'planned')";
    execute!(tx, db::query(SQL).bind(instance).bind(run).bind(position).bind(window.start).bind(window.end)).map(drop)
}

/// Deletes the exports of a run that were not created yet.
pub(in crate::sync) async fn delete_planned_exports(tx: &mut Tx, instance: InstanceId, run: RunId) -> Result<(), DbError> {
    const SQL: &str = "DELETE FROM sync_extract_jobs WHERE instance_id = $1 AND run_id = $2 AND state = 'planned'";
    execute!(tx, db::query(SQL).bind(instance).bind(run)).map(drop)
}

/// Finds the time since which people must have changed for a run to read them; none for a run that reads everybody.
pub(in crate::sync) async fn find_changed_since(db: &Db, instance: InstanceId, run: RunId) -> Result<Option<Timestamp>, DbError> {
    const SQL: &str = "SELECT changed_since FROM sync_runs WHERE instance_id = $1 AND id = $2";
    on!(db, c => db::query_scalar(SQL).bind(instance).bind(run).fetch_one(c))
}

/// Replaces the plan of a run.
pub(in crate::sync) async fn update_plan(tx: &mut Tx, instance: InstanceId, run: RunId, plan: &RunPlan) -> Result<(), DbError> {
    const SQL: &str = "UPDATE sync_runs SET plan = $3 WHERE instance_id = $1 AND id = $2";
    execute!(tx, db::query(SQL).bind(instance).bind(run).bind(Json(plan))).map(drop)
}

/// Makes a queued run read only people who changed since `since`.
pub(in crate::sync) async fn set_changed_since(tx: &mut Tx, instance: InstanceId, run: RunId, since: Timestamp) -> Result<(), DbError> {
    const SQL: &str = "UPDATE sync_runs SET changed_since = $3 WHERE instance_id = $1 AND id = $2 AND state = 'queued'";
    execute!(tx, db::query(SQL).bind(instance).bind(run).bind(since)).map(drop)
}

/// Lists the exports of a run in the order of their windows.
pub(in crate::sync) async fn list_exports(db: &Db, instance: InstanceId, run: RunId) -> Result<Vec<WindowExport>, DbError> {
    const SQL: &str = "SELECT position, window_start, window_end, state, export_id, records FROM sync_extract_jobs \
         WHERE instance_id = $1 AND run_id = $2 ORDER BY position";
    let rows: Vec<WindowExportRow> = on!(db, c => db::query_as(SQL).bind(instance).bind(run).fetch_all(c))?;
    Ok(rows.into_iter().map(WindowExport::from).collect())
}

/// Saves Marketo's id of a created export.
pub(in crate::sync) async fn mark_export_created(
    tx: &mut Tx,
    instance: InstanceId,
    run: RunId,
    position: i64,
    export_id: &str,
) -> Result<(), DbError> {
    const SQL: &str =
        "UPDATE sync_extract_jobs SET state = 'created', export_id = $4 WHERE instance_id = $1 AND run_id = $2 AND position = $3";
    execute!(tx, db::query(SQL).bind(instance).bind(run).bind(position).bind(export_id)).map(drop)
}

/// Resets a failed export, so that another is created.
pub(in crate::sync) async fn reset_export(tx: &mut Tx, instance: InstanceId, run: RunId, position: i64) -> Result<(), DbError> {
    const SQL: &str =
        "UPDATE sync_extract_jobs SET state = 'planned', export_id = NULL WHERE instance_id = $1 AND run_id = $2 AND position = $3";
    execute!(tx, db::query(SQL).bind(instance).bind(run).bind(position)).map(drop)
}

/// Records that an export is read into the staging table.
pub(in crate::sync) async fn mark_export_staged(
    tx: &mut Tx,
    instance: InstanceId,
    run: RunId,
    position: i64,
    (records, bytes): (i64, i64),
) -> Result<(), DbError> {
    const SQL: &str =
        "UPDATE sync_extract_jobs SET state = 'staged', records = $4, bytes = $5 WHERE instance_id = $1 AND run_id = $2 AND position = $3";
    execute!(tx, db::query(SQL).bind(instance).bind(run).bind(position).bind(records).bind(bytes)).map(drop)
}

/// Makes an export be read again from the file that Marketo keeps.
pub(in crate::sync) async fn mark_export_lost(tx: &mut Tx, instance: InstanceId, run: RunId, position: i64) -> Result<(), DbError> {
    const SQL: &str = "UPDATE sync_extract_jobs SET state = CASE WHEN export_id IS NULL THEN 'planned' ELSE 'created' END, records = NULL, bytes = NULL \
         WHERE instance_id = $1 AND run_id = $2 AND position = $3";
    execute!(tx, db::query(SQL).bind(instance).bind(run).bind(position)).map(drop)
}
