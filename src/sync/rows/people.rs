//! Reads exports of people.

use std::io::Read;

use super::RowBatches;
use super::records::{CsvRecord, CsvRecords};
use super::rejection::{RejectedRow, RejectionReason};
use crate::clock::Timestamp;
use crate::db::bulk::{Column, ColumnKind, PackedRows};
use crate::marketo::field_value;
use crate::people::{FieldKind, SalesforceId, SyncField};
use crate::sync::SyncError;
use crate::sync::fields::MappedField;

/// The most examples of rejected rows of a file.
const MAX_EXAMPLES: usize = 100;
/// The longest value in bytes; Marketo's longest text type has 2,000 characters.
const MAX_VALUE_BYTES: usize = 8_000;
/// The longest e-mail address in bytes: it is indexed, and PostgreSQL's index entries end at 2,704 bytes.
const MAX_EMAIL_BYTES: usize = 1_000;

/// The columns of packed people: the place of the row within the run, the Marketo id, and the texts.
pub(in crate::sync) const PEOPLE_COLUMNS: &[Column] = &{
    let mut columns = [Column { name: "place", kind: ColumnKind::Integer }; 2 + TEXTS.len()];
    columns[1].name = SyncField::MarketoId.definition().name;
    let mut index = 0;
    while index < TEXTS.len() {
        columns[2 + index] = Column { name: TEXTS[index].definition().name, kind: ColumnKind::Text };
        index += 1;
    }
    columns
};

/// The fields that hold text, in the order of the columns.
const TEXTS: &[SyncField] = SyncField::TEXTS;

/// What the values of [`TEXTS`] are.
const KINDS: [FieldKind; TEXTS.len()] = {
    let mut kinds = [FieldKind::Text; TEXTS.len()];
    let mut index = 0;
    while index < TEXTS.len() {
        kinds[index] = TEXTS[index].definition().kind;
        index += 1;
    }
    kinds
};

/// The bits of a place that number the rows of a window; the bits above them number the window.
const ROW_BITS: u32 = 32;

/// The window that rows come from.
#[derive(Debug, Clone, Copy)]
pub(in crate::sync) struct SourceWindow {
    /// Its number in the run.
    pub position: i64,
    pub start: Timestamp,
}

impl SourceWindow {
    /// The range of places of a window's rows: above the first number, up to the second. Later rows have higher places.
    pub(in crate::sync) fn row_number_range(position: i64) -> (i64, i64) {
        (position << ROW_BITS, (position + 1) << ROW_BITS)
    }
}

/// Counts, ids and examples of a file that was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::sync) struct PeopleOutcome {
    /// Rows after the header, rejected ones included.
    pub rows: i64,
    pub rejected: i64,
    pub examples: Vec<RejectedRow>,
    pub unusable_salesforce_ids: i64,
    /// The first and the last id, and whether each is greater than the one before.
    pub ids: Option<(i64, i64)>,
    pub is_ascending: bool,
}

/// Reads an export, packs its people by [`PEOPLE_COLUMNS`] and passes them to `take` in batches of at most `max_rows`. A person with
/// several rows is packed as often. Stops when `take` returns `false`.
///
/// # Errors
/// [`SyncError::ExportUnreadable`] when the columns aren't those that were asked for; [`SyncError::Spool`].
pub(in crate::sync) fn read_people(
    from: impl Read,
    fields: &[MappedField],
    window: SourceWindow,
    max_rows: usize,
    take: impl FnMut(PackedRows) -> bool,
) -> Result<PeopleOutcome, SyncError> {
    let mut records = CsvRecords::new(from);
    let mut outcome = PeopleOutcome { is_ascending: true, ..PeopleOutcome::default() };
    let Some(header) = records.next().map_err(SyncError::Spool)? else { return Ok(outcome) };
    let columns = PeopleColumns::find(&header, fields)?;
    let mut batches = RowBatches::new(max_rows, take);
    let (first, _) = SourceWindow::row_number_range(window.position);
    while let Some(record) = records.next().map_err(SyncError::Spool)? {
        outcome.rows += 1;
        match columns.pack(&record, first + outcome.rows, &mut batches.rows, &mut outcome.unusable_salesforce_ids) {
            Ok(id) => {
                let (first, last) = outcome.ids.unwrap_or((id, id - 1));
                outcome.is_ascending &= id > last;
                outcome.ids = Some((first, id));
                if !batches.flush_if_full() {
                    return Ok(outcome);
                }
            }
            Err((marketo_id, reason)) => {
                outcome.rejected += 1;
                if outcome.examples.len() < MAX_EXAMPLES {
                    outcome.examples.push(RejectedRow { marketo_id, reason, window_start: window.start });
                }
            }
        }
    }
    batches.flush();
    Ok(outcome)
}

/// The positions of the fields' columns in a file.
pub(super) struct PeopleColumns {
    width: usize,
    marketo_id: usize,
    /// The position of each of [`TEXTS`] that the subscription has.
    texts: [Option<usize>; TEXTS.len()],
}

/// A value to pack: none, a text of the record, or an id in its long form.
#[derive(Clone, Copy)]
enum PackedValue<'a> {
    None,
    Text(&'a str),
    Id([u8; 18]),
}

impl PeopleColumns {
    /// Finds the columns by the header, because Marketo's pages promise no order.
    pub(super) fn find(header: &CsvRecord<'_>, fields: &[MappedField]) -> Result<Self, SyncError> {
        let name = |column| String::from_utf8_lossy(header.bytes(column).unwrap_or_default()).into_owned();
        let names: Vec<String> =
            (0..header.len()).map(|column| name(column).trim_start_matches('\u{feff}').trim().to_lowercase()).collect();
        let mut found = Self { width: names.len(), marketo_id: 0, texts: [None; TEXTS.len()] };
        for field in fields {
            let wanted_name = field.rest_name.to_lowercase();
            let column = names.iter().position(|name| *name == wanted_name);
            let column = column.ok_or_else(|| SyncError::ExportUnreadable(format!("it has no column {}", field.rest_name)))?;
            match TEXTS.iter().position(|known| *known == field.field) {
                Some(known) => found.texts[known] = Some(column),
                None => found.marketo_id = column,
            }
        }
        Ok(found)
    }

    /// Packs the person of a record and returns the id, or the id (if that much can be read) and the reason for rejecting the record.
    pub(super) fn pack(
        &self,
        record: &CsvRecord<'_>,
        row_number: i64,
        rows: &mut PackedRows,
        unusable_ids: &mut i64,
    ) -> Result<i64, (Option<i64>, RejectionReason)> {
        let id = record.text(self.marketo_id).and_then(|text| text.trim().parse().ok()).filter(|id: &i64| *id > 0);
        if !record.has(self.width) {
            return Err((id, RejectionReason::WrongNumberOfColumns));
        }
        let marketo_id = id.ok_or((None, RejectionReason::NoMarketoId))?;
        let clean;
        let mut values = [PackedValue::None; TEXTS.len()];
        let texts = self.texts.iter().zip(KINDS).zip(&mut values).filter_map(|((column, kind), value)| Some(((*column)?, kind, value)));
        if record.has_nul() {
            // This is rare, so it may be slow.
            clean = self.texts.map(|column| column.map(|column| record.text(column).map(|text| text.replace('\0', ""))));
            for ((_, kind, value), text) in texts.zip(clean.iter().flatten()) {
                *value = read_value(kind, text.as_deref(), unusable_ids).map_err(|reason| (id, reason))?;
            }
        } else {
            for (column, kind, value) in texts {
                *value = read_value(kind, record.text(column), unusable_ids).map_err(|reason| (id, reason))?;
            }
        }
        // As many as there are columns, which is a constant.
        rows.begin_row(PEOPLE_COLUMNS.len() as i16);
        rows.push_integer(row_number);
        rows.push_integer(marketo_id);
        for value in &values {
            match value {
                PackedValue::None => rows.push_text(None),
                PackedValue::Text(text) => rows.push_text(Some(text)),
                PackedValue::Id(id) => rows.push_text(std::str::from_utf8(id).ok()),
            }
        }
        Ok(marketo_id)
    }
}

/// Reads a field's text, which is absent when it isn't UTF-8.
fn read_value<'a>(kind: FieldKind, text: Option<&'a str>, unusable_ids: &mut i64) -> Result<PackedValue<'a>, RejectionReason> {
    let Some(value) = field_value(text.ok_or(RejectionReason::NotUtf8)?) else { return Ok(PackedValue::None) };
    if value.len() > MAX_VALUE_BYTES || (kind == FieldKind::EmailAddress && value.len() > MAX_EMAIL_BYTES) {
        return Err(RejectionReason::ValueTooLong);
    }
    Ok(match kind {
        FieldKind::SalesforceId => match SalesforceId::canonical(value.as_bytes()) {
            Ok(id) => PackedValue::Id(id),
            Err(_) => {
                *unusable_ids += 1;
                PackedValue::None
            }
        },
        FieldKind::MarketoId | FieldKind::Text | FieldKind::EmailAddress => PackedValue::Text(value),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::datetime;

    use super::*;

    /// Batches of rows of columns.
    type ShownBatches = Vec<Vec<Vec<String>>>;

    const NAMES: [(SyncField, &str); 5] = [
        (SyncField::MarketoId, "id"),
        (SyncField::FirstName, "firstName"),
        (SyncField::Company, "company"),
        (SyncField::Email, "email"),
        (SyncField::SalesforceLeadId, "sfdcLeadId"),
    ];
    const ROW_NUMBER: usize = 0;
    const ID: usize = 1;
    const FIRST_NAME: usize = text_column(SyncField::FirstName);
    const EMAIL: usize = text_column(SyncField::Email);
    const COMPANY: usize = text_column(SyncField::Company);
    const LEAD: usize = text_column(SyncField::SalesforceLeadId);

    /// The number of a text's column.
    const fn text_column(field: SyncField) -> usize {
        let mut index = 0;
        while TEXTS[index] as usize != field as usize {
            index += 1;
        }
        2 + index
    }

    fn fields() -> Vec<MappedField> {
        NAMES.map(|(field, name)| MappedField { field, rest_name: name.into() }).to_vec()
    }

    fn read_bytes(bytes: &[u8], max_rows: usize) -> Result<(ShownBatches, PeopleOutcome), SyncError> {
        let mut batches = Vec::new();
        let kinds: Vec<ColumnKind> = PEOPLE_COLUMNS.iter().map(|column| column.kind).collect();
        let window = SourceWindow { position: 2, start: datetime!(2026-01-01 0:00 UTC).into() };
        let outcome = read_people(bytes, &fields(), window, max_rows, |rows| {
            batches.push(rows.unpack_as_text(&kinds));
            true
        })?;
        Ok((batches, outcome))
    }

    fn read(text: &str, max_rows: usize) -> Result<(ShownBatches, PeopleOutcome), SyncError> {
        read_bytes(text.as_bytes(), max_rows)
    }

    fn people(text: &str) -> Vec<Vec<String>> {
        read(text, 100).expect("readable").0.concat()
    }

    #[test]
    fn quoted_values_keep_commas_and_newlines_and_null_means_none() {
        let all = people(
            "id,firstName,company,email,sfdcLeadId\n7,\"Ann \"\"A\"\"\",\"Long, Ltd\nLondon\",null,null\n8,null,,a@b.c,00QR0000000UyrW\n",
        );
        assert_eq!((all[0][FIRST_NAME].as_str(), all[0][COMPANY].as_str()), ("Ann \"A\"", "Long, Ltd\nLondon"));
        assert_eq!([&all[0][EMAIL], &all[0][LEAD], &all[1][FIRST_NAME], &all[1][COMPANY]], ["-"; 4]);
        assert_eq!(all[1][LEAD].len(), 18);
    }

    #[test]
    fn columns_are_found_by_name_in_any_order() {
        let all = people("\u{feff}sfdcLeadId,email,extra,company,firstName,ID\nnull,a@b.c,x,C,F,9\n");
        assert_eq!([&all[0][ID], &all[0][COMPANY], &all[0][FIRST_NAME]], ["9", "C", "F"]);
        assert!(matches!(read("id,email\n1,x\n", 5), Err(SyncError::ExportUnreadable(text)) if text.contains("firstName")));
    }

    #[test]
    fn a_rejected_row_is_counted_and_only_its_id_is_kept() {
        let long = "x".repeat(9_000);
        let text = format!(
            "id,firstName,company,email,sfdcLeadId\n1,a,b,c,null,extra\nnone,a,b,c,null\n3,{long},b,c,null\n4,a,b,c,nonsense\n5,_,b,c,null\n"
        );
        let bytes: Vec<u8> = text.bytes().map(|byte| if byte == b'_' { 0xff } else { byte }).collect();
        let (batches, outcome) = read_bytes(&bytes, 100).expect("readable");
        assert_eq!(batches.concat().iter().map(|person| person[ID].clone()).collect::<Vec<_>>(), ["4"]);
        let reasons: Vec<_> = outcome.examples.iter().map(|row| (row.marketo_id, row.reason.as_str())).collect();
        let expected = [(Some(1), "wrong_number_of_columns"), (None, "no_marketo_id"), (Some(3), "value_too_long"), (Some(5), "not_utf8")];
        assert_eq!(reasons, expected);
        assert_eq!((outcome.rows, outcome.rejected, outcome.unusable_salesforce_ids), (5, 4, 1));
    }

    #[test]
    fn nul_characters_are_left_out() {
        assert_eq!(people("id,firstName,company,email,sfdcLeadId\n1,a\0b,\0,c,null\n")[0][FIRST_NAME], "ab");
    }

    #[test]
    fn batches_have_a_number_of_rows_and_places_grow_across_them() {
        let text = "id,firstName,company,email,sfdcLeadId\n5,old,b,c,null\n2,x,b,c,null\n5,new,b,c,null\n";
        let (batches, outcome) = read(text, 2).expect("readable");
        assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), [2, 1]);
        let (first, end) = SourceWindow::row_number_range(2);
        let row_numbers: Vec<i64> = batches.concat().iter().map(|person| person[ROW_NUMBER].parse().expect("a number")).collect();
        assert_eq!(row_numbers, [first + 1, first + 2, first + 3]);
        assert!(row_numbers[2] <= end && outcome.rows == 3);
        assert_eq!((outcome.ids, outcome.is_ascending), (Some((5, 5)), false));
    }

    proptest! {
        #[test]
        fn whatever_is_written_is_read_back(values in prop::collection::vec("[^\0]{1,30}", 1..20)) {
            let mut writer = csv::Writer::from_writer(Vec::new());
            writer.write_record(NAMES.map(|(_, name)| name)).expect("memory");
            for (index, value) in values.iter().enumerate() {
                writer.write_record([(index + 1).to_string().as_str(), value, "null", "null", "null"]).expect("memory");
            }
            let text = String::from_utf8(writer.into_inner().expect("memory")).expect("text");
            let read: Vec<_> = people(&text).into_iter().map(|person| person[FIRST_NAME].clone()).collect();
            let expected: Vec<_> = values.iter().map(|value| field_value(value).unwrap_or("-").to_owned()).collect();
            prop_assert_eq!(read, expected);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let mut text = b"id,firstName,company,email,sfdcLeadId\n".to_vec();
            text.extend(bytes);
            let _ = read_bytes(&text, 3);
        }
    }
}
