use std::io;

use csv::{Reader, StringRecord, Writer};

use super::budget::AnalysisBudget;
use super::check::{RowFindings, repeated};
use super::dialect::reader;
use super::row_reader::FileRow;
use super::rows::{Cells, read_row};
use super::{ColumnNumber, Mapping, RowError};
use crate::members::Teams;

/// Most rows of a chunk: what one transaction invites.
const CHUNK_ROWS: u32 = 200;
/// Bytes after which a chunk ends, whatever its rows.
const CHUNK_BYTES: usize = 64 * 1024;

/// Some rows of a file that follow each other, in the form in which they are kept.
#[derive(Debug, Clone)]
pub struct Chunk {
    /// Place of the first of them among the rows of the file, from 0.
    pub first: u64,
    pub rows: u32,
    /// How many errors they have under the mapping.
    pub errors: u32,
    /// Numbers of the rows that repeat an address, each with the number of the row that has it first.
    pub repeats: Vec<(u64, u64)>,
    /// CSV in UTF-8 with commas; the first cell of each row is its number in the file, followed by a quotation mark and a column when
    /// a quotation mark is opened there and never closed.
    pub body: Vec<u8>,
}

/// Where chunks go as they are made.
pub trait ChunkSink {
    /// Takes the next chunk.
    ///
    /// # Errors
    /// When it can't be kept.
    fn store(&mut self, chunk: Chunk) -> io::Result<()>;
}

/// Puts rows into chunks.
pub(super) struct Chunks<'a> {
    sink: &'a mut dyn ChunkSink,
    budget: &'a AnalysisBudget,
    first: u64,
    rows: u32,
    errors: u32,
    repeats: Vec<(u64, u64)>,
    writer: Writer<Vec<u8>>,
    bytes: usize,
}

fn writer() -> Writer<Vec<u8>> {
    csv::WriterBuilder::new().flexible(true).from_writer(Vec::with_capacity(CHUNK_BYTES + CHUNK_BYTES / 4))
}

impl<'a> Chunks<'a> {
    pub(super) fn new(sink: &'a mut dyn ChunkSink, budget: &'a AnalysisBudget) -> Self {
        Self { sink, budget, first: 0, rows: 0, errors: 0, repeats: Vec::new(), writer: writer(), bytes: 0 }
    }

    /// Adds a row; of a note below the table nothing was found.
    pub(super) fn add(&mut self, row: FileRow<'_>, found: Option<RowFindings>) -> io::Result<()> {
        let (number, record) = (row.number, row.record);
        match row.unclosed_quote {
            None => self.writer.write_field(decimal(number, &mut [0; 20]))?,
            Some(column) => self.writer.write_field(format!("{number}\"{}", column.0))?,
        }
        self.writer.write_record(record)?;
        self.rows += 1;
        self.bytes += record.as_slice().len() + record.len();
        if let Some(found) = found {
            self.errors = self.errors.saturating_add(found.errors);
            self.repeats.extend(found.repeats.map(|first| (number, first)));
        }
        if self.rows >= CHUNK_ROWS || self.bytes >= CHUNK_BYTES { self.end_chunk() } else { Ok(()) }
    }

    /// Hands over what is left.
    pub(super) fn end_chunk(&mut self) -> io::Result<()> {
        if self.rows == 0 {
            return Ok(());
        }
        let body = std::mem::replace(&mut self.writer, writer()).into_inner().map_err(|error| io::Error::other(error.to_string()))?;
        self.budget.spend_written(body.len() as u64)?;
        let (first, rows, errors) = (self.first, self.rows, self.errors);
        self.first += u64::from(rows);
        (self.rows, self.errors, self.bytes) = (0, 0, 0);
        self.sink.store(Chunk { first, rows, errors, repeats: std::mem::take(&mut self.repeats), body })
    }
}

fn decimal(number: u64, digits: &mut [u8; 20]) -> &[u8] {
    let (mut at, mut rest) = (digits.len(), number);
    loop {
        at -= 1;
        // A remainder of ten is a digit.
        digits[at] = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
        if rest == 0 || at == 0 {
            return &digits[at..];
        }
    }
}

/// The rows of a chunk as it was kept.
pub struct StoredRows<'a> {
    reader: Reader<&'a [u8]>,
    record: StringRecord,
}

impl<'a> StoredRows<'a> {
    /// Reads the body of a chunk.
    #[must_use]
    pub fn new(body: &'a [u8]) -> Self {
        Self { reader: reader(body, b','), record: StringRecord::new() }
    }

    /// The next row and its number in the file.
    pub fn next_row(&mut self) -> Option<(u64, Cells<'_>)> {
        // We wrote it ourselves: it is UTF-8 and begins with a number.
        let read = self.reader.read_record(&mut self.record).unwrap_or(false);
        let first = self.record.get(0)?;
        let (number, column) = first.split_once('"').map_or((first, None), |(number, column)| (number, column.parse().ok()));
        let number = number.parse().ok()?;
        read.then_some((number, Cells::after_first(&self.record, column.map(ColumnNumber))))
    }
}

impl Chunk {
    /// Every error of its rows, given how many rows of it are rows of the table.
    #[must_use]
    pub fn all_errors(&self, table_rows: u64, mapping: &Mapping, columns: usize, teams: &Teams) -> Vec<(u64, Vec<RowError>)> {
        let mut all = Vec::new();
        let mut rows = StoredRows::new(&self.body);
        let (mut position, mut repeats) = (self.first, self.repeats.iter().peekable());
        while let Some((number, cells)) = rows.next_row().filter(|_| position < table_rows) {
            let first = repeats.next_if(|(row, _)| *row == number).map(|(_, first)| *first);
            let errors = match (read_row(number, cells, mapping, columns, teams), first) {
                (Err(errors), _) => errors,
                (Ok(_), Some(first)) => vec![repeated(number, mapping, first)],
                (Ok(_), None) => Vec::new(),
            };
            if !errors.is_empty() {
                all.push((position, errors));
            }
            position += 1;
        }
        all
    }
}
