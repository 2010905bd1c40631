//! The merge on PostgreSQL, set by set in one transaction.

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, PgPool};

use super::{COLUMNS, COUNT_PEOPLE, MergeCounts, STAGED_COLUMNS, join_columns};
use crate::clock::Timestamp;
use crate::db::{self, DbError};
use crate::ids::{InstanceId, RunId};
use crate::sync::store::staging::{owners_table, people_table};

/// What is merged, and how.
#[derive(Debug, Clone, Copy)]
pub(in crate::sync) struct MergeParams {
    pub instance: InstanceId,
    pub run: RunId,
    /// The number of the change.
    pub change: i64,
    pub at: Timestamp,
    /// People who came or changed after this time are not removed: a later run has seen them.
    pub began_at: Timestamp,
    /// Whether everybody was to be read, so that people who were not read are gone.
    pub reads_everybody: bool,
    /// Whether people who are gone are removed.
    pub removes_missing: bool,
}

/// Deletes all but the last row of each key.
fn delete_duplicates(table: &str, key: &str, order: &str) -> String {
    format!(
        "DELETE FROM {table} WHERE ctid IN (SELECT ctid FROM ( \
             SELECT ctid, row_number() OVER (PARTITION BY {key} ORDER BY {order} DESC) AS rank FROM {table} \
             WHERE {key} IN (SELECT {key} FROM {table} GROUP BY {key} HAVING COUNT(*) > 1)) AS several WHERE rank > 1)"
    )
}

/// The name of the partition of an instance's people.
fn partition_name(instance: InstanceId) -> String {
    format!("people_{}", instance.0.simple())
}

async fn execute_statement(connection: &mut PgConnection, statement: &str) -> Result<u64, DbError> {
    Ok(db::query(AssertSqlSafe(statement)).persistent(false).execute(connection).await?.rows_affected())
}

fn to_count(rows: u64) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

/// Joins staged people (`s`) with the user who owns their contact (`c`) or else their lead (`l`). The prefix tells a user from a queue.
fn join_owners(run: RunId) -> String {
    let (people, owners) = (people_table(run).name, owners_table(run).name);
    format!(
        "{people} s LEFT JOIN {owners} c ON c.salesforce_id = s.salesforce_contact_id AND c.owner_id LIKE '005%' \
                    LEFT JOIN {owners} l ON l.salesforce_id = s.salesforce_lead_id AND l.owner_id LIKE '005%'"
    )
}

fn count_qualified_statement(run: RunId) -> String {
    format!("SELECT COUNT(COALESCE(c.owner_id, l.owner_id)) FROM {}", join_owners(run))
}

/// Counts the staged people who qualify.
pub(in crate::sync) async fn count_qualified(pool: &PgPool, run: RunId) -> Result<i64, DbError> {
    let statement = count_qualified_statement(run);
    Ok(db::query_scalar(AssertSqlSafe(statement.as_str())).persistent(false).fetch_one(pool).await?)
}

/// Prepares the staging tables for the merge in this transaction: removes duplicates if there may be some, and gathers statistics, without
/// which the joins would be planned blindly.
pub(in crate::sync) async fn prepare(connection: &mut PgConnection, staged: RunId, may_have_duplicates: bool) -> Result<(), DbError> {
    let (people, owners) = (people_table(staged).name, owners_table(staged).name);
    for statement in [
        // These hold until the transaction ends. JIT-compiling a handful of statements costs more than it saves.
        "SET LOCAL work_mem = '64MB'",
        "SET LOCAL maintenance_work_mem = '256MB'",
        "SET LOCAL jit = off",
    ] {
        execute_statement(connection, statement).await?;
    }
    if may_have_duplicates {
        execute_statement(connection, &delete_duplicates(&people, "marketo_id", "place")).await?;
        execute_statement(connection, &delete_duplicates(&owners, "salesforce_id", "ctid")).await?;
    }
    for statement in [format!("ANALYZE {people} (marketo_id, salesforce_contact_id, salesforce_lead_id)"), format!("ANALYZE {owners}")] {
        execute_statement(connection, &statement).await?;
    }
    Ok(())
}

/// Counts the staged people, and those who don't qualify because they have no record or a queue owns it.
pub(in crate::sync) async fn count_staged(connection: &mut PgConnection, staged: RunId) -> Result<MergeCounts, DbError> {
    let (people, owners) = (people_table(staged).name, owners_table(staged).name);
    let read =
        format!("SELECT COUNT(*), COUNT(*) FILTER (WHERE salesforce_contact_id IS NULL AND salesforce_lead_id IS NULL) FROM {people}");
    let queue = format!(
        "WITH queued AS MATERIALIZED (SELECT salesforce_contact_id, salesforce_lead_id FROM {people} \
             WHERE salesforce_contact_id IN (SELECT salesforce_id FROM {owners} WHERE owner_id NOT LIKE '005%') \
                OR salesforce_lead_id IN (SELECT salesforce_id FROM {owners} WHERE owner_id NOT LIKE '005%')) \
         SELECT COUNT(*) FROM queued q \
         WHERE NOT EXISTS (SELECT 1 FROM {owners} o WHERE o.salesforce_id = q.salesforce_contact_id AND o.owner_id LIKE '005%') \
           AND NOT EXISTS (SELECT 1 FROM {owners} o WHERE o.salesforce_id = q.salesforce_lead_id AND o.owner_id LIKE '005%')"
    );
    let (read, without_record): (i64, i64) =
        db::query_as(AssertSqlSafe(read.as_str())).persistent(false).fetch_one(&mut *connection).await?;
    let queue: i64 = db::query_scalar(AssertSqlSafe(queue.as_str())).persistent(false).fetch_one(connection).await?;
    Ok(MergeCounts { read, without_record, owned_by_queue: queue, ..MergeCounts::default() })
}

/// Whether the instance has a partition of its people.
pub(in crate::sync) async fn has_partition(connection: &mut PgConnection, instance: InstanceId) -> Result<bool, DbError> {
    Ok(db::query_scalar("SELECT to_regclass($1) IS NOT NULL").bind(partition_name(instance)).fetch_one(connection).await?)
}

/// Creates and fills the partition of an instance that has none yet, as a table of its own; returns the number of people.
pub(in crate::sync) async fn fill_partition(connection: &mut PgConnection, merge: MergeParams) -> Result<i64, DbError> {
    let partition = partition_name(merge.instance);
    execute_statement(connection, &format!("CREATE TABLE {partition} (LIKE people INCLUDING DEFAULTS)")).await?;
    let statement = format!(
        "INSERT INTO {partition} (instance_id, marketo_id, {names}, owner_id, run_id, synced_at, change_number) \
         SELECT $1, s.marketo_id, {values}, COALESCE(c.owner_id, l.owner_id), $2, $3, $4 FROM {joined} \
         WHERE COALESCE(c.owner_id, l.owner_id) IS NOT NULL",
        names = STAGED_COLUMNS.join(", "),
        values = join_columns(STAGED_COLUMNS, "s.?", ", "),
        joined = join_owners(merge.run),
    );
    let query = db::query(AssertSqlSafe(statement.as_str())).persistent(false).bind(merge.instance).bind(merge.run);
    Ok(to_count(query.bind(merge.at).bind(merge.change).execute(connection).await?.rows_affected()))
}

/// Lists the statements that give a filled partition the key and the indexes of the whole table.
pub(in crate::sync) async fn partition_index_statements(
    connection: &mut PgConnection,
    instance: InstanceId,
) -> Result<Vec<String>, DbError> {
    const SQL: &str = "SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = to_regclass('people') AND NOT indisprimary";
    let partition = partition_name(instance);
    let whole: Vec<String> = db::query_scalar(SQL).fetch_all(connection).await?;
    // CREATE INDEX name ON ONLY people USING method (columns) …
    let of_partition =
        |definition: &String| definition.split_once(" USING ").map(|(_, rest)| format!("CREATE INDEX ON {partition} USING {rest}"));
    let key = format!("ALTER TABLE {partition} ADD PRIMARY KEY (instance_id, marketo_id)");
    Ok([key].into_iter().chain(whole.iter().filter_map(of_partition)).collect())
}

/// Carries out one of the statements of [`indexes`].
pub(in crate::sync) async fn build_index(connection: &mut PgConnection, statement: &str) -> Result<(), DbError> {
    execute_statement(connection, statement).await.map(drop)
}

/// Attaches the filled table as a partition of `people`. Nothing waits for this but another instance's first load, for a moment.
pub(in crate::sync) async fn attach_partition(connection: &mut PgConnection, instance: InstanceId) -> Result<(), DbError> {
    let partition = partition_name(instance);
    execute_statement(connection, &format!("ANALYZE {partition}")).await?;
    execute_statement(connection, &format!("ALTER TABLE people ATTACH PARTITION {partition} FOR VALUES IN ('{}')", instance.0))
        .await
        .map(drop)
}

// What the merge does to a person.
const NEW: i16 = 1;
const CHANGED: i16 = 2;
const GONE: i16 = 3;
/// Gone by what the run read, but written by a later run.
const SEEN_LATER: i16 = 4;

/// Merges the staged people into the existing ones. One comparison finds the differences, and only these are written.
pub(in crate::sync) async fn merge_changes(connection: &mut PgConnection, merge: MergeParams) -> Result<MergeCounts, DbError> {
    let mut merged = count_staged(connection, merge.run).await?;
    let changes = format!("sync_changes_{}", merge.run.0.simple());
    let columns = join_columns(COLUMNS, "?", ", ");
    compare(connection, merge, &changes).await?;
    let count_kind = async |connection: &mut PgConnection, kind: i16| -> Result<i64, DbError> {
        let statement = format!("SELECT COUNT(*) FROM {changes} WHERE kind = $1");
        Ok(db::query_scalar(AssertSqlSafe(statement.as_str())).persistent(false).bind(kind).fetch_one(connection).await?)
    };
    merged.inserted = count_kind(connection, NEW).await?;
    merged.qualified = if merge.reads_everybody {
        let known: i64 = db::query_scalar(COUNT_PEOPLE).bind(merge.instance).fetch_one(&mut *connection).await?;
        known + merged.inserted - count_kind(connection, GONE).await? - count_kind(connection, SEEN_LATER).await?
    } else {
        let statement = count_qualified_statement(merge.run);
        db::query_scalar(AssertSqlSafe(statement.as_str())).persistent(false).fetch_one(&mut *connection).await?
    };
    let partition = partition_name(merge.instance);
    let update = format!(
        "UPDATE {partition} AS p SET {}, run_id = $2, synced_at = $3, change_number = $4 FROM {changes} d \
         WHERE d.kind = {CHANGED} AND p.instance_id = $1 AND p.marketo_id = d.marketo_id",
        join_columns(COLUMNS, "? = d.?", ", "),
    );
    let insert = format!(
        "INSERT INTO {partition} (instance_id, marketo_id, {columns}, run_id, synced_at, change_number) \
         SELECT $1, marketo_id, {columns}, $2, $3, $4 FROM {changes} WHERE kind = {NEW}"
    );
    let mut written = [0, 0];
    for (statement, written) in [update, insert].iter().zip(&mut written) {
        let query = db::query(AssertSqlSafe(statement.as_str())).persistent(false).bind(merge.instance).bind(merge.run);
        *written = to_count(query.bind(merge.at).bind(merge.change).execute(&mut *connection).await?.rows_affected());
    }
    merged.updated = written[0];
    let back = format!(
        "DELETE FROM people_removed WHERE instance_id = $1 AND marketo_id IN (SELECT marketo_id FROM {changes} WHERE kind = {NEW})"
    );
    db::query(AssertSqlSafe(back.as_str())).persistent(false).bind(merge.instance).execute(&mut *connection).await?;
    if merge.removes_missing {
        let keep = format!(
            "INSERT INTO people_removed (instance_id, marketo_id, change_number, removed_at) \
             SELECT $1, marketo_id, $2, $3 FROM {changes} WHERE kind = {GONE}"
        );
        let query = db::query(AssertSqlSafe(keep.as_str())).persistent(false).bind(merge.instance).bind(merge.change).bind(merge.at);
        query.execute(&mut *connection).await?;
        let remove = format!(
            "DELETE FROM {partition} AS p USING {changes} d WHERE d.kind = {GONE} AND p.instance_id = $1 AND p.marketo_id = d.marketo_id"
        );
        let query = db::query(AssertSqlSafe(remove.as_str())).persistent(false).bind(merge.instance);
        merged.removed = to_count(query.execute(&mut *connection).await?.rows_affected());
    }
    execute_statement(connection, &format!("DROP TABLE {changes}")).await?;
    Ok(merged)
}

/// Compares staged and existing people, and writes the new, changed and missing ones into the table `changes`.
async fn compare(connection: &mut PgConnection, merge: MergeParams, changes: &str) -> Result<(), DbError> {
    let kinds: Vec<_> = STAGED_COLUMNS.iter().map(|name| format!("{name} text")).collect();
    // The table exists only within this transaction.
    execute_statement(
        connection,
        &format!("CREATE UNLOGGED TABLE {changes} (kind smallint, marketo_id bigint, {}, owner_id text)", kinds.join(", ")),
    )
    .await?;
    let statement = format!(
        "INSERT INTO {changes} (kind, marketo_id, {names}, owner_id) \
         SELECT CASE WHEN q.owner_id IS NOT NULL AND p.marketo_id IS NULL THEN {NEW} WHEN q.owner_id IS NOT NULL THEN {CHANGED} \
                     WHEN p.run_id = $2 OR p.synced_at > $3 THEN {SEEN_LATER} ELSE {GONE} END, \
                COALESCE(q.marketo_id, p.marketo_id), {values}, q.owner_id \
         FROM (SELECT s.marketo_id, {staged}, COALESCE(c.owner_id, l.owner_id) AS owner_id FROM {joined}) AS q \
         {side} JOIN (SELECT * FROM people WHERE instance_id = $1) AS p ON p.marketo_id = q.marketo_id \
         WHERE CASE WHEN q.owner_id IS NULL THEN p.marketo_id IS NOT NULL ELSE p.marketo_id IS NULL OR {differences} END",
        names = STAGED_COLUMNS.join(", "),
        values = join_columns(STAGED_COLUMNS, "q.?", ", "),
        staged = join_columns(STAGED_COLUMNS, "s.?", ", "),
        joined = join_owners(merge.run),
        side = if merge.reads_everybody { "FULL" } else { "LEFT" },
        differences = join_columns(COLUMNS, "p.? IS DISTINCT FROM q.?", " OR "),
    );
    let query = db::query(AssertSqlSafe(statement.as_str())).persistent(false).bind(merge.instance).bind(merge.run).bind(merge.began_at);
    query.execute(&mut *connection).await?;
    execute_statement(connection, &format!("ANALYZE {changes} (kind, marketo_id)")).await.map(drop)
}
