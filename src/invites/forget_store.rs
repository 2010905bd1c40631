//! Each function fails with [`DbError`] when the database can't be reached, and only then unless it says more.

use sqlx::types::Json;

use super::csv::Analysis;
use crate::clock::Timestamp;
use crate::db::{Db, DbError, Tx, execute, on};
use crate::ids::{ImportId, InstanceId};

/// An import that was sent before `before` and never confirmed. Global: old data goes, whose it is.
pub(super) async fn unconfirmed_before(db: &Db, before: Timestamp) -> Result<Option<(InstanceId, ImportId)>, DbError> {
    const SQL: &str = "SELECT instance_id, id FROM invite_imports WHERE state = 'analysed' AND created_at < $1 LIMIT 1";
    on!(db, c => sqlx::query_as(SQL).bind(before).fetch_optional(c))
}

/// An import that ended before `before` and still has its rows. Global, as above.
pub(super) async fn ended_before(db: &Db, before: Timestamp) -> Result<Option<(InstanceId, ImportId)>, DbError> {
    const SQL: &str = "SELECT instance_id, id FROM invite_imports WHERE state IN ('completed', 'failed') AND rows_deleted_at IS NULL \
         AND COALESCE(completed_at, created_at) < $1 LIMIT 1";
    on!(db, c => sqlx::query_as(SQL).bind(before).fetch_optional(c))
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
    execute!(tx, sqlx::query(ROWS).bind(instance).bind(id))?;
    execute!(tx, sqlx::query(IMPORT).bind(instance).bind(id).bind(Json(analysis)).bind(at)).map(drop)
}

/// Which invitations are over since before `$1` and belong to nobody who is a member.
macro_rules! of_strangers {
    () => {
        "COALESCE(i.revoked_at, i.accepted_at, i.expires_at) < $1 AND NOT EXISTS \
         (SELECT 1 FROM members m WHERE m.instance_id = i.instance_id AND m.id = i.member_id)"
    };
}

/// An instance with invitations that ended before `before`, of people who are no members any more. Global, as above.
pub(super) async fn with_strangers(db: &Db, before: Timestamp) -> Result<Option<InstanceId>, DbError> {
    const SQL: &str = concat!("SELECT i.instance_id FROM invites i WHERE ", of_strangers!(), " LIMIT 1");
    on!(db, c => sqlx::query_scalar(SQL).bind(before).fetch_optional(c))
}

/// Deletes those invitations of an instance with their links; gives how many they were.
pub(super) async fn delete_strangers(tx: &mut Tx, instance: InstanceId, before: Timestamp) -> Result<u64, DbError> {
    const LINKS: &str = concat!(
        "DELETE FROM invite_links WHERE instance_id = $2 AND invite_id IN (SELECT i.id FROM invites i WHERE i.instance_id = $2 AND ",
        of_strangers!(),
        ")"
    );
    const INVITES: &str = concat!("DELETE FROM invites AS i WHERE i.instance_id = $2 AND ", of_strangers!());
    execute!(tx, sqlx::query(LINKS).bind(before).bind(instance))?;
    execute!(tx, sqlx::query(INVITES).bind(before).bind(instance))
}
