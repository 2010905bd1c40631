//! Reading the vendors' CSV, row by row, on a thread that may block, and packing it for the database. Memory holds a parcel at a
//! time, whatever the file holds.

mod owners;
mod people;
mod records;
mod rejected;
mod rejection;

pub(super) use owners::{OWNER_COLUMNS, OwnersOutcome, read_owners};
pub(super) use people::{PEOPLE_COLUMNS, PeopleOutcome, Window, read_people};
pub(super) use rejected::read_rejected;
pub(super) use rejection::RejectedRecord;
pub use rejection::RejectedRow;

use crate::db::bulk::Rows;

/// Bytes of a parcel, about; it also ends at a number of rows.
const PARCEL: usize = 512 * 1024;

/// Packs rows into parcels and hands them on.
struct Parcels<F> {
    rows: Rows,
    most: i64,
    take: F,
}

impl<F: FnMut(Rows) -> bool> Parcels<F> {
    fn new(most_rows: usize, take: F) -> Self {
        Self { rows: Rows::with_capacity(PARCEL), most: i64::try_from(most_rows).unwrap_or(i64::MAX), take }
    }

    /// Hands the parcel on if it is full; `false` when nobody wants more.
    fn pass_on(&mut self) -> bool {
        if self.rows.len() < self.most && self.rows.bytes() < PARCEL - PARCEL / 16 {
            return true;
        }
        (self.take)(std::mem::replace(&mut self.rows, Rows::with_capacity(PARCEL)))
    }

    /// Hands the rest on.
    fn end(mut self) {
        if !self.rows.is_empty() {
            (self.take)(self.rows);
        }
    }
}
