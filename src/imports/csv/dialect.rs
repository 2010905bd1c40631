use csv::{Reader, ReaderBuilder, StringRecord};
use serde::{Deserialize, Serialize};

use super::address_cell::is_address;
use super::headers::field_named;

/// Records looked at to tell the delimiter.
const LOOK: usize = 50;

/// The kind of a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = FileFormat)]
pub enum Format {
    /// Separated values: CSV and its relatives.
    #[default]
    Csv,
    /// An Office Open XML spreadsheet.
    Xlsx,
}

/// How the file is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = FileDialect)]
pub struct Dialect {
    #[serde(default)]
    pub format: Format,
    /// The sheet that was read, of a spreadsheet: the first that is shown and not empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
    /// The encoding's name in the WHATWG Encoding Standard.
    #[schema(example = "UTF-8")]
    pub encoding: String,
    /// Whether the file begins with a byte order mark.
    #[serde(default)]
    pub byte_order_mark: bool,
    /// What separates the cells: a comma, a semicolon, a tab or a bar.
    #[schema(example = ",")]
    pub delimiter: char,
    /// Whether the first row names the columns.
    pub has_headers: bool,
}

/// The text without the line `sep=;` that some spreadsheets put first, and the delimiter that it names.
pub(super) fn split_hint(text: &str) -> (&str, Option<u8>) {
    let (line, rest) = text.split_once(['\n', '\r']).unwrap_or((text, ""));
    let rest = rest.strip_prefix('\n').unwrap_or(rest);
    let hinted = line.trim_matches('"').strip_prefix("sep=").map(str::as_bytes);
    match hinted {
        Some([delimiter]) if DELIMITERS.contains(delimiter) => (rest, Some(*delimiter)),
        _ => (text, None),
    }
}

/// What may separate cells. The comma comes last, so that it wins a tie: the usual reading of a file with one column.
const DELIMITERS: &[u8] = b"|\t;,";

/// A reader over `text` that takes rows of any length and headers as rows.
pub(super) fn reader<T: std::io::Read>(text: T, delimiter: u8) -> Reader<T> {
    ReaderBuilder::new().delimiter(delimiter).has_headers(false).flexible(true).from_reader(text)
}

/// The delimiter of `text`: the one under which most cells are addresses and most rows have the same number of cells.
pub(super) fn delimiter_of(text: &str) -> u8 {
    DELIMITERS.iter().copied().max_by_key(|delimiter| score(text, *delimiter)).unwrap_or(b',')
}

fn score(text: &str, delimiter: u8) -> (usize, usize) {
    let mut reader = reader(text.as_bytes(), delimiter);
    let rows: Vec<StringRecord> = reader.records().take(LOOK).map_while(Result::ok).collect();
    let addresses = rows.iter().flatten().filter(|cell| is_address(cell)).count();
    let width = rows.first().map_or(0, StringRecord::len);
    let alike = if width > 1 { rows.iter().filter(|row| row.len() == width).count() } else { 0 };
    (addresses, alike)
}

/// Whether the first of these rows names columns: a known name is among its cells, or none of them is an address while one in
/// the rows below is.
pub(super) fn first_names_columns(rows: &[StringRecord]) -> bool {
    let Some((first, rest)) = rows.split_first() else { return false };
    if first.iter().any(is_address) {
        return false;
    }
    first.iter().any(|cell| field_named(cell).is_some()) || rest.iter().flatten().any(is_address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delimiter_is_the_one_that_lays_addresses_bare() {
        for (text, want) in [
            ("email,name\na@example.com,\"Doe, Ann\"\n", b','),
            ("email;name\na@example.com;Doe, Ann\n", b';'),
            ("email\tname\na@example.com\tAnn; Bo\n", b'\t'),
            ("a@example.com|Ann\nb@example.com|Bo\n", b'|'),
            ("a@example.com\nb@example.com\n", b','),
            ("name;email;teams\nAnn;a@example.com;\"West;North\"\n", b';'),
        ] {
            assert_eq!(delimiter_of(text), want, "{text:?}");
        }
    }

    #[test]
    fn a_hint_in_the_first_line_is_no_row() {
        assert_eq!(split_hint("sep=;\r\na;b"), ("a;b", Some(b';')));
        assert_eq!(split_hint("\"sep=|\"\na|b"), ("a|b", Some(b'|')));
        assert_eq!(split_hint("sep=ü\na"), ("sep=ü\na", None));
        assert_eq!(split_hint("a;b\nc;d"), ("a;b\nc;d", None));
    }
}
