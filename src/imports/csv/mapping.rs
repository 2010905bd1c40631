use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};

use super::{Field, MAX_COLUMNS};

/// A column proposed for a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = ColumnProposal)]
pub struct Proposal {
    /// The column, counted from 0.
    pub column: u16,
    /// How sure we are, in percent; 100 when somebody has chosen it.
    #[schema(maximum = 100)]
    pub confidence: u8,
}

/// Which column is proposed for which field; fields without a column are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = ProposedImportMapping)]
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
        let whole = number.fract() == 0.0 && (0.0..f64::from(u16::try_from(MAX_COLUMNS).unwrap_or(u16::MAX))).contains(&number);
        // The range was checked just now.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        if whole { Ok(Self(number as u16)) } else { Err(D::Error::custom("not a column's number, 0 to 199")) }
    }
}

impl utoipa::PartialSchema for ColumnNumber {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0)).maximum(Some(MAX_COLUMNS - 1)).into()
    }
}

impl utoipa::ToSchema for ColumnNumber {}

/// Which column is which field, counted from 0. Columns not named are ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ImportMapping)]
pub struct Mapping {
    #[schema(inline)]
    pub email: ColumnNumber,
    #[schema(inline)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_name: Option<ColumnNumber>,
    #[schema(inline)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_name: Option<ColumnNumber>,
    #[schema(inline)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<ColumnNumber>,
    #[schema(inline)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub teams: Option<ColumnNumber>,
}

/// Why a mapping does not fit a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MappingMismatch {
    NoSuchColumn { field: Field, column: u16 },
    Shared { field: Field, other: Field, column: u16 },
}

impl Mapping {
    /// A column that two fields have, with both; and a field whose column the file, which has `columns`, has not.
    #[must_use]
    pub fn unfit(&self, columns: usize) -> Option<MappingMismatch> {
        let all = self.columns();
        if let Some((field, column)) = all.iter().find(|(_, column)| usize::from(*column) >= columns) {
            return Some(MappingMismatch::NoSuchColumn { field: *field, column: *column });
        }
        all.iter().enumerate().find_map(|(at, (field, column))| {
            let (other, _) = all[..at].iter().find(|(_, taken)| taken == column)?;
            Some(MappingMismatch::Shared { field: *field, other: *other, column: *column })
        })
    }

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

impl From<Mapping> for ProposedMapping {
    /// What a person has chosen is sure.
    fn from(chosen: Mapping) -> Self {
        let sure = |column: ColumnNumber| Proposal { column: column.0, confidence: 100 };
        Self {
            email: sure(chosen.email),
            first_name: chosen.first_name.map(sure),
            last_name: chosen.last_name.map(sure),
            role: chosen.role.map(sure),
            teams: chosen.teams.map(sure),
        }
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
