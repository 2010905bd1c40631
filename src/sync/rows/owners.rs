use std::io::Read;

use super::{records, text};
use crate::people::SalesforceId;
use crate::sync::SyncError;

/// A Salesforce lead or contact and who owns it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sync) struct OwnerRow {
    pub id: SalesforceId,
    /// A user or a queue.
    pub owner: SalesforceId,
}

/// Reads a page of `SELECT Id, OwnerId` and hands its records to `take` in batches of at most `batch`, each record once. Stops
/// when `take` answers `false`. Gives the number of records.
///
/// The columns come in the order of the query (since version 50 of the API). Whether later pages repeat the header isn't
/// settled, so a first line that names the columns is passed over.
///
/// # Errors
/// [`SyncError::QueryUnreadable`] for a line that isn't a record; [`SyncError::Spool`] when reading fails.
pub(in crate::sync) fn read_owners(from: impl Read, batch: usize, mut take: impl FnMut(Vec<OwnerRow>) -> bool) -> Result<i64, SyncError> {
    let mut records = records(from);
    let mut record = csv::ByteRecord::new();
    let mut owners: Vec<OwnerRow> = Vec::with_capacity(batch);
    let (mut line, mut read) = (0_i64, 0);
    while records.read_byte_record(&mut record).map_err(|error| SyncError::Spool(error.into()))? {
        line += 1;
        let is_header = record.get(0).is_some_and(|name| name.eq_ignore_ascii_case(b"Id"));
        if line == 1 && is_header {
            continue;
        }
        let field = |place| record.get(place).and_then(text).and_then(|text| text.trim().parse::<SalesforceId>().ok());
        match (record.len(), field(0), field(1)) {
            (2, Some(id), Some(owner)) => owners.push(OwnerRow { id, owner }),
            _ => return Err(SyncError::QueryUnreadable(format!("line {line} of a page isn't a record of id and owner"))),
        }
        read += 1;
        if owners.len() == batch && !take(each_once(std::mem::replace(&mut owners, Vec::with_capacity(batch)))) {
            return Ok(read);
        }
    }
    if !owners.is_empty() {
        take(each_once(owners));
    }
    Ok(read)
}

fn each_once(mut owners: Vec<OwnerRow>) -> Vec<OwnerRow> {
    owners.sort_by(|one, other| one.id.cmp(&other.id));
    owners.dedup_by(|one, other| one.id == other.id);
    owners
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(Vec<String>, i64), SyncError> {
        let mut all = Vec::new();
        let read = read_owners(text.as_bytes(), 2, |owners| {
            all.extend(owners.into_iter().map(|one| format!("{}<{}", one.id, one.owner)));
            true
        })?;
        Ok((all, read))
    }

    #[test]
    fn a_page_is_read_with_and_without_its_header() {
        let row = "\"00QR0000000UyrWMAS\",\"005R0000000GiwjIAC\"\n";
        let wanted = (vec!["00QR0000000UyrWMAS<005R0000000GiwjIAC".to_owned()], 1);
        assert_eq!(read(&format!("\"Id\",\"OwnerId\"\n{row}")).expect("a page"), wanted);
        assert_eq!(read(row).expect("a page"), wanted);
        assert_eq!(read("\"Id\",\"OwnerId\"\n").expect("a page"), (vec![], 0));
    }

    #[test]
    fn a_line_that_is_no_record_fails_the_page() {
        for wrong in ["00QR0000000UyrWMAS\n", "00QR0000000UyrWMAS,\n", "a,b\n", "00QR0000000UyrWMAS,005R0000000GiwjIAC,x\n"] {
            assert!(matches!(read(wrong), Err(SyncError::QueryUnreadable(_))), "{wrong}");
        }
    }
}
