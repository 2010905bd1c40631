//! What SQLite's catalog tells (<https://www.sqlite.org/pragma.html>), and the statements it keeps of what that leaves out.

use std::collections::BTreeSet;

use sqlparser::ast::{ColumnOption, Statement, TableConstraint};
use sqlparser::dialect::SQLiteDialect;
use sqlparser::parser::Parser;
use sqlx::SqlitePool;

use super::expressions::{canonical, of_sqlite};
use super::{ColumnShape, ForeignKeyShape, IndexShape, Shapes, TableShape};

pub async fn shapes(pool: &SqlitePool) -> Shapes {
    const TABLES: &str = "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name NOT LIKE '_sqlx%'";
    let tables: Vec<(String, String)> = sqlx::query_as(TABLES).fetch_all(pool).await.unwrap();
    let mut shapes = Shapes::new();
    for (table, sql) in tables {
        let mut shape = TableShape { checks: checks(&sql), ..TableShape::default() };
        add_columns(pool, &table, &mut shape).await;
        add_foreign_keys(pool, &table, &mut shape).await;
        add_indexes(pool, &table, &mut shape).await;
        shapes.insert(table, shape);
    }
    shapes
}

fn parse(sql: &str) -> Statement {
    Parser::parse_sql(&SQLiteDialect {}, sql).unwrap_or_else(|error| panic!("{error}: {sql}")).remove(0)
}

fn checks(sql: &str) -> BTreeSet<String> {
    let Statement::CreateTable(table) = parse(sql) else { panic!("{sql}") };
    let of_columns = table.columns.iter().flat_map(|column| &column.options).filter_map(|option| match &option.option {
        ColumnOption::Check(check) => Some(canonical(&check.expr)),
        _ => None,
    });
    let of_table = table.constraints.iter().filter_map(|constraint| match constraint {
        TableConstraint::Check(check) => Some(canonical(&check.expr)),
        _ => None,
    });
    of_columns.chain(of_table).collect()
}

async fn add_columns(pool: &SqlitePool, table: &str, shape: &mut TableShape) {
    const SQL: &str = "SELECT name, type, \"notnull\", dflt_value, pk FROM pragma_table_info($1)";
    let rows: Vec<(String, String, bool, Option<String>, i64)> = sqlx::query_as(SQL).bind(table).fetch_all(pool).await.unwrap();
    let mut key: Vec<_> = rows.iter().filter(|row| row.4 > 0).map(|row| (row.4, row.0.clone())).collect();
    key.sort();
    shape.primary_key = key.into_iter().map(|(_, name)| name).collect();
    for (name, kind, is_not_null, default, position_in_key) in rows {
        let default = default.as_deref().map(of_sqlite);
        // The columns of a STRICT table's key are never NULL.
        shape.columns.insert(name, ColumnShape { kind, is_nullable: !is_not_null && position_in_key == 0, default });
    }
}

async fn add_foreign_keys(pool: &SqlitePool, table: &str, shape: &mut TableShape) {
    const SQL: &str = "SELECT id, \"table\", \"from\", \"to\", on_delete FROM pragma_foreign_key_list($1) ORDER BY id, seq";
    let rows: Vec<(i64, String, String, String, String)> = sqlx::query_as(SQL).bind(table).fetch_all(pool).await.unwrap();
    for columns in rows.chunk_by(|one, other| one.0 == other.0) {
        shape.foreign_keys.insert(ForeignKeyShape {
            columns: columns.iter().map(|column| column.2.clone()).collect(),
            table: columns[0].1.clone(),
            referenced: columns.iter().map(|column| column.3.clone()).collect(),
            on_delete: columns[0].4.clone(),
        });
    }
}

async fn add_indexes(pool: &SqlitePool, table: &str, shape: &mut TableShape) {
    const INDEXES: &str = "SELECT l.name, l.\"unique\", m.sql FROM pragma_index_list($1) l JOIN sqlite_master m ON m.name = l.name \
         WHERE l.origin <> 'pk'";
    const COLUMNS: &str = "SELECT name FROM pragma_index_info($1) ORDER BY seqno";
    let rows: Vec<(String, bool, Option<String>)> = sqlx::query_as(INDEXES).bind(table).fetch_all(pool).await.unwrap();
    for (name, is_unique, sql) in rows {
        // Only a constraint's index has no statement, and it has neither expressions nor a condition.
        let (columns, predicate) = match sql.as_deref().map(parse) {
            Some(Statement::CreateIndex(index)) => {
                (index.columns.iter().map(|column| canonical(&column.column.expr)).collect(), index.predicate.as_ref().map(canonical))
            }
            _ => (sqlx::query_scalar(COLUMNS).bind(&name).fetch_all(pool).await.unwrap(), None),
        };
        shape.indexes.insert(IndexShape { columns, is_unique, predicate });
    }
}
