//! The analysis as a whole: files as their programs write them, and files as nobody does.

use std::io::{self, Cursor};
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence, TestCaseError, TestRunner};

use super::budget::tests::budget;
use super::*;
use crate::clock::monotonic_now;
use crate::members::Teams;

/// Files as programs write them, byte by byte; where the fuzzing begins.
const WRITTEN: [(&str, &[u8]); 14] = [
    ("excel-windows", include_bytes!("../../../tests/it/fixtures/csv/excel-windows.csv")),
    ("excel-windows-semicolon", include_bytes!("../../../tests/it/fixtures/csv/excel-windows-semicolon.csv")),
    ("excel-utf8", include_bytes!("../../../tests/it/fixtures/csv/excel-utf8.csv")),
    ("excel-unicode-text", include_bytes!("../../../tests/it/fixtures/csv/excel-unicode-text.txt")),
    ("excel-macintosh", include_bytes!("../../../tests/it/fixtures/csv/excel-macintosh.csv")),
    ("excel-sep-line", include_bytes!("../../../tests/it/fixtures/csv/excel-sep-line.csv")),
    ("excel-japanese", include_bytes!("../../../tests/it/fixtures/csv/excel-japanese.csv")),
    ("google-sheets", include_bytes!("../../../tests/it/fixtures/csv/google-sheets.csv")),
    ("numbers", include_bytes!("../../../tests/it/fixtures/csv/numbers.csv")),
    ("libreoffice", include_bytes!("../../../tests/it/fixtures/csv/libreoffice.csv")),
    ("salesforce-report", include_bytes!("../../../tests/it/fixtures/csv/salesforce-report.csv")),
    ("salesforce-report-latin-1", include_bytes!("../../../tests/it/fixtures/csv/salesforce-report-latin-1.csv")),
    ("excel-mac", include_bytes!("../../../tests/it/fixtures/csv/excel-mac.csv")),
    ("no-headers", include_bytes!("../../../tests/it/fixtures/csv/no-headers.csv")),
];

/// Keeps the chunks.
#[derive(Default)]
struct Memory(Vec<Chunk>);

impl ChunkSink for Memory {
    fn store(&mut self, chunk: Chunk) -> io::Result<()> {
        self.0.push(chunk);
        Ok(())
    }
}

impl Memory {
    /// The rows kept, without their numbers.
    fn rows(&self) -> Vec<Vec<String>> {
        let mut all = Vec::new();
        for chunk in &self.0 {
            let mut rows = StoredRows::new(&chunk.body);
            while let Some((_, cells)) = rows.next_row() {
                all.push(cells.iter().map(str::to_owned).collect());
            }
        }
        all
    }
}

fn read(bytes: &[u8]) -> Result<(Analysis, Memory), Unreadable> {
    let mut sink = Memory::default();
    let analysis = analyze(&mut Cursor::new(bytes), None, &Teams::default(), Some(&mut sink), &budget(bytes.len() as u64))?;
    Ok((analysis, sink))
}

fn analyzed(text: &str) -> Analysis {
    read(text.as_bytes()).unwrap().0
}

#[test]
fn an_analysis_with_the_names_of_earlier_versions_is_read() {
    let analysis = analyzed("email\nann@example.com\nnobody\n");
    let mut stored = serde_json::to_value(&analysis).unwrap();
    let members = stored.as_object_mut().unwrap();
    for (name, earlier) in [("errors", "faults"), ("error_count", "faults_total")] {
        let value = members.remove(name).unwrap();
        members.insert(earlier.to_owned(), value);
    }
    let read: Analysis = serde_json::from_value(stored).unwrap();
    assert_eq!((read.error_count, read.errors), (1, analysis.errors));
}

#[test]
fn a_file_is_read_whichever_program_wrote_it() {
    for (name, encoding, mark, delimiter, headers, columns) in [
        ("excel-windows", "windows-1252", false, ',', true, [2, 0, 1, 3]),
        ("excel-windows-semicolon", "windows-1252", false, ';', true, [2, 0, 1, 3]),
        ("excel-utf8", "UTF-8", true, ';', true, [2, 0, 1, 3]),
        ("excel-unicode-text", "UTF-16LE", true, '\t', true, [2, 0, 1, 3]),
        ("excel-macintosh", "macintosh", false, ',', true, [2, 0, 1, 3]),
        ("excel-sep-line", "windows-1252", false, ';', true, [2, 0, 1, 3]),
        ("google-sheets", "UTF-8", false, ',', true, [2, 0, 1, 3]),
        ("numbers", "UTF-8", false, ';', true, [2, 0, 1, 3]),
        ("libreoffice", "UTF-8", false, ',', true, [2, 0, 1, 3]),
        // What Salesforce calls a role is a place in the hierarchy: -1 for none.
        ("salesforce-report", "UTF-8", false, ',', true, [3, 1, 2, -1]),
        ("salesforce-report-latin-1", "windows-1252", false, ',', true, [3, 1, 2, -1]),
        ("excel-mac", "macintosh", false, ';', true, [2, 0, 1, 3]),
        ("excel-japanese", "Shift_JIS", false, ',', true, [2, 1, 0, 3]),
        ("no-headers", "UTF-8", false, '|', false, [2, 0, 1, -1]),
    ] {
        let bytes = WRITTEN.iter().find(|(known, _)| *known == name).unwrap().1;
        let (analysis, sink) = read(bytes).unwrap_or_else(|why| panic!("{name}: {why}"));
        let dialect = &analysis.dialect;
        let said = (dialect.encoding.as_str(), dialect.byte_order_mark, dialect.delimiter, dialect.has_headers);
        assert_eq!(said, (encoding, mark, delimiter, headers), "{name}");
        let mapping = analysis.mapping;
        let others = [mapping.first_name, mapping.last_name, mapping.role].map(|one| one.map_or(-1, |one| i32::from(one.column)));
        assert_eq!([i32::from(mapping.email.column), others[0], others[1], others[2]], columns, "{name}");
        assert_eq!((analysis.rows, analysis.valid_rows), (3, 3), "{name}: {:?}", analysis.errors);
        let first = sink.rows().swap_remove(0);
        if !matches!(name, "no-headers" | "excel-japanese") {
            assert!(first.contains(&"Käthe".to_owned()) && first.contains(&"Müller".to_owned()), "{name}: {first:?}");
        }
    }
}

#[test]
fn the_notes_below_a_report_are_no_rows_and_come_back() {
    let bytes = WRITTEN.iter().find(|(name, _)| *name == "salesforce-report").unwrap().1;
    let (analysis, sink) = read(bytes).unwrap();
    assert_eq!((analysis.rows, analysis.notes, analysis.error_count), (3, 5, 0));
    assert_eq!(sink.rows().len(), 8);
    assert_eq!(sink.rows()[6][0], "Generated By:  Maria Admin  6/15/2026 12:00 PM");
    let in_the_middle = analyzed("name,email\nAnn,ann@example.com\nnote\nBo,bo@example.com\n");
    assert_eq!((in_the_middle.rows, in_the_middle.notes, in_the_middle.error_count), (3, 0, 1));
    let many = analyzed(&format!("name,email\nAnn,ann@example.com\n{}", "note\n".repeat(12)));
    assert_eq!((many.rows - 1 + many.notes, many.error_count), (12, 12 - many.notes), "so many are no notes");
}

#[test]
fn a_file_with_headers_is_mapped_by_them() {
    let analysis = analyzed("Last Name,First Name,E-mail\nO'Neil,Ann,ann@example.com\n\"Smith, Jr\",Bo,bo@example.com\n");
    assert!(analysis.dialect.has_headers);
    assert_eq!(analysis.mapping.email, Proposal { column: 2, confidence: 97 });
    assert_eq!(analysis.mapping.first_name, Some(Proposal { column: 1, confidence: 95 }));
    assert_eq!(analysis.mapping.last_name, Some(Proposal { column: 0, confidence: 95 }));
    assert_eq!((analysis.rows, analysis.valid_rows, analysis.error_count), (2, 2, 0));
    assert_eq!(analysis.sample[1], ["Smith, Jr", "Bo", "bo@example.com"]);
}

#[test]
fn a_file_without_headers_is_mapped_by_what_its_cells_hold() {
    let analysis = analyzed("Ann;user;ann@example.com\nBo;admin;bo@example.com\n");
    assert!(!analysis.dialect.has_headers);
    assert_eq!((analysis.mapping.email.column, analysis.mapping.role.map(|role| role.column)), (2, Some(1)));
    assert_eq!(analysis.columns[0].name, "Column 1");
    let named = analyzed("Lee,ann.lee@example.com,Ann\nYoung,cy_young@example.com,Cy\n");
    let columns = [named.mapping.first_name, named.mapping.last_name].map(|name| name.map(|name| (name.column, name.confidence)));
    assert_eq!(columns, [Some((2, 50)), Some((0, 50))], "names are told by the addresses");
}

#[test]
fn of_two_address_columns_the_one_with_the_plain_name_is_taken() {
    assert_eq!(analyzed("Manager Email,Email\nboss@example.com,ann@example.com\n").mapping.email.column, 1);
}

#[test]
fn every_error_is_told_by_row_and_column() {
    let text = "email,role,team\nann@example.com,user,\nANN@example.com,,\n\n,admin,\nbo@,boss,Nowhere\ncy@example.com,user,,extra\n";
    let (analysis, sink) = read(text.as_bytes()).unwrap();
    let errors: Vec<_> = analysis.errors.iter().map(|error| (error.row, error.column, error.code.as_str())).collect();
    let want = [
        (3, Some(0), "duplicate"),
        (4, Some(0), "email_missing"),
        (5, Some(0), "email_invalid"),
        (5, Some(1), "role_unknown"),
        (5, Some(2), "team_unknown"),
        (6, None, "too_many_cells"),
    ];
    assert_eq!(errors, want);
    assert_eq!((analysis.rows, analysis.valid_rows, analysis.error_count), (5, 1, 6));
    let again = sink.0[0].all_errors(analysis.rows, &analysis.mapping.into(), analysis.columns.len(), &Teams::default());
    assert_eq!(again.into_iter().flat_map(|(_, errors)| errors).collect::<Vec<_>>(), analysis.errors, "the kept rows have the same");
}

#[test]
fn a_hundred_errors_are_listed_and_all_are_counted() {
    let rows: String = (0..300).map(|at| format!("person{at}@\n")).collect();
    let analysis = analyzed(&format!("email\nann@example.com\n{rows}"));
    assert_eq!((analysis.errors.len(), analysis.error_count, analysis.valid_rows), (100, 300, 1));
}

#[test]
fn what_is_no_list_of_invitations_says_why() {
    let endless = format!("name,email\n\"Ann,ann@example.com\n{}", "Bo,bo@example.com,".repeat(100_000));
    for (text, want) in [
        ("", Unreadable::Empty),
        ("email,name\n", Unreadable::NoRows),
        ("name,town\nAnn,Rome\n", Unreadable::NoAddresses),
        ("<html><body>Sign in</body></html>", Unreadable::Foreign(ForeignFileKind::WebPage)),
        (&",".repeat(300), Unreadable::Empty),
        (&format!("a@example.com{}x\n", ",".repeat(300)), Unreadable::TooManyColumns),
        (&endless, Unreadable::RowTooLong { line: 3 }),
    ] {
        let start: String = text.chars().take(50).collect();
        assert_eq!(read(text.as_bytes()).map(|(analysis, _)| analysis), Err(want), "{start:?}");
    }
    let many = "a@example.com\n".repeat(usize::try_from(MAX_ROWS).unwrap() + 1);
    assert_eq!(read(many.as_bytes()).err(), Some(Unreadable::TooManyRows));
}

#[test]
fn rows_are_kept_in_chunks_that_follow_each_other() {
    let text: String = (0..1000).map(|at| format!("p{at}@example.com,{}\n", "x".repeat(at % 700))).collect();
    let (analysis, sink) = read(text.as_bytes()).unwrap();
    let mut next = 0;
    for chunk in &sink.0 {
        assert_eq!(chunk.first, next);
        assert!(chunk.rows <= 200 && chunk.body.len() < 100_000);
        next += u64::from(chunk.rows);
    }
    assert_eq!((next, analysis.rows), (1000, 1000));
    assert_eq!(sink.rows()[999][0], "p999@example.com");
}

#[test]
fn a_mapping_fits_when_each_field_has_a_column_of_its_own() {
    let mapping =
        |first: u16| Mapping { email: ColumnNumber(1), first_name: Some(ColumnNumber(first)), last_name: None, role: None, teams: None };
    assert_eq!(mapping(0).unfit(2), None);
    assert_eq!(mapping(2).unfit(2), Some(MappingMismatch::NoSuchColumn { field: Field::FirstName, column: 2 }));
    assert_eq!(mapping(1).unfit(2), Some(MappingMismatch::Shared { field: Field::FirstName, other: Field::Email, column: 1 }));
}

/// What holds for any file that can be read.
fn holds(bytes: &[u8]) -> Result<(), TestCaseError> {
    let Ok((analysis, sink)) = read(bytes) else { return Ok(()) };
    prop_assert!(analysis.valid_rows <= analysis.rows);
    prop_assert!(analysis.errors.len() as u64 <= analysis.error_count);
    prop_assert_eq!(analysis.valid_rows == analysis.rows, analysis.error_count == 0);
    let mapping = Mapping::from(analysis.mapping);
    prop_assert_eq!(mapping.unfit(analysis.columns.len()), None);
    let sink_rows: u64 = sink.0.iter().map(|chunk| u64::from(chunk.rows)).sum();
    prop_assert_eq!(sink_rows, analysis.rows + analysis.notes);
    prop_assert_eq!(sink.rows().len() as u64, sink_rows, "reading what is kept finds the same rows");
    prop_assert_eq!(sink.0.iter().map(|chunk| u64::from(chunk.errors)).sum::<u64>(), analysis.error_count);
    let again = sink.0.iter().flat_map(|chunk| chunk.all_errors(analysis.rows, &mapping, analysis.columns.len(), &Teams::default()));
    let again: Vec<RowError> = again.flat_map(|(_, errors)| errors).collect();
    prop_assert_eq!(again.len() as u64, analysis.error_count);
    prop_assert_eq!(&again[..analysis.errors.len()], &analysis.errors[..], "the kept rows have the same errors");
    // What goes out can be read again, and nothing in it is a formula.
    let mut export = Export::new(&analysis.dialect);
    for row in sink.rows() {
        export.row(row.iter().map(String::as_str));
    }
    prop_assert!(!export.take().is_empty());
    Ok(())
}

/// One change of a file.
#[derive(Debug, Clone)]
enum Change {
    Replace(prop::sample::Index, u8),
    Insert(prop::sample::Index, &'static [u8]),
    Remove(prop::sample::Index, u8),
    Repeat(prop::sample::Index, u8, u8),
    End(prop::sample::Index),
}

/// Bytes that mean something somewhere.
const TOKENS: [&[u8]; 20] = [
    b",",
    b";",
    b"\t",
    b"|",
    b"\"",
    b"\"\"",
    b"\r",
    b"\n",
    b"\r\n",
    b"\0",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\xe2\x82",
    b"\x81",
    b"@",
    b"=",
    b"sep=;\n",
    b"email",
    b"a@example.com",
    b"PK\x03\x04",
];

fn change() -> impl Strategy<Value = Change> {
    let index = any::<prop::sample::Index>;
    prop_oneof![
        (index(), any::<u8>()).prop_map(|(at, byte)| Change::Replace(at, byte)),
        (index(), prop::sample::select(&TOKENS[..])).prop_map(|(at, token)| Change::Insert(at, token)),
        (index(), 1..20_u8).prop_map(|(at, length)| Change::Remove(at, length)),
        (index(), 1..60_u8, 1..40_u8).prop_map(|(at, length, times)| Change::Repeat(at, length, times)),
        index().prop_map(Change::End),
    ]
}

fn changed(mut bytes: Vec<u8>, changes: &[Change]) -> Vec<u8> {
    for change in changes {
        if bytes.is_empty() {
            break;
        }
        match change {
            Change::Replace(at, byte) => {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
            Change::Insert(at, token) => {
                let at = at.index(bytes.len());
                bytes.splice(at..at, token.iter().copied());
            }
            Change::Remove(at, length) => {
                let at = at.index(bytes.len());
                bytes.drain(at..bytes.len().min(at + usize::from(*length)));
            }
            Change::Repeat(at, length, times) => {
                let at = at.index(bytes.len());
                let part = bytes[at..bytes.len().min(at + usize::from(*length))].repeat(usize::from(*times));
                bytes.splice(at..at, part);
            }
            Change::End(at) => bytes.truncate(at.index(bytes.len())),
        }
    }
    bytes
}

/// A file that some program wrote, or a spreadsheet, and that was damaged on its way.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let mut files: Vec<Vec<u8>> = WRITTEN.iter().map(|(_, bytes)| bytes.to_vec()).collect();
    files.push(super::workbook::tests::small());
    (prop::sample::select(files), prop::collection::vec(change(), 0..12)).prop_map(|(file, changes)| changed(file, &changes))
}

/// Any cell of a header row, known or not.
fn header() -> impl Strategy<Value = String> {
    let known: Vec<&'static str> = languages::LANGUAGES
        .iter()
        .flat_map(|language| Field::ALL.into_iter().flat_map(|field| language.names(field).iter().copied()))
        .collect();
    prop_oneof![prop::sample::select(known).prop_map(str::to_owned), "\\PC{0,20}", "[A-Za-z _.-]{0,30}"]
}

proptest! {
    #![proptest_config(Config::with_cases(256))]

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        holds(&bytes)?;
    }

    #[test]
    fn no_text_makes_it_panic_and_its_counts_add_up(text in "[a-c@.,;|\t\"\n\r é]{0,200}(a@b\\.cd[,;\n]){0,5}") {
        holds(text.as_bytes())?;
    }

    #[test]
    fn a_damaged_file_is_read_or_refused_and_its_counts_add_up(bytes in damaged()) {
        holds(&bytes)?;
    }

    #[test]
    fn any_headers_leave_each_field_one_column_at_most(headers in prop::collection::vec(header(), 1..12), at in any::<prop::sample::Index>()) {
        let mut writer = ::csv::Writer::from_writer(Vec::new());
        writer.write_record(&headers).unwrap();
        for row in 0..3 {
            let mut cells = vec!["x".to_owned(); headers.len()];
            cells[at.index(headers.len())] = format!("p{row}@example.com");
            writer.write_record(&cells).unwrap();
        }
        let text = writer.into_inner().unwrap();
        holds(&text)?;
        if let Ok((analysis, _)) = read(&text) {
            prop_assert_eq!(usize::from(analysis.mapping.email.column), at.index(headers.len()));
            prop_assert!(analysis.mapping.email.confidence <= 100);
        }
    }

    #[test]
    fn a_written_file_is_read_back_whatever_its_delimiter(
        names in prop::collection::vec("[A-Za-zéü ,;|\"']{1,12}", 1..20),
        delimiter in prop_oneof![Just(b','), Just(b';'), Just(b'\t'), Just(b'|')],
    ) {
        let mut writer = ::csv::WriterBuilder::new().delimiter(delimiter).from_writer(Vec::new());
        writer.write_record(["first name", "email"]).unwrap();
        for (at, name) in names.iter().enumerate() {
            writer.write_record([name.as_str(), &format!("p{at}@example.com")]).unwrap();
        }
        let (analysis, sink) = read(&writer.into_inner().unwrap()).unwrap();
        prop_assert_eq!(analysis.dialect.delimiter, char::from(delimiter));
        prop_assert_eq!(analysis.valid_rows, names.len() as u64);
        prop_assert_eq!(&analysis.sample[0][0], &names[0]);
        prop_assert_eq!(sink.rows().into_iter().map(|mut row| row.swap_remove(0)).collect::<Vec<_>>(), names);
    }
}

/// Runs for CSV_FUZZ_SECONDS, 600 unless given: `cargo test --lib imports::csv -- --ignored --nocapture`. What fails is kept in
/// proptest-regressions/csv.txt and tried first from then on.
#[test]
#[ignore = "takes ten minutes"]
fn ten_minutes_of_damaged_files_bring_no_panic() {
    let seconds = std::env::var("CSV_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(600);
    let end = monotonic_now() + Duration::from_secs(seconds);
    let mut cases = 0_u64;
    while monotonic_now() < end {
        let failures = Box::new(FileFailurePersistence::Direct("proptest-regressions/csv.txt"));
        let config = Config { cases: 1000, failure_persistence: Some(failures), ..Config::default() };
        cases += u64::from(config.cases);
        let strategy = prop_oneof![
            6 => damaged(),
            1 => prop::collection::vec(any::<u8>(), 0..2000),
            2 => "[a-c@.,;|\t\"\n\r é=]{0,400}(a@b\\.cd[,;\n]){0,5}".prop_map(String::into_bytes),
        ];
        TestRunner::new(config).run(&strategy, |bytes| holds(&bytes)).unwrap_or_else(|failure| panic!("{failure}"));
    }
    println!("{cases} cases in {seconds} s");
}
