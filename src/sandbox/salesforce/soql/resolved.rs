//! Fields of a checked query.

use super::ast::{Function, Item};
use crate::sandbox::salesforce::schema::{Field, Kind, NumberKind};

/// A field found in the schema, by way of relationships if need be.
#[derive(Debug, Clone, PartialEq)]
pub struct Resolved {
    /// Relationship names on the way, in their proper case.
    pub path: Vec<&'static str>,
    pub field: &'static Field,
}

impl Resolved {
    /// The name as a column header, such as `Owner.Type`.
    pub fn header(&self) -> String {
        self.path.iter().chain([&self.field.name]).copied().collect::<Vec<_>>().join(".")
    }
}

/// What a condition compares, or an order sorts by.
pub trait Operand {
    /// The kind of its values.
    fn kind(&self) -> Kind;
}

impl Operand for Resolved {
    fn kind(&self) -> Kind {
        self.field.kind
    }
}

impl Operand for Item<Resolved> {
    fn kind(&self) -> Kind {
        match self {
            Self::Field(field) | Self::Aggregate(Function::Min | Function::Max, field) => field.field.kind,
            Self::Aggregate(..) => Kind::Number(NumberKind::Double),
        }
    }
}
