//! Finds people by the beginning of a name, in the order of the names. Two indexes hold the same keys as the expressions here (migration
//! 0018): the first 80 characters, in lower case and in byte order. Lower case is what the engine makes of it: SQLite lowers A to Z,
//! PostgreSQL the letters of its locale.

use super::columns::columns;
use crate::db::{Db, DbError, ReadPool, on};
use crate::ids::InstanceId;
use crate::people::{ListedPerson, PeopleCursor, Person};

/// First and last name with a space between, in lower case.
macro_rules! full_name {
    () => {
        "lower(COALESCE(first_name || ' ', '') || COALESCE(last_name, ''))"
    };
}

macro_rules! last_name {
    () => {
        "lower(COALESCE(last_name, ''))"
    };
}

/// Whether a name begins with `$text`, however long that is.
macro_rules! begins {
    ($name:expr, $text:literal) => {
        concat!("substr(", $name, ", 1, length(lower(", $text, "))) = lower(", $text, ")")
    };
}
pub(super) use {begins, full_name, last_name};

/// A name's key, as an index holds it.
macro_rules! key {
    ($name:expr, $collate:literal) => {
        concat!("substr(", $name, ", 1, 80)", $collate)
    };
}

/// The key to start at: that of the place, but none before the prefix.
macro_rules! start {
    ($place:literal, $collate:literal) => {
        concat!("CASE WHEN ", $place, " < substr(lower($2), 1, 80)", $collate, " THEN substr(lower($2), 1, 80) ELSE ", $place, " END")
    };
}

/// The rows of one of the two indexes whose key is in the range of the prefix `$2` and behind the place `$place`, `$id`. The range is
/// exact unless the prefix is longer than a key. SQLite takes the lower end of the range from one comparison, PostgreSQL from the other.
macro_rules! by_key {
    ($part:literal, $name:expr, $more:expr, $place:literal, $id:literal, $collate:literal) => {
        concat!(
            "SELECT * FROM (SELECT CAST(",
            $part,
            " AS bigint) AS by_last_name, ",
            key!($name, $collate),
            " AS name_key, ",
            columns!(),
            " FROM people WHERE instance_id = $1 AND ",
            $more,
            " AND ",
            key!($name, $collate),
            // This sorts behind every text that begins with the prefix, because no name has the last of all code points.
            " < substr(lower($2), 1, 80) || '\u{10FFFF}' AND ",
            key!($name, $collate),
            " >= ",
            start!($place, $collate),
            " AND (",
            key!($name, $collate),
            ", marketo_id) > (",
            start!($place, $collate),
            ", ",
            $id,
            ") AND (length($2) <= 80 OR ",
            begins!($name, "$2"),
            ") ORDER BY ",
            key!($name, $collate),
            ", marketo_id LIMIT $3) AS part_",
            $part
        )
    };
}

/// People whose full name begins with the prefix, then those whose last name does and whose full name doesn't.
macro_rules! by_name {
    ($collate:literal) => {
        concat!(
            by_key!("0", full_name!(), "$4 = 0", "$5", "$6", $collate),
            " UNION ALL ",
            by_key!("1", last_name!(), concat!("NOT ", begins!(full_name!(), "$2")), "$7", "$8", $collate),
            " ORDER BY by_last_name, name_key, marketo_id LIMIT $3"
        )
    };
}

pub(super) const SQLITE: &str = by_name!("");
const POSTGRES: &str = by_name!(" COLLATE \"C\"");

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
        ReadPool::Sqlite(_) => SQLITE,
        ReadPool::Postgres(_) => POSTGRES,
    };
    let here = (after.name_key.as_str(), after.marketo_id);
    let start = ("", 0);
    let (full, last) = if after.by_last_name { (start, here) } else { (here, start) };
    let rows: Vec<NamedPersonRow> = on!(db, c => sqlx::query_as(sql)
        .bind(instance).bind(prefix).bind(limit).bind(i64::from(after.by_last_name))
        .bind(full.0).bind(full.1).bind(last.0).bind(last.1)
        .fetch_all(c))?;
    let listed = |row: NamedPersonRow| {
        let cursor = PeopleCursor { by_last_name: row.by_last_name == 1, name_key: row.name_key, marketo_id: row.person.marketo_id };
        ListedPerson { person: row.person, cursor }
    };
    Ok(rows.into_iter().map(listed).collect())
}
