//! The merge of what a run has read into the people of the instance, a range of Marketo ids at a time. This is the one place
//! that writes `people`.

use sqlx::AssertSqlSafe;

use crate::clock::Timestamp;
use crate::db::{Db, DbError, Tx, execute, on, on_tx};
use crate::ids::{InstanceId, RunId};

/// The columns of a person that are compared and replaced.
const COLUMNS: [&str; 13] = [
    "first_name",
    "last_name",
    "email",
    "company",
    "title",
    "phone",
    "linkedin_url",
    "source",
    "salesforce_contact_id",
    "salesforce_lead_id",
    "salesforce_account_id",
    "salesforce_opportunity_id",
    "owner_id",
];

/// The owner of the record that one of a staged person's (`s`) ids names. A scalar subquery, here and in the statements below, is
/// looked up by key for each row; as a join or `EXISTS` PostgreSQL, which knows nothing of rows that were just staged, reads all
/// of them for each range.
macro_rules! owner_of {
    ($id:literal, $which:literal) => {
        concat!(
            "(SELECT o.owner_id FROM sync_staged_owners o WHERE o.instance_id = s.instance_id AND o.run_id = s.run_id AND o.salesforce_id = s.",
            $id,
            $which,
            ")"
        )
    };
}

/// The user who owns the contact, or else the lead. The prefix tells a user from a queue.
macro_rules! user {
    () => {
        concat!(
            "COALESCE(",
            owner_of!("salesforce_contact_id", " AND substr(o.owner_id, 1, 3) = '005'"),
            ", ",
            owner_of!("salesforce_lead_id", " AND substr(o.owner_id, 1, 3) = '005'"),
            ")"
        )
    };
}

/// Whoever owns the contact or the lead.
macro_rules! anyone {
    () => {
        concat!("COALESCE(", owner_of!("salesforce_contact_id", ""), ", ", owner_of!("salesforce_lead_id", ""), ")")
    };
}

macro_rules! range {
    () => {
        "s.instance_id = $1 AND s.run_id = $2 AND s.marketo_id > $3 AND s.marketo_id <= $4"
    };
}

/// What merging a range came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::sync) struct Merged {
    pub read: i64,
    pub qualified: i64,
    /// Of the qualified, those who were there before.
    pub known: i64,
    /// Rows written.
    pub written: i64,
    /// Not qualified: no id of a Salesforce record.
    pub no_record: i64,
    /// Not qualified: a queue owns the record.
    pub queue: i64,
}

/// Merges the staged people with ids above `after` up to `up_to`. A person who is there just so is not written.
pub(in crate::sync) async fn merge_range(
    tx: &mut Tx,
    instance: InstanceId,
    run: RunId,
    (after, up_to): (i64, i64),
    at: Timestamp,
) -> Result<Merged, DbError> {
    const COUNT: &str = concat!(
        "SELECT COUNT(*), COUNT(q.owner_id), COUNT(CASE WHEN q.owner_id IS NOT NULL AND q.known = 1 THEN 1 END), \
                COUNT(CASE WHEN q.owner_id IS NULL AND q.record = 0 THEN 1 END), \
                COUNT(CASE WHEN q.owner_id IS NULL AND q.anyone IS NOT NULL THEN 1 END) \
         FROM (SELECT ",
        user!(),
        " AS owner_id, ",
        anyone!(),
        " AS anyone, CASE WHEN s.salesforce_contact_id IS NULL AND s.salesforce_lead_id IS NULL THEN 0 ELSE 1 END AS record, \
          (SELECT 1 FROM people p WHERE p.instance_id = s.instance_id AND p.marketo_id = s.marketo_id) AS known \
          FROM sync_staged_people s WHERE ",
        range!(),
        ") AS q"
    );
    let counted: (i64, i64, i64, i64, i64) =
        on_tx!(tx, c => sqlx::query_as(COUNT).bind(instance).bind(run).bind(after).bind(up_to).fetch_one(c))?;
    let (read, qualified, known, no_record, queue) = counted;
    let written = if qualified == 0 {
        0
    } else {
        execute!(tx, sqlx::query(AssertSqlSafe(merge_statement())).bind(instance).bind(run).bind(after).bind(up_to).bind(at))?
    };
    Ok(Merged { read, qualified, known, written: i64::try_from(written).unwrap_or(i64::MAX), no_record, queue })
}

fn merge_statement() -> String {
    let own = &COLUMNS[..COLUMNS.len() - 1];
    let (names, values) = (own.join(", "), own.iter().map(|name| format!("s.{name}")).collect::<Vec<_>>().join(", "));
    let changes: Vec<_> = COLUMNS.iter().map(|name| format!("{name} = excluded.{name}")).collect();
    let differences: Vec<_> = COLUMNS.iter().map(|name| format!("people.{name} IS DISTINCT FROM excluded.{name}")).collect();
    format!(
        "INSERT INTO people (instance_id, marketo_id, {names}, owner_id, run_id, synced_at) \
         SELECT q.* FROM (SELECT s.instance_id, s.marketo_id, {values}, {user} AS owner_id, s.run_id, $5 AS synced_at \
                          FROM sync_staged_people s WHERE {range}) AS q \
         WHERE q.owner_id IS NOT NULL \
         ON CONFLICT (instance_id, marketo_id) DO UPDATE SET {changes}, run_id = excluded.run_id, synced_at = excluded.synced_at \
         WHERE {differences}",
        user = user!(),
        range = range!(),
        changes = changes.join(", "),
        differences = differences.join(" OR "),
    )
}

/// How many staged people qualify.
pub(in crate::sync) async fn qualified(db: &Db, instance: InstanceId, run: RunId) -> Result<i64, DbError> {
    const SQL: &str =
        concat!("SELECT COUNT(*) FROM sync_staged_people s WHERE s.instance_id = $1 AND s.run_id = $2 AND ", user!(), " IS NOT NULL");
    on!(db, c => sqlx::query_scalar(SQL).bind(instance).bind(run).fetch_one(c))
}

/// The highest Marketo id of the instance's next `rows` people after `after`; none when there are no more.
pub(in crate::sync) async fn known_boundary(db: &Db, instance: InstanceId, after: i64, rows: i64) -> Result<Option<i64>, DbError> {
    const SQL: &str = "SELECT MAX(marketo_id) FROM (SELECT marketo_id FROM people \
         WHERE instance_id = $1 AND marketo_id > $2 ORDER BY marketo_id LIMIT $3) AS next";
    on!(db, c => sqlx::query_scalar(SQL).bind(instance).bind(after).bind(rows).fetch_one(c))
}

/// Removes people with ids above `after` up to `up_to` who were there when the run began and don't qualify by what it read; gives
/// how many. Who came or changed since `began` was seen by somebody later than the run and stays.
pub(in crate::sync) async fn remove_range(
    tx: &mut Tx,
    instance: InstanceId,
    run: RunId,
    (after, up_to): (i64, i64),
    began: Timestamp,
) -> Result<u64, DbError> {
    const SQL: &str = concat!(
        "DELETE FROM people WHERE instance_id = $1 AND marketo_id > $3 AND marketo_id <= $4 AND run_id <> $2 AND synced_at <= $5 \
         AND (SELECT ",
        user!(),
        " FROM sync_staged_people s WHERE s.instance_id = $1 AND s.run_id = $2 AND s.marketo_id = people.marketo_id) IS NULL"
    );
    execute!(tx, sqlx::query(SQL).bind(instance).bind(run).bind(after).bind(up_to).bind(began))
}
