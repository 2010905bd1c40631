//! Spreadsheets that are made to take more than they are: whatever is in them, reading ends at a limit.

use std::hash::{BuildHasher, RandomState};
use std::io::{self, Cursor};

use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestRunner};

use super::budget::tests::budget_within;
use super::workbook::tests::small_with;
use super::*;
use crate::members::Teams;

const MB: u64 = 1024 * 1024;
/// The limits are taken this much smaller, so that a test build meets them in no time.
const SCALE: u64 = 50;

/// What a hostile spreadsheet is made of.
#[derive(Debug, Clone)]
struct HostileWorkbook {
    /// Characters of the text that all cells refer to.
    text: usize,
    /// Whether it is made of quotation marks, each of which is written as two.
    quotes: bool,
    rows: u32,
    cells: u32,
    /// From one row to the next.
    step: u32,
    /// Spaces between two rows, in kB.
    padding: usize,
    /// Sheets that name the one part.
    sheets: usize,
    /// Whether the cells are empty, so that sheet after sheet is read.
    empty: bool,
}

fn bomb() -> impl Strategy<Value = HostileWorkbook> {
    let shape = (0..40_000_usize, any::<bool>(), 0..500_u32, 0..40_u32);
    let sheet = (prop_oneof![4 => Just(1_u32), 1 => 2..12_000_u32], prop_oneof![3 => Just(0_usize), 1 => 1..900_usize]);
    (shape, sheet, 1..60_usize, any::<bool>()).prop_map(|((text, quotes, rows, cells), (step, padding), sheets, empty)| {
        // Padded rows are few, so that making the file takes no time either.
        let rows = if padding > 0 { rows.min(8) } else { rows };
        HostileWorkbook { text, quotes, rows, cells, step, padding, sheets, empty }
    })
}

impl HostileWorkbook {
    fn file(&self) -> Vec<u8> {
        let padding = " ".repeat(self.padding * 1024);
        let mut sheet = String::from("<worksheet><sheetData>");
        for row in 0..self.rows {
            let number = 1 + u64::from(row) * u64::from(self.step);
            sheet.push_str(&format!("<row r=\"{number}\">"));
            let cell = if self.empty { "<c/>" } else { "<c t=\"s\"><v>0</v></c>" };
            (0..self.cells).for_each(|_| sheet.push_str(cell));
            sheet.push_str(&padding);
            sheet.push_str("</row>");
        }
        sheet.push_str("</sheetData></worksheet>");
        let text = if self.quotes { "\"" } else { "x" }.repeat(self.text);
        let entries: String = (1..=self.sheets).map(|at| format!("<sheet name=\"S{at}\" sheetId=\"{at}\" r:id=\"rId1\"/>")).collect();
        let office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
        let relation =
            |id: &str, kind: &str, target: &str| format!("<Relationship Id=\"{id}\" Type=\"{office}/{kind}\" Target=\"{target}\"/>");
        let relations = relation("rId1", "worksheet", "worksheets/sheet1.xml") + &relation("rId2", "sharedStrings", "sharedStrings.xml");
        small_with(&[
            ("xl/workbook.xml", format!("<workbook xmlns:r=\"{office}\"><sheets>{entries}</sheets></workbook>").as_bytes()),
            ("xl/_rels/workbook.xml.rels", format!("<Relationships>{relations}</Relationships>").as_bytes()),
            ("xl/worksheets/sheet1.xml", sheet.as_bytes()),
            ("xl/sharedStrings.xml", format!("<sst><si><t>{text}</t></si></sst>").as_bytes()),
        ])
    }
}

/// Counts the bytes kept.
#[derive(Default)]
struct CountingWriter(u64);

impl ChunkSink for CountingWriter {
    fn store(&mut self, chunk: Chunk) -> io::Result<()> {
        self.0 += chunk.body.len() as u64;
        Ok(())
    }
}

fn scaled() -> AnalysisLimits {
    let limits = AnalysisLimits::for_file(MB);
    AnalysisLimits {
        unpacked_bytes: limits.unpacked_bytes / SCALE,
        text_bytes: limits.text_bytes / SCALE,
        written_bytes: limits.written_bytes / SCALE,
        cells: limits.cells / SCALE,
        rows: limits.rows / SCALE,
        sheets: limits.sheets / 10,
        time: limits.time,
    }
}

fn stays_within_its_limits(bomb: &HostileWorkbook) -> Result<(), TestCaseError> {
    let (file, limits) = (bomb.file(), scaled());
    prop_assume!(file.len() as u64 <= MB);
    let budget = budget_within(limits, file.len() as u64);
    let mut written = CountingWriter::default();
    let read = analyze(&mut Cursor::new(&file), None, &Teams::default(), Some(&mut written), &budget);
    let work = budget.work();
    // Each is counted before it is done, so what was done is less than what was counted last: a row, a block, what a block unpacks to.
    let row = MAX_ROW_LENGTH as u64;
    prop_assert!(work.text_bytes <= limits.text_bytes + row, "{work:?}");
    prop_assert!(work.written_bytes <= limits.written_bytes + row, "{work:?}");
    prop_assert!(written.0 <= limits.written_bytes, "{} kept", written.0);
    prop_assert!(work.unpacked_bytes <= limits.unpacked_bytes + 16 * MB, "{work:?}");
    prop_assert!(work.cells <= limits.cells + 1 && work.rows <= limits.rows + 1 && work.sheets <= limits.sheets + 1, "{work:?}");
    if let Err(Unreadable::LimitMet(met)) = read {
        prop_assert!(budget.stopped().is_some() && !met.name().is_empty());
    }
    Ok(())
}

/// `CSV_SEED=NUMBER` repeats a run.
#[test]
fn no_spreadsheet_of_a_megabyte_takes_more_than_its_limits() {
    let drawn = || RandomState::new().hash_one(0);
    let seed = std::env::var("CSV_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or_else(drawn);
    println!("CSV_SEED={seed}");
    let config = Config { cases: 24, rng_seed: RngSeed::Fixed(seed), failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&bomb(), |bomb| stays_within_its_limits(&bomb))
        .unwrap_or_else(|failure| panic!("CSV_SEED={seed}: {failure}"));
}

#[test]
fn the_limits_of_a_megabyte_are_four_largest_files_and_five_seconds() {
    let limits = AnalysisLimits::for_file(MB);
    assert_eq!(limits.written_bytes, 4 * MAX_FILE);
    // What is kept in the database is no more than a sheet's text and the numbers of its rows.
    assert!(limits.text_bytes <= MAX_FILE);
    assert!(limits.time < time::Duration::seconds(5));
    assert_eq!(AnalysisLimits::for_file(MAX_FILE).unpacked_bytes, 800 * MB);
}

#[test]
fn each_limit_is_named_when_it_is_met() {
    let usual = HostileWorkbook { text: 1_000, quotes: false, rows: 10, cells: 10, step: 1, padding: 0, sheets: 1, empty: false };
    for (bomb, name) in [
        (HostileWorkbook { text: 30_000, rows: 1_000, cells: 15, ..usual.clone() }, "text_bytes"),
        (HostileWorkbook { text: 15_001, quotes: true, rows: 1_000, cells: 15, ..usual.clone() }, "text_bytes"),
        (HostileWorkbook { rows: 5, padding: 900, empty: true, ..usual.clone() }, "unpacked_bytes"),
        (HostileWorkbook { rows: 2, padding: 900, empty: true, sheets: 15, ..usual.clone() }, "unpacked_bytes"),
        (HostileWorkbook { rows: 1_000, cells: 210, empty: true, ..usual.clone() }, "cells"),
        (HostileWorkbook { rows: 10, step: 9_000, cells: 1, ..usual.clone() }, "rows"),
        (HostileWorkbook { rows: 1, cells: 1, empty: true, sheets: 50, ..usual.clone() }, "sheets"),
    ] {
        let file = bomb.file();
        let budget = budget_within(scaled(), file.len() as u64);
        let read = analyze(&mut Cursor::new(&file), None, &Teams::default(), None, &budget);
        let met = match read {
            Err(Unreadable::LimitMet(met)) => met.name(),
            other => panic!("{name}: {other:?} {bomb:?} {:?}", budget.work()),
        };
        assert_eq!(met, name, "{bomb:?}");
    }
}

#[test]
fn an_archive_whose_part_has_another_name_is_no_way_around_the_limits() {
    let sheet = [b"<worksheet><sheetData>".as_slice(), &vec![b' '; 30 * 1024 * 1024]].concat();
    let office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let relations =
        format!("<Relationships><Relationship Id=\"rId1\" Type=\"{office}/worksheet\" Target=\"worksheets/sheet1.dat\"/></Relationships>");
    let file = small_with(&[("xl/_rels/workbook.xml.rels", relations.as_bytes()), ("xl/worksheets/sheet1.dat", &sheet)]);
    let budget = budget_within(scaled(), file.len() as u64);
    let read = analyze(&mut Cursor::new(&file), None, &Teams::default(), None, &budget);
    assert!(read.is_err() && budget.work().unpacked_bytes < MB, "{read:?} {:?}", budget.work());
}

#[test]
fn a_csv_file_is_kept_within_what_temporary_files_may_take() {
    let file = b"a@example.com,x\n".repeat(10_000);
    let limits = AnalysisLimits { written_bytes: file.len() as u64 + 100_000, ..scaled() };
    let budget = budget_within(limits, file.len() as u64);
    let read = analyze(&mut Cursor::new(&file), None, &Teams::default(), Some(&mut CountingWriter::default()), &budget);
    assert_eq!(read.map(|analysis| analysis.rows), Err(Unreadable::LimitMet(LimitMet::WrittenBytes(limits.written_bytes))));
}
