//! What incremental runs look up and write.

use std::fmt::Write as _;

use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, FromRow};

use super::merge::postgres::{self, MergeParams};
use super::merge::{COUNT_PEOPLE, MergeCounts, sqlite};
use super::staging::{create_staging, drop_staging, owners_table, people_table};
use crate::clock::Timestamp;
use crate::db::bulk::{self, PackedRows};
use crate::db::{self, Db, DbError, Tx, execute, on, on_tx};
use crate::ids::{InstanceId, RunId};
use crate::people::{SalesforceId, next_change};
use crate::sync::run::RunState;
use crate::sync::salesforce_object::SalesforceObject;

/// The most values of one statement, far below the limit of either engine.
const CHUNK: usize = 500;

/// A synced person and the Salesforce records of the person.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(in crate::sync) struct LinkedPerson {
    pub marketo_id: i64,
    pub salesforce_contact_id: Option<String>,
    pub salesforce_lead_id: Option<String>,
    pub owner_id: String,
}

/// Finds the rows of the instance whose `column` has one of these ids.
async fn find_rows_of_records<Row>(
    db: &Db,
    instance: InstanceId,
    select: &str,
    column: &str,
    ids: &[&SalesforceId],
) -> Result<Vec<Row>, DbError>
where
    Row: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin,
{
    let mut found = Vec::new();
    for chunk in ids.chunks(CHUNK) {
        let sql = format!("{select} WHERE instance_id = $1 AND {column} IN ({})", db::parameters(2, chunk.len()));
        let rows: Vec<Row> = on!(db, c => {
            let mut query = db::query_as(AssertSqlSafe(sql.clone())).bind(instance);
            for id in chunk {
                query = query.bind(id.as_str());
            }
            query.fetch_all(c)
        })?;
        found.extend(rows);
    }
    Ok(found)
}

/// Finds the synced people who are one of these leads or contacts.
pub(in crate::sync) async fn find_people_of_records(
    db: &Db,
    instance: InstanceId,
    object: SalesforceObject,
    ids: &[&SalesforceId],
) -> Result<Vec<LinkedPerson>, DbError> {
    let column = match object {
        SalesforceObject::Lead => "salesforce_lead_id",
        SalesforceObject::Contact => "salesforce_contact_id",
    };
    const SELECT: &str = "SELECT marketo_id, salesforce_contact_id, salesforce_lead_id, owner_id FROM people";
    find_rows_of_records(db, instance, SELECT, column, ids).await
}

/// A modified record whose person was looked up in Marketo and not found.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(in crate::sync) struct UnmatchedRecord {
    pub salesforce_id: String,
    pub modified_at: Timestamp,
    #[sqlx(rename = "asked_at")]
    pub looked_up_at: Timestamp,
}

/// Finds which of these records are unmatched.
pub(in crate::sync) async fn find_unmatched_records(
    db: &Db,
    instance: InstanceId,
    ids: &[&SalesforceId],
) -> Result<Vec<UnmatchedRecord>, DbError> {
    const SELECT: &str = "SELECT salesforce_id, modified_at, asked_at FROM sync_strangers";
    find_rows_of_records(db, instance, SELECT, "salesforce_id", ids).await
}

/// Saves unmatched records.
pub(in crate::sync) async fn save_unmatched_records(
    tx: &mut Tx,
    instance: InstanceId,
    unmatched_records: &[UnmatchedRecord],
) -> Result<(), DbError> {
    for chunk in unmatched_records.chunks(CHUNK) {
        let mut sql = "INSERT INTO sync_strangers (instance_id, salesforce_id, modified_at, asked_at) VALUES ".to_owned();
        for index in 0..chunk.len() {
            let _ = write!(sql, "{}($1, ${}, ${}, ${})", if index == 0 { "" } else { ", " }, index * 3 + 2, index * 3 + 3, index * 3 + 4);
        }
        sql.push_str(
            " ON CONFLICT (instance_id, salesforce_id) DO UPDATE SET modified_at = excluded.modified_at, asked_at = excluded.asked_at",
        );
        execute!(tx, {
            let mut query = db::query(AssertSqlSafe(sql.clone())).bind(instance);
            for one in chunk {
                query = query.bind(&one.salesforce_id).bind(one.modified_at).bind(one.looked_up_at);
            }
            query
        })?;
    }
    Ok(())
}

/// Deletes unmatched records that were modified before `before`: their changes are not read again.
pub(in crate::sync) async fn delete_unmatched_records(tx: &mut Tx, instance: InstanceId, before: Timestamp) -> Result<u64, DbError> {
    const SQL: &str = "DELETE FROM sync_strangers WHERE instance_id = $1 AND modified_at < $2";
    execute!(tx, db::query(SQL).bind(instance).bind(before))
}

/// Merges packed `people` and the owners of their records as a full run does: writes those who qualify and removes those who don't. They
/// are staged under an id of their own, and nothing stays staged.
pub(in crate::sync) async fn merge_round(
    tx: &mut Tx,
    instance: InstanceId,
    round: RunId,
    (people, owners): (Vec<PackedRows>, Vec<PackedRows>),
    at: Timestamp,
) -> Result<MergeCounts, DbError> {
    // This transaction is the latest to look at these people, so nothing was written after the round was read.
    let began = at + time::Duration::DAY;
    create_staging(tx, round).await?;
    bulk::insert(tx, &people_table(round), people).await?;
    bulk::insert(tx, &owners_table(round), owners).await?;
    let mut merged = match tx {
        Tx::Postgres(_) => {
            let change = next_change(tx, instance).await?;
            merge_on_postgres(
                tx,
                MergeParams { instance, run: round, change, at, began_at: began, reads_everybody: false, removes_missing: true },
            )
            .await?
        }
        Tx::Sqlite(_) => {
            sqlite::prepare(tx, round, true).await?;
            let range = sqlite::MergeRange { run: round, row_numbers: (0, i64::MAX), at, is_first_load: false };
            sqlite::merge_range(tx, instance, range).await?
        }
    };
    if let (Tx::Sqlite(_), true) = (&tx, merged.qualified < merged.read) {
        merged.removed = sqlite::remove_range(tx, instance, round, (0, i64::MAX), (began, at), false).await?;
    }
    drop_staging(tx, round).await?;
    Ok(merged)
}

async fn merge_on_postgres(tx: &mut Tx, merge: MergeParams) -> Result<MergeCounts, DbError> {
    let Tx::Postgres(transaction) = tx else { return Ok(MergeCounts::default()) };
    postgres::prepare(transaction, merge.run, true).await?;
    if postgres::has_partition(transaction, merge.instance).await? {
        return postgres::merge_changes(transaction, merge).await;
    }
    // The full run was before there were partitions and brought nobody.
    let mut merged = postgres::count_staged(transaction, merge.run).await?;
    merged.qualified = postgres::fill_partition(transaction, merge).await?;
    merged.inserted = merged.qualified;
    for statement in postgres::partition_index_statements(transaction, merge.instance).await? {
        postgres::build_index(transaction, &statement).await?;
    }
    postgres::attach_partition(transaction, merge.instance).await?;
    Ok(merged)
}

/// Counts the instance's people as this transaction sees them.
pub(in crate::sync) async fn count_people(tx: &mut Tx, instance: InstanceId) -> Result<i64, DbError> {
    on_tx!(tx, c => db::query_scalar(COUNT_PEOPLE).bind(instance).fetch_one(c))
}

/// Marks a run as idle (it changed nothing) and deletes other idle runs: those of the same hour, and those older than a week.
pub(in crate::sync) async fn prune_idle_runs(tx: &mut Tx, instance: InstanceId, run: RunId, at: Timestamp) -> Result<(), DbError> {
    const MARK: &str = "UPDATE sync_runs SET idle = TRUE WHERE instance_id = $1 AND id = $2";
    const FORGET: &str = "DELETE FROM sync_runs WHERE instance_id = $1 AND id <> $2 AND idle AND (created_at >= $3 OR created_at < $4)";
    let hour =
        at - time::Duration::seconds(at.unix_seconds().rem_euclid(3600)) - time::Duration::nanoseconds(at.instant().nanosecond().into());
    execute!(tx, db::query(MARK).bind(instance).bind(run))?;
    execute!(tx, db::query(FORGET).bind(instance).bind(run).bind(hour).bind(at - time::Duration::days(7))).map(drop)
}

/// The last full run, whatever its state.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(in crate::sync) struct LastFullRun {
    pub created_at: Timestamp,
    pub state: RunState,
    pub started_by: String,
}

/// Finds the last full run, whatever its state.
pub(in crate::sync) async fn find_last_full_run(db: &Db, instance: InstanceId) -> Result<Option<LastFullRun>, DbError> {
    const SQL: &str =
        "SELECT created_at, state, started_by FROM sync_runs WHERE instance_id = $1 AND kind = 'full' ORDER BY id DESC LIMIT 1";
    on!(db, c => db::query_as(SQL).bind(instance).fetch_optional(c))
}

/// Whether a full run of the instance has ever completed.
pub(in crate::sync) async fn has_completed_full_run(db: &Db, instance: InstanceId) -> Result<bool, DbError> {
    const SQL: &str = "SELECT COUNT(*) FROM sync_runs WHERE instance_id = $1 AND kind = 'full' AND state = 'completed'";
    let count: i64 = on!(db, c => db::query_scalar(SQL).bind(instance).fetch_one(c))?;
    Ok(count > 0)
}

/// Finds instances that were synced and have no schedule.
pub(in crate::sync) async fn find_unscheduled_instances(db: &Db, kind: &str) -> Result<Vec<InstanceId>, DbError> {
    const SQL: &str = "SELECT DISTINCT r.instance_id FROM sync_runs r WHERE r.kind = 'full' AND r.state = 'completed' AND NOT EXISTS ( \
         SELECT 1 FROM jobs j WHERE j.instance_id = r.instance_id AND j.kind = $1 AND j.state IN ('queued', 'running'))";
    on!(db, c => db::query_scalar(SQL).bind(kind).fetch_all(c))
}
