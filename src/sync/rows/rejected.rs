//! Reads the rejected rows of an export.

use std::io::Read;

use super::people::{PeopleColumns, SourceWindow};
use super::records::{CsvRecord, CsvRecords};
use super::rejection::RejectedRecord;
use crate::db::bulk::PackedRows;
use crate::sync::SyncError;
use crate::sync::fields::MappedField;

/// The most characters of a rejected row that are kept.
const MAX_CONTENT_CHARS: usize = 1_000;

/// Reads an export once more for the rows that [`super::read_people`] rejects, at most `max` of them, and passes them to `take` in
/// batches. Stops when `take` returns `false`.
///
/// # Errors
/// As [`super::read_people`].
pub(in crate::sync) fn read_rejected(
    from: impl Read,
    fields: &[MappedField],
    window: SourceWindow,
    (batch, max): (usize, usize),
    mut take: impl FnMut(Vec<RejectedRecord>) -> bool,
) -> Result<(), SyncError> {
    let mut records = CsvRecords::new(from);
    let Some(header) = records.next().map_err(SyncError::Spool)? else { return Ok(()) };
    let columns = PeopleColumns::find(&header, fields)?;
    let (first, _) = SourceWindow::row_number_range(window.position);
    let (mut line, mut found, mut rejected) = (1, 0, Vec::new());
    let (mut packed, mut unusable_ids) = (PackedRows::with_capacity(4 * MAX_CONTENT_CHARS), 0);
    while found < max {
        let Some(record) = records.next().map_err(SyncError::Spool)? else { break };
        line += 1;
        if let Err((marketo_id, reason)) = columns.pack(&record, first + line - 1, &mut packed, &mut unusable_ids) {
            found += 1;
            rejected.push(RejectedRecord { line, marketo_id, reason, content: write_beginning(&record) });
        } else if packed.bytes() > MAX_CONTENT_CHARS {
            packed = PackedRows::with_capacity(4 * MAX_CONTENT_CHARS);
        }
        if rejected.len() == batch && !take(std::mem::take(&mut rejected)) {
            return Ok(());
        }
    }
    if !rejected.is_empty() {
        take(rejected);
    }
    Ok(())
}

/// Writes the beginning of a row as CSV. NULs, which PostgreSQL can't store, and bytes that aren't UTF-8 become U+FFFD.
fn write_beginning(record: &CsvRecord<'_>) -> String {
    let mut text = String::new();
    for column in 0..record.len() {
        let field = String::from_utf8_lossy(record.bytes(column).unwrap_or_default());
        if column > 0 {
            text.push(',');
        }
        // Quoting at most doubles the text.
        let short: String = field.chars().take(MAX_CONTENT_CHARS).map(|one| if one == '\0' { '\u{fffd}' } else { one }).collect();
        if short.contains(['"', ',', '\n', '\r']) {
            text.push_str(&format!("\"{}\"", short.replace('"', "\"\"")));
        } else {
            text.push_str(&short);
        }
        if text.len() > 4 * MAX_CONTENT_CHARS {
            break;
        }
    }
    text.chars().take(MAX_CONTENT_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::people::SyncField;

    fn rejected(text: &[u8], max: usize) -> Vec<RejectedRecord> {
        let fields =
            [(SyncField::MarketoId, "id"), (SyncField::Email, "email")].map(|(field, name)| MappedField { field, rest_name: name.into() });
        let window = SourceWindow { position: 3, start: datetime!(2026-01-01 0:00 UTC).into() };
        let mut all = Vec::new();
        let taken = read_rejected(text, &fields, window, (2, max), |rows| {
            assert!(rows.len() <= 2);
            all.extend(rows);
            true
        });
        taken.expect("readable");
        all
    }

    #[test]
    fn each_rejected_row_has_its_line_and_its_beginning() {
        let long = "x".repeat(3_000_000);
        let text = format!("id,email\n1,a@b.c\n2,a,\"b \"\"c\"\", d\"\nnone,x\n4,{long}\n5,e@f.g\n6\n");
        let all = rejected(text.as_bytes(), 100);
        let shown: Vec<_> = all.iter().map(|row| (row.line, row.marketo_id, row.reason.as_str())).collect();
        assert_eq!(
            shown,
            [
                (3, Some(2), "wrong_number_of_columns"),
                (4, None, "no_marketo_id"),
                (5, Some(4), "wrong_number_of_columns"),
                (7, Some(6), "wrong_number_of_columns")
            ]
        );
        assert_eq!(all[0].content, "2,a,\"b \"\"c\"\", d\"");
        assert!(all.iter().all(|row| row.content.chars().count() <= MAX_CONTENT_CHARS));
        assert_eq!(rejected(text.as_bytes(), 3).len(), 3);
    }

    #[test]
    fn bytes_that_are_not_text_become_replacement_characters() {
        assert_eq!(rejected(b"id,email\n7,\xff\xfe,\0\n", 10)[0].content, "7,\u{fffd}\u{fffd},\u{fffd}");
    }
}
