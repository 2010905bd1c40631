//! The rows of a text, one at a time. Where a quotation mark is opened and never closed, the rows below it are read all the same.

use std::cell::RefCell;
use std::io::{self, Read};
use std::rc::Rc;

use csv::{Reader, ReaderBuilder, StringRecord};

use super::dialect::reader;
use super::encoding::{RowEndless, lost, unreadable};
use super::rows::Cells;
use super::{ColumnNumber, MAX_ROW_LENGTH, Unreadable};

/// Bytes before the row under way that are kept at most, so that they needn't be moved at each row.
const MAX_PAST: usize = 64 * 1024;

/// A row of the file.
#[derive(Debug, Clone, Copy)]
pub(super) struct FileRow<'a> {
    /// The first row of the file, headers included, is 1.
    pub(super) number: u64,
    pub(super) record: &'a StringRecord,
    /// The column where a quotation mark is opened and never closed.
    pub(super) unclosed_quote: Option<ColumnNumber>,
}

impl<'a> FileRow<'a> {
    pub(super) fn cells(self) -> Cells<'a> {
        Cells::of_record(self.record, self.unclosed_quote)
    }
}

/// Text with what was read of it since the row under way began, so that it can be read again from there.
struct ReplayBuffer<R> {
    text: R,
    bytes: Vec<u8>,
    /// Place of the first of `bytes` in the text.
    base: u64,
    /// The byte of `bytes` that is read next; beyond its end the text goes on.
    next: usize,
    /// How much more of the text may be read before the row has to end.
    left: usize,
}

impl<R> ReplayBuffer<R> {
    fn begin_row(&mut self, at: u64) {
        // What is read again counts as well.
        self.left = MAX_ROW_LENGTH.saturating_sub(self.bytes.len() - self.next);
        let past = self.index_of(at);
        if past > MAX_PAST {
            self.bytes.drain(..past);
            self.next -= past;
            self.base = at;
        }
    }

    fn index_of(&self, at: u64) -> usize {
        usize::try_from(at.saturating_sub(self.base)).unwrap_or(usize::MAX).min(self.bytes.len())
    }
}

/// The reader of a [`ReplayBuffer`]; it ends in an error when nobody has taken a row for too long.
struct TapeReader<R>(Rc<RefCell<ReplayBuffer<R>>>);

impl<R: Read> Read for TapeReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let tape = &mut *self.0.borrow_mut();
        let again = &tape.bytes[tape.next..];
        if !again.is_empty() {
            let length = buffer.len().min(again.len());
            buffer[..length].copy_from_slice(&again[..length]);
            tape.next += length;
            return Ok(length);
        }
        if tape.left == 0 {
            return Err(io::Error::other(RowEndless));
        }
        let length = buffer.len().min(tape.left);
        let read = tape.text.read(&mut buffer[..length])?;
        tape.left -= read;
        tape.bytes.extend_from_slice(&buffer[..read]);
        tape.next = tape.bytes.len();
        Ok(read)
    }
}

/// The rows of a text, in memory bounded by [`MAX_ROW_LENGTH`].
pub(super) struct CsvRows<R> {
    tape: Rc<RefCell<ReplayBuffer<R>>>,
    reader: Reader<TapeReader<R>>,
    delimiter: u8,
    /// Where `reader` began: bytes and line ends before it.
    base: (u64, u64),
    record: StringRecord,
    unclosed_quote: Option<ColumnNumber>,
    /// Number of the row just read.
    number: u64,
}

impl<R: Read> CsvRows<R> {
    /// The rows of a text in UTF-8.
    pub(super) fn over(text: R, delimiter: u8) -> Self {
        let tape = Rc::new(RefCell::new(ReplayBuffer { text, bytes: Vec::new(), base: 0, next: 0, left: 0 }));
        let reader = reader(TapeReader(tape.clone()), delimiter);
        Self { tape, reader, delimiter, base: (0, 0), record: StringRecord::new(), unclosed_quote: None, number: 0 }
    }

    /// Bytes and line ends read so far.
    fn position(&self) -> (u64, u64) {
        let position = self.reader.position();
        (self.base.0 + position.byte(), self.base.1 + position.line() - 1)
    }

    /// Reads the next row of the file, headers and empty cells included; `false` at the end.
    fn read_row(&mut self) -> Result<bool, Unreadable> {
        let start = self.position();
        self.tape.borrow_mut().begin_row(start.0);
        self.unclosed_quote = None;
        match self.reader.read_record(&mut self.record) {
            Ok(true) if self.may_be_unclosed() => {
                let end = self.position();
                self.mend(start, end.0)?;
            }
            Ok(true) => {}
            Ok(false) => return Ok(false),
            Err(error) => {
                let unreadable = match error.into_kind() {
                    csv::ErrorKind::Io(error) => unreadable(&error, start.1 + 1),
                    // Reading flexibly from text known to be UTF-8 has nothing else left to fail.
                    _ => lost(io::ErrorKind::InvalidData.into()),
                };
                if !matches!(unreadable, Unreadable::RowTooLong { .. }) || !self.mend(start, u64::MAX)? {
                    return Err(unreadable);
                }
            }
        }
        self.number += 1;
        Ok(true)
    }

    /// Whether a quote may be open in the row just read: a cell of it has several lines, or the text ends with it.
    fn may_be_unclosed(&self) -> bool {
        if memchr::memchr2(b'\n', b'\r', self.record.as_slice().as_bytes()).is_some() {
            return true;
        }
        let (tape, end) = (self.tape.borrow(), self.position().0);
        let read = &tape.bytes[..tape.index_of(end)];
        !matches!(read.last(), Some(b'\n' | b'\r') | None)
    }

    /// Looks for a quote that is opened in the text from `start` to `end` and not closed in the row. The row then ends where its line
    /// does, and reading goes on with the next line; `false` when there is none.
    fn mend(&mut self, start: (u64, u64), end: u64) -> Result<bool, Unreadable> {
        let tape = self.tape.borrow();
        let from = tape.index_of(start.0);
        let raw = &tape.bytes[from..tape.index_of(end).max(from)];
        let Some(open) = unclosed_quote(raw, self.delimiter) else { return Ok(false) };
        let line = raw[open..].iter().position(|byte| matches!(byte, b'\n' | b'\r'));
        let line_end = match line {
            Some(at) => open + at,
            None if end < u64::MAX => raw.len(),
            // The line itself is endless.
            None => return Ok(false),
        };
        let skipped = raw.iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
        let column = literal_cells(&raw[skipped..open], &raw[open..line_end], self.delimiter, &mut self.record)?;
        let next = line_end + line_break(&raw[line_end..]);
        let lines = memchr::memchr_iter(b'\n', &raw[..next]).count() as u64;
        drop(tape);
        let mut tape = self.tape.borrow_mut();
        tape.next = from + next;
        drop(tape);
        self.base = (start.0 + next as u64, start.1 + lines);
        self.reader = reader(TapeReader(self.tape.clone()), self.delimiter);
        self.unclosed_quote = Some(column);
        Ok(true)
    }

    /// The next row with something in it.
    pub(super) fn next_row(&mut self) -> Result<Option<FileRow<'_>>, Unreadable> {
        loop {
            if !self.read_row()? {
                return Ok(None);
            }
            if self.record.iter().any(|cell| !cell.trim().is_empty()) {
                return Ok(Some(FileRow { number: self.number, record: &self.record, unclosed_quote: self.unclosed_quote }));
            }
        }
    }
}

/// Bytes of the line end with which a text begins.
fn line_break(text: &[u8]) -> usize {
    match text {
        [b'\r', b'\n', ..] => 2,
        [b'\r' | b'\n', ..] => 1,
        _ => 0,
    }
}

/// Where in the text of a row, as a reader of CSV takes it (RFC 4180), a quotation mark begins a cell that is not closed: it goes on to
/// the end of the text, or over a line end to a quotation mark after which no cell ends. The latter is one that opens another cell, or
/// stands within one, further down.
fn unclosed_quote(raw: &[u8], delimiter: u8) -> Option<usize> {
    let mut at = raw.iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
    loop {
        if raw.get(at) == Some(&b'"') {
            let open = at;
            let Some(close) = closing_quote(raw, open) else { return Some(open) };
            at = close + 1 + raw[close + 1..].iter().take_while(|byte| **byte == b' ').count();
            let ends = raw.get(at).is_none_or(|byte| *byte == delimiter || matches!(byte, b'\n' | b'\r'));
            if !ends && memchr::memchr2(b'\n', b'\r', &raw[open..close]).is_some() {
                return Some(open);
            }
        }
        at += memchr::memchr3(delimiter, b'\n', b'\r', &raw[at..])?;
        if raw[at] != delimiter {
            return None;
        }
        at += 1;
    }
}

/// The quotation mark that closes the cell opened at `open`; two of them in a row are one in the cell.
fn closing_quote(raw: &[u8], open: usize) -> Option<usize> {
    let mut at = open + 1;
    loop {
        at += memchr::memchr(b'"', &raw[at..])?;
        if raw.get(at + 1) != Some(&b'"') {
            return Some(at);
        }
        at += 2;
    }
}

/// Reads a row whose quotation mark at the beginning of `rest` is taken as it is, like all behind it; returns its column.
fn literal_cells(before: &[u8], rest: &[u8], delimiter: u8, record: &mut StringRecord) -> Result<ColumnNumber, Unreadable> {
    let invalid = |_| lost(io::ErrorKind::InvalidData.into());
    record.clear();
    let mut part = StringRecord::new();
    if let Some(cells) = before.strip_suffix(&[delimiter]) {
        reader(cells, delimiter).read_record(&mut part).map_err(invalid)?;
        record.extend(&part);
        if cells.is_empty() {
            record.push_field("");
        }
    }
    let column = ColumnNumber(u16::try_from(record.len()).unwrap_or(u16::MAX));
    let mut literal = ReaderBuilder::new().delimiter(delimiter).has_headers(false).flexible(true).quoting(false).from_reader(rest);
    literal.read_record(&mut part).map_err(invalid)?;
    record.extend(&part);
    Ok(column)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Cells, number and column of an unclosed quote of each row.
    type Read = Vec<(u64, Vec<String>, Option<u16>)>;

    fn read(text: &str) -> Result<Read, Unreadable> {
        let mut rows = CsvRows::over(text.as_bytes(), b',');
        let mut all = Vec::new();
        while let Some(row) = rows.next_row()? {
            let cells = row.record.iter().map(str::to_owned).collect();
            all.push((row.number, cells, row.unclosed_quote.map(|column| column.0)));
        }
        Ok(all)
    }

    fn row(number: u64, cells: &[&str], unclosed: Option<u16>) -> (u64, Vec<String>, Option<u16>) {
        (number, cells.iter().map(|cell| (*cell).to_owned()).collect(), unclosed)
    }

    #[test]
    fn an_unclosed_quote_ends_with_its_line() {
        for (text, want) in [
            ("a,\"oops\nb,B\n", vec![row(1, &["a", "\"oops"], Some(1)), row(2, &["b", "B"], None)]),
            ("a,\"oops\r\nb,B", vec![row(1, &["a", "\"oops"], Some(1)), row(2, &["b", "B"], None)]),
            ("a,\"oops\rb,B\r", vec![row(1, &["a", "\"oops"], Some(1)), row(2, &["b", "B"], None)]),
            ("\"a,A\nb,B\n", vec![row(1, &["\"a", "A"], Some(0)), row(2, &["b", "B"], None)]),
            (",\"a\n,\"b\n", vec![row(1, &["", "\"a"], Some(1)), row(2, &["", "\"b"], Some(1))]),
            ("a,\"oops", vec![row(1, &["a", "\"oops"], Some(1))]),
            ("a,\"oops\n", vec![row(1, &["a", "\"oops"], Some(1))]),
            // The mark that would close it opens a cell further down.
            (
                "a,\"oops\nb,\"B, Jr\"\nc,C\n",
                vec![row(1, &["a", "\"oops"], Some(1)), row(2, &["b", "B, Jr"], None), row(3, &["c", "C"], None)],
            ),
            ("\"a\nb\",\"oops\nc,\n", vec![row(1, &["a\nb", "\"oops"], Some(1)), row(2, &["c", ""], None)]),
        ] {
            assert_eq!(read(text).unwrap(), want, "{text:?}");
        }
    }

    #[test]
    fn a_cell_of_several_lines_is_one_cell() {
        for (text, want) in [
            ("a,\"one\ntwo\"\nb,B\n", vec![row(1, &["a", "one\ntwo"], None), row(2, &["b", "B"], None)]),
            ("a,\"say \"\"x\"\"\r\n\" ,1\nb,B", vec![row(1, &["a", "say \"x\"\r\n ", "1"], None), row(2, &["b", "B"], None)]),
            ("a,\"one\ntwo\"", vec![row(1, &["a", "one\ntwo"], None)]),
            ("a,5\" x\nb,\"B\"x\n", vec![row(1, &["a", "5\" x"], None), row(2, &["b", "Bx"], None)]),
        ] {
            assert_eq!(read(text).unwrap(), want, "{text:?}");
        }
    }

    #[test]
    fn nothing_is_lost_below_a_quote_that_stays_open_for_longer_than_a_row() {
        let below = "b@example.com,B\n".repeat(2 * MAX_ROW_LENGTH / 16);
        let rows = read(&format!("email,name\na@example.com,\"oops\n{below}")).unwrap();
        assert_eq!(rows.len(), 2 + 2 * MAX_ROW_LENGTH / 16);
        assert_eq!(rows[1], row(2, &["a@example.com", "\"oops"], Some(1)));
        assert!(rows[2..].iter().all(|(_, cells, unclosed)| cells == &["b@example.com", "B"] && unclosed.is_none()));
    }

    #[test]
    fn a_line_without_end_says_where_it_begins() {
        let endless = "x".repeat(MAX_ROW_LENGTH + 100_000);
        assert_eq!(read(&format!("email\n\"a\nb\"\n{endless}")), Err(Unreadable::RowTooLong { line: 4 }));
        assert_eq!(read(&format!("email\n\"a\nb\n\"{endless}")), Err(Unreadable::RowTooLong { line: 4 }));
    }

    proptest! {
        #[test]
        fn what_a_writer_wrote_has_no_unclosed_quote(rows in prop::collection::vec(prop::collection::vec("[ab,;\"\n\r ]{0,6}", 1..4), 1..20)) {
            let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
            for row in &rows {
                writer.write_record(row).unwrap();
            }
            let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
            let full = rows.into_iter().filter(|row| row.iter().any(|cell| !cell.trim().is_empty()));
            let read: Vec<_> = read(&text).unwrap().into_iter().map(|(_, cells, unclosed)| { assert_eq!(unclosed, None); cells }).collect();
            prop_assert_eq!(read, full.collect::<Vec<_>>());
        }

        #[test]
        fn each_line_below_an_unclosed_quote_is_a_row(lines in prop::collection::vec("[a-c]{1,3},[a-c]{0,3}", 1..200), at in any::<prop::sample::Index>()) {
            let at = at.index(lines.len());
            let text: String = lines.iter().enumerate().map(|(row_index, line)| if row_index == at { line.replacen(',', ",\"", 1) + "\n" } else { format!("{line}\n") }).collect();
            let rows = read(&text).unwrap();
            prop_assert_eq!(rows.len(), lines.len());
            for (row_index, (_, cells, unclosed)) in rows.iter().enumerate() {
                prop_assert_eq!(*unclosed, (row_index == at).then_some(1));
                prop_assert_eq!(cells.join(","), if row_index == at { lines[row_index].replacen(',', ",\"", 1) } else { lines[row_index].clone() });
            }
        }
    }
}
