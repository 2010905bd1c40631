//! The feed: the order in which people change, and reading along it.

use std::sync::LazyLock;

use super::columns::COLUMNS;
use crate::db::{self, Db, DbError, Tx, on, on_tx};
use crate::ids::InstanceId;
use crate::people::{ChangeCursor, Person, PersonChange, SyncField};

/// Takes the number of the change that this transaction makes to the instance's people. Transactions that change people wait for one
/// another from here to their ends, so that a reader who has read up to a number has missed nothing.
pub async fn next_change(tx: &mut Tx, instance: InstanceId) -> Result<i64, DbError> {
    const SQL: &str = "INSERT INTO people_feeds (instance_id, last_change) VALUES ($1, 1) \
         ON CONFLICT (instance_id) DO UPDATE SET last_change = people_feeds.last_change + 1 RETURNING last_change";
    on_tx!(tx, c => db::query_scalar(SQL).bind(instance).fetch_one(c))
}

/// Finds the number of the last committed change; 0 before the first.
pub async fn last_change(db: &Db, instance: InstanceId) -> Result<i64, DbError> {
    const SQL: &str = "SELECT COALESCE(MAX(last_change), 0) FROM people_feeds WHERE instance_id = $1";
    on!(db, c => db::query_scalar(SQL).bind(instance).fetch_one(c))
}

pub(super) static CHANGES: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT * FROM (SELECT change_number, CAST(0 AS bigint) AS removed, {columns} FROM people \
             WHERE instance_id = $1 AND (change_number, marketo_id) > ($2, $3) ORDER BY change_number, marketo_id LIMIT $4) AS here \
         UNION ALL SELECT * FROM (SELECT change_number, CAST(1 AS bigint) AS removed, \
                 marketo_id, {no_texts}, '' AS owner_id, removed_at AS synced_at FROM people_removed \
             WHERE instance_id = $1 AND (change_number, marketo_id) > ($2, $3) ORDER BY change_number, marketo_id LIMIT $4) AS gone \
         ORDER BY change_number, marketo_id LIMIT $4",
        columns = *COLUMNS,
        no_texts = SyncField::TEXTS.iter().map(|text| format!("NULL AS {}", text.definition().name)).collect::<Vec<_>>().join(", "),
    )
});

#[derive(sqlx::FromRow)]
struct ChangeRow {
    change_number: i64,
    removed: i64,
    #[sqlx(flatten)]
    person: Person,
}

/// Lists the changes behind `after` in order, at most `limit`: each person once, at the last change. One statement sees both tables at the
/// same moment, so nobody falls between them.
pub async fn changes(db: &Db, instance: InstanceId, after: ChangeCursor, limit: i64) -> Result<Vec<PersonChange>, DbError> {
    let rows: Vec<ChangeRow> =
        on!(db, c => db::query_as(CHANGES.as_str()).bind(instance).bind(after.change).bind(after.marketo_id).bind(limit).fetch_all(c))?;
    let change = |row: ChangeRow| PersonChange {
        cursor: ChangeCursor { change: row.change_number, marketo_id: row.person.marketo_id },
        at: row.person.synced_at,
        person: (row.removed == 0).then_some(row.person),
    };
    Ok(rows.into_iter().map(change).collect())
}
