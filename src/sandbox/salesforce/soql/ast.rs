//! The syntax tree of a query. `F` is a field: a name as written, or a path through the schema in a checked query.

use crate::sandbox::salesforce::schema::FieldType;

/// A query.
#[derive(Debug, Clone, PartialEq)]
pub struct SoqlQuery<F = SoqlName> {
    pub select: SelectClause<F>,
    /// The object's name.
    pub object: String,
    pub condition: Option<SoqlCondition<F>>,
    /// The order of records; that of groups is a part of the aggregation.
    pub order: Vec<SortKey<F>>,
    pub limit: Option<u64>,
    pub offset: Option<u64>,
}

/// A field's name as written, and its column (1-based).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SoqlName {
    pub text: String,
    pub column: usize,
}

/// What a query selects.
#[derive(Debug, Clone, PartialEq)]
pub enum SelectClause<F> {
    Fields(Vec<F>),
    /// `COUNT()`.
    Count,
    /// Functions of many rows, with or without groups.
    Aggregates(Aggregation<F>),
}

/// A condition.
#[derive(Debug, Clone, PartialEq)]
pub enum SoqlCondition<F> {
    And(Vec<Self>),
    Or(Vec<Self>),
    Not(Box<Self>),
    Compare(F, ComparisonOperator, SoqlLiteral),
    /// `IN`, or `NOT IN` when the flag is false.
    In(F, bool, Vec<SoqlLiteral>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ComparisonOperator {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Like,
}

/// A value written into a query.
#[derive(Debug, Clone, PartialEq)]
pub enum SoqlLiteral {
    Null,
    Text(String),
    Boolean(bool),
    Number(f64),
    /// Unix seconds.
    DateTime(i64),
}

/// One sort key.
#[derive(Debug, Clone, PartialEq)]
pub struct SortKey<F> {
    pub field: F,
    pub is_descending: bool,
    pub has_nulls_last: bool,
}

/// A function of a field's values in many rows, which ignores empty ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AggregateFunction {
    Count,
    CountDistinct,
    Sum,
    Avg,
    Min,
    Max,
}

impl AggregateFunction {
    const ALL: [Self; 6] = [Self::Count, Self::CountDistinct, Self::Sum, Self::Avg, Self::Min, Self::Max];

    /// The function of this name, without regard to case.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|function| function.name().eq_ignore_ascii_case(name))
    }

    /// As written in a query.
    pub fn name(self) -> &'static str {
        match self {
            Self::Count => "COUNT",
            Self::CountDistinct => "COUNT_DISTINCT",
            Self::Sum => "SUM",
            Self::Avg => "AVG",
            Self::Min => "MIN",
            Self::Max => "MAX",
        }
    }

    /// Whether it takes fields of a type: sums and averages take numbers only, minimum and maximum whatever has an order.
    pub fn takes(self, field_type: FieldType) -> bool {
        match self {
            Self::Sum | Self::Avg => matches!(field_type, FieldType::Number(_)),
            Self::Min | Self::Max => !matches!(field_type, FieldType::Boolean | FieldType::TextArea(_)),
            Self::Count | Self::CountDistinct => !matches!(field_type, FieldType::TextArea(_)),
        }
    }
}

/// A field, or a function of one.
#[derive(Debug, Clone, PartialEq)]
pub enum SoqlExpression<F> {
    Field(F),
    Aggregate(AggregateFunction, F),
}

/// A selected expression, and the alias it is shown under if it has one.
#[derive(Debug, Clone, PartialEq)]
pub struct SelectedExpression<F> {
    pub expression: SoqlExpression<F>,
    pub alias: Option<String>,
}

/// What an aggregate query selects, groups and sorts by.
#[derive(Debug, Clone, PartialEq)]
pub struct Aggregation<F> {
    pub selected: Vec<SelectedExpression<F>>,
    pub groups: Vec<F>,
    pub having: Option<SoqlCondition<SoqlExpression<F>>>,
    pub order: Vec<SortKey<SoqlExpression<F>>>,
}
