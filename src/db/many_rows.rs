//! Statements over many rows: thousands of rows by some statements instead of some thousand.

use std::fmt::Write;

use super::Tx;

/// Most rows of one statement. Of our widest table that is some 4,000 parameters, where SQLite takes 32,766 and PostgreSQL 65,535.
pub(crate) const ROWS_PER_STATEMENT: usize = 250;

/// Whether statements of so many rows come again and again, so that it pays to prepare one: single rows and full ones do.
pub(crate) fn is_usual_size(rows: usize) -> bool {
    rows == 1 || rows == ROWS_PER_STATEMENT
}

/// Inserts rows by as few statements as may be, and returns how many were: `insert_rows!(tx, "INSERT INTO t (a, b)", rows, |row| [row.a, &row.b])`.
/// What stands behind the values, such as `ON CONFLICT DO NOTHING`, comes last.
macro_rules! insert_rows {
    ($tx:expr, $into:literal, $rows:expr, |$row:pat_param| [$($value:expr),+ $(,)?]) => {
        $crate::db::insert_rows!($tx, $into, $rows, |$row| [$($value),+], "")
    };
    ($tx:expr, $into:literal, $rows:expr, |$row:pat_param| [$($value:expr),+ $(,)?], $behind:literal) => {
        async {
            let mut inserted: u64 = 0;
            for some in $rows.chunks($crate::db::ROWS_PER_STATEMENT) {
                let columns = [$(stringify!($value)),+].len();
                let sql = format!("{} VALUES {} {}", $into, $crate::db::value_rows(&*$tx, columns, some.len()), $behind);
                inserted += $crate::db::execute!($tx, {
                    let is_usual = $crate::db::is_usual_size(some.len());
                    let mut query = $crate::db::query(sqlx::AssertSqlSafe(sql.as_str())).persistent(is_usual);
                    for $row in some {
                        query = query$(.bind($value))+;
                    }
                    query
                })?;
            }
            Ok::<u64, $crate::db::DbError>(inserted)
        }
        .await
    };
}

/// Fetches the rows of many keys by as few statements as may be: `fetch_by_keys!(tx, [instance], keys, "SELECT … WHERE instance_id = $1
/// AND key IN", "ORDER BY size")`. What stands in the brackets is bound as `$1` and on; the order holds within a key's rows.
macro_rules! fetch_by_keys {
    ($tx:expr, [$($value:expr),+], $keys:expr, $select:expr, $behind:literal) => {
        async {
            let mut found = Vec::new();
            for some in $keys.chunks($crate::db::ROWS_PER_STATEMENT) {
                let first = [$(stringify!($value)),+].len() + 1;
                let sql = format!("{} ({}) {}", $select, $crate::db::parameters(first, some.len()), $behind);
                found.extend($crate::db::on_tx!($tx, c => {
                    let is_usual = $crate::db::is_usual_size(some.len());
                    let mut query = $crate::db::query_as(sqlx::AssertSqlSafe(sql.as_str())).persistent(is_usual)$(.bind($value))+;
                    for key in some {
                        query = query.bind(key);
                    }
                    query.fetch_all(c)
                })?);
            }
            Ok::<_, $crate::db::DbError>(found)
        }
        .await
    };
}

pub(crate) use {fetch_by_keys, insert_rows};

/// The rows behind `VALUES`: `($1, $2), ($3, $4)`. On SQLite the parameters have no names, since it finds a name by going through all of
/// them, and binding asks for each one's.
pub(crate) fn value_rows(tx: &Tx, columns: usize, rows: usize) -> String {
    match tx {
        Tx::Sqlite(_) => vec![format!("({})", vec!["?"; columns].join(", ")); rows].join(", "),
        Tx::Postgres(_) => {
            let row = |row: usize| format!("({})", parameters(row * columns + 1, columns));
            (0..rows).map(row).collect::<Vec<_>>().join(", ")
        }
    }
}

/// So many parameters from `first` on: `$2, $3`.
pub(crate) fn parameters(first: usize, count: usize) -> String {
    let mut text = String::with_capacity(count * 6);
    for number in first..first + count {
        let separator = if number == first { "" } else { ", " };
        let written = write!(text, "{separator}${number}");
        // Writing into a text can't fail.
        debug_assert!(written.is_ok());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::DatabaseUrl;
    use crate::db::{Db, DbError};

    #[test]
    fn parameters_are_counted_on() {
        assert_eq!(parameters(1, 0), "");
        assert_eq!(parameters(2, 3), "$2, $3, $4");
    }

    #[tokio::test]
    async fn rows_of_several_statements_are_inserted_and_found_by_their_keys() {
        let directory = tempfile::tempdir().unwrap();
        let db = Db::connect(&DatabaseUrl::Sqlite(directory.path().join("many.db")), 1).await.unwrap();
        let mut tx = db.begin().await.unwrap();
        let made: Result<u64, DbError> =
            crate::db::execute!(&mut tx, crate::db::query("CREATE TABLE fruits (basket, name PRIMARY KEY, size)"));
        made.unwrap();
        let fruits: Vec<(String, i64)> = (0..600).map(|size| (format!("fruit{size}"), size)).collect();
        let tx = &mut tx;
        let insert = async |tx: &mut Tx, fruits: &[(String, i64)]| {
            insert_rows!(
                tx,
                "INSERT INTO fruits (basket, name, size)",
                fruits,
                |(name, size)| [7_i64, name, size],
                "ON CONFLICT DO NOTHING"
            )
        };
        assert_eq!(insert(tx, &fruits).await.unwrap(), 600);
        assert_eq!(insert(tx, &fruits[590..]).await.unwrap(), 0);
        let keys: Vec<String> = fruits.iter().map(|(name, _)| name.clone()).chain(["none".to_owned()]).collect();
        let found: Vec<(String, i64)> =
            fetch_by_keys!(tx, [7_i64], keys, "SELECT name, size FROM fruits WHERE basket = $1 AND name IN", "ORDER BY size").unwrap();
        assert_eq!(found, fruits);
    }
}
