//! Reads CSV records of bounded size.

use std::io::{self, Read};

use csv_core::{ReadRecordResult, Reader};

/// The largest record that is kept whole, in bytes. The synced fields, of Marketo's longest text type, stay well below.
const MAX_RECORD_BYTES: usize = 1024 * 1024;
/// The most fields of a record, more than any that we ask for has.
const MAX_FIELDS: usize = 64;

/// Reads CSV records (RFC 4180) with any number of fields. Of a record that is too large, only the first fields are kept.
pub(super) struct CsvRecords<R> {
    from: R,
    core: Reader,
    buffer: Box<[u8]>,
    begin: usize,
    end: usize,
    fields: Vec<u8>,
    ends: [usize; MAX_FIELDS],
}

/// A record of a CSV file.
#[derive(Debug, Clone, Copy)]
pub(super) struct CsvRecord<'a> {
    bytes: &'a [u8],
    ends: &'a [usize],
    /// All fields together, when they are UTF-8.
    text: Option<&'a str>,
    is_too_large: bool,
}

impl<'a> CsvRecord<'a> {
    /// Whether it has exactly so many fields and isn't too large.
    pub(super) fn has(&self, fields: usize) -> bool {
        !self.is_too_large && self.ends.len() == fields
    }

    /// The number of fields.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    fn range(&self, column: usize) -> Option<std::ops::Range<usize>> {
        let begin = if column == 0 { 0 } else { *self.ends.get(column - 1)? };
        Some(begin..*self.ends.get(column)?)
    }

    /// The bytes of a field.
    pub(super) fn bytes(&self, column: usize) -> Option<&'a [u8]> {
        self.bytes.get(self.range(column)?)
    }

    /// The text of a field, if it exists and is UTF-8.
    pub(super) fn text(&self, column: usize) -> Option<&'a str> {
        match self.text {
            // A field that begins or ends inside a character is not text.
            Some(whole) => whole.get(self.range(column)?),
            None => std::str::from_utf8(self.bytes(column)?).ok(),
        }
    }

    /// Whether a NUL character is in it, which PostgreSQL can't keep and which has been seen in exports.
    pub(super) fn has_nul(&self) -> bool {
        self.bytes.contains(&0)
    }
}

impl<R: Read> CsvRecords<R> {
    pub(super) fn new(from: R) -> Self {
        let buffer = vec![0; 64 * 1024].into_boxed_slice();
        Self { from, core: Reader::new(), buffer, begin: 0, end: 0, fields: vec![0; 4 * 1024], ends: [0; MAX_FIELDS] }
    }

    /// Reads the next record.
    ///
    /// # Errors
    /// When reading fails.
    pub(super) fn next(&mut self) -> io::Result<Option<CsvRecord<'_>>> {
        let (mut written, mut count) = (0, 0);
        // The number of fields kept of a record that is too large.
        let mut kept_fields: Option<usize> = None;
        loop {
            if self.begin == self.end {
                (self.begin, self.end) = (0, self.from.read(&mut self.buffer)?);
            }
            let input = &self.buffer[self.begin..self.end];
            let (result, read, more, ends) = self.core.read_record(input, &mut self.fields[written..], &mut self.ends[count..]);
            self.begin += read;
            (written, count) = (written + more, count + ends);
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull if kept_fields.is_none() && self.fields.len() < MAX_RECORD_BYTES => {
                    self.fields.resize(self.fields.len() * 2, 0);
                }
                ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => {
                    let room = self.ends[..count.min(MAX_FIELDS / 2)].partition_point(|end| *end <= self.fields.len() / 2);
                    // The fields behind overwrite one another.
                    count = *kept_fields.get_or_insert(room);
                    written = if count == 0 { 0 } else { self.ends[count - 1] };
                }
                ReadRecordResult::Record => {
                    let ends = &self.ends[..kept_fields.unwrap_or(count)];
                    let bytes = &self.fields[..ends.last().copied().unwrap_or(0)];
                    return Ok(Some(CsvRecord { bytes, ends, text: std::str::from_utf8(bytes).ok(), is_too_large: kept_fields.is_some() }));
                }
                ReadRecordResult::End => return Ok(None),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(bytes: &[u8]) -> Vec<Option<Vec<String>>> {
        let mut records = CsvRecords::new(bytes);
        let mut all = Vec::new();
        while let Some(record) = records.next().expect("memory") {
            let fields = (0..record.len()).map(|column| record.text(column).expect("text").to_owned()).collect();
            all.push((!record.is_too_large).then_some(fields));
        }
        all
    }

    fn written(rows: &[Vec<String>]) -> Vec<u8> {
        let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
        for row in rows {
            writer.write_record(row).expect("memory");
        }
        writer.into_inner().expect("memory")
    }

    #[test]
    fn of_an_oversize_record_only_the_first_fields_are_kept() {
        let large = ["x".repeat(3 * MAX_RECORD_BYTES), format!("\"{}\n,\"\"\"", "y\n".repeat(MAX_RECORD_BYTES)), "a,".repeat(MAX_FIELDS)];
        for large in large {
            let text = format!("a,b\n1,{large}\nc,\"d\n\"\n");
            let read = all(text.as_bytes());
            assert_eq!(read, [Some(vec!["a".to_owned(), "b".into()]), None, Some(vec!["c".into(), "d\n".into()])]);
            let mut records = CsvRecords::new(text.as_bytes());
            records.next().expect("memory");
            assert_eq!(records.next().expect("memory").expect("a record").text(0), Some("1"));
        }
    }

    #[test]
    fn a_character_split_between_two_fields_makes_neither_text() {
        let mut records = CsvRecords::new(b"\xc3,\xa9,c\n".as_slice());
        let record = records.next().expect("memory").expect("a record");
        assert_eq!((record.text(0), record.text(1), record.text(2)), (None, None, Some("c")));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(rows in prop::collection::vec(prop::collection::vec("[a-zé\",\r\n ]{1,12}", 2..5), 1..20)) {
            prop_assert_eq!(all(&written(&rows)), rows.into_iter().map(Some).collect::<Vec<_>>());
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let mut records = CsvRecords::new(bytes.as_slice());
            while let Some(record) = records.next().expect("memory") {
                let _ = (record.text(0), record.bytes(1), record.has_nul());
            }
        }
    }
}
