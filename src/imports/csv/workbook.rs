//! Spreadsheets: the first sheet with something in it, as CSV.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};

use calamine::{Cell, DataRef, Reader, SheetVisible, Xlsx};

use super::budget::{AnalysisBudget, MeteredReader};
use super::encoding::lost;
use super::workbook_bounds::check_bounds;
use super::{MAX_COLUMNS, MAX_ROW_LENGTH, MAX_ROWS, Unreadable};

/// How a ZIP archive begins, which a spreadsheet is.
const ZIP: &[u8] = b"PK\x03\x04";
/// Empty rows between two that are not; a sheet can have a million.
const WIDEST_GAP: u32 = 10_000;

/// What an empty row takes: two quotes and the end of the line.
const EMPTY_ROW_BYTES: u64 = 3;

/// A sheet of a spreadsheet.
pub(super) struct Sheet {
    pub(super) name: String,
    /// Its rows as CSV in UTF-8 with commas, in a file that goes away when it is closed. Each row is as wide as the first at
    /// least, and empty rows are there, so that rows have the numbers that they have in the sheet.
    pub(super) text: File,
}

/// The first sheet that is shown and not empty; `None` for a file that is no archive.
///
/// # Errors
/// [`Unreadable`], when it is an archive of another kind, or a spreadsheet that can't be read within our bounds and the budget.
pub(super) fn first_sheet<R: Read + Seek>(source: &mut R, budget: &AnalysisBudget) -> Result<Option<Sheet>, Unreadable> {
    source.rewind().map_err(lost)?;
    let mut start = Vec::new();
    (&mut *source).take(ZIP.len() as u64).read_to_end(&mut start).map_err(lost)?;
    if start != ZIP {
        return Ok(None);
    }
    let parts = check_bounds(source, budget)?;
    // What the library that opens it reads is counted, and its errors hide why reading ended.
    let stopped_or = |otherwise| move || budget.stopped().map_or(otherwise, Unreadable::from);
    let metered = MeteredReader::archive(source, budget, &parts).map_err(lost)?;
    let mut book = Xlsx::new(metered).map_err(|_| stopped_or(Unreadable::Workbook("it is damaged, or no .xlsx"))())?;
    let shown = book.sheets_metadata().iter().filter(|sheet| sheet.visible == SheetVisible::Visible);
    let names: Vec<String> = shown.map(|sheet| sheet.name.clone()).collect();
    for name in names {
        budget.spend_sheet()?;
        if let Some(text) = sheet_text(&mut book, &name, budget)? {
            return Ok(Some(Sheet { name, text }));
        }
    }
    Err(Unreadable::Empty)
}

fn damaged<E>(_: E) -> Unreadable {
    Unreadable::Workbook("a sheet of it is damaged")
}

/// Writes the sheet as CSV; `None` when nothing is in it, or when it is a chart.
fn sheet_text<R: Read + Seek>(book: &mut Xlsx<R>, name: &str, budget: &AnalysisBudget) -> Result<Option<File>, Unreadable> {
    let Ok(mut cells) = book.worksheet_cells_reader(name) else {
        return budget.stopped().map_or(Ok(None), |stop| Err(stop.into()));
    };
    let mut text = SheetWriter::new(tempfile::tempfile().map_err(lost)?, budget);
    while let Some(cell) = cells.next_cell().map_err(|error| budget.stopped().map_or_else(|| damaged(error), Unreadable::from))? {
        budget.spend_cell()?;
        text.add(&cell)?;
    }
    text.end()
}

struct SheetWriter<'a> {
    budget: &'a AnalysisBudget,
    writer: csv::Writer<BufWriter<File>>,
    /// The cells of the row under way; as many as are in use.
    row: Vec<String>,
    used: usize,
    bytes: usize,
    /// Its place in the sheet, from 0.
    at: u32,
    /// Cells of the first row that has any.
    width: usize,
    written: u64,
}

impl<'a> SheetWriter<'a> {
    fn new(file: File, budget: &'a AnalysisBudget) -> Self {
        let writer = csv::WriterBuilder::new().flexible(true).from_writer(BufWriter::new(file));
        Self { budget, writer, row: Vec::new(), used: 0, bytes: 0, at: 0, width: 0, written: 0 }
    }

    fn add(&mut self, cell: &Cell<DataRef<'_>>) -> Result<(), Unreadable> {
        let value = text_of(cell.get_value());
        let (row, column) = cell.get_position();
        if value.is_empty() {
            return Ok(());
        }
        let column = usize::try_from(column).unwrap_or(usize::MAX);
        if column >= MAX_COLUMNS {
            return Err(Unreadable::TooManyColumns);
        }
        if row != self.at {
            let gap = row.checked_sub(self.at).ok_or_else(|| damaged(()))?;
            self.end_row()?;
            if gap > WIDEST_GAP {
                return Err(Unreadable::Workbook("it has more than 10,000 empty rows between others; delete them"));
            }
            for _ in 1..gap {
                self.budget.spend_rows(1)?;
                self.budget.spend_text(EMPTY_ROW_BYTES)?;
                // One empty cell, quoted, so that it is read as a row.
                self.writer.write_record([""]).map_err(|error| lost(error.into()))?;
            }
            self.at = row;
        }
        self.bytes += written_length(&value);
        if self.bytes > MAX_ROW_LENGTH / 2 {
            return Err(Unreadable::RowTooLong { line: u64::from(row) + 1 });
        }
        if self.row.len() <= column {
            self.row.resize_with(column + 1, String::new);
        }
        self.row[column] = value;
        self.used = self.used.max(column + 1);
        Ok(())
    }

    fn end_row(&mut self) -> Result<(), Unreadable> {
        self.budget.spend_rows(1)?;
        if self.used == 0 {
            // The rows above the first cell of the sheet.
            self.budget.spend_text(EMPTY_ROW_BYTES)?;
            return self.writer.write_record([""]).map_err(|error| lost(error.into()));
        }
        if self.width == 0 {
            self.width = self.used;
        }
        let width = self.used.max(self.width);
        self.row.resize_with(width.max(self.row.len()), String::new);
        // A delimiter or line end behind each cell.
        self.budget.spend_text((self.bytes + width) as u64)?;
        self.writer.write_record(&self.row[..width]).map_err(|error| lost(error.into()))?;
        self.row.iter_mut().for_each(String::clear);
        (self.used, self.bytes) = (0, 0);
        self.written += 1;
        Ok(())
    }

    fn end(mut self) -> Result<Option<File>, Unreadable> {
        if self.used == 0 && self.written == 0 {
            return Ok(None);
        }
        self.end_row()?;
        if self.written > MAX_ROWS + 1 {
            return Err(Unreadable::TooManyRows);
        }
        let buffered = self.writer.into_inner().map_err(|error| lost(io::Error::other(error.to_string())))?;
        let mut file = buffered.into_inner().map_err(|error| lost(error.into_error()))?;
        file.flush().and_then(|()| file.seek(SeekFrom::Start(0))).map_err(lost)?;
        Ok(Some(file))
    }
}

/// Bytes that a cell takes in CSV: quotes around it when it needs them, and a second one for each in it.
fn written_length(cell: &str) -> usize {
    let quotes = memchr::memchr_iter(b'"', cell.as_bytes()).count();
    let is_quoted = quotes > 0 || memchr::memchr3(b',', b'\n', b'\r', cell.as_bytes()).is_some();
    cell.len() + quotes + if is_quoted { 2 } else { 0 }
}

/// The text of a cell, as a person would type it.
fn text_of(value: &DataRef<'_>) -> String {
    match value {
        DataRef::String(text) => text.trim().to_owned(),
        DataRef::SharedString(text) => text.trim().to_owned(),
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => number.to_string(),
        DataRef::Bool(truth) => truth.to_string(),
        DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
        DataRef::DateTime(moment) if moment.is_datetime() => {
            let (year, month, day, hour, minute, second, _) = moment.to_ymd_hms_milli();
            match (hour, minute, second) {
                (0, 0, 0) => format!("{year:04}-{month:02}-{day:02}"),
                _ => format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}"),
            }
        }
        DataRef::DateTime(moment) => moment.as_f64().to_string(),
        DataRef::Error(_) | DataRef::Empty => String::new(),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::io::{Cursor, Read as _};

    use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};
    use zip::write::{SimpleFileOptions, ZipWriter};

    use super::*;
    use crate::imports::csv::budget::tests::budget;

    /// A small spreadsheet, as Excel's format wants it.
    pub(crate) fn small() -> Vec<u8> {
        let mut book = Workbook::new();
        let sheet = book.add_worksheet();
        for (row, cells) in [["First Name", "Email"], ["Käthe", "kaethe@example.com"], ["Bo", "bo@example.com"]].iter().enumerate() {
            for (column, cell) in cells.iter().enumerate() {
                sheet.write(u32::try_from(row).unwrap(), u16::try_from(column).unwrap(), *cell).unwrap();
            }
        }
        book.save_to_buffer().unwrap()
    }

    fn read_first_sheet(bytes: &[u8]) -> Result<(String, String), Unreadable> {
        let mut sheet = first_sheet(&mut Cursor::new(bytes), &budget(bytes.len() as u64))?.expect("an archive");
        let mut text = String::new();
        sheet.text.read_to_string(&mut text).unwrap();
        Ok((sheet.name, text))
    }

    #[test]
    fn the_first_sheet_with_something_in_it_is_read_with_its_empty_rows() {
        let mut book = Workbook::new();
        book.add_worksheet().set_name("Empty").unwrap();
        book.add_worksheet().set_name("Hidden").unwrap().set_hidden(true).write(0, 0, "no").unwrap();
        let sheet = book.add_worksheet().set_name("People").unwrap();
        for (column, name) in ["Name", "Email", "Since", "Number", "Active"].iter().enumerate() {
            sheet.write(1, u16::try_from(column).unwrap(), *name).unwrap();
        }
        sheet.write(4, 0, "O\"Neil, A").unwrap().write(4, 1, " ann@example.com ").unwrap();
        let date = ExcelDateTime::from_ymd(2026, 6, 15).unwrap();
        sheet.write_with_format(4, 2, &date, &Format::new().set_num_format("yyyy-mm-dd")).unwrap();
        sheet.write(4, 3, 4711).unwrap().write(4, 4, true).unwrap();
        sheet.write(5, 1, "bo@example.com").unwrap();
        let (name, text) = read_first_sheet(&book.save_to_buffer().unwrap()).unwrap();
        assert_eq!(name, "People");
        let want =
            "\"\"\nName,Email,Since,Number,Active\n\"\"\n\"\"\n\"O\"\"Neil, A\",ann@example.com,2026-06-15,4711,true\n,bo@example.com,,,\n";
        assert_eq!(text, want);
    }

    /// An archive with these files.
    fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in files {
            writer.start_file(*name, SimpleFileOptions::default()).unwrap();
            writer.write_all(content).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    /// The small spreadsheet with another file in place of one of its own.
    fn with(name: &str, content: &[u8]) -> Vec<u8> {
        small_with(&[(name, content)])
    }

    /// The small spreadsheet with other files in place of its own.
    pub(crate) fn small_with(others: &[(&str, &[u8])]) -> Vec<u8> {
        let mut original = zip::ZipArchive::new(Cursor::new(small())).unwrap();
        let mut files: Vec<(String, Vec<u8>)> = Vec::new();
        for at in 0..original.len() {
            let mut file = original.by_index(at).unwrap();
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).unwrap();
            files.push((String::from_utf8_lossy(file.name_raw()).into_owned(), bytes));
        }
        for (name, content) in others {
            files.retain(|(known, _)| known != name);
            files.push(((*name).to_owned(), content.to_vec()));
        }
        let borrowed: Vec<_> = files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
        archive(&borrowed)
    }

    #[test]
    fn an_archive_that_is_no_spreadsheet_or_a_bomb_is_never_unpacked() {
        let zeros = vec![b' '; 30 * 1024 * 1024];
        let sheet = "xl/worksheets/sheet1.xml";
        let texts = "xl/sharedStrings.xml";
        let announces = b"<?xml version=\"1.0\"?><sst count=\"3\" uniqueCount=\"900000000000\"><si><t>a</t></si></sst>";
        let far = b"<worksheet><sheetData><row r=\"1\"><c r=\"A1\"><v>1</v></c></row><row r=\"900000\"><c r=\"A900000\"><v>1</v></c></row></sheetData></worksheet>";
        let wide = b"<worksheet><sheetData><row r=\"1\"><c r=\"XFD1\"><v>1</v></c></row></sheetData></worksheet>";
        for (what, bytes, why) in [
            ("another archive", archive(&[("readme.txt", b"hello")]), "ZIP archive"),
            ("half a spreadsheet", small()[..800].to_vec(), "part is missing"),
            ("a text without end", with(sheet, &[b"<worksheet>".as_slice(), &zeros].concat()), "too large"),
            ("more texts than fit", with(texts, &b"<si><t>a</t></si>".repeat(2_000_000)), "too large"),
            ("announced texts", with(texts, announces), "don't write"),
            ("a comment", with(sheet, b"<worksheet><!-- x --><sheetData></sheetData></worksheet>"), "don't write"),
            ("entities", with(sheet, b"<!DOCTYPE x [<!ENTITY a \"aaa\">]><worksheet></worksheet>"), "don't write"),
            ("UTF-16", with(sheet, b"\xff\xfe<\0w\0"), "don't write"),
            ("rows far apart", with(sheet, far), "empty rows"),
            ("a column far out", with(sheet, wide), "columns"),
            ("no sheet to read", with(sheet, b"<worksheet><sheetData></sheetData></worksheet>"), "empty"),
        ] {
            let said = read_first_sheet(&bytes).map(|(_, text)| text.len()).expect_err(what).to_string();
            assert!(said.contains(why), "{what}: {said}");
        }
    }
}
