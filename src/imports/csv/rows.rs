use csv::StringRecord;

use super::address_cell::{AddressCell, address_in};
use super::headers::role_meant;
use super::{ColumnNumber, Mapping, RowError};
use crate::auth::Role;
use crate::display_name::is_unreadable;
use crate::ids::TeamId;
use crate::invites::split_name;
use crate::members::{EmailAddress, MAX_NAME_LENGTH, NoEmailAddress, Teams};

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

/// The cells of a row.
#[derive(Debug, Clone, Copy)]
pub struct Cells<'a> {
    record: &'a StringRecord,
    /// Cells of the record that come before those of the row.
    before: usize,
    /// The column where a quotation mark is opened and never closed.
    unclosed_quote: Option<ColumnNumber>,
}

impl<'a> Cells<'a> {
    /// A record that is a row.
    pub(super) fn of_record(record: &'a StringRecord, unclosed_quote: Option<ColumnNumber>) -> Self {
        Self { record, before: 0, unclosed_quote }
    }

    /// A record whose first cell is something else.
    pub(super) fn after_first(record: &'a StringRecord, unclosed_quote: Option<ColumnNumber>) -> Self {
        Self { record, before: 1, unclosed_quote }
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
    pub fn cell(self, column: Option<ColumnNumber>) -> &'a str {
        column.and_then(|column| self.record.get(usize::from(column.0) + self.before)).unwrap_or_default().trim()
    }
}

/// What a row says of a person, still in the row's own words.
pub(super) struct RowValues<'a> {
    /// The address alone; what the cell holds when there is none.
    pub(super) email: &'a str,
    /// The name beside the address.
    display_name: Option<&'a str>,
    first_name: &'a str,
    last_name: &'a str,
    role: &'a str,
    teams: &'a str,
}

/// Looks at a row under a mapping and appends its errors. `role` and `teams` say whether such a cell can be used.
pub(super) fn examine<'a>(
    number: u64,
    cells: Cells<'a>,
    mapping: &Mapping,
    columns: usize,
    is_role: impl FnOnce(&str) -> bool,
    unknown_team: impl FnOnce(&str) -> Option<String>,
    errors: &mut Vec<RowError>,
) -> RowValues<'a> {
    if cells.count() > columns && cells.iter().skip(columns).any(|cell| !cell.trim().is_empty()) {
        let count = cells.count();
        let detail = format!("the row has {count} cells, but the file has {columns} columns; is a value with a delimiter unquoted?");
        errors.push(RowError::new(number, None, "too_many_cells", detail));
    }
    if let Some(column) = cells.unclosed_quote {
        let detail = "a quotation mark is opened here and never closed; close it, or take it away";
        errors.push(RowError::new(number, Some(column), "quote_unclosed", detail));
    }
    let email_cell = cells.cell(Some(mapping.email));
    let read = address_in(email_cell);
    let AddressCell { address, name } = read.unwrap_or(AddressCell { address: email_cell, name: None });
    let said = RowValues {
        email: address,
        display_name: name,
        first_name: cells.cell(mapping.first_name),
        last_name: cells.cell(mapping.last_name),
        role: cells.cell(mapping.role),
        teams: cells.cell(mapping.teams),
    };
    if let Err(why) = read
        && cells.unclosed_quote != Some(mapping.email)
    {
        let code = if why == NoEmailAddress::Empty { "email_missing" } else { "email_invalid" };
        errors.push(RowError::new(number, Some(mapping.email), code, why.to_string()));
    }
    for (name, column) in [(said.first_name, mapping.first_name), (said.last_name, mapping.last_name)] {
        if name.len() > MAX_NAME_LENGTH && name.chars().filter(|one| !is_unreadable(*one)).count() > MAX_NAME_LENGTH {
            let detail = format!("a name has at most {MAX_NAME_LENGTH} characters");
            errors.push(RowError::new(number, column, "name_too_long", detail));
        }
    }
    if !said.role.is_empty() && !is_role(said.role) {
        errors.push(RowError::new(number, mapping.role, "role_unknown", "the role is user or admin"));
    }
    if !said.teams.is_empty()
        && let Some(team) = unknown_team(said.teams)
    {
        let detail = format!("there is no team {:?}; make it, then confirm", shorten(&team));
        errors.push(RowError::new(number, mapping.teams, "team_unknown", detail));
    }
    said
}

/// Reads a row under a mapping.
///
/// # Errors
/// Every error of the row.
pub fn read_row(number: u64, cells: Cells<'_>, mapping: &Mapping, columns: usize, teams: &Teams) -> Result<ImportRow, Vec<RowError>> {
    let mut errors = Vec::new();
    let is_role = |cell: &str| role_meant(cell).is_some();
    let unknown_team = |cell: &str| teams.in_cell(cell).err().map(str::to_owned);
    let said = examine(number, cells, mapping, columns, is_role, unknown_team, &mut errors);
    match (EmailAddress::parse(said.email), teams.in_cell(said.teams)) {
        (Ok(email), Ok(teams)) if errors.is_empty() => {
            let (first_name, last_name) = said.names();
            Ok(ImportRow { email, first_name, last_name, role: role_meant(said.role), teams })
        }
        _ => Err(errors),
    }
}

impl RowValues<'_> {
    /// The person's names: those of their columns, else the one beside the address.
    fn names(&self) -> (Option<String>, Option<String>) {
        match (name(self.first_name), name(self.last_name), self.display_name) {
            (None, None, Some(display_name)) => {
                let (first, last) = split_name(display_name);
                (first.as_deref().and_then(name), last.as_deref().and_then(name))
            }
            (first, last, _) => (first, last),
        }
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
