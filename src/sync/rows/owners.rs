//! Reads pages of record ids and owners.

use std::io::Read;

use super::RowBatches;
use super::records::CsvRecords;
use crate::db::bulk::{Column, ColumnKind, PackedRows};
use crate::people::SalesforceId;
use crate::sync::SyncError;

/// The columns of packed owners: a Salesforce lead or contact, and the user or queue who owns it.
pub(in crate::sync) const OWNER_COLUMNS: &[Column] =
    &[Column { name: "salesforce_id", kind: ColumnKind::Text }, Column { name: "owner_id", kind: ColumnKind::Text }];

/// Counts and ids of a page that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sync) struct OwnersOutcome {
    pub records: i64,
    /// The first and the last record's id, and whether each is greater than the one before.
    pub ids: Option<([u8; 18], [u8; 18])>,
    pub is_ascending: bool,
}

/// Reads a page of `SELECT Id, OwnerId`, packs its records by [`OWNER_COLUMNS`] and passes them to `take` in batches of at most
/// `max_rows`. Stops when `take` returns `false`.
///
/// The columns come in the order of the query (since version 50 of the API). Whether later pages repeat the header isn't
/// documented, so a first line that names the columns is skipped.
///
/// # Errors
/// [`SyncError::QueryUnreadable`] for a line that isn't a record; [`SyncError::Spool`] when reading fails.
pub(in crate::sync) fn read_owners(
    from: impl Read,
    max_rows: usize,
    take: impl FnMut(PackedRows) -> bool,
) -> Result<OwnersOutcome, SyncError> {
    let mut records = CsvRecords::new(from);
    let mut batches = RowBatches::new(max_rows, take);
    let mut line = 0_i64;
    let mut outcome = OwnersOutcome { records: 0, ids: None, is_ascending: true };
    while let Some(record) = records.next().map_err(SyncError::Spool)? {
        line += 1;
        if line == 1 && record.bytes(0).is_some_and(|name| name.eq_ignore_ascii_case(b"Id")) {
            continue;
        }
        let field = |column| record.bytes(column).and_then(|field| SalesforceId::canonical(field.trim_ascii()).ok());
        let (true, Some(id), Some(owner)) = (record.has(OWNER_COLUMNS.len()), field(0), field(1)) else {
            return Err(SyncError::QueryUnreadable(format!("line {line} of a page isn't a record of id and owner")));
        };
        // As many as there are columns, which is a constant.
        batches.rows.begin_row(OWNER_COLUMNS.len() as i16);
        batches.rows.push_text(std::str::from_utf8(&id).ok());
        batches.rows.push_text(std::str::from_utf8(&owner).ok());
        outcome.records += 1;
        let (first, last) = outcome.ids.unwrap_or((id, [0; 18]));
        outcome.is_ascending &= id > last;
        outcome.ids = Some((first, id));
        if !batches.flush_if_full() {
            return Ok(outcome);
        }
    }
    batches.flush();
    Ok(outcome)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(Vec<String>, i64), SyncError> {
        let mut all = Vec::new();
        let read = read_owners(text.as_bytes(), 2, |owners| {
            all.extend(owners.unpack_as_text(&[ColumnKind::Text, ColumnKind::Text]).into_iter().map(|one| one.join("<")));
            true
        })?;
        Ok((all, read.records))
    }

    #[test]
    fn a_page_is_read_with_and_without_its_header() {
        let row = "\"00QR0000000UyrWMAS\",\"005R0000000GiwjIAC\"\n";
        let expected = (vec!["00QR0000000UyrWMAS<005R0000000GiwjIAC".to_owned()], 1);
        assert_eq!(read(&format!("\"Id\",\"OwnerId\"\n{row}")).expect("a page"), expected);
        assert_eq!(read(row).expect("a page"), expected);
        assert_eq!(read("\"Id\",\"OwnerId\"\n").expect("a page"), (vec![], 0));
    }

    #[test]
    fn a_line_that_is_no_record_fails_the_page() {
        for wrong in ["00QR0000000UyrWMAS\n", "00QR0000000UyrWMAS,\n", "a,b\n", "00QR0000000UyrWMAS,005R0000000GiwjIAC,x\n"] {
            assert!(matches!(read(wrong), Err(SyncError::QueryUnreadable(_))), "{wrong}");
        }
    }
}
