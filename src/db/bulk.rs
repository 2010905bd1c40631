//! Writing many rows in one go. The engines differ here: PostgreSQL takes whole columns as arrays in one statement; SQLite has
//! no arrays, but no way to a server either, so that statements of some rows each do as well.

use std::fmt::Write as _;

use sqlx::AssertSqlSafe;

use super::{DbError, Tx};
use crate::ids::{InstanceId, RunId};

/// Rows of one statement on SQLite. One size, so that the statement is prepared once; more gain nothing.
const SQLITE_ROWS: usize = 50;

/// Rows to be written, column by column. All columns have the same length.
#[derive(Debug)]
pub struct Column<'a> {
    /// Name in the table.
    pub name: &'static str,
    /// A value for each row.
    pub values: Values<'a>,
}

/// The values of a column.
#[derive(Debug)]
pub enum Values<'a> {
    Integers(Vec<i64>),
    Texts(Vec<Option<&'a str>>),
}

impl Values<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Integers(values) => values.len(),
            Self::Texts(values) => values.len(),
        }
    }
}

/// Writes rows of a run into `table`, whose key is instance, run and the first of `columns`; a row of that key is replaced. No
/// two of the rows may have the same key.
///
/// # Errors
/// When the database refuses them.
pub async fn upsert(tx: &mut Tx, table: &'static str, instance: InstanceId, run: RunId, columns: &[Column<'_>]) -> Result<(), DbError> {
    let rows = columns.first().map_or(0, |column| column.values.len());
    debug_assert!(columns.iter().all(|column| column.values.len() == rows));
    if rows == 0 {
        return Ok(());
    }
    match tx {
        Tx::Sqlite(transaction) => {
            for begin in (0..rows).step_by(SQLITE_ROWS) {
                let end = rows.min(begin + SQLITE_ROWS);
                let mut query = sqlx::query(AssertSqlSafe(sqlite_statement(table, columns, end - begin)))
                    .persistent(end - begin == SQLITE_ROWS)
                    .bind(instance)
                    .bind(run);
                for row in begin..end {
                    for column in columns {
                        query = match &column.values {
                            Values::Integers(values) => query.bind(values[row]),
                            Values::Texts(values) => query.bind(values[row]),
                        };
                    }
                }
                query.execute(&mut **transaction).await?;
            }
        }
        Tx::Postgres(transaction) => {
            let mut query = sqlx::query(AssertSqlSafe(postgres_statement(table, columns))).bind(instance).bind(run);
            for column in columns {
                query = match &column.values {
                    Values::Integers(values) => query.bind(values),
                    Values::Texts(values) => query.bind(values),
                };
            }
            query.execute(&mut **transaction).await?;
        }
    }
    Ok(())
}

/// `INSERT INTO t (instance_id, run_id, a, b) VALUES ($1, $2, $3, $4), ($1, $2, $5, $6) ON CONFLICT …`
fn sqlite_statement(table: &str, columns: &[Column<'_>], rows: usize) -> String {
    let mut sql = begin(table, columns);
    sql.push_str("VALUES ");
    for row in 0..rows {
        sql.push_str(if row == 0 { "($1, $2" } else { ", ($1, $2" });
        for column in 0..columns.len() {
            // Writing to a String doesn't fail.
            let _ = write!(sql, ", ${}", 3 + row * columns.len() + column);
        }
        sql.push(')');
    }
    end(&mut sql, columns);
    sql
}

/// `INSERT INTO t (instance_id, run_id, a, b) SELECT $1, $2, rows.* FROM UNNEST($3::bigint[], $4::text[]) AS rows ON CONFLICT …`
fn postgres_statement(table: &str, columns: &[Column<'_>]) -> String {
    let mut sql = begin(table, columns);
    sql.push_str("SELECT $1, $2, rows.* FROM UNNEST(");
    for (place, column) in columns.iter().enumerate() {
        let kind = match column.values {
            Values::Integers(_) => "bigint",
            Values::Texts(_) => "text",
        };
        let comma = if place == 0 { "" } else { ", " };
        let _ = write!(sql, "{comma}${}::{kind}[]", 3 + place);
    }
    sql.push_str(") AS rows");
    end(&mut sql, columns);
    sql
}

fn begin(table: &str, columns: &[Column<'_>]) -> String {
    let names: Vec<_> = columns.iter().map(|column| column.name).collect();
    format!("INSERT INTO {table} (instance_id, run_id, {}) ", names.join(", "))
}

fn end(sql: &mut String, columns: &[Column<'_>]) {
    let (key, rest) = columns.split_first().map_or(("", columns), |(key, rest)| (key.name, rest));
    let changes: Vec<_> = rest.iter().map(|column| format!("{0} = excluded.{0}", column.name)).collect();
    let _ = write!(sql, " ON CONFLICT (instance_id, run_id, {key}) DO UPDATE SET {}", changes.join(", "));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_text_a_table_for_each_engine() {
        let columns = [
            Column { name: "id", values: Values::Integers(vec![1, 2]) },
            Column { name: "name", values: Values::Texts(vec![Some("a"), None]) },
        ];
        let end = "ON CONFLICT (instance_id, run_id, id) DO UPDATE SET name = excluded.name";
        assert_eq!(
            sqlite_statement("t", &columns, 2),
            format!("INSERT INTO t (instance_id, run_id, id, name) VALUES ($1, $2, $3, $4), ($1, $2, $5, $6) {end}")
        );
        assert_eq!(
            postgres_statement("t", &columns),
            format!(
                "INSERT INTO t (instance_id, run_id, id, name) SELECT $1, $2, rows.* FROM UNNEST($3::bigint[], $4::text[]) AS rows {end}"
            )
        );
    }
}
