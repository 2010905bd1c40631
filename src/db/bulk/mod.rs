//! Writing very many rows. They are packed once, on the thread that reads them, in the row format of PostgreSQL's binary `COPY`
//! (<https://www.postgresql.org/docs/15/sql-copy.html>): PostgreSQL takes the packed rows as they are, SQLite gets their values
//! bound to prepared statements.
//!
//! The tables are made for one piece of work and dropped after it. On PostgreSQL they are unlogged: a crash of the server empties
//! them, so that whoever fills one must keep elsewhere what belongs in it.

mod postgres;
mod rows;
mod sqlite;
mod unindexed;

use std::sync::atomic::{AtomicI64, Ordering};

use tokio::sync::mpsc::Receiver;

use super::{Db, DbError, Tx, execute};
use crate::db;

pub use rows::PackedRows;
pub(in crate::db) use unindexed::build_all;
pub use unindexed::{build_indexes, put_off_indexes};

/// A table of packed rows.
#[derive(Debug, Clone)]
pub struct Table {
    /// Its name; letters, digits and underscores.
    pub name: String,
    /// Its columns, in the order in which rows are packed.
    pub columns: &'static [Column],
    /// Whether the first column is a key on SQLite, where a row of the same key is replaced. PostgreSQL keeps both rows.
    pub keyed: bool,
}

/// A column.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    pub name: &'static str,
    pub kind: ColumnKind,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// 64 bits, never absent.
    Integer,
    /// Text; may be absent.
    Text,
}

impl Table {
    /// The names of the columns, separated by commas.
    fn names(&self) -> String {
        self.columns.iter().map(|column| column.name).collect::<Vec<_>>().join(", ")
    }
}

/// Makes the table unless it is there.
///
/// # Errors
/// When the database refuses.
pub async fn create(tx: &mut Tx, table: &Table) -> Result<(), DbError> {
    let statement = match tx {
        Tx::Sqlite(_) => sqlite::definition(table),
        Tx::Postgres(_) => postgres::definition(table),
    };
    execute!(tx, db::query(sqlx::AssertSqlSafe(statement.as_str())).persistent(false)).map(drop)
}

/// Drops the table, if it is there.
///
/// # Errors
/// When the database refuses.
pub async fn drop_table(tx: &mut Tx, name: &str) -> Result<(), DbError> {
    let statement = format!("DROP TABLE IF EXISTS {name}");
    execute!(tx, db::query(sqlx::AssertSqlSafe(statement.as_str())).persistent(false)).map(drop)
}

/// The names of all tables that begin with `prefix`.
pub async fn tables_named(db: &Db, prefix: &str) -> Result<Vec<String>, DbError> {
    match db {
        Db::Sqlite { readers, .. } => {
            const SQL: &str = "SELECT name FROM sqlite_master WHERE type = 'table' AND substr(name, 1, length($1)) = $1";
            Ok(db::query_scalar(SQL).bind(prefix).fetch_all(readers).await?)
        }
        Db::Postgres { pool, .. } => {
            const SQL: &str =
                "SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema() AND substr(tablename::text, 1, length($1)) = $1";
            Ok(db::query_scalar(SQL).bind(prefix).fetch_all(pool).await?)
        }
    }
}

/// Writes a few rows into the table, within a transaction.
///
/// # Errors
/// When the database refuses.
pub async fn insert(tx: &mut Tx, table: &Table, parcels: Vec<PackedRows>) -> Result<(), DbError> {
    match tx {
        Tx::Sqlite(transaction) => {
            for rows in &parcels {
                sqlite::insert(transaction, table, rows).await?;
            }
        }
        Tx::Postgres(transaction) => {
            let (sender, mut arriving) = tokio::sync::mpsc::channel(parcels.len().max(1));
            for rows in parcels {
                // There is room for all of them.
                let _ = sender.try_send(rows);
            }
            drop(sender);
            postgres::copy(transaction, table, &mut arriving, &AtomicI64::new(0)).await?;
        }
    }
    Ok(())
}

/// Writes rows into the table as they arrive, until no more come; `written` counts them. Gives the transaction with the last of
/// them, for what must be recorded together with it. PostgreSQL has all rows in this one transaction. SQLite has each parcel in its
/// own, so that other writers get their turn: a crash may leave some of the rows.
///
/// # Errors
/// When the database refuses or is lost.
pub async fn load(db: &Db, table: &Table, arriving: &mut Receiver<PackedRows>, written: &AtomicI64) -> Result<Tx, DbError> {
    if let Db::Postgres { .. } = db {
        let mut tx = db.begin().await?;
        if let Tx::Postgres(transaction) = &mut tx {
            postgres::copy(transaction, table, arriving, written).await?;
        }
        return Ok(tx);
    }
    while let Some(rows) = arriving.recv().await {
        let mut tx = db.begin().await?;
        if let Tx::Sqlite(transaction) = &mut tx {
            sqlite::insert(transaction, table, &rows).await?;
        }
        tx.commit().await?;
        written.fetch_add(rows.len(), Ordering::Relaxed);
    }
    db.begin().await
}
