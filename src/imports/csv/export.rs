use csv::{QuoteStyle, Writer, WriterBuilder};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

use super::{Cells, Dialect, Format};
use crate::http::harmless_cell_in;

/// Writes rows as the file they came from was written: the same delimiter and encoding, every cell quoted, and no cell a formula.
pub struct Export {
    writer: Writer<Vec<u8>>,
    encoding: &'static Encoding,
    delimiter: u8,
    /// Whether a byte order mark is still to be written.
    mark: bool,
}

impl Export {
    /// Begins a file in a dialect; a spreadsheet comes back as CSV in UTF-8 that spreadsheet programs recognize.
    #[must_use]
    pub fn new(dialect: &Dialect) -> Self {
        let encoding = Encoding::for_label(dialect.encoding.as_bytes()).unwrap_or(UTF_8);
        let wide = encoding == UTF_16LE || encoding == UTF_16BE;
        let delimiter = u8::try_from(dialect.delimiter).unwrap_or(b',');
        let mark = dialect.byte_order_mark || dialect.format == Format::Xlsx || wide;
        Self { writer: writer(delimiter), encoding, delimiter, mark }
    }

    /// Adds a row of the file, with more cells behind it.
    pub fn row<'a>(&mut self, cells: impl Iterator<Item = &'a str>) {
        // Writing to memory doesn't fail, and rows may differ in length.
        let delimiter = char::from(self.delimiter);
        let _ = self.writer.write_record(cells.map(|cell| harmless_cell_in(cell, delimiter).into_owned()));
    }

    /// What was written since the last time, encoded.
    pub fn take(&mut self) -> Vec<u8> {
        let written = std::mem::replace(&mut self.writer, writer(self.delimiter)).into_inner().unwrap_or_default();
        let text = String::from_utf8_lossy(&written);
        let mark = if std::mem::take(&mut self.mark) { "\u{feff}" } else { "" };
        if self.encoding == UTF_16LE {
            mark.encode_utf16().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
        } else if self.encoding == UTF_16BE {
            mark.encode_utf16().chain(text.encode_utf16()).flat_map(u16::to_be_bytes).collect()
        } else if self.encoding == UTF_8 {
            [mark.as_bytes(), text.as_bytes()].concat()
        } else {
            self.encoding.encode(&text).0.into_owned()
        }
    }

    /// The character set, as a media type names it.
    #[must_use]
    pub fn charset(&self) -> &'static str {
        self.encoding.name()
    }
}

fn writer(delimiter: u8) -> Writer<Vec<u8>> {
    let mut builder = WriterBuilder::new();
    builder.delimiter(delimiter).flexible(true).quote_style(QuoteStyle::Always).terminator(csv::Terminator::CRLF);
    builder.from_writer(Vec::new())
}

/// The cells of a row as the file has them, filled up to the file's columns.
pub fn file_row<'a>(cells: Cells<'a>, columns: usize) -> impl Iterator<Item = &'a str> {
    let missing = columns.saturating_sub(cells.count());
    cells.iter().chain(std::iter::repeat_n("", missing))
}

#[cfg(test)]
mod tests {
    use csv::StringRecord;

    use super::*;

    fn dialect(encoding: &str, delimiter: char, format: Format) -> Dialect {
        Dialect { format, sheet: None, encoding: encoding.into(), byte_order_mark: false, delimiter, has_headers: true }
    }

    #[test]
    fn what_looks_like_a_formula_is_led_by_an_apostrophe() {
        let mut export = Export::new(&dialect("UTF-8", ';', Format::Csv));
        export.row(["=1+1", "+49 30 1234", " @SUM(A1)", "a,=1", "a;=1", "1-2"].into_iter());
        let want = "\"'=1+1\";\"'+49 30 1234\";\" '@SUM(A1)\";\"a,'=1\";\"a;=1\";\"1-2\"\r\n";
        assert_eq!(String::from_utf8(export.take()).unwrap(), want);
    }

    #[test]
    fn a_file_comes_back_in_its_delimiter_and_encoding() {
        let row = ["Käthe", "a;b \"c\""];
        let mut windows = Export::new(&dialect("windows-1252", ';', Format::Csv));
        windows.row(row.into_iter());
        assert_eq!(windows.take(), b"\"K\xe4the\";\"a;b \"\"c\"\"\"\r\n");
        let mut wide = Export::new(&dialect("UTF-16LE", '\t', Format::Csv));
        wide.row(row.into_iter());
        wide.row(["x"].into_iter());
        let bytes = wide.take();
        let units: Vec<u16> = bytes.chunks(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
        assert_eq!(String::from_utf16(&units).unwrap(), "\u{feff}\"Käthe\"\t\"a;b \"\"c\"\"\"\r\n\"x\"\r\n");
        assert!(!wide.take().starts_with(&[0xff, 0xfe]), "the mark comes once");
        let mut sheet = Export::new(&dialect("UTF-8", ',', Format::Xlsx));
        sheet.row(["a"].into_iter());
        assert_eq!(sheet.take(), b"\xef\xbb\xbf\"a\"\r\n");
    }

    #[test]
    fn a_row_is_filled_up_so_that_what_follows_has_columns_of_its_own() {
        let record = StringRecord::from(vec!["a"]);
        assert_eq!(file_row(Cells::of_record(&record, None), 3).collect::<Vec<_>>(), ["a", "", ""]);
    }
}
