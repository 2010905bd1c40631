use sqlx::{AssertSqlSafe, Sqlite, Transaction};

use super::rows::BulkValue;
use super::{ColumnKind, PackedRows, Table};
use crate::db::{self, DbError};

/// PackedRows of one statement. One size, so that the statement is prepared once; more gain nothing.
const AT_ONCE: usize = 50;

pub(super) fn definition(table: &Table) -> String {
    let columns: Vec<_> = table
        .columns
        .iter()
        .enumerate()
        .map(|(index, column)| {
            let kind = match column.kind {
                ColumnKind::Integer => "INTEGER NOT NULL",
                ColumnKind::Text => "TEXT",
            };
            format!("{} {kind}{}", column.name, if table.keyed && index == 0 { " PRIMARY KEY" } else { "" })
        })
        .collect();
    // A whole number that is the key is the place of the row itself; a text needs the table to be kept in its order.
    let by_text = table.keyed && table.columns.first().is_some_and(|first| first.kind == ColumnKind::Text);
    format!("CREATE TABLE IF NOT EXISTS {} ({}) {}STRICT", table.name, columns.join(", "), if by_text { "WITHOUT ROWID, " } else { "" })
}

pub(super) async fn insert(transaction: &mut Transaction<'static, Sqlite>, table: &Table, rows: &PackedRows) -> Result<(), DbError> {
    let width = table.columns.len();
    let mut values = Vec::with_capacity(usize::try_from(rows.len()).unwrap_or(0) * width);
    rows.unpack(table.columns.iter().map(|column| column.kind), |value| values.push(value));
    for some in values.chunks(AT_ONCE * width) {
        let statement = statement(table, some.len() / width);
        let mut query = db::query(AssertSqlSafe(statement.as_str())).persistent(some.len() == AT_ONCE * width);
        for value in some {
            query = match value {
                BulkValue::Integer(number) => query.bind(*number),
                BulkValue::Text(text) => query.bind(*text),
            };
        }
        query.execute(&mut **transaction).await?;
    }
    Ok(())
}

/// `INSERT OR REPLACE INTO t (a, b) VALUES (?, ?), (?, ?)`. The parameters have no names: SQLite finds a name by going through all
/// of them, and binding asks for each one's.
fn statement(table: &Table, rows: usize) -> String {
    let row = format!("({})", vec!["?"; table.columns.len()].join(", "));
    format!("INSERT OR REPLACE INTO {} ({}) VALUES {}", table.name, table.names(), vec![row.as_str(); rows].join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::bulk::Column;

    #[test]
    fn a_key_is_the_row_itself_or_its_order() {
        let columns: &[Column] = &[Column { name: "a", kind: ColumnKind::Integer }, Column { name: "b", kind: ColumnKind::Text }];
        let table = Table { name: "t".into(), columns, keyed: true };
        assert_eq!(definition(&table), "CREATE TABLE IF NOT EXISTS t (a INTEGER NOT NULL PRIMARY KEY, b TEXT) STRICT");
        assert_eq!(statement(&table, 2), "INSERT OR REPLACE INTO t (a, b) VALUES (?, ?), (?, ?)");
        let by_text = Table { columns: &columns[1..], ..table };
        assert_eq!(definition(&by_text), "CREATE TABLE IF NOT EXISTS t (b TEXT PRIMARY KEY) WITHOUT ROWID, STRICT");
    }
}
