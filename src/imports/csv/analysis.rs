use std::io::{Read, Seek};

use csv::StringRecord;

use super::address_cell::is_address;
use super::budget::{AnalysisBudget, MeteredReader};
use super::check::{RowCheck, RowFindings};
use super::chunks::{ChunkSink, Chunks};
use super::dialect::{delimiter_of, first_names_columns, split_hint};
use super::encoding::{DecodedText, RecognizedEncoding, lost, recognize, unreadable};
use super::proposal::propose;
use super::row_reader::{CsvRows, FileRow};
use super::rows::shorten;
use super::{Analysis, CsvColumn, Dialect, Format, MAX_COLUMNS, MAX_NOTES, MAX_ROWS, Mapping, SAMPLE_ROWS, Unreadable, workbook};
use crate::members::Teams;

/// Rows whose cells are looked at to propose a mapping.
const LOOK: usize = 1000;
/// Bytes of such rows at most.
const LOOK_BYTES: usize = 1024 * 1024;
/// Bytes of text in which the delimiter is looked for.
const HEAD: u64 = 64 * 1024;

/// Where the rows of an analyzed file go.
pub type OptionalSink<'a> = Option<&'a mut dyn ChunkSink>;

/// Says what is in a file, how its columns may be used, and what in it can't; hands its rows to `sink` as they come. Takes time
/// in proportion to the file and blocks: call it on the blocking pool. It ends when `budget` does.
///
/// # Errors
/// [`Unreadable`], when it is no list of invitations, or `budget` doesn't suffice.
pub fn analyze<R: Read + Seek>(
    source: &mut R,
    charset: Option<&str>,
    teams: &Teams,
    sink: OptionalSink<'_>,
    budget: &AnalysisBudget,
) -> Result<Analysis, Unreadable> {
    let Some(mut sheet) = workbook::first_sheet(source, budget)? else {
        return analyze_text(&mut MeteredReader::plain(source, budget).map_err(lost)?, charset, teams, sink, budget);
    };
    let text = &mut MeteredReader::plain(&mut sheet.text, budget).map_err(lost)?;
    let mut analysis = analyze_text(text, Some("utf-8"), teams, sink, budget)?;
    analysis.dialect = Dialect { format: Format::Xlsx, sheet: Some(shorten(&sheet.name)), ..analysis.dialect };
    Ok(analysis)
}

fn analyze_text<R: Read + Seek>(
    source: &mut R,
    charset: Option<&str>,
    teams: &Teams,
    sink: OptionalSink<'_>,
    budget: &AnalysisBudget,
) -> Result<Analysis, Unreadable> {
    let recognized = recognize(source, charset)?;
    let layout = Layout::find(source, recognized)?;
    let first = first_rows(source, &layout)?;
    let has_headers = first_names_columns(&first);
    let (headers, body) = if has_headers { (first.first(), &first[1..]) } else { (None, first.as_slice()) };
    if body.is_empty() {
        return Err(if headers.is_some() { Unreadable::NoRows } else { Unreadable::Empty });
    }
    // Cells beyond the headers are errors of their row; without headers the longest row rules.
    let columns = headers.map_or_else(|| body.iter().map(StringRecord::len).max().unwrap_or(0), StringRecord::len);
    if columns > MAX_COLUMNS {
        return Err(Unreadable::TooManyColumns);
    }
    let mapping = propose(headers, columns, body, teams).ok_or(Unreadable::NoAddresses)?;
    let proposed = Mapping::from(mapping);
    let check = RowCheck::new(proposed, columns, teams.clone());
    let mut count = Count { check, chunks: sink.map(|sink| Chunks::new(sink, budget)), rows: 0, notes: 0 };
    let mut rows = layout.rows(source)?;
    if has_headers {
        rows.next_row()?;
    }
    count.read(&mut rows, &proposed, columns)?;
    if count.rows == 0 {
        return Err(Unreadable::NoAddresses);
    }
    Ok(Analysis {
        dialect: Dialect {
            format: Format::Csv,
            sheet: None,
            encoding: recognized.encoding.name().to_owned(),
            byte_order_mark: recognized.marked,
            delimiter: char::from(layout.delimiter),
            has_headers,
        },
        columns: name_columns(headers, columns),
        mapping,
        sample: body.iter().take(SAMPLE_ROWS).map(|row| row.iter().take(columns).map(shorten).collect()).collect(),
        errors: count.check.errors,
        error_count: count.check.error_count,
        rows: count.rows,
        valid_rows: count.check.valid_rows,
        notes: count.notes,
    })
}

/// What it takes to read the rows of a file.
struct Layout {
    recognized: RecognizedEncoding,
    delimiter: u8,
    /// Bytes of decoded text before the first row.
    hint: usize,
}

impl Layout {
    fn find<R: Read + Seek>(source: &mut R, recognized: RecognizedEncoding) -> Result<Self, Unreadable> {
        source.rewind().map_err(lost)?;
        let mut head = Vec::new();
        DecodedText::new(source, recognized).take(HEAD).read_to_end(&mut head).map_err(|error| unreadable(&error, 1))?;
        // The last character may have been cut.
        let text = String::from_utf8_lossy(&head);
        let (rest, hinted) = split_hint(&text);
        Ok(Self { recognized, delimiter: hinted.unwrap_or_else(|| delimiter_of(rest)), hint: text.len() - rest.len() })
    }

    fn rows<'a, R: Read + Seek>(&self, source: &'a mut R) -> Result<CsvRows<DecodedText<&'a mut R>>, Unreadable> {
        source.rewind().map_err(lost)?;
        let mut text = DecodedText::new(source, self.recognized);
        let mut hint = vec![0; self.hint];
        text.read_exact(&mut hint).map_err(|error| unreadable(&error, 1))?;
        Ok(CsvRows::over(text, self.delimiter))
    }
}

/// The first rows with something in them.
fn first_rows<R: Read + Seek>(source: &mut R, layout: &Layout) -> Result<Vec<StringRecord>, Unreadable> {
    let mut rows = layout.rows(source)?;
    let (mut first, mut bytes) = (Vec::new(), 0);
    while first.len() <= LOOK && (bytes < LOOK_BYTES || first.len() < 2) {
        let Some(row) = rows.next_row()? else { break };
        bytes += row.record.as_slice().len();
        first.push(row.record.clone());
    }
    Ok(first)
}

fn name_columns(headers: Option<&StringRecord>, columns: usize) -> Vec<CsvColumn> {
    let name = |at: usize| {
        let header = headers.and_then(|headers| headers.get(at)).map(str::trim).filter(|header| !header.is_empty());
        header.map_or_else(|| format!("Column {}", at + 1), shorten)
    };
    (0..columns).filter_map(|at| Some(CsvColumn { index: u16::try_from(at).ok()?, name: name(at) })).collect()
}

/// What reading the whole file counts.
struct Count<'a> {
    check: RowCheck,
    chunks: Option<Chunks<'a>>,
    rows: u64,
    notes: u64,
}

impl Count<'_> {
    fn add(&mut self, row: FileRow<'_>) -> Result<(), Unreadable> {
        self.rows += 1;
        if self.rows > MAX_ROWS {
            return Err(Unreadable::TooManyRows);
        }
        let found = self.check.row(row.number, row.cells());
        self.store_row(row, Some(found))
    }

    fn store_row(&mut self, row: FileRow<'_>, found: Option<RowFindings>) -> Result<(), Unreadable> {
        self.chunks.as_mut().map_or(Ok(()), |chunks| chunks.add(row, found)).map_err(lost)
    }

    /// Reads the rows. Lines of one cell at the end of a table that has more are notes; whether they are, the end shows.
    fn read<R: Read>(&mut self, rows: &mut CsvRows<R>, mapping: &Mapping, columns: usize) -> Result<(), Unreadable> {
        let mut notes: Vec<(u64, StringRecord)> = Vec::new();
        while let Some(row) = rows.next_row()? {
            let is_single = columns > 1 && row.record.len() == 1 && row.unclosed_quote.is_none();
            if is_single && notes.len() < MAX_NOTES && !is_address(row.cells().cell(Some(mapping.email))) {
                notes.push((row.number, row.record.clone()));
                continue;
            }
            for (number, note) in notes.drain(..) {
                self.add(FileRow { number, record: &note, unclosed_quote: None })?;
            }
            self.add(row)?;
        }
        self.notes = notes.len() as u64;
        for (number, note) in &notes {
            self.store_row(FileRow { number: *number, record: note, unclosed_quote: None }, None)?;
        }
        self.chunks.as_mut().map_or(Ok(()), Chunks::end_chunk).map_err(lost)
    }
}
