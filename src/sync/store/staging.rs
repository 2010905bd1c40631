//! The staging tables of a run: people and owners that are read and not yet merged. They are created for the run and dropped after it.

use sqlx::AssertSqlSafe;
use sqlx::postgres::PgPool;
use std::sync::atomic::AtomicI64;

use tokio::sync::mpsc::Receiver;

use crate::db::bulk::{self, PackedRows, Table};
use crate::db::{self, Db, DbError, Tx, execute, on};
use crate::ids::{InstanceId, RunId};
use crate::sync::rows::{OWNER_COLUMNS, PEOPLE_COLUMNS, SourceWindow};

const PEOPLE: &str = "sync_staged_people_";
const OWNERS: &str = "sync_staged_owners_";

/// The staging table of a run's people.
pub(in crate::sync) fn people_table(run: RunId) -> Table {
    Table { name: format!("{PEOPLE}{}", run.0.simple()), columns: PEOPLE_COLUMNS, keyed: true }
}

/// The staging table of a run's owners.
pub(in crate::sync) fn owners_table(run: RunId) -> Table {
    Table { name: format!("{OWNERS}{}", run.0.simple()), columns: OWNER_COLUMNS, keyed: true }
}

/// Creates the staging tables of a run unless they exist.
pub(in crate::sync) async fn create_staging(tx: &mut Tx, run: RunId) -> Result<(), DbError> {
    bulk::create(tx, &people_table(run)).await?;
    bulk::create(tx, &owners_table(run)).await
}

/// Drops the staging tables of a run.
pub(in crate::sync) async fn drop_staging(tx: &mut Tx, run: RunId) -> Result<(), DbError> {
    bulk::drop_table(tx, &people_table(run).name).await?;
    bulk::drop_table(tx, &owners_table(run).name).await
}

/// Finds other runs of the instance that have staging tables.
pub(in crate::sync) async fn runs_with_staging(db: &Db, instance: InstanceId, besides: RunId) -> Result<Vec<RunId>, DbError> {
    const SQL: &str = "SELECT id FROM sync_runs WHERE instance_id = $1 AND id <> $2";
    let mut left = bulk::tables_named(db, PEOPLE).await?;
    left.extend(bulk::tables_named(db, OWNERS).await?);
    if left.is_empty() {
        return Ok(Vec::new());
    }
    let runs: Vec<RunId> = on!(db, c => db::query_scalar(SQL).bind(instance).bind(besides).fetch_all(c))?;
    Ok(runs.into_iter().filter(|run| left.contains(&people_table(*run).name) || left.contains(&owners_table(*run).name)).collect())
}

/// Stages the people of a window as they arrive, replacing what an interrupted attempt left of it; see [`bulk::load`].
pub(in crate::sync) async fn stage_people(
    db: &Db,
    run: RunId,
    position: i64,
    arriving: &mut Receiver<PackedRows>,
    staged: &AtomicI64,
) -> Result<Tx, DbError> {
    if let Db::Sqlite { .. } = db {
        // Only on SQLite can a part of a window be left.
        let mut tx = db.begin().await?;
        delete_staged_window(&mut tx, run, position).await?;
        tx.commit().await?;
    }
    bulk::load(db, &people_table(run), arriving, staged).await
}

/// Stages owners as they arrive; see [`bulk::load`].
pub(in crate::sync) async fn stage_owners(
    db: &Db,
    run: RunId,
    arriving: &mut Receiver<PackedRows>,
    staged: &AtomicI64,
) -> Result<Tx, DbError> {
    bulk::load(db, &owners_table(run), arriving, staged).await
}

/// Deletes the staged owners.
pub(in crate::sync) async fn delete_staged_owners(tx: &mut Tx, run: RunId) -> Result<(), DbError> {
    let statement = format!("DELETE FROM {}", owners_table(run).name);
    execute!(tx, db::query(AssertSqlSafe(statement.as_str()))).map(drop)
}

/// Counts the staged people of a run.
pub(in crate::sync) async fn count_staged_people(db: &Db, run: RunId) -> Result<i64, DbError> {
    let statement = format!("SELECT COUNT(*) FROM {}", people_table(run).name);
    on!(db, c => db::query_scalar(AssertSqlSafe(statement.as_str())).fetch_one(c))
}

/// Finds the windows (given with the number of people read from each) that lost people, and whether some of so many owners are lost.
/// Only PostgreSQL loses them, when the server crashes.
pub(in crate::sync) async fn find_lost_staging(
    db: &Db,
    run: RunId,
    windows: &[(i64, i64)],
    owners: i64,
) -> Result<(Vec<i64>, bool), DbError> {
    let Db::Postgres { pool, .. } = db else { return Ok((Vec::new(), false)) };
    let people = people_table(run).name;
    let all_there = count(pool, &people).await? == windows.iter().map(|(_, people)| people).sum::<i64>();
    let lost = if all_there {
        Vec::new()
    } else {
        let statement = format!("SELECT place >> 32, COUNT(*) FROM {people} GROUP BY 1");
        let there: Vec<(i64, i64)> = db::query_as(AssertSqlSafe(statement.as_str())).fetch_all(pool).await?;
        let holds = |window: &&(i64, i64)| window.1 == 0 || there.contains(window);
        windows.iter().filter(|window| !holds(window)).map(|(position, _)| *position).collect()
    };
    Ok((lost, count(pool, &owners_table(run).name).await? != owners))
}

async fn count(pool: &PgPool, table: &str) -> Result<i64, DbError> {
    let statement = format!("SELECT COUNT(*) FROM {table}");
    Ok(db::query_scalar(AssertSqlSafe(statement.as_str())).fetch_one(pool).await?)
}

/// Deletes the staged people of a window.
pub(in crate::sync) async fn delete_staged_window(tx: &mut Tx, run: RunId, position: i64) -> Result<(), DbError> {
    let (first, end) = SourceWindow::row_number_range(position);
    let statement = format!("DELETE FROM {} WHERE place > $1 AND place <= $2", people_table(run).name);
    execute!(tx, db::query(AssertSqlSafe(statement.as_str())).bind(first).bind(end)).map(drop)
}
