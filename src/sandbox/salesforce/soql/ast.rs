//! The parts of a query: as written, with fields by name, or checked, with fields of the schema.

use crate::sandbox::salesforce::schema::Kind;

/// A query as written; names are not checked yet.
#[derive(Debug, Clone, PartialEq)]
pub struct Query<Field = Name> {
    pub select: Select<Field>,
    /// The object's name.
    pub object: String,
    pub condition: Option<Condition<Field>>,
    /// Of records; the order of groups is a part of their aggregation.
    pub order: Vec<Order<Field>>,
    pub limit: Option<u64>,
    pub offset: Option<u64>,
}

/// A field's name and the column it stands at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    pub text: String,
    pub column: usize,
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq)]
pub enum Select<Field> {
    Fields(Vec<Field>),
    /// `COUNT()`.
    Count,
    /// Functions of many rows, or groups of rows.
    Aggregates(Aggregation<Field>),
}

/// A condition.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition<Field> {
    And(Vec<Self>),
    Or(Vec<Self>),
    Not(Box<Self>),
    Compare(Field, Operator, Literal),
    /// `IN`, or `NOT IN` when the flag is false.
    In(Field, bool, Vec<Literal>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
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
pub enum Literal {
    Null,
    Text(String),
    Boolean(bool),
    Number(f64),
    /// Unix seconds.
    Moment(i64),
}

/// One sort key.
#[derive(Debug, Clone, PartialEq)]
pub struct Order<Field> {
    pub field: Field,
    pub descending: bool,
    pub nulls_last: bool,
}

/// A function of a field's values in many rows. Empty values don't count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    Count,
    CountDistinct,
    Sum,
    Avg,
    Min,
    Max,
}

impl Function {
    const ALL: [Self; 6] = [Self::Count, Self::CountDistinct, Self::Sum, Self::Avg, Self::Min, Self::Max];

    /// The function of this name, without regard to case.
    pub fn named(name: &str) -> Option<Self> {
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

    /// Whether it can be made of fields of a kind: sums and means of numbers only, the least and the most of whatever has an order.
    pub fn takes(self, kind: Kind) -> bool {
        match self {
            Self::Sum | Self::Avg => matches!(kind, Kind::Number(_)),
            Self::Min | Self::Max => !matches!(kind, Kind::Boolean | Kind::TextArea(_)),
            Self::Count | Self::CountDistinct => !matches!(kind, Kind::TextArea(_)),
        }
    }
}

/// A grouped field, or a function of one.
#[derive(Debug, Clone, PartialEq)]
pub enum Item<Field> {
    Field(Field),
    Aggregate(Function, Field),
}

/// One of the things selected, and the name it is shown under if one is given.
#[derive(Debug, Clone, PartialEq)]
pub struct Selected<Field> {
    pub item: Item<Field>,
    pub alias: Option<String>,
}

/// What an aggregate query asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct Aggregation<Field> {
    pub selected: Vec<Selected<Field>>,
    pub groups: Vec<Field>,
    pub having: Option<Condition<Item<Field>>>,
    pub order: Vec<Order<Item<Field>>>,
}
