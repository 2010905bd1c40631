use std::sync::atomic::{AtomicI64, Ordering};

use sqlx::{Postgres, Transaction};
use tokio::sync::mpsc::Receiver;

use super::{ColumnKind, PackedRows, Table};
use crate::db::{DbError, statements};

/// Signature, flags and no extension.
const HEAD: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// In place of a row's number of columns.
const TAIL: &[u8] = &(-1_i16).to_be_bytes();

pub(super) fn definition(table: &Table) -> String {
    let columns: Vec<_> = table
        .columns
        .iter()
        .map(|column| match column.kind {
            ColumnKind::Integer => format!("{} bigint NOT NULL", column.name),
            // Compared as bytes, which is what equality means and what sorts fastest.
            ColumnKind::Text => format!("{} text COLLATE \"C\"", column.name),
        })
        .collect();
    format!("CREATE UNLOGGED TABLE IF NOT EXISTS {} ({})", table.name, columns.join(", "))
}

pub(super) async fn copy(
    transaction: &mut Transaction<'static, Postgres>,
    table: &Table,
    arriving: &mut Receiver<PackedRows>,
    written: &AtomicI64,
) -> Result<(), DbError> {
    // Nothing is begun for nothing.
    let Some(mut rows) = arriving.recv().await else { return Ok(()) };
    let statement = format!("COPY {} ({}) FROM STDIN (FORMAT binary)", table.name, table.names());
    statements::report::<Postgres>(&statement);
    let mut copy = transaction.copy_in_raw(&statement).await?;
    copy.send(HEAD).await?;
    loop {
        copy.send(rows.packed()).await?;
        written.fetch_add(rows.len(), Ordering::Relaxed);
        match arriving.recv().await {
            Some(next) => rows = next,
            None => break,
        }
    }
    copy.send(TAIL).await?;
    copy.finish().await?;
    Ok(())
}
