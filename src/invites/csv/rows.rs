use std::io::Cursor;

use csv::{Reader, StringRecord};

use super::dialect::{reader, split_hint};
use super::headers::role_meant;
use super::{ColumnNumber, Dialect, Mapping, RowFault, Unreadable, decode};
use crate::auth::Role;
use crate::ids::TeamId;
use crate::members::{EmailAddress, LONGEST_NAME, NoEmailAddress, Teams};

/// A person in a row.
#[derive(Debug, Clone)]
pub struct ImportRow {
    pub email: EmailAddress,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    /// None when the cell is empty or there is no such column.
    pub role: Option<Role>,
    pub teams: Vec<TeamId>,
}

/// The rows of a file, one at a time, headers and rows without content left out.
pub struct Rows {
    reader: Reader<Cursor<Vec<u8>>>,
    record: StringRecord,
    /// Number of the row just read; the first row of the file is 1.
    number: u64,
}

impl Rows {
    /// The rows of a file that was found to be written in `dialect`.
    ///
    /// # Errors
    /// As [`decode`]; none for a file that has been analysed.
    pub fn open(bytes: &[u8], dialect: &Dialect) -> Result<Self, Unreadable> {
        let decoded = decode(bytes, Some(&dialect.encoding))?;
        let (text, _) = split_hint(&decoded.text);
        let delimiter = u8::try_from(dialect.delimiter).unwrap_or(b',');
        let mut rows = Self::over(text.as_bytes().to_vec(), delimiter);
        if dialect.has_headers {
            rows.next_raw();
        }
        Ok(rows)
    }

    pub(super) fn over(text: Vec<u8>, delimiter: u8) -> Self {
        Self { reader: reader(Cursor::new(text), delimiter), record: StringRecord::new(), number: 0 }
    }

    /// The next row of the file, headers and empty cells included.
    pub(super) fn next_raw(&mut self) -> Option<(u64, &StringRecord)> {
        // Reading from memory, flexibly, from text known to be UTF-8, has nothing left to fail.
        let read = self.reader.read_record(&mut self.record).unwrap_or(false);
        self.number += u64::from(read);
        read.then_some((self.number, &self.record))
    }

    /// The next row with something in it, and its number in the file.
    pub fn next_row(&mut self) -> Option<(u64, &StringRecord)> {
        loop {
            self.next_raw()?;
            if self.record.iter().any(|cell| !cell.trim().is_empty()) {
                return Some((self.number, &self.record));
            }
        }
    }
}

/// Reads a row under a mapping.
///
/// # Errors
/// Every fault of the row.
pub fn read_row(number: u64, record: &StringRecord, mapping: &Mapping, columns: usize, teams: &Teams) -> Result<ImportRow, Vec<RowFault>> {
    let mut faults = Vec::new();
    let cell = |column: Option<ColumnNumber>| column.and_then(|column| record.get(usize::from(column.0))).unwrap_or_default().trim();
    if record.iter().skip(columns).any(|cell| !cell.trim().is_empty()) {
        let detail =
            format!("the row has {} cells, but the file has {columns} columns; is a value with a delimiter unquoted?", record.len());
        faults.push(RowFault::new(number, None, "too_many_cells", detail));
    }
    let email = EmailAddress::parse(cell(Some(mapping.email))).map_err(|why| {
        let code = if why == NoEmailAddress::Empty { "email_missing" } else { "email_invalid" };
        faults.push(RowFault::new(number, Some(mapping.email), code, why.to_string()));
    });
    let mut name = |column: Option<ColumnNumber>| {
        let clean: String = cell(column).chars().filter(|one| !one.is_control()).collect();
        if clean.chars().count() > LONGEST_NAME {
            let detail = format!("a name has at most {LONGEST_NAME} characters");
            faults.push(RowFault::new(number, column, "name_too_long", detail));
        }
        (!clean.is_empty()).then_some(clean)
    };
    let (first_name, last_name) = (name(mapping.first_name), name(mapping.last_name));
    let word = cell(mapping.role);
    let role = role_meant(word);
    if role.is_none() && !word.is_empty() {
        faults.push(RowFault::new(number, mapping.role, "role_unknown", "the role is user or admin"));
    }
    let teams = teams.in_cell(cell(mapping.teams)).map_err(|name| {
        let detail = format!("there is no team {:?}; make it, then confirm", shorten(name));
        faults.push(RowFault::new(number, mapping.teams, "team_unknown", detail));
    });
    match (email, teams) {
        (Ok(email), Ok(teams)) if faults.is_empty() => Ok(ImportRow { email, first_name, last_name, role, teams }),
        _ => Err(faults),
    }
}

/// The beginning of a text that is shown.
pub(super) fn shorten(text: &str) -> String {
    text.chars().take(super::SHOWN_CHARACTERS).collect()
}
