//! Cursors of incremental runs: the live one, and the one that a full run reserves.

use sqlx::types::Json;

use crate::clock::Timestamp;
use crate::db::{self, Db, DbError, Tx, execute, on, on_tx, text_enum};
use crate::ids::{InstanceId, RunId};
use crate::sync::cursor::ChangesCursor;

text_enum! {
    /// What a stored cursor is for.
    enum CursorRole {
        /// The next incremental run reads on from it.
        Live = "live",
        /// It becomes the live one when the full run that has reserved it completes.
        Reserved = "reserved",
    }
}

const SAVE: &str = "INSERT INTO sync_cursors (instance_id, place, run_id, cursor, updated_at) VALUES ($1, $2, $3, $4, $5) \
     ON CONFLICT (instance_id, place) DO UPDATE SET run_id = excluded.run_id, cursor = excluded.cursor, updated_at = excluded.updated_at";

const LIVE: &str = "SELECT cursor FROM sync_cursors WHERE instance_id = $1 AND place = 'live'";

/// Finds the live cursor: how far changes are read.
pub(in crate::sync) async fn find_live_cursor(db: &Db, instance: InstanceId) -> Result<Option<ChangesCursor>, DbError> {
    let found: Option<Json<ChangesCursor>> = on!(db, c => db::query_scalar(LIVE).bind(instance).fetch_optional(c))?;
    Ok(found.map(|cursor| cursor.0))
}

/// Finds the live cursor as this transaction sees it.
pub(in crate::sync) async fn find_live_cursor_in(tx: &mut Tx, instance: InstanceId) -> Result<Option<ChangesCursor>, DbError> {
    let found: Option<Json<ChangesCursor>> = on_tx!(tx, c => db::query_scalar(LIVE).bind(instance).fetch_optional(c))?;
    Ok(found.map(|cursor| cursor.0))
}

/// Moves the live cursor, in the transaction of the rows that it covers.
pub(in crate::sync) async fn save_live_cursor(
    tx: &mut Tx,
    instance: InstanceId,
    run: RunId,
    cursor: &ChangesCursor,
    at: Timestamp,
) -> Result<(), DbError> {
    execute!(tx, db::query(SAVE).bind(instance).bind(CursorRole::Live).bind(run).bind(Json(cursor)).bind(at)).map(drop)
}

/// Reserves a cursor, from which changes are read once the full run that begins now has completed.
pub(in crate::sync) async fn reserve_cursor(
    tx: &mut Tx,
    instance: InstanceId,
    run: RunId,
    cursor: &ChangesCursor,
    at: Timestamp,
) -> Result<(), DbError> {
    execute!(tx, db::query(SAVE).bind(instance).bind(CursorRole::Reserved).bind(run).bind(Json(cursor)).bind(at)).map(drop)
}

/// Takes the cursor that a full run has reserved; the reservation is deleted.
pub(in crate::sync) async fn take_reserved_cursor(tx: &mut Tx, instance: InstanceId, run: RunId) -> Result<Option<ChangesCursor>, DbError> {
    const SQL: &str = "DELETE FROM sync_cursors WHERE instance_id = $1 AND place = 'reserved' AND run_id = $2 RETURNING cursor";
    let found: Option<Json<ChangesCursor>> = on_tx!(tx, c => db::query_scalar(SQL).bind(instance).bind(run).fetch_optional(c))?;
    Ok(found.map(|cursor| cursor.0))
}
