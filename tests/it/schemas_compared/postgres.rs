//! What PostgreSQL's catalog tells (<https://www.postgresql.org/docs/15/catalogs.html>).

use sqlx::PgPool;

use super::expressions::of_postgres;
use super::{ColumnShape, ForeignKeyShape, IndexShape, Shapes, TableShape};

pub async fn shapes(pool: &PgPool) -> Shapes {
    const TABLES: &str = "SELECT relname::text FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p') \
         AND NOT relispartition AND relname NOT LIKE '\\_sqlx%'";
    let tables: Vec<String> = sqlx::query_scalar(TABLES).fetch_all(pool).await.unwrap();
    let mut shapes = Shapes::new();
    for table in tables {
        let mut shape = TableShape::default();
        add_columns(pool, &table, &mut shape).await;
        add_constraints(pool, &table, &mut shape).await;
        add_indexes(pool, &table, &mut shape).await;
        shapes.insert(table, shape);
    }
    shapes
}

/// What SQLite declares for a type.
fn kind_on_sqlite(kind: &str) -> &str {
    match kind {
        "uuid" | "bytea" => "BLOB",
        "text" | "jsonb" | "timestamp with time zone" => "TEXT",
        "bigint" | "boolean" => "INTEGER",
        other => other,
    }
}

async fn add_columns(pool: &PgPool, table: &str, shape: &mut TableShape) {
    const SQL: &str = "SELECT a.attname::text, format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid) \
         FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum \
         WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped";
    let rows: Vec<(String, String, bool, Option<String>)> = sqlx::query_as(SQL).bind(table).fetch_all(pool).await.unwrap();
    for (name, kind, is_not_null, default) in rows {
        let (kind, default) = (kind_on_sqlite(&kind).to_owned(), default.as_deref().map(of_postgres));
        shape.columns.insert(name, ColumnShape { kind, is_nullable: !is_not_null, default });
    }
}

/// A constraint: its kind, columns, referenced table and columns, what is done on deletion, and its condition.
type ConstraintRow = (String, Vec<String>, Option<String>, Vec<String>, String, Option<String>);

async fn add_constraints(pool: &PgPool, table: &str, shape: &mut TableShape) {
    const SQL: &str = "SELECT c.contype::text, \
             ARRAY(SELECT a.attname::text FROM unnest(c.conkey) WITH ORDINALITY AS k (number, place) \
                   JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.number ORDER BY k.place), \
             (SELECT relname::text FROM pg_class WHERE oid = c.confrelid), \
             ARRAY(SELECT a.attname::text FROM unnest(c.confkey) WITH ORDINALITY AS k (number, place) \
                   JOIN pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = k.number ORDER BY k.place), \
             c.confdeltype::text, pg_get_expr(c.conbin, c.conrelid) \
         FROM pg_constraint c WHERE c.conrelid = to_regclass($1)";
    let rows: Vec<ConstraintRow> = sqlx::query_as(SQL).bind(table).fetch_all(pool).await.unwrap();
    for (kind, columns, referenced_table, referenced, on_delete, condition) in rows {
        match kind.as_str() {
            "p" => shape.primary_key = columns,
            "c" => drop(shape.checks.insert(of_postgres(&condition.unwrap()))),
            "f" => {
                let on_delete = match on_delete.as_str() {
                    "a" => "NO ACTION",
                    "c" => "CASCADE",
                    "n" => "SET NULL",
                    other => other,
                };
                let table = referenced_table.unwrap();
                shape.foreign_keys.insert(ForeignKeyShape { columns, table, referenced, on_delete: on_delete.to_owned() });
            }
            // Unique ones have an index; NOT NULL is the column's.
            _ => {}
        }
    }
}

async fn add_indexes(pool: &PgPool, table: &str, shape: &mut TableShape) {
    const SQL: &str = "SELECT i.indisunique, \
             ARRAY(SELECT pg_get_indexdef(i.indexrelid, place, TRUE) FROM generate_series(1, i.indnkeyatts::int) AS place ORDER BY place), \
             pg_get_expr(i.indpred, i.indrelid) \
         FROM pg_index i WHERE i.indrelid = to_regclass($1) AND NOT i.indisprimary";
    let rows: Vec<(bool, Vec<String>, Option<String>)> = sqlx::query_as(SQL).bind(table).fetch_all(pool).await.unwrap();
    for (is_unique, columns, predicate) in rows {
        let columns = columns.iter().map(|column| of_postgres(column)).collect();
        shape.indexes.insert(IndexShape { columns, is_unique, predicate: predicate.as_deref().map(of_postgres) });
    }
}
