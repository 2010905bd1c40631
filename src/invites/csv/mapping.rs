use csv::StringRecord;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};

use super::headers::{field_named, role_meant};
use super::{Field, MOST_COLUMNS};
use crate::members::{EmailAddress, Teams};

/// A column proposed for a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Proposal {
    /// The column, counted from 0.
    pub column: u16,
    /// How sure we are, in percent.
    #[schema(maximum = 100)]
    pub confidence: u8,
}

/// Which column is proposed for which field; fields without a column are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ProposedMapping {
    pub email: Proposal,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_name: Option<Proposal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_name: Option<Proposal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<Proposal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub teams: Option<Proposal>,
}

/// A column's number, counted from 0. JSON knows one kind of number, so `2.0` is as good as `2`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct ColumnNumber(pub u16);

impl<'de> Deserialize<'de> for ColumnNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = f64::deserialize(deserializer)?;
        let whole = number.fract() == 0.0 && (0.0..f64::from(u16::try_from(MOST_COLUMNS).unwrap_or(u16::MAX))).contains(&number);
        // The range was checked just now.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        if whole { Ok(Self(number as u16)) } else { Err(D::Error::custom("not a column's number, 0 to 199")) }
    }
}

impl utoipa::PartialSchema for ColumnNumber {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0)).maximum(Some(MOST_COLUMNS - 1)).into()
    }
}

impl utoipa::ToSchema for ColumnNumber {}

/// Which column is which field, counted from 0. Columns not named are ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    #[schema(inline)]
    pub email: ColumnNumber,
    #[schema(inline)]
    pub first_name: Option<ColumnNumber>,
    #[schema(inline)]
    pub last_name: Option<ColumnNumber>,
    #[schema(inline)]
    pub role: Option<ColumnNumber>,
    #[schema(inline)]
    pub teams: Option<ColumnNumber>,
}

impl Mapping {
    /// The fields that have a column, with it.
    #[must_use]
    pub fn columns(&self) -> Vec<(Field, u16)> {
        let optional = [
            (Field::Email, Some(self.email)),
            (Field::FirstName, self.first_name),
            (Field::LastName, self.last_name),
            (Field::Role, self.role),
            (Field::Teams, self.teams),
        ];
        optional.into_iter().filter_map(|(field, column)| Some((field, column?.0))).collect()
    }
}

impl From<ProposedMapping> for Mapping {
    fn from(proposed: ProposedMapping) -> Self {
        let column = |proposal: Option<Proposal>| proposal.map(|proposal| ColumnNumber(proposal.column));
        Self {
            email: ColumnNumber(proposed.email.column),
            first_name: column(proposed.first_name),
            last_name: column(proposed.last_name),
            role: column(proposed.role),
            teams: column(proposed.teams),
        }
    }
}

/// What the cells of a column are.
#[derive(Debug, Default, Clone, Copy)]
struct Content {
    filled: u32,
    addresses: u32,
    roles: u32,
    teams: u32,
}

impl Content {
    fn share(self, part: u32) -> u32 {
        (part * 100).checked_div(self.filled).unwrap_or(0)
    }
}

fn contents(columns: usize, rows: &[StringRecord], teams: &Teams) -> Vec<Content> {
    let mut contents = vec![Content::default(); columns];
    for row in rows {
        for (content, cell) in contents.iter_mut().zip(row) {
            if cell.trim().is_empty() {
                continue;
            }
            content.filled += 1;
            content.addresses += u32::from(EmailAddress::parse(cell).is_ok());
            content.roles += u32::from(role_meant(cell).is_some());
            content.teams += u32::from(teams.in_cell(cell).is_ok());
        }
    }
    contents
}

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
fn confidence(field: Field, by_name: Option<u8>, content: Content) -> Option<u8> {
    let held = match field {
        Field::Email => content.share(content.addresses),
        Field::Role => content.share(content.roles),
        Field::Teams => content.share(content.teams),
        // A name looks like any other word.
        Field::FirstName | Field::LastName => 0,
    };
    let held = u8::try_from(held).unwrap_or(100);
    match (field, by_name) {
        // A column called e-mail without one address in it is none.
        (Field::Email, _) if content.addresses == 0 => None,
        (Field::Email, Some(name)) => Some((name / 2 + held / 2).min(99)),
        (Field::Email, None) => (held >= 50).then_some(held / 2 + 10),
        (Field::Role | Field::Teams, Some(name)) if content.filled > 0 && held < 50 => Some(name / 2),
        (_, Some(name)) => Some(name),
        (Field::Role | Field::Teams, None) => (held == 100 && content.filled > 1).then_some(50),
        (Field::FirstName | Field::LastName, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_any_json_number_that_is_whole_and_in_range() {
        let read = |text: &str| serde_json::from_str::<ColumnNumber>(text).map(|column| column.0).ok();
        assert_eq!([read("0"), read("58.0"), read("199")], [Some(0), Some(58), Some(199)]);
        assert_eq!([read("200"), read("-1"), read("1.5"), read("\"1\""), read("1e300")], [None; 5]);
    }
}
