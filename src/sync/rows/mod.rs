//! Reads the vendors' CSV row by row, on a thread that may block, and packs it for the database. Memory holds one batch of rows at a
//! time, however large the file is.

mod owners;
mod people;
mod records;
mod rejected;
mod rejection;

pub(super) use owners::{OWNER_COLUMNS, OwnersOutcome, read_owners};
pub(super) use people::{PEOPLE_COLUMNS, PeopleOutcome, SourceWindow, read_people};
pub(super) use rejected::read_rejected;
pub use rejection::RejectedRow;
pub(super) use rejection::{RejectedRecord, RejectionReason};

use crate::db::bulk::PackedRows;

/// About how many bytes a batch has; it also ends at a number of rows.
const BATCH_BYTES: usize = 512 * 1024;

/// Collects packed rows into batches and passes them on.
struct RowBatches<F> {
    rows: PackedRows,
    max: i64,
    take: F,
}

impl<F: FnMut(PackedRows) -> bool> RowBatches<F> {
    fn new(max_rows: usize, take: F) -> Self {
        Self { rows: PackedRows::with_capacity(BATCH_BYTES), max: i64::try_from(max_rows).unwrap_or(i64::MAX), take }
    }

    /// Passes the batch on if it is full; `false` when the receiver wants no more.
    fn flush_if_full(&mut self) -> bool {
        if self.rows.len() < self.max && self.rows.bytes() < BATCH_BYTES - BATCH_BYTES / 16 {
            return true;
        }
        (self.take)(std::mem::replace(&mut self.rows, PackedRows::with_capacity(BATCH_BYTES)))
    }

    /// Passes the rest on.
    fn flush(mut self) {
        if !self.rows.is_empty() {
            (self.take)(self.rows);
        }
    }
}
