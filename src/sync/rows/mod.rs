//! Reading the vendors' CSV, row by row, on a thread that may block. Memory holds a batch at a time, whatever the file holds.

mod limit;
mod owners;
mod people;

pub(super) use owners::{OwnerRow, read_owners};
pub(super) use people::{PeopleOutcome, PersonRow, read_people};

use std::io::Read;

use limit::RecordLimit;

/// Largest record that is read, in bytes. Thirteen fields of Marketo's longest text type stay well below.
const LARGEST_RECORD: usize = 1024 * 1024;

/// A reader of records that may have any number of fields; what is too large comes out with too many.
fn records(from: impl Read) -> csv::Reader<impl Read> {
    csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .buffer_capacity(64 * 1024)
        .from_reader(RecordLimit::new(from, LARGEST_RECORD))
}

/// The text of a field without NUL characters, which PostgreSQL can't keep and which have been seen in exports.
fn text(field: &[u8]) -> Option<std::borrow::Cow<'_, str>> {
    let text = std::str::from_utf8(field).ok()?;
    Some(if text.contains('\0') { text.replace('\0', "").into() } else { text.into() })
}
