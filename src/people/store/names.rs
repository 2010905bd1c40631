//! Finds people by the beginning of a name, in the order of the names. Two indexes hold the same keys as the expressions here (migration
//! 0018): the first 80 characters, in lower case and in byte order. Lower case is what the engine makes of it: SQLite lowers A to Z,
//! PostgreSQL the letters of its locale.

use std::sync::LazyLock;

use super::columns::COLUMNS;
use crate::db::{self, Db, DbError, ReadPool, on};
use crate::ids::InstanceId;
use crate::people::{ListedPerson, PeopleCursor, Person};

/// First and last name with a space between, in lower case.
pub(super) const FULL_NAME: &str = "lower(COALESCE(first_name || ' ', '') || COALESCE(last_name, ''))";
pub(super) const LAST_NAME: &str = "lower(COALESCE(last_name, ''))";

/// Writes the condition that a name begins with `text`, however long that is.
pub(super) fn begins_with(name: &str, text: &str) -> String {
    format!("substr({name}, 1, length(lower({text}))) = lower({text})")
}

pub(super) static SQLITE: LazyLock<String> = LazyLock::new(|| write_statement(""));
static POSTGRES: LazyLock<String> = LazyLock::new(|| write_statement(" COLLATE \"C\""));

/// Writes the statement that lists people by the prefix `$2`, at most `$3`: those whose full name begins with it, behind the name key
/// `$5` and the id `$6`, then those whose last name does and whose full name doesn't, behind `$7` and `$8`. The first ones are left out
/// unless `$4` is 0. `byte_order` makes PostgreSQL compare keys as the indexes do.
fn write_statement(byte_order: &str) -> String {
    let not_by_full_name = format!("NOT {}", begins_with(FULL_NAME, "$2"));
    format!(
        "SELECT * FROM ({by_full_name}) AS by_full_name \
         UNION ALL SELECT * FROM ({by_last_name}) AS only_by_last_name \
         ORDER BY by_last_name, name_key, marketo_id LIMIT $3",
        by_full_name = write_half(0, FULL_NAME, "$4 = 0", ("$5", "$6"), byte_order),
        by_last_name = write_half(1, LAST_NAME, &not_by_full_name, ("$7", "$8"), byte_order),
    )
}

/// Writes the half that one of the two indexes serves. The range of keys is exact unless the prefix is longer than a key. SQLite takes its
/// lower end from one comparison, PostgreSQL from the other.
fn write_half(by_last_name: u8, name: &str, condition: &str, (after_key, after_id): (&str, &str), byte_order: &str) -> String {
    let columns = &*COLUMNS;
    let key = format!("substr({name}, 1, 80){byte_order}");
    let prefix = "substr(lower($2), 1, 80)";
    // The place to read on from, but none before the prefix.
    let start = format!("CASE WHEN {after_key} < {prefix}{byte_order} THEN {prefix} ELSE {after_key} END");
    // This sorts behind every text that begins with the prefix, because no name has the last of all code points.
    let end = format!("{prefix} || '\u{10FFFF}'");
    let begins = begins_with(name, "$2");
    format!(
        "SELECT CAST({by_last_name} AS bigint) AS by_last_name, {key} AS name_key, {columns} FROM people \
         WHERE instance_id = $1 AND {condition} AND {key} < {end} AND {key} >= {start} AND ({key}, marketo_id) > ({start}, {after_id}) \
             AND (length($2) <= 80 OR {begins}) \
         ORDER BY {key}, marketo_id LIMIT $3"
    )
}

#[derive(sqlx::FromRow)]
struct NamedPersonRow {
    by_last_name: i64,
    name_key: String,
    #[sqlx(flatten)]
    person: Person,
}

/// Lists the people whose full or last name begins with `prefix`: by full name, then the others by last name; those behind `after`, at
/// most `limit`.
pub(super) async fn list_by_name(
    db: &Db,
    instance: InstanceId,
    prefix: &str,
    after: &PeopleCursor,
    limit: i64,
) -> Result<Vec<ListedPerson>, DbError> {
    let sql = match db.reader() {
        ReadPool::Sqlite(_) => SQLITE.as_str(),
        ReadPool::Postgres(..) => POSTGRES.as_str(),
    };
    let here = (after.name_key.as_str(), after.marketo_id);
    let start = ("", 0);
    let (full, last) = if after.by_last_name { (start, here) } else { (here, start) };
    let rows: Vec<NamedPersonRow> = on!(db, c => db::query_as(sql)
        .bind(instance).bind(prefix).bind(limit).bind(i64::from(after.by_last_name))
        .bind(full.0).bind(full.1).bind(last.0).bind(last.1)
        .fetch_all(c))?;
    let listed = |row: NamedPersonRow| {
        let cursor = PeopleCursor { by_last_name: row.by_last_name == 1, name_key: row.name_key, marketo_id: row.person.marketo_id };
        ListedPerson { person: row.person, cursor }
    };
    Ok(rows.into_iter().map(listed).collect())
}
