//! The merge on SQLite, range by range.

use sqlx::AssertSqlSafe;

use super::{COLUMNS, COUNT_PEOPLE, MergeCounts, STAGED_COLUMNS, join_columns};
use crate::clock::Timestamp;
use crate::db::{self, Db, DbError, Tx, bulk, execute, on, on_tx};
use crate::ids::{InstanceId, RunId};
use crate::people::next_change;
use crate::sync::store::staging::{owners_table, people_table};

/// Prepares the staged people for the merge: keeps only the last row of each if there may be duplicates.
pub(in crate::sync) async fn prepare(tx: &mut Tx, run: RunId, may_have_duplicates: bool) -> Result<(), DbError> {
    if !may_have_duplicates {
        return Ok(());
    }
    index_by_id(tx, run).await?;
    let people = people_table(run).name;
    let once = format!(
        "DELETE FROM {people} AS s WHERE EXISTS (SELECT 1 FROM {people} later WHERE later.marketo_id = s.marketo_id AND later.place > s.place)"
    );
    execute!(tx, db::query(AssertSqlSafe(once.as_str())).persistent(false)).map(drop)
}

/// Indexes the staged people by id, for [`remove_range`].
pub(in crate::sync) async fn index_by_id(tx: &mut Tx, run: RunId) -> Result<(), DbError> {
    let people = people_table(run).name;
    let index = format!("CREATE INDEX IF NOT EXISTS {people}_by_id ON {people} (marketo_id)");
    execute!(tx, db::query(AssertSqlSafe(index.as_str())).persistent(false)).map(drop)
}

/// Returns whether the instance has nobody yet. When no instance has anybody, drops the indexes of the people, so that they are filled
/// first; [`bulk::build_indexes`] makes the indexes afterwards.
pub(in crate::sync) async fn prepare_if_empty(tx: &mut Tx, instance: InstanceId) -> Result<bool, DbError> {
    const ANYBODY: &str = "SELECT EXISTS (SELECT 1 FROM people WHERE instance_id = $1), EXISTS (SELECT 1 FROM people)";
    let (ours, any): (bool, bool) = on_tx!(tx, c => db::query_as(ANYBODY).bind(instance).fetch_one(c))?;
    if !any {
        bulk::put_off_indexes(tx, "people").await?;
    }
    Ok(!ours)
}

/// Finds the place of the last of the next `rows` staged people behind `after`; none when there are no more. Call it in the
/// transaction that merges them, so that only this connection caches their pages.
pub(in crate::sync) async fn find_staged_boundary(tx: &mut Tx, run: RunId, after: i64, rows: i64) -> Result<Option<i64>, DbError> {
    let people = people_table(run).name;
    let statement = format!("SELECT MAX(place) FROM (SELECT place FROM {people} WHERE place > $1 ORDER BY place LIMIT $2) AS next");
    on_tx!(tx, c => db::query_scalar(AssertSqlSafe(statement.as_str())).bind(after).bind(rows).fetch_one(c))
}

/// The user who owns a staged person: the contact's owner (`c`) before the lead's (`l`). The prefix tells a user from a queue.
const USER: &str = "CASE WHEN substr(c.owner_id, 1, 3) = '005' THEN c.owner_id WHEN substr(l.owner_id, 1, 3) = '005' THEN l.owner_id END";

/// Joins staged people (`s`) with the owners of their contact (`c`) and their lead (`l`).
fn join_owners(run: RunId) -> String {
    let (people, owners) = (people_table(run).name, owners_table(run).name);
    format!(
        "{people} s LEFT JOIN {owners} c ON c.salesforce_id = s.salesforce_contact_id \
                    LEFT JOIN {owners} l ON l.salesforce_id = s.salesforce_lead_id"
    )
}

/// Counts the staged people who qualify.
pub(in crate::sync) async fn count_qualified(db: &Db, run: RunId) -> Result<i64, DbError> {
    let statement = format!("SELECT COUNT({USER}) FROM {}", join_owners(run));
    on!(db, c => db::query_scalar(AssertSqlSafe(statement.as_str())).fetch_one(c))
}

/// A range of staged people to merge: those at places above the first and up to the second.
#[derive(Debug, Clone, Copy)]
pub(in crate::sync) struct MergeRange {
    pub run: RunId,
    pub row_numbers: (i64, i64),
    pub at: Timestamp,
    /// Whether the instance had nobody when the merge began, so that no comparison is needed.
    pub is_first_load: bool,
}

/// Merges a range of the staged people. Unchanged people are not written.
pub(in crate::sync) async fn merge_range(tx: &mut Tx, instance: InstanceId, range: MergeRange) -> Result<MergeCounts, DbError> {
    let change = next_change(tx, instance).await?;
    let merged = if range.is_first_load {
        let inserted = write_qualified(tx, instance, range, change, None).await?;
        MergeCounts { qualified: inserted, inserted, ..count_left_out(tx, instance, range).await? }
    } else {
        let (mut merged, differing) = compare(tx, instance, range).await?;
        if differing != "[]" {
            merged.updated = write_qualified(tx, instance, range, change, Some(&differing)).await? - merged.inserted;
        }
        merged
    };
    if merged.inserted > 0 {
        let back = format!(
            "DELETE FROM people_removed WHERE instance_id = $1 \
             AND marketo_id IN (SELECT s.marketo_id FROM {} s WHERE s.place > $2 AND s.place <= $3) \
             AND EXISTS (SELECT 1 FROM people p WHERE p.instance_id = $1 AND p.marketo_id = people_removed.marketo_id)",
            people_table(range.run).name
        );
        execute!(tx, db::query(AssertSqlSafe(back.as_str())).bind(instance).bind(range.row_numbers.0).bind(range.row_numbers.1))?;
    }
    Ok(merged)
}

/// Counts a range, and finds the places of those who qualify and are new or changed, as a JSON array.
async fn compare(tx: &mut Tx, instance: InstanceId, range: MergeRange) -> Result<(MergeCounts, String), DbError> {
    let statement = format!(
        "SELECT COUNT(*), COUNT(owner), COALESCE(SUM(owner IS NOT NULL AND NOT known), 0), COALESCE(SUM(no_record), 0), \
                COALESCE(SUM(owner IS NULL AND owned), 0), json_group_array(place) FILTER (WHERE owner IS NOT NULL AND differs) \
         FROM (SELECT s.place, {USER} AS owner, p.marketo_id IS NOT NULL AS known, \
                      s.salesforce_contact_id IS NULL AND s.salesforce_lead_id IS NULL AS no_record, \
                      COALESCE(c.owner_id, l.owner_id) IS NOT NULL AS owned, \
                      p.marketo_id IS NULL OR p.owner_id IS DISTINCT FROM {USER} OR {differences} AS differs \
               FROM {with_owners} LEFT JOIN people p ON p.instance_id = $1 AND p.marketo_id = s.marketo_id \
               WHERE s.place > $2 AND s.place <= $3) AS q",
        differences = join_columns(STAGED_COLUMNS, "p.? IS DISTINCT FROM s.?", " OR "),
        with_owners = join_owners(range.run),
    );
    let (after, up_to) = range.row_numbers;
    let (read, qualified, inserted, without_record, queue, differing): (i64, i64, i64, i64, i64, String) =
        on_tx!(tx, c => db::query_as(AssertSqlSafe(statement.as_str())).bind(instance).bind(after).bind(up_to).fetch_one(c))?;
    Ok((MergeCounts { read, qualified, inserted, without_record, owned_by_queue: queue, ..MergeCounts::default() }, differing))
}

/// Writes those of a range who qualify, or only those at `row_numbers`, a JSON array; returns how many.
async fn write_qualified(
    tx: &mut Tx,
    instance: InstanceId,
    range: MergeRange,
    change: i64,
    row_numbers: Option<&str>,
) -> Result<i64, DbError> {
    let statement = format!(
        "INSERT INTO people (instance_id, marketo_id, {names}, owner_id, run_id, synced_at, change_number) \
         SELECT $1, s.marketo_id, {values}, {USER}, $4, $5, $6 FROM {with_owners} \
         WHERE s.place > $2 AND s.place <= $3 AND ($7 IS NULL OR s.place IN (SELECT value FROM json_each($7))) AND {USER} IS NOT NULL \
         ON CONFLICT (instance_id, marketo_id) DO UPDATE SET {changes}, run_id = excluded.run_id, synced_at = excluded.synced_at, \
                       change_number = excluded.change_number",
        names = STAGED_COLUMNS.join(", "),
        values = join_columns(STAGED_COLUMNS, "s.?", ", "),
        with_owners = join_owners(range.run),
        changes = join_columns(COLUMNS, "? = excluded.?", ", "),
    );
    let (after, up_to) = range.row_numbers;
    let written = execute!(
        tx,
        db::query(AssertSqlSafe(statement.as_str()))
            .bind(instance)
            .bind(after)
            .bind(up_to)
            .bind(range.run)
            .bind(range.at)
            .bind(change)
            .bind(row_numbers)
    )?;
    Ok(i64::try_from(written).unwrap_or(i64::MAX))
}

/// Counts a written range, and those of it who don't qualify: without a record, or with one that only a queue can own.
async fn count_left_out(tx: &mut Tx, instance: InstanceId, range: MergeRange) -> Result<MergeCounts, DbError> {
    let statement = format!(
        "SELECT COUNT(*), COALESCE(SUM(no_record), 0), \
                COALESCE(SUM(NOT no_record AND NOT EXISTS (SELECT 1 FROM people p WHERE p.instance_id = $1 AND p.marketo_id = q.marketo_id) \
                             AND EXISTS (SELECT 1 FROM {owners} o WHERE o.salesforce_id IN (q.salesforce_contact_id, q.salesforce_lead_id))), 0) \
         FROM (SELECT *, salesforce_contact_id IS NULL AND salesforce_lead_id IS NULL AS no_record FROM {people} \
               WHERE place > $2 AND place <= $3) AS q",
        owners = owners_table(range.run).name,
        people = people_table(range.run).name,
    );
    let (after, up_to) = range.row_numbers;
    let (read, without_record, queue): (i64, i64, i64) =
        on_tx!(tx, c => db::query_as(AssertSqlSafe(statement.as_str())).bind(instance).bind(after).bind(up_to).fetch_one(c))?;
    Ok(MergeCounts { read, without_record, owned_by_queue: queue, ..MergeCounts::default() })
}

/// Counts the instance's people.
pub(in crate::sync) async fn count_known(db: &Db, instance: InstanceId) -> Result<i64, DbError> {
    on!(db, c => db::query_scalar(COUNT_PEOPLE).bind(instance).fetch_one(c))
}

/// Finds the highest Marketo id of the instance's next `rows` people after `after`; none when there are no more.
pub(in crate::sync) async fn find_known_boundary(db: &Db, instance: InstanceId, after: i64, rows: i64) -> Result<Option<i64>, DbError> {
    const SQL: &str = "SELECT MAX(marketo_id) FROM (SELECT marketo_id FROM people \
         WHERE instance_id = $1 AND marketo_id > $2 ORDER BY marketo_id LIMIT $3) AS next";
    on!(db, c => db::query_scalar(SQL).bind(instance).bind(after).bind(rows).fetch_one(c))
}

/// Removes people with ids above `after` and up to `up_to` who were there when the run began and don't qualify by what it read; returns
/// how many. People who came or changed since `began` stay, because a later run has seen them; unless `everybody` was to be read, so do
/// people who were not read. Call [`index_by_id`] before.
pub(in crate::sync) async fn remove_range(
    tx: &mut Tx,
    instance: InstanceId,
    run: RunId,
    (after, up_to): (i64, i64),
    (began, at): (Timestamp, Timestamp),
    everybody: bool,
) -> Result<i64, DbError> {
    let people = people_table(run).name;
    let gone = format!(
        "WHERE instance_id = $1 AND marketo_id > $3 AND marketo_id <= $4 AND run_id <> $2 AND synced_at <= $5 \
         AND (SELECT {USER} FROM {} WHERE s.marketo_id = people.marketo_id) IS NULL{}",
        join_owners(run),
        if everybody { String::new() } else { format!(" AND marketo_id IN (SELECT marketo_id FROM {people})") },
    );
    let keep = format!(
        "INSERT INTO people_removed (instance_id, marketo_id, change_number, removed_at) SELECT instance_id, marketo_id, $6, $7 FROM people {gone}"
    );
    let remove = format!("DELETE FROM people {gone}");
    let change = next_change(tx, instance).await?;
    let recorded = execute!(
        tx,
        db::query(AssertSqlSafe(keep.as_str())).bind(instance).bind(run).bind(after).bind(up_to).bind(began).bind(change).bind(at)
    )?;
    if recorded == 0 {
        return Ok(0);
    }
    let removed = execute!(tx, db::query(AssertSqlSafe(remove.as_str())).bind(instance).bind(run).bind(after).bind(up_to).bind(began))?;
    Ok(i64::try_from(removed).unwrap_or(i64::MAX))
}
