use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

use csv::{Reader, StringRecord};

use super::dialect::reader;
use super::encoding::{RowEndless, lost, unreadable};
use super::headers::role_meant;
use super::{ColumnNumber, LONGEST_ROW, Mapping, RowFault, Unreadable};
use crate::auth::Role;
use crate::display_name::is_unreadable;
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

/// Text that ends in an error when nobody has taken a row from it for too long.
struct Bounded<R> {
    text: R,
    left: Rc<Cell<usize>>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.left.get();
        if left == 0 {
            return Err(io::Error::other(RowEndless));
        }
        let length = buffer.len().min(left);
        let read = self.text.read(&mut buffer[..length])?;
        self.left.set(left - read);
        Ok(read)
    }
}

/// The rows of a text, one at a time, in memory bounded by [`LONGEST_ROW`].
pub(super) struct Rows<R> {
    reader: Reader<Bounded<R>>,
    left: Rc<Cell<usize>>,
    record: StringRecord,
    /// Number of the row just read; the first row of the file is 1.
    number: u64,
}

impl<R: Read> Rows<R> {
    /// The rows of a text in UTF-8.
    pub(super) fn over(text: R, delimiter: u8) -> Self {
        let left = Rc::new(Cell::new(LONGEST_ROW));
        let reader = reader(Bounded { text, left: left.clone() }, delimiter);
        Self { reader, left, record: StringRecord::new(), number: 0 }
    }

    /// The next row of the file, headers and empty cells included.
    pub(super) fn next_raw(&mut self) -> Result<Option<(u64, &StringRecord)>, Unreadable> {
        self.left.set(LONGEST_ROW);
        let line = self.reader.position().line();
        let read = self.reader.read_record(&mut self.record).map_err(|error| match error.into_kind() {
            csv::ErrorKind::Io(error) => unreadable(&error, line),
            // Reading flexibly from text known to be UTF-8 has nothing else left to fail.
            _ => lost(io::ErrorKind::InvalidData.into()),
        })?;
        self.number += u64::from(read);
        Ok(read.then_some((self.number, &self.record)))
    }

    /// The next row with something in it, and its number in the file.
    pub(super) fn next_row(&mut self) -> Result<Option<(u64, &StringRecord)>, Unreadable> {
        loop {
            if self.next_raw()?.is_none() {
                return Ok(None);
            }
            if self.record.iter().any(|cell| !cell.trim().is_empty()) {
                return Ok(Some((self.number, &self.record)));
            }
        }
    }
}

/// The cells of a row.
#[derive(Debug, Clone, Copy)]
pub struct Cells<'a> {
    record: &'a StringRecord,
    /// Cells of the record that come before those of the row.
    before: usize,
}

impl<'a> Cells<'a> {
    /// A record that is a row.
    pub(super) fn of(record: &'a StringRecord) -> Self {
        Self { record, before: 0 }
    }

    /// A record whose first cell is something else.
    pub(super) fn after_first(record: &'a StringRecord) -> Self {
        Self { record, before: 1 }
    }

    /// How many there are.
    #[must_use]
    pub fn count(self) -> usize {
        self.record.len().saturating_sub(self.before)
    }

    /// All of them.
    pub fn iter(self) -> impl Iterator<Item = &'a str> {
        self.record.iter().skip(self.before)
    }

    /// The cell of a column, without spaces around it; empty when there is none.
    #[must_use]
    pub fn at(self, column: Option<ColumnNumber>) -> &'a str {
        column.and_then(|column| self.record.get(usize::from(column.0) + self.before)).unwrap_or_default().trim()
    }
}

/// What a row says of a person, still in the row's own words.
pub(super) struct Said<'a> {
    pub(super) email: &'a str,
    first_name: &'a str,
    last_name: &'a str,
    role: &'a str,
    teams: &'a str,
}

/// Looks at a row under a mapping and appends its faults. `role` and `teams` say whether such a cell can be used.
pub(super) fn examine<'a>(
    number: u64,
    cells: Cells<'a>,
    mapping: &Mapping,
    columns: usize,
    is_role: impl FnOnce(&str) -> bool,
    unknown_team: impl FnOnce(&str) -> Option<String>,
    faults: &mut Vec<RowFault>,
) -> Said<'a> {
    if cells.count() > columns && cells.iter().skip(columns).any(|cell| !cell.trim().is_empty()) {
        let count = cells.count();
        let detail = format!("the row has {count} cells, but the file has {columns} columns; is a value with a delimiter unquoted?");
        faults.push(RowFault::new(number, None, "too_many_cells", detail));
    }
    let said = Said {
        email: cells.at(Some(mapping.email)),
        first_name: cells.at(mapping.first_name),
        last_name: cells.at(mapping.last_name),
        role: cells.at(mapping.role),
        teams: cells.at(mapping.teams),
    };
    if let Err(why) = EmailAddress::check(said.email) {
        let code = if why == NoEmailAddress::Empty { "email_missing" } else { "email_invalid" };
        faults.push(RowFault::new(number, Some(mapping.email), code, why.to_string()));
    }
    for (name, column) in [(said.first_name, mapping.first_name), (said.last_name, mapping.last_name)] {
        if name.len() > LONGEST_NAME && name.chars().filter(|one| !is_unreadable(*one)).count() > LONGEST_NAME {
            let detail = format!("a name has at most {LONGEST_NAME} characters");
            faults.push(RowFault::new(number, column, "name_too_long", detail));
        }
    }
    if !said.role.is_empty() && !is_role(said.role) {
        faults.push(RowFault::new(number, mapping.role, "role_unknown", "the role is user or admin"));
    }
    if !said.teams.is_empty()
        && let Some(team) = unknown_team(said.teams)
    {
        let detail = format!("there is no team {:?}; make it, then confirm", shorten(&team));
        faults.push(RowFault::new(number, mapping.teams, "team_unknown", detail));
    }
    said
}

/// Reads a row under a mapping.
///
/// # Errors
/// Every fault of the row.
pub fn read_row(number: u64, cells: Cells<'_>, mapping: &Mapping, columns: usize, teams: &Teams) -> Result<ImportRow, Vec<RowFault>> {
    let mut faults = Vec::new();
    let is_role = |cell: &str| role_meant(cell).is_some();
    let unknown_team = |cell: &str| teams.in_cell(cell).err().map(str::to_owned);
    let said = examine(number, cells, mapping, columns, is_role, unknown_team, &mut faults);
    match (EmailAddress::parse(said.email), teams.in_cell(said.teams)) {
        (Ok(email), Ok(teams)) if faults.is_empty() => {
            Ok(ImportRow { email, first_name: name(said.first_name), last_name: name(said.last_name), role: role_meant(said.role), teams })
        }
        _ => Err(faults),
    }
}

fn name(cell: &str) -> Option<String> {
    let clean: String = cell.chars().filter(|one| !is_unreadable(*one)).collect();
    (!clean.is_empty()).then_some(clean)
}

/// The beginning of a text that is shown.
#[must_use]
pub fn shorten(text: &str) -> String {
    text.chars().take(super::SHOWN_CHARACTERS).collect()
}
