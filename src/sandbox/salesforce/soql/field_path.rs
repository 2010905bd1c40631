//! Fields of a checked query, by their way through the schema.

use super::ast::{AggregateFunction, SoqlExpression};
use crate::sandbox::salesforce::schema::{FieldSchema, FieldType, NumberType};

/// A field of the schema, reached from the queried object through relationships.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldPath {
    /// The names of the relationships, in their proper case.
    pub relationships: Vec<&'static str>,
    pub field: &'static FieldSchema,
}

impl FieldPath {
    /// The column header, such as `Owner.Type`.
    pub fn column_header(&self) -> String {
        self.relationships.iter().chain([&self.field.name]).copied().collect::<Vec<_>>().join(".")
    }
}

/// What a condition compares or a query sorts by.
pub trait Operand {
    /// The type of its values.
    fn field_type(&self) -> FieldType;
}

impl Operand for FieldPath {
    fn field_type(&self) -> FieldType {
        self.field.field_type
    }
}

impl Operand for SoqlExpression<FieldPath> {
    fn field_type(&self) -> FieldType {
        match self {
            Self::Field(field) | Self::Aggregate(AggregateFunction::Min | AggregateFunction::Max, field) => field.field.field_type,
            Self::Aggregate(..) => FieldType::Number(NumberType::Double),
        }
    }
}
