use csv::StringRecord;

use super::address_cell::{address_in, is_address};
use super::headers::{field_named, plain, role_meant};
use super::{Field, Proposal, ProposedMapping};
use crate::members::Teams;

/// What the cells of a column are.
#[derive(Debug, Default, Clone, Copy)]
struct ColumnContent {
    filled: u32,
    addresses: u32,
    roles: u32,
    teams: u32,
    /// Cells that the address in their row begins with, such as Ann in ann.lee@example.com.
    begins_address: u32,
    /// Cells that end the part before the @, such as Lee.
    ends_address: u32,
}

impl ColumnContent {
    fn share(self, part: u32) -> u8 {
        u8::try_from(u64::from(part) * 100 / u64::from(self.filled.max(1))).unwrap_or(100)
    }
}

fn contents(columns: usize, rows: &[StringRecord], teams: &Teams) -> Vec<ColumnContent> {
    let mut contents = vec![ColumnContent::default(); columns];
    for row in rows {
        let address = row.iter().find_map(|cell| address_in(cell).ok());
        let local = address.and_then(|found| found.address.split_once('@')).map(|(local, _)| plain(local)).unwrap_or_default();
        for (content, cell) in contents.iter_mut().zip(row) {
            if cell.trim().is_empty() {
                continue;
            }
            content.filled += 1;
            if is_address(cell) {
                content.addresses += 1;
                continue;
            }
            content.roles += u32::from(role_meant(cell).is_some());
            content.teams += u32::from(teams.in_cell(cell).is_ok());
            let name = if cell.len() <= MAX_NAME_LOOKED_AT { plain(cell) } else { String::new() };
            if name.chars().count() > 1 && name.len() < local.len() {
                content.begins_address += u32::from(local.starts_with(&name));
                content.ends_address += u32::from(local.ends_with(&name));
            }
        }
    }
    contents
}

/// Longest cell in bytes that is compared with addresses: a name is no essay.
const MAX_NAME_LOOKED_AT: usize = 100;

/// Proposes a column for each field, by the headers if there are any and by what the cells hold. `None` when no column holds
/// addresses.
pub(super) fn propose(headers: Option<&StringRecord>, columns: usize, rows: &[StringRecord], teams: &Teams) -> Option<ProposedMapping> {
    let contents = contents(columns, rows, teams);
    let mut candidates: Vec<(u8, usize, Field)> = Vec::new();
    for (column, content) in contents.iter().enumerate() {
        let named = headers.and_then(|headers| headers.get(column)).and_then(field_named);
        for field in Field::ALL {
            let by_name = named.filter(|(name, _)| *name == field).map(|(_, confidence)| confidence);
            if let Some(confidence) = confidence(field, by_name, *content) {
                candidates.push((confidence, column, field));
            }
        }
    }
    // The surest first; of equals the one further left.
    candidates.sort_by_key(|(confidence, column, field)| (std::cmp::Reverse(*confidence), *column, *field));
    let mut chosen: Vec<(u8, usize, Field)> = Vec::new();
    for candidate in candidates {
        if !chosen.iter().any(|(_, column, field)| *column == candidate.1 || *field == candidate.2) {
            chosen.push(candidate);
        }
    }
    let of = |wanted| {
        let (confidence, column, _) = chosen.iter().find(|(_, _, field)| *field == wanted)?;
        Some(Proposal { column: u16::try_from(*column).ok()?, confidence: *confidence })
    };
    Some(ProposedMapping {
        email: of(Field::Email)?,
        first_name: of(Field::FirstName),
        last_name: of(Field::LastName),
        role: of(Field::Role),
        teams: of(Field::Teams),
    })
}

/// How sure we are, in percent, that a column is the field; `None` when nothing speaks for it.
fn confidence(field: Field, by_name: Option<u8>, content: ColumnContent) -> Option<u8> {
    let held = match field {
        Field::Email => content.share(content.addresses),
        Field::Role => content.share(content.roles),
        Field::Teams => content.share(content.teams),
        Field::FirstName => content.share(content.begins_address),
        Field::LastName => content.share(content.ends_address),
    };
    match (field, by_name) {
        // A column called e-mail without one address in it is none, nor are job titles roles.
        (Field::Email, _) if content.addresses == 0 => None,
        (Field::Role, Some(_)) if content.filled > 0 && content.roles == 0 => None,
        (Field::Email, Some(name)) => Some((name / 2 + held / 2).min(99)),
        (Field::Email, None) => (held >= 50).then_some(held / 2 + 10),
        (Field::Role | Field::Teams, Some(name)) if content.filled > 0 && held < 50 => Some(name / 2),
        (_, Some(name)) => Some(name),
        (Field::Role | Field::Teams, None) => (held == 100 && content.filled > 1).then_some(50),
        // Names come back in most addresses of companies, so a column whose cells do is likely one.
        (Field::FirstName | Field::LastName, None) => (held >= 60 && content.filled > 1).then_some(held / 2),
    }
}
